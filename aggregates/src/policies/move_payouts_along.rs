//! Whenever one side of a payout has done its part, the other does the next.

use kernel::{Money, SellerId};

use super::{Command, Reaction};
use crate::{
    payout::{commands::PayoutCommand, events::PayoutEvent},
    seller_account::{
        commands::SellerAccountCommand,
        events::{CreditBackReason, SellerAccountEvent},
    },
    vocabulary::Claim,
};

const POLICY: &str = "move_payouts_along";

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_seller_account(
    seller: SellerId,
    event: &SellerAccountEvent,
    reactions: &mut Vec<Reaction>,
) {
    let mut push = |payout, command| {
        reactions.push(Reaction { policy: POLICY, command: Command::Payout(payout, command) });
    };
    match event {
        SellerAccountEvent::PayoutReserved {
            account,
            payout,
            currency,
            amount,
            minimum,
            by_schedule,
            automatic_bank,
            requested_by,
            ..
        } => {
            push(
                *payout,
                PayoutCommand::Request {
                    payout: *payout,
                    seller,
                    account: account.clone(),
                    currency: *currency,
                    amount: Some(*amount),
                    minimum: *minimum,
                    by_schedule: *by_schedule,
                    automatic_bank: *automatic_bank,
                    requested_by: requested_by.clone(),
                },
            );
            let amount = Money::new(*amount, *currency);
            push(*payout, PayoutCommand::NoteReserved { amount });
        }
        SellerAccountEvent::PayoutCommitted { payout, currency, amount, .. } => {
            push(*payout, PayoutCommand::SubmitTransfer { amount: Money::new(*amount, *currency) })
        }
        SellerAccountEvent::PayoutReservationReleased { payout, reason, .. } => {
            push(*payout, PayoutCommand::Reject { reason: reason.clone() });
        }
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a policy picks the facts it is about")]
pub(super) fn on_payout(event: &PayoutEvent, reactions: &mut Vec<Reaction>) {
    let mut tell = |seller: SellerId, command| {
        reactions
            .push(Reaction { policy: POLICY, command: Command::SellerAccount(seller, command) });
    };
    match event {
        PayoutEvent::Reserved { payout, seller, .. } => {
            tell(*seller, SellerAccountCommand::CommitPayout { payout: *payout });
        }
        PayoutEvent::Rejected { payout, seller, reason, .. } => {
            let reason = reason.clone();
            tell(
                *seller,
                SellerAccountCommand::ReleasePayoutReservation { payout: *payout, reason },
            );
        }
        PayoutEvent::TransferCreated { payout, seller: Some(seller), automatic_bank, .. } => {
            tell(*seller, SellerAccountCommand::SettlePayout { payout: *payout });
            if *automatic_bank {
                tell(*seller, SellerAccountCommand::FreeLane { payout: *payout });
            }
        }
        PayoutEvent::Paid { payout, seller: Some(seller), .. }
        | PayoutEvent::Canceled { payout, seller: Some(seller), .. } => {
            tell(*seller, SellerAccountCommand::FreeLane { payout: *payout });
        }
        PayoutEvent::Failed { payout, seller: Some(seller), code, .. } => {
            let reason = code.clone();
            tell(*seller, SellerAccountCommand::BlockLane { payout: *payout, reason });
        }
        PayoutEvent::TransferReversed {
            seller: Some(seller),
            reversal,
            amount,
            occurred_at,
            ..
        } => tell(
            *seller,
            SellerAccountCommand::CreditBack {
                claim: Claim::of_reversal(reversal),
                amount: *amount,
                reason: CreditBackReason::TransferReversed,
                organizer: seller.to_string().into(),
                order: None,
                occurred_at: *occurred_at,
            },
        ),
        _ => {}
    }
}
