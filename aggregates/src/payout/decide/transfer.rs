//! The first half of a payout: setting the money apart and transferring it.

use kernel::{Money, PayoutId, SellerId};

use super::{Decision, Desk, check_amount};
use crate::{
    payout::{
        commands::TransferFact,
        errors::PayoutError,
        events::PayoutEvent,
        state::{Request, TransferStage},
    },
    vocabulary::AccountRef,
};

impl Desk<'_> {
    pub(super) fn request(self, wanted: Request) -> Decision {
        if self.state.request.as_ref() == Some(&wanted) {
            return Ok(vec![]);
        }
        if self.state.exists() {
            return Err(PayoutError::AlreadyRequested);
        }
        if let Some(amount) = wanted.amount {
            check_amount(Money::new(amount, wanted.currency), wanted.currency)?;
        }
        Ok(vec![PayoutEvent::Requested {
            payout: wanted.payout,
            seller: wanted.seller,
            account: wanted.account,
            currency: wanted.currency,
            amount: wanted.amount,
            minimum: wanted.minimum,
            by_schedule: wanted.by_schedule,
            automatic_bank: wanted.automatic_bank,
            requested_by: wanted.requested_by,
            at: self.now,
        }])
    }

    pub(super) fn note_reserved(self, amount: Money) -> Decision {
        let Some(request) = &self.state.request else { return self.wrong_state() };
        check_amount(amount, request.currency)?;
        match (&self.state.reserved, &self.state.stage) {
            (Some(known), _) if *known == amount => Ok(vec![]),
            (Some(known), _) => Err(PayoutError::AmountDiffers { expected: *known, given: amount }),
            (None, TransferStage::Requested) => Ok(vec![PayoutEvent::Reserved {
                payout: request.payout,
                seller: request.seller,
                amount,
                at: self.now,
            }]),
            (None, _) => self.wrong_state(),
        }
    }

    /// Whoever rejects knows that no transfer was made: Stripe refused, or was asked and has none.
    pub(super) fn reject(self, reason: String) -> Decision {
        let Some(request) = &self.state.request else { return self.wrong_state() };
        match self.state.stage {
            TransferStage::Rejected => Ok(vec![]),
            TransferStage::Requested
            | TransferStage::Reserved
            | TransferStage::Submitted
            | TransferStage::Unknown
            | TransferStage::Deferred { .. } => Ok(vec![PayoutEvent::Rejected {
                payout: request.payout,
                seller: request.seller,
                reason,
                at: self.now,
            }]),
            TransferStage::None | TransferStage::Transferred => self.wrong_state(),
        }
    }

    pub(super) fn submit_transfer(self, amount: Money) -> Decision {
        let Some(request) = &self.state.request else { return self.wrong_state() };
        check_amount(amount, request.currency)?;
        if let Some(expected) = self.state.submitted.filter(|known| *known != amount) {
            return Err(PayoutError::AmountDiffers { expected, given: amount });
        }
        match (&self.state.stage, self.state.reserved) {
            (TransferStage::Reserved, Some(reserved)) if amount.minor() > reserved.minor() => {
                Err(PayoutError::AmountDiffers { expected: reserved, given: amount })
            }
            (TransferStage::Reserved | TransferStage::Unknown, _) => {
                Ok(vec![self.submitted(request.payout, request.account.clone(), amount)])
            }
            (
                TransferStage::Submitted
                | TransferStage::Deferred { .. }
                | TransferStage::Transferred,
                _,
            ) => Ok(vec![]),
            (TransferStage::None | TransferStage::Requested | TransferStage::Rejected, _) => {
                self.wrong_state()
            }
        }
    }

    pub(super) fn note_transfer_unknown(self) -> Decision {
        match self.state.stage {
            TransferStage::Submitted => Ok(vec![PayoutEvent::TransferUnknown { at: self.now }]),
            TransferStage::Unknown | TransferStage::Transferred => Ok(vec![]),
            TransferStage::None
            | TransferStage::Requested
            | TransferStage::Reserved
            | TransferStage::Rejected
            | TransferStage::Deferred { .. } => self.wrong_state(),
        }
    }

    pub(super) fn defer_transfer(self, reason: String) -> Decision {
        match self.state.stage {
            TransferStage::Submitted | TransferStage::Unknown => {
                let hours = match self.state.deferrals {
                    0 => 1,
                    1 => 4,
                    _ => 24,
                };
                Ok(vec![PayoutEvent::TransferDeferred {
                    retry_at: self.now.plus_seconds(hours * 3600),
                    attempt: self.state.deferrals + 1,
                    reason,
                    at: self.now,
                }])
            }
            TransferStage::Deferred { .. } => Ok(vec![]),
            TransferStage::None
            | TransferStage::Requested
            | TransferStage::Reserved
            | TransferStage::Rejected
            | TransferStage::Transferred => self.wrong_state(),
        }
    }

    pub(super) fn retry_transfer(self) -> Decision {
        let (TransferStage::Deferred { retry_at }, Some(request), Some(amount)) =
            (&self.state.stage, &self.state.request, self.state.submitted)
        else {
            return Ok(vec![]);
        };
        if self.now < *retry_at {
            return Err(PayoutError::TooEarly { due: *retry_at });
        }
        Ok(vec![self.submitted(request.payout, request.account.clone(), amount)])
    }

    /// Our answer and Stripe's webhook both tell of the transfer, in either order; whichever comes
    /// first is recorded (E73).
    pub(super) fn note_transfer(
        self,
        payout: PayoutId,
        seller: Option<SellerId>,
        fact: TransferFact,
    ) -> Decision {
        if let Some(known) = &self.state.transfer {
            if known.transfer != fact.transfer {
                let state = format!("transferred as {}", known.transfer);
                return Err(PayoutError::WrongState { state });
            }
            if known.amount != fact.amount {
                let (expected, given) = (known.amount, fact.amount);
                return Err(PayoutError::AmountDiffers { expected, given });
            }
            return Ok(vec![]);
        }
        if !fact.amount.is_positive() {
            return Err(PayoutError::AmountNotPositive);
        }
        if let Some(expected) = self.state.submitted.filter(|known| *known != fact.amount) {
            return Err(PayoutError::AmountDiffers { expected, given: fact.amount });
        }
        let payout = self.payout_or(payout);
        // Of a transfer that somebody else made, Daybook makes no bank payout.
        let automatic_bank = self.state.request.as_ref().is_none_or(|known| known.automatic_bank);
        let mut events = vec![PayoutEvent::TransferCreated {
            automatic_bank,
            payout,
            seller: self.seller_or(seller),
            account: fact.account.clone(),
            transfer: fact.transfer,
            txn: fact.txn,
            amount: fact.amount,
            occurred_at: fact.occurred_at,
            at: self.now,
        }];
        let back: i64 = self.state.reversals.values().map(|part| part.minor()).sum();
        let left = Money::new(fact.amount.minor() - back, fact.amount.currency());
        if !automatic_bank && self.state.legs.is_empty() && left.is_positive() {
            events.push(self.bank_submitted(payout, fact.account, left, 1));
        }
        Ok(events)
    }

    fn submitted(&self, payout: PayoutId, account: AccountRef, amount: Money) -> PayoutEvent {
        // Repeated after an unknown outcome, the key is the same, so Stripe makes one transfer. After
        // a definite refusal it must be another: Stripe answers a used key with the old refusal.
        let intent = match self.state.deferrals {
            0 => "transfer".to_owned(),
            refused => format!("transfer:{refused}"),
        };
        let idempotency_key = self.key(payout, &intent);
        PayoutEvent::TransferSubmitted { payout, account, amount, idempotency_key, at: self.now }
    }
}
