//! Whenever money is said to pay a membership, the membership is told; whenever a period is sold for
//! a seller, he is owed his months; whenever money of a period goes back, so does his part.

use kernel::{Money, PaymentId};

use super::{Command, Reaction};
use crate::{
    membership::{
        commands::{MembershipCommand, PaidPeriod},
        events::{MembershipEvent, SoldBy},
    },
    payment::{commands::PaymentCommand, events::PaymentEvent},
    refund::{
        commands::RefundCommand,
        events::{ApprovedHow, RefundSource},
    },
    seller_account::{
        commands::SellerAccountCommand,
        events::{CreditBackReason, DebitReason},
    },
    vocabulary::{Claim, MembershipRef, SetAsideReason},
};

const POLICY: &str = "sell_memberships";

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_payment(payment: PaymentId, event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let mut tell = |membership: &MembershipRef, command| {
        let command = Command::Membership(membership.clone(), command);
        reactions.push(Reaction { policy: POLICY, command });
    };
    match event {
        PaymentEvent::AttributedToMembership {
            charge,
            amount,
            membership,
            terms,
            available_on,
            occurred_at,
            ..
        } => tell(
            membership,
            MembershipCommand::RecordPaidPeriod(Box::new(PaidPeriod {
                membership: membership.clone(),
                terms: terms.clone(),
                paid: *amount,
                charge: Some((payment, charge.clone())),
                available_on: *available_on,
                occurred_at: *occurred_at,
            })),
        ),
        PaymentEvent::MembershipFunded { membership, period, available_on, .. } => tell(
            membership,
            MembershipCommand::NoteFunds { period: period.clone(), available_on: *available_on },
        ),
        PaymentEvent::MembershipCaptureReversed {
            charge, amount, membership, occurred_at, ..
        } => tell(
            membership,
            MembershipCommand::ReverseCapture {
                charge: charge.clone(),
                amount: *amount,
                occurred_at: *occurred_at,
            },
        ),
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
#[expect(clippy::too_many_lines, reason = "one table of facts and what follows from each")]
pub(super) fn on_membership(
    membership: &MembershipRef,
    event: &MembershipEvent,
    reactions: &mut Vec<Reaction>,
) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        MembershipEvent::PeriodPaid {
            terms,
            paid,
            sold_by: SoldBy::Agent { seller, organizer, .. },
            months,
            occurred_at,
            ..
        } => {
            for month in months.iter().filter(|month| month.amount > 0) {
                push(Command::SellerAccount(
                    *seller,
                    SellerAccountCommand::Credit {
                        claim: month.claim.clone(),
                        amount: Money::new(month.amount, paid.currency()),
                        organizer: organizer.clone(),
                        order: None,
                        line: None,
                        product: terms.product.clone(),
                        occurred_at: *occurred_at,
                    },
                ));
            }
        }
        MembershipEvent::PeriodRefused { charge, payment, .. } => {
            let command = PaymentCommand::SetAside {
                charge: charge.clone(),
                reason: SetAsideReason::Conflict,
            };
            push(match payment {
                Some(payment) => Command::Payment(*payment, command),
                None => Command::PaymentOf(charge.clone(), command),
            });
        }
        MembershipEvent::PeriodRefunded {
            period,
            refund,
            payment,
            charge,
            amount,
            given_back,
            agent,
            about,
            reason,
            by,
            at,
            ..
        } => {
            push(Command::Refund(
                *refund,
                RefundCommand::Request {
                    refund: *refund,
                    source: RefundSource::Membership {
                        membership: membership.clone(),
                        period: period.clone(),
                    },
                    payment: *payment,
                    charge: charge.clone(),
                    amount: *amount,
                    reason: reason.clone(),
                    requested_by: by.clone(),
                    decision_hours: 0,
                    second_person_above: 0,
                    // The membership has decided, and posted it.
                    approved: Some(ApprovedHow::Decided),
                },
            ));
            if let Some(agent) = agent.as_ref().filter(|_| given_back.seller > 0) {
                push(Command::SellerAccount(
                    agent.seller,
                    SellerAccountCommand::Debit {
                        claim: Claim::of_refund(*refund, agent.seller),
                        amount: Money::new(given_back.seller, amount.currency()),
                        reason: DebitReason::Refund,
                        about: about.clone(),
                        organizer: agent.organizer.clone(),
                        order: None,
                        occurred_at: *at,
                    },
                ));
            }
        }
        MembershipEvent::RefundReverted { refund, amount, given_back, agent, at, .. } => {
            if let Some(agent) = agent.as_ref().filter(|_| given_back.seller > 0) {
                push(Command::SellerAccount(
                    agent.seller,
                    SellerAccountCommand::CreditBack {
                        claim: Claim::of_reverted_refund(*refund, agent.seller),
                        amount: Money::new(given_back.seller, amount.currency()),
                        reason: CreditBackReason::RefundReverted,
                        organizer: agent.organizer.clone(),
                        order: None,
                        occurred_at: *at,
                    },
                ));
            }
        }
        MembershipEvent::CaptureReversed {
            charge,
            amount,
            given_back,
            agent,
            about,
            occurred_at,
            ..
        } => {
            if let Some(agent) = agent.as_ref().filter(|_| given_back.seller > 0) {
                push(Command::SellerAccount(
                    agent.seller,
                    SellerAccountCommand::Debit {
                        claim: Claim::of_reversed_capture(charge, agent.seller),
                        amount: Money::new(given_back.seller, amount.currency()),
                        reason: DebitReason::CaptureReversed,
                        about: about.clone(),
                        organizer: agent.organizer.clone(),
                        order: None,
                        occurred_at: *occurred_at,
                    },
                ));
            }
        }
        _ => {}
    }
}
