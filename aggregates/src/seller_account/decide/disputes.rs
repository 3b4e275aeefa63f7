//! Holding a seller's part of a dispute, and what becomes of it when the dispute is over.

use kernel::{Currency, Money, OrderId, Timestamp};

use super::{Decision, Desk};
use crate::{
    seller_account::{applied::Kind, errors::SellerAccountError, events::SellerAccountEvent},
    vocabulary::{ClaimRef, Organizer},
};

impl Desk<'_> {
    pub(super) fn hold_for_dispute(
        self,
        claim: ClaimRef,
        amount: Money,
        about: &[ClaimRef],
        dimensions: (Organizer, Option<OrderId>),
    ) -> Decision {
        let is_over = self.account.applied.get(Kind::DisputeConclusion, &claim).is_some();
        if is_over || self.is_done(Kind::DisputeHold, &claim, amount)? {
            return Ok(vec![]);
        }
        self.held(claim, amount, about, dimensions)
    }

    /// What is lost is consumed, the rest of the hold is let go. Where more is lost than is held
    /// (or nothing ever was), the difference is held first, so that it takes the same way.
    pub(super) fn conclude_dispute(
        self,
        claim: ClaimRef,
        lost: Money,
        occurred_at: Timestamp,
    ) -> Decision {
        if self.account.applied.get(Kind::DisputeConclusion, &claim).is_some()
            && self.is_done(Kind::DisputeConclusion, &claim, lost)?
        {
            return Ok(vec![]);
        }
        if lost.minor() < 0 {
            return Err(SellerAccountError::AmountNotPositive);
        }
        let currency = lost.currency();
        let known = self.account.applied.get(Kind::DisputeHold, &claim);
        if known.is_some_and(|known| known.currency() != currency) {
            return Err(SellerAccountError::ClaimDiffers { claim: claim.to_string() });
        }
        let (held, organizer, order) = match self.position(currency).dispute_holds.get(&claim) {
            Some(hold) => (hold.held, hold.organizer.clone(), hold.order),
            None => (0, self.organizer(), None),
        };
        let mut events = Vec::new();
        if lost.minor() > held {
            let more = Money::new(lost.minor() - held, currency);
            events.extend(self.held(claim.clone(), more, &[], (organizer.clone(), order))?);
        }
        if lost.is_positive() {
            events.push(SellerAccountEvent::DisputeHoldConsumed {
                seller: self.seller,
                claim: claim.clone(),
                currency,
                amount: lost.minor(),
                organizer,
                order,
                occurred_at,
                at: self.now,
            });
        }
        if held > lost.minor() {
            self.let_go(claim, held - lost.minor(), currency, &mut events);
        }
        Ok(events)
    }

    fn held(
        &self,
        claim: ClaimRef,
        amount: Money,
        about: &[ClaimRef],
        (organizer, order): (Organizer, Option<OrderId>),
    ) -> Decision {
        self.check_room(amount)?;
        let currency = amount.currency();
        let position = self.position(currency);
        let split = position.waterfall(amount.minor(), about);
        let owed = position.receivable() + split.receivable;
        let mut events = vec![SellerAccountEvent::DisputeHeld {
            seller: self.seller,
            claim,
            currency,
            amount: amount.minor(),
            organizer,
            order,
            split,
            at: self.now,
        }];
        self.crossing(currency, owed, &mut events);
        Ok(events)
    }

    fn let_go(
        &self,
        claim: ClaimRef,
        amount: i64,
        currency: Currency,
        events: &mut Vec<SellerAccountEvent>,
    ) {
        let owed = self.position(currency).receivable();
        let receivable = owed.min(amount);
        events.push(SellerAccountEvent::DisputeHoldReleased {
            seller: self.seller,
            claim,
            currency,
            amount,
            receivable,
            available: amount - receivable,
            at: self.now,
        });
        self.crossing(currency, owed - receivable, events);
    }
}
