//! Crediting, debiting, giving back and releasing: the seller's side of sales and refunds.

use kernel::{Money, Rate};

use super::{Decision, Desk, Origin};
use crate::{
    seller_account::{
        applied::Kind,
        errors::SellerAccountError,
        events::{CreditBackReason, DebitReason, SellerAccountEvent},
    },
    vocabulary::{ClaimRef, LineNo},
};

impl Desk<'_> {
    pub(super) fn credit(
        self,
        claim: ClaimRef,
        amount: Money,
        origin: Origin,
        line: Option<LineNo>,
        product: String,
    ) -> Decision {
        if self.is_done(Kind::Credit, &claim, amount)? {
            return Ok(vec![]);
        }
        self.check_room(amount)?;
        Ok(vec![SellerAccountEvent::Credited {
            seller: self.seller,
            claim,
            currency: amount.currency(),
            amount: amount.minor(),
            organizer: origin.organizer,
            order: origin.order,
            line,
            product,
            occurred_at: origin.occurred_at,
            at: self.now,
        }])
    }

    pub(super) fn debit(
        self,
        claim: ClaimRef,
        amount: Money,
        reason: DebitReason,
        about: Option<ClaimRef>,
        origin: Origin,
    ) -> Decision {
        if self.is_done(Kind::Debit, &claim, amount)? {
            return Ok(vec![]);
        }
        self.check_room(amount)?;
        let currency = amount.currency();
        let position = self.position(currency);
        let split = position.waterfall(amount.minor(), about.as_slice());
        let owed = position.receivable() + split.receivable;
        let mut events = vec![SellerAccountEvent::Debited {
            seller: self.seller,
            claim,
            currency,
            amount: amount.minor(),
            reason,
            organizer: self.organizer_of(origin.organizer),
            order: origin.order,
            split,
            occurred_at: origin.occurred_at,
            at: self.now,
        }];
        self.crossing(currency, owed, &mut events);
        Ok(events)
    }

    pub(super) fn credit_back(
        self,
        claim: ClaimRef,
        amount: Money,
        reason: CreditBackReason,
        origin: Origin,
    ) -> Decision {
        if self.is_done(Kind::CreditBack, &claim, amount)? {
            return Ok(vec![]);
        }
        self.check_room(amount)?;
        let currency = amount.currency();
        let owed = self.position(currency).receivable();
        let receivable = owed.min(amount.minor());
        let mut events = vec![SellerAccountEvent::CreditedBack {
            seller: self.seller,
            claim,
            currency,
            amount: amount.minor(),
            reason,
            organizer: self.organizer_of(origin.organizer),
            order: origin.order,
            receivable,
            available: amount.minor() - receivable,
            occurred_at: origin.occurred_at,
            at: self.now,
        }];
        self.crossing(currency, owed - receivable, &mut events);
        Ok(events)
    }

    pub(super) fn release(self, claim: ClaimRef, reserve: Rate, reserve_days: u32) -> Decision {
        let currency = self.currency_of_credit(&claim)?;
        let position = self.position(currency);
        let amount = position.pending_of(&claim);
        if amount == 0 {
            return Ok(vec![]);
        }
        let owed = position.receivable();
        let netted = owed.min(amount);
        let reserved = reserve.of_rounded_down(Money::new(amount - netted, currency)).minor();
        let until = self.now.plus_days(i64::from(reserve_days));
        let mut events = vec![SellerAccountEvent::Released {
            seller: self.seller,
            claim,
            currency,
            amount,
            netted,
            reserved,
            available: amount - netted - reserved,
            reserve_until: (reserved > 0).then_some(until),
            at: self.now,
        }];
        self.crossing(currency, owed - netted, &mut events);
        Ok(events)
    }

    pub(super) fn release_reserve(self, claim: ClaimRef) -> Decision {
        let currency = self.currency_of_credit(&claim)?;
        let position = self.position(currency);
        let amount = position.reserve.amount_of(&claim);
        if amount == 0 {
            return Ok(vec![]);
        }
        if let Some(due) = position.reserve_until(&claim).filter(|due| self.now < *due) {
            return Err(SellerAccountError::TooEarly { due });
        }
        let owed = position.receivable();
        let netted = owed.min(amount);
        let mut events = vec![SellerAccountEvent::ReserveReleased {
            seller: self.seller,
            claim,
            currency,
            amount,
            netted,
            available: amount - netted,
            at: self.now,
        }];
        self.crossing(currency, owed - netted, &mut events);
        Ok(events)
    }

    fn currency_of_credit(&self, claim: &ClaimRef) -> Result<kernel::Currency, SellerAccountError> {
        self.account
            .applied
            .get(Kind::Credit, claim)
            .map(Money::currency)
            .ok_or_else(|| SellerAccountError::ClaimUnknown { claim: claim.to_string() })
    }
}
