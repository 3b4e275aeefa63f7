//! Whenever an adjustment with sellers' lines is approved, their accounts take their parts over from
//! the claims: a debit by the waterfall, a credit first against what the seller owes.

use kernel::Money;

use super::{Command, Reaction};
use crate::{
    adjustment::events::AdjustmentEvent,
    seller_account::{
        commands::SellerAccountCommand,
        events::{CreditBackReason, DebitReason},
    },
    vocabulary::{Organizer, Side},
};

const POLICY: &str = "settle_adjustments";

pub(super) fn on_adjustment(event: &AdjustmentEvent, reactions: &mut Vec<Reaction>) {
    let AdjustmentEvent::Approved { adjustment, content, .. } = event else { return };
    for line in &content.lines {
        let Some((seller, claim)) = line.claim(*adjustment) else { continue };
        let amount = Money::new(line.minor, content.currency);
        // Nobody was named, so it is the seller's own organizer's.
        let (organizer, order) = (Organizer::default(), None);
        let occurred_at = content.effective;
        let command = match line.side {
            Side::Debit => SellerAccountCommand::Debit {
                claim,
                amount,
                reason: DebitReason::Adjustment,
                about: None,
                organizer,
                order,
                occurred_at,
            },
            Side::Credit => SellerAccountCommand::CreditBack {
                claim,
                amount,
                reason: CreditBackReason::Adjustment,
                organizer,
                order,
                occurred_at,
            },
        };
        let command = Command::SellerAccount(seller, command);
        reactions.push(Reaction { policy: POLICY, command });
    }
}
