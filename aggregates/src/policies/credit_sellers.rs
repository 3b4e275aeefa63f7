//! Whenever an order is paid, its sellers are owed their parts; whenever a bank takes the money
//! back, so do we.

use kernel::{Money, OrderId, PaymentId};

use super::{Command, Reaction, per_seller};
use crate::{
    order::events::OrderEvent,
    payment::events::PaymentEvent,
    seller_account::{commands::SellerAccountCommand, events::DebitReason},
    vocabulary::Claim,
};

const POLICY: &str = "credit_sellers";

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_order(order: OrderId, event: &OrderEvent, reactions: &mut Vec<Reaction>) {
    match event {
        OrderEvent::Paid { lines, currency, occurred_at, .. } => {
            for share in lines.iter().filter(|share| share.components.seller_part() > 0) {
                reactions.push(Reaction {
                    policy: POLICY,
                    command: Command::SellerAccount(
                        share.seller,
                        SellerAccountCommand::Credit {
                            claim: Claim::of_line(order, share.line),
                            amount: Money::new(share.components.seller_part(), *currency),
                            organizer: share.organizer.clone(),
                            order: Some(order),
                            line: Some(share.line),
                            product: share.product.clone(),
                            occurred_at: *occurred_at,
                        },
                    ),
                });
            }
        }
        OrderEvent::CaptureReversed { charge, currency, shares, occurred_at, .. } => {
            let parts = shares.iter().map(|share| (share, share.components.seller_part()));
            for (share, lines, amount) in per_seller(parts).into_iter().filter(|sum| sum.2 > 0) {
                reactions.push(Reaction {
                    policy: POLICY,
                    command: Command::SellerAccount(
                        share.seller,
                        SellerAccountCommand::Debit {
                            claim: Claim::of_reversed_capture(charge, share.seller),
                            amount: Money::new(amount, *currency),
                            reason: DebitReason::CaptureReversed,
                            about: lines.first().map(|line| Claim::of_line(order, *line)),
                            organizer: share.organizer.clone(),
                            order: Some(order),
                            occurred_at: *occurred_at,
                        },
                    ),
                });
            }
        }
        _ => {}
    }
}

pub(super) fn on_payment(payment: PaymentId, event: &PaymentEvent, reactions: &mut Vec<Reaction>) {
    let PaymentEvent::AttributedToSellers { currency, shares, occurred_at, .. } = event else {
        return;
    };
    for share in shares.iter().filter(|share| share.seller_net > 0) {
        reactions.push(Reaction {
            policy: POLICY,
            command: Command::SellerAccount(
                share.seller,
                SellerAccountCommand::Credit {
                    claim: Claim::of_attribution(payment, share.seller),
                    amount: Money::new(share.seller_net, *currency),
                    organizer: share.organizer.clone(),
                    order: None,
                    line: None,
                    product: String::new(),
                    occurred_at: *occurred_at,
                },
            ),
        });
    }
}
