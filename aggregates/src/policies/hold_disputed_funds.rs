//! Whenever a payment is disputed, the sellers' parts are held; when the dispute is over, they are
//! lost or let go.

use kernel::{Money, OrderId};

use super::{Command, Reaction, per_seller};
use crate::{
    dispute::{
        commands::DisputeCommand,
        events::{DisputeEvent, DisputeOutcome},
    },
    order::{commands::OrderCommand, events::OrderEvent},
    payment::{
        commands::PaymentCommand,
        events::{Destination, PaymentEvent},
    },
    seller_account::{
        commands::SellerAccountCommand,
        events::{CreditBackReason, DebitReason},
    },
    vocabulary::Claim,
};

const POLICY: &str = "hold_disputed_funds";

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_dispute(event: &DisputeEvent, reactions: &mut Vec<Reaction>) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        DisputeEvent::Opened { dispute, payment, amount, inquiry, .. } => push(Command::Payment(
            *payment,
            PaymentCommand::RouteDispute { dispute: *dispute, amount: *amount, inquiry: *inquiry },
        )),
        DisputeEvent::Escalated { dispute, payment, amount, .. } => push(Command::Payment(
            *payment,
            PaymentCommand::RouteDispute { dispute: *dispute, amount: *amount, inquiry: false },
        )),
        DisputeEvent::Closed {
            dispute,
            stripe_dispute,
            payment,
            outcome,
            withdrawn,
            reinstated,
            occurred_at,
            ..
        } => push(Command::Payment(
            *payment,
            PaymentCommand::ConcludeDispute {
                dispute: *dispute,
                stripe_dispute: stripe_dispute.clone(),
                withdrawn: withdrawn.minor(),
                reinstated: reinstated.minor(),
                lost: *outcome == DisputeOutcome::Lost,
                occurred_at: *occurred_at,
            },
        )),
        DisputeEvent::FundsReinstated {
            dispute,
            stripe_dispute,
            payment,
            txn,
            amount,
            after_close: true,
            occurred_at,
            ..
        } => push(Command::Payment(
            *payment,
            PaymentCommand::ReviseDispute {
                dispute: *dispute,
                stripe_dispute: stripe_dispute.clone(),
                txn: txn.clone(),
                reinstated: amount.minor(),
                occurred_at: *occurred_at,
            },
        )),
        DisputeEvent::FeeCharged { dispute, currency, shares, at } => {
            for share in shares.iter().filter(|share| share.amount > 0) {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::Debit {
                        claim: Claim::of_dispute_fee(*dispute, share.seller),
                        amount: Money::new(share.amount, *currency),
                        reason: DebitReason::DisputeFee,
                        about: None,
                        organizer: share.seller.to_string().into(),
                        order: None,
                        occurred_at: *at,
                    },
                ));
            }
        }
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_payment(event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let mut tell = |order: OrderId, command: OrderCommand| {
        reactions.push(Reaction { policy: POLICY, command: Command::Order(order, command) });
    };
    match event {
        PaymentEvent::DisputeRouted {
            dispute,
            amount,
            inquiry,
            to: Destination::Order(order),
            ..
        } => tell(
            *order,
            OrderCommand::ApplyDispute { dispute: *dispute, amount: *amount, inquiry: *inquiry },
        ),
        PaymentEvent::DisputeConclusionRouted {
            dispute,
            stripe_dispute,
            order,
            withdrawn,
            reinstated,
            lost,
            occurred_at,
            ..
        } => tell(
            *order,
            OrderCommand::ConcludeDispute {
                dispute: *dispute,
                stripe_dispute: stripe_dispute.clone(),
                withdrawn: *withdrawn,
                reinstated: *reinstated,
                lost: *lost,
                occurred_at: *occurred_at,
            },
        ),
        PaymentEvent::DisputeRevisionRouted {
            dispute,
            stripe_dispute,
            order,
            txn,
            reinstated,
            occurred_at,
            ..
        } => tell(
            *order,
            OrderCommand::ReviseDispute {
                dispute: *dispute,
                stripe_dispute: stripe_dispute.clone(),
                txn: txn.clone(),
                reinstated: *reinstated,
                occurred_at: *occurred_at,
            },
        ),
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
#[expect(clippy::too_many_lines, reason = "one table of facts and what follows from each")]
pub(super) fn on_order(order: OrderId, event: &OrderEvent, reactions: &mut Vec<Reaction>) {
    let mut push = |command| reactions.push(Reaction { policy: POLICY, command });
    match event {
        OrderEvent::DisputeApplied {
            dispute,
            currency,
            shares,
            on_sellers: true,
            inquiry: false,
            ..
        } => {
            let parts = shares.iter().map(|share| (share, share.components.seller_part()));
            for (share, lines, amount) in per_seller(parts).into_iter().filter(|sum| sum.2 > 0) {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::HoldForDispute {
                        claim: Claim::of_dispute(*dispute, share.seller),
                        amount: Money::new(amount, *currency),
                        about: lines.iter().map(|line| Claim::of_line(order, *line)).collect(),
                        organizer: share.organizer.clone(),
                        order: Some(order),
                    },
                ));
            }
        }
        OrderEvent::DisputeConcluded {
            dispute,
            currency,
            shares,
            on_sellers: true,
            fee_on_sellers,
            occurred_at,
            ..
        } => {
            let parts =
                shares.iter().map(|share| (&share.lost, share.lost.components.seller_part()));
            for (share, _, amount) in per_seller(parts) {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::ConcludeDisputeHold {
                        claim: Claim::of_dispute(*dispute, share.seller),
                        lost: Money::new(amount, *currency),
                        occurred_at: *occurred_at,
                    },
                ));
            }
            let losses = shares.iter().map(|share| (&share.lost, share.lost.components.cash()));
            let weights: Vec<_> = per_seller(losses)
                .into_iter()
                .filter(|sum| sum.2 > 0)
                .map(|(share, _, amount)| (share.seller, amount))
                .collect();
            if *fee_on_sellers && !weights.is_empty() {
                push(Command::Dispute(*dispute, DisputeCommand::ChargeFee { weights }));
            }
        }
        OrderEvent::DisputeConclusionRevised {
            txn,
            currency,
            shares,
            on_sellers: true,
            occurred_at,
            ..
        } => {
            let parts = shares.iter().map(|share| (share, share.components.seller_part()));
            for (share, _, amount) in per_seller(parts).into_iter().filter(|sum| sum.2 > 0) {
                push(Command::SellerAccount(
                    share.seller,
                    SellerAccountCommand::CreditBack {
                        claim: Claim::of_late_reinstatement(txn, share.seller),
                        amount: Money::new(amount, *currency),
                        reason: CreditBackReason::DisputeReinstated,
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
