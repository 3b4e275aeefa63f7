//! How a payout changes with what has happened to it. A stored fact cannot be refused.

use super::{
    bank_leg::BankLeg,
    events::PayoutEvent as Event,
    state::{BankStage, ObservedPayout, Payout, Request, ReversalStage, Transfer, TransferStage},
};
use crate::vocabulary::StripePayoutRef;

#[expect(clippy::too_many_lines, reason = "one arm per event: the table of what is remembered")]
pub(super) fn evolve(state: &mut Payout, event: Event) {
    match event {
        Event::Requested {
            payout,
            seller,
            account,
            currency,
            amount,
            minimum,
            by_schedule,
            automatic_bank,
            requested_by,
            ..
        } => {
            state.stage = TransferStage::Requested;
            state.request = Some(Request {
                payout,
                seller,
                account,
                currency,
                amount,
                minimum,
                by_schedule,
                automatic_bank,
                requested_by,
            });
        }
        Event::Reserved { amount, .. } => {
            state.stage = TransferStage::Reserved;
            state.reserved = Some(amount);
        }
        Event::Rejected { .. } => state.stage = TransferStage::Rejected,
        Event::TransferSubmitted { amount, .. } => {
            state.stage = TransferStage::Submitted;
            state.submitted = Some(amount);
        }
        Event::TransferUnknown { .. } => state.stage = TransferStage::Unknown,
        Event::TransferDeferred { retry_at, attempt, .. } => {
            state.stage = TransferStage::Deferred { retry_at };
            state.deferrals = attempt;
        }
        Event::TransferCreated { account, transfer, amount, .. } => {
            state.stage = TransferStage::Transferred;
            state.transfer = Some(Transfer { transfer, account, amount });
        }
        Event::BankSubmitted { attempt, .. } => {
            state.bank = BankStage::Submitted;
            state.attempt = attempt;
        }
        Event::BankUnknown { .. } => state.bank = BankStage::Unknown,
        Event::BankRefused { .. } => state.bank = BankStage::Refused,
        Event::Sent { stripe_payout, amount, arrival, .. } => {
            state.bank = BankStage::Sent;
            state.legs.insert(stripe_payout.clone(), BankLeg::new(amount, arrival));
            state.current_leg = Some(stripe_payout);
        }
        Event::FactMerged { stripe_payout, status, rank, .. } => {
            leg(state, &stripe_payout, |leg| {
                leg.status = status;
                leg.rank = Some(rank);
            })
        }
        // `FactMerged` stands before each of these and carries the status; the bank leg that follows
        // a retry carries the attempt.
        Event::InTransit { .. }
        | Event::Paid { .. }
        | Event::Failed { .. }
        | Event::Canceled { .. }
        | Event::RetryRequested { .. } => {}
        Event::Returned { stripe_payout, .. } => {
            leg(state, &stripe_payout, |leg| leg.returned = true);
        }
        Event::ReversalSubmitted { amount, .. } => {
            if !matches!(state.reversal, ReversalStage::Unknown(_)) {
                state.reversal_attempts += 1;
            }
            state.reversal = ReversalStage::Submitted(amount);
        }
        Event::ReversalRefused { .. } => state.reversal = ReversalStage::Refused,
        Event::ReversalUnknown { .. } => {
            if let ReversalStage::Submitted(amount) = state.reversal {
                state.reversal = ReversalStage::Unknown(amount);
            }
        }
        Event::TransferReversed { reversal, amount, .. } => {
            state.reversals.insert(reversal, amount);
            if let ReversalStage::Submitted(asked) | ReversalStage::Unknown(asked) = state.reversal
                && asked == amount
            {
                state.reversal = ReversalStage::None;
            }
        }
        Event::Reconciled { stripe_payout, transactions, sum, .. } => {
            leg(state, &stripe_payout, |leg| leg.reconciled = Some((transactions, sum)));
        }
        Event::Observed { payout, stripe_payout, account, seller, amount, arrival, .. } => {
            state.observed = Some(ObservedPayout { payout, account, seller });
            state.bank = BankStage::Sent;
            state.legs.insert(stripe_payout.clone(), BankLeg::new(amount, arrival));
            state.current_leg = Some(stripe_payout);
        }
        Event::BankConfirmed { reference, .. } => state.confirmed = Some(reference),
        Event::Stuck { .. } => {
            if let Some(current) = state.current_leg.clone() {
                leg(state, &current, |leg| leg.stuck = true);
            }
        }
    }
}

fn leg(state: &mut Payout, stripe_payout: &StripePayoutRef, change: impl FnOnce(&mut BankLeg)) {
    if let Some(leg) = state.legs.get_mut(stripe_payout) {
        change(leg);
    }
}
