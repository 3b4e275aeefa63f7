//! Fetching money back from a connected account.

use kernel::{Money, PayoutId, SellerId};

use super::{Decision, Desk};
use crate::{
    payout::{
        commands::ReversalFact, errors::PayoutError, events::PayoutEvent, state::ReversalStage,
    },
    vocabulary::Person,
};

impl Desk<'_> {
    pub(super) fn reverse_transfer(self, amount: Option<Money>, by: Person) -> Decision {
        let (Some(transfer), Some(remaining)) =
            (&self.state.transfer, self.state.transfer_remaining())
        else {
            return self.wrong_state();
        };
        let amount = amount.unwrap_or(remaining);
        if amount.currency() != remaining.currency() {
            let (expected, given) = (remaining.currency(), amount.currency());
            return Err(PayoutError::CurrencyMismatch { expected, given });
        }
        if amount.minor() > remaining.minor() || remaining.is_zero() {
            return Err(PayoutError::ExceedsTransfer { remaining });
        }
        if !amount.is_positive() {
            return Err(PayoutError::AmountNotPositive);
        }
        let attempt = match self.state.reversal {
            ReversalStage::Submitted(known) if known == amount => return Ok(vec![]),
            ReversalStage::Submitted(known) => {
                let state = format!("reversal of {known} submitted");
                return Err(PayoutError::WrongState { state });
            }
            // The same question again under the same key, so that Stripe reverses once.
            ReversalStage::Unknown(known) if known == amount => self.state.reversal_attempts,
            ReversalStage::Unknown(known) => {
                let state = format!("outcome of the reversal of {known} unknown");
                return Err(PayoutError::WrongState { state });
            }
            ReversalStage::None | ReversalStage::Refused => self.state.reversal_attempts + 1,
        };
        // Transfers nobody requested have no payout id of ours; Stripe's id names them as well.
        let idempotency_key = match &self.state.request {
            Some(request) => self.key(request.payout, &format!("reversal:{attempt}")),
            None => format!("db:{}:transfer:{}:reversal:{attempt}", self.tenant, transfer.transfer),
        };
        Ok(vec![PayoutEvent::ReversalSubmitted {
            transfer: transfer.transfer.clone(),
            amount,
            idempotency_key,
            by,
            at: self.now,
        }])
    }

    pub(super) fn note_reversal_refused(self, code: String, message: String) -> Decision {
        match self.state.reversal {
            ReversalStage::Submitted(_) | ReversalStage::Unknown(_) => {
                Ok(vec![PayoutEvent::ReversalRefused { code, message, at: self.now }])
            }
            ReversalStage::Refused => Ok(vec![]),
            ReversalStage::None => self.wrong_state(),
        }
    }

    pub(super) fn note_reversal_unknown(self) -> Decision {
        match self.state.reversal {
            ReversalStage::Submitted(_) => Ok(vec![PayoutEvent::ReversalUnknown { at: self.now }]),
            // It was found meanwhile, or this is known.
            ReversalStage::Unknown(_) => Ok(vec![]),
            ReversalStage::None if !self.state.reversals.is_empty() => Ok(vec![]),
            ReversalStage::None | ReversalStage::Refused => self.wrong_state(),
        }
    }

    /// Each reversal counts once, by its id, whether we asked for it or somebody else did.
    pub(super) fn note_reversal(
        self,
        payout: PayoutId,
        seller: Option<SellerId>,
        fact: ReversalFact,
    ) -> Decision {
        if let Some(expected) = self.state.reversals.get(&fact.reversal).copied() {
            if expected == fact.amount {
                return Ok(vec![]);
            }
            return Err(PayoutError::AmountDiffers { expected, given: fact.amount });
        }
        if !fact.amount.is_positive() {
            return Err(PayoutError::AmountNotPositive);
        }
        if let Some(remaining) = self.state.transfer_remaining() {
            if remaining.currency() != fact.amount.currency() {
                let (expected, given) = (remaining.currency(), fact.amount.currency());
                return Err(PayoutError::CurrencyMismatch { expected, given });
            }
            if fact.amount.minor() > remaining.minor() {
                return Err(PayoutError::ExceedsTransfer { remaining });
            }
        }
        Ok(vec![PayoutEvent::TransferReversed {
            payout: self.payout_or(payout),
            seller: self.seller_or(seller),
            account: fact.account,
            transfer: fact.transfer,
            reversal: fact.reversal,
            txn: fact.txn,
            amount: fact.amount,
            occurred_at: fact.occurred_at,
            at: self.now,
        }])
    }
}
