//! Whenever a part of an order (or of set-aside money) is set apart for a refund, the refund runs
//! its course; whenever a refund was made at Stripe, it finds the lines it belongs to.

use kernel::{Money, OrderId, PaymentId, RefundId};

use super::{Command, Reaction, Settled, per_seller};
use crate::{
    membership::commands::MembershipCommand,
    order::{commands::OrderCommand, events::OrderEvent},
    payment::{
        commands::PaymentCommand,
        events::{Destination, PaymentEvent},
    },
    refund::{
        commands::RefundCommand,
        events::{ApprovedHow, RefundEvent, RefundSource},
    },
    seller_account::{
        commands::SellerAccountCommand,
        events::{CreditBackReason, DebitReason},
    },
    vocabulary::{Claim, LineShare, Person, SetAsideReason},
};

const POLICY: &str = "refund_buyers";

/// Stripe's failure reason when a dispute overtook a pending refund.
const OVERTAKEN_BY_DISPUTE: &str = "charge_for_pending_refund_disputed";

/// What the seller of a refunded share gives back, after the commission policy.
#[must_use]
pub fn seller_part(share: &LineShare, commission_retained: bool) -> i64 {
    if commission_retained {
        share.components.commission_retained().seller_part()
    } else {
        share.components.seller_part()
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
#[expect(clippy::too_many_lines, reason = "one table of facts and what follows from each")]
pub(super) fn on_order(order: OrderId, event: &OrderEvent, reactions: &mut Vec<Reaction>) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        OrderEvent::Cancelled { refunds, currency, reason, whole: false, .. } => {
            for (line, amount) in refunds.iter().filter(|(_, amount)| *amount > 0) {
                let refund =
                    RefundId::derived(&[&order.to_string(), "cancelled", &line.0.to_string()]);
                push(Command::Order(
                    order,
                    OrderCommand::ReserveRefund {
                        refund,
                        line: *line,
                        amount: Some(Money::new(*amount, *currency)),
                        reason: reason.clone(),
                        by: Person::from(POLICY),
                        approved: true,
                        despite_inquiry: false,
                    },
                ));
            }
        }
        OrderEvent::RefundReserved {
            refund,
            payment,
            charge,
            currency,
            tax_jurisdiction,
            share,
            amount,
            commission_retained,
            policy_version,
            reason,
            requested_by,
            approved,
            decision_hours,
            second_person_above,
            ..
        } => push(Command::Refund(
            *refund,
            RefundCommand::Request {
                refund: *refund,
                source: RefundSource::OrderLine {
                    order,
                    share: share.clone(),
                    tax_jurisdiction: tax_jurisdiction.clone(),
                    commission_retained: *commission_retained,
                    policy_version: Some(*policy_version),
                },
                payment: *payment,
                charge: charge.clone(),
                amount: Money::new(*amount, *currency),
                reason: reason.clone(),
                requested_by: requested_by.clone(),
                decision_hours: *decision_hours,
                second_person_above: *second_person_above,
                approved: approved.then_some(ApprovedHow::Automatic),
            },
        )),
        OrderEvent::ExternalRefundAllocated {
            refund,
            currency,
            shares,
            commission_retained,
            occurred_at,
            ..
        } => {
            let parts =
                shares.iter().map(|share| (share, seller_part(share, *commission_retained)));
            for (share, lines, amount) in per_seller(parts).into_iter().filter(|sum| sum.2 > 0) {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::Debit {
                        claim: Claim::of_refund(*refund, share.seller),
                        amount: Money::new(amount, *currency),
                        reason: DebitReason::Refund,
                        about: lines.first().map(|line| Claim::of_line(order, *line)),
                        organizer: share.organizer.clone(),
                        order: Some(order),
                        occurred_at: *occurred_at,
                    },
                ));
            }
        }
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_payment(payment: PaymentId, event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        PaymentEvent::SetAside {
            reason: reason @ (SetAsideReason::Duplicate | SetAsideReason::Late),
            ..
        } => push(Command::Payment(
            payment,
            PaymentCommand::ReserveUnallocatedRefund {
                refund: RefundId::derived(&[&payment.to_string(), "set_aside"]),
                amount: None,
                reason: match reason {
                    SetAsideReason::Late => "late payment".to_owned(),
                    SetAsideReason::Duplicate
                    | SetAsideReason::Conflict
                    | SetAsideReason::Unattributed => "duplicate payment".to_owned(),
                },
            },
        )),
        PaymentEvent::UnallocatedRefundReserved { refund, charge, amount, reason, .. } => {
            push(Command::Refund(
                *refund,
                RefundCommand::Request {
                    refund: *refund,
                    source: RefundSource::Unallocated,
                    payment,
                    charge: charge.clone(),
                    amount: *amount,
                    reason: reason.clone(),
                    requested_by: Person::from(POLICY),
                    decision_hours: 0,
                    second_person_above: 0,
                    approved: Some(ApprovedHow::Automatic),
                },
            ));
        }
        PaymentEvent::RefundRouted {
            refund,
            stripe_refund,
            amount,
            to: Destination::Order(order),
            occurred_at,
            ..
        } => push(Command::Order(
            *order,
            OrderCommand::AllocateExternalRefund {
                refund: *refund,
                stripe_refund: stripe_refund.clone(),
                amount: *amount,
                occurred_at: *occurred_at,
            },
        )),
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
#[expect(clippy::too_many_lines, reason = "one table of facts and what follows from each")]
pub(super) fn on_refund(refund: RefundId, event: &RefundEvent, reactions: &mut Vec<Reaction>) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        RefundEvent::Withdrawn { order: Some(order), .. }
        | RefundEvent::Declined { order: Some(order), .. } => {
            push(Command::Order(*order, OrderCommand::ReleaseRefund { refund }));
        }
        RefundEvent::Succeeded { order: Some(order), .. } => {
            push(Command::Order(*order, OrderCommand::SettleRefund { refund }));
        }
        RefundEvent::Approved {
            source: RefundSource::OrderLine { order, share, commission_retained, .. },
            amount,
            at,
            ..
        } => {
            let part = seller_part(share, *commission_retained);
            if part > 0 {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::Debit {
                        claim: Claim::of_refund(refund, share.seller),
                        amount: Money::new(part, amount.currency()),
                        reason: DebitReason::Refund,
                        about: Some(Claim::of_line(*order, share.line)),
                        organizer: share.organizer.clone(),
                        order: Some(*order),
                        occurred_at: *at,
                    },
                ));
            }
        }
        RefundEvent::Failed { reason, .. } if reason == OVERTAKEN_BY_DISPUTE => {
            push(Command::Refund(refund, RefundCommand::ForgoForDispute { dispute: None }));
        }
        RefundEvent::Reverted { source, payment, amount, at, .. } => match source {
            RefundSource::OrderLine { order, share, commission_retained, .. } => {
                push(Command::Order(*order, OrderCommand::ReleaseRefund { refund }));
                let part = seller_part(share, *commission_retained);
                if part > 0 {
                    push(Command::SellerAccount(
                        share.seller,
                        SellerAccountCommand::CreditBack {
                            claim: Claim::of_reverted_refund(refund, share.seller),
                            amount: Money::new(part, amount.currency()),
                            reason: CreditBackReason::RefundReverted,
                            organizer: share.organizer.clone(),
                            order: Some(*order),
                            occurred_at: *at,
                        },
                    ));
                }
            }
            RefundSource::Unallocated => push(Command::Payment(
                *payment,
                PaymentCommand::ReleaseUnallocatedRefund { refund },
            )),
            RefundSource::Membership { membership, .. } => push(Command::Membership(
                membership.clone(),
                MembershipCommand::RevertRefund { refund },
            )),
            RefundSource::External => {}
        },
        // Its balance transaction may have been there before.
        RefundEvent::Debited { txn, .. } | RefundEvent::Reversed { txn, .. } => {
            push(Command::SettlementOf { settled: Settled::Refund(refund), txn: txn.clone() });
        }
        RefundEvent::ExternalObserved { stripe_refund, payment, amount, occurred_at, .. } => {
            push(Command::Payment(
                *payment,
                PaymentCommand::RouteRefund {
                    refund,
                    stripe_refund: stripe_refund.clone(),
                    amount: *amount,
                    occurred_at: *occurred_at,
                },
            ));
        }
        _ => {}
    }
}
