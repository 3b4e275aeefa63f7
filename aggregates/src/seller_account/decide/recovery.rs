//! What is done about a seller who owes: remind, propose to give up, give up.

use kernel::{Currency, Timestamp};

use super::{Decision, Desk};
use crate::{
    seller_account::{errors::SellerAccountError, events::SellerAccountEvent, position::Recovery},
    vocabulary::Person,
};

/// After so many days of owing, somebody is told.
const REMIND_AFTER_DAYS: i64 = 90;
/// After so many days Stripe takes a negative balance from the platform.
const WRITE_OFF_AFTER_DAYS: i64 = 180;

impl Desk<'_> {
    pub(super) fn remind(self, currency: Currency) -> Decision {
        let Some(recovery) = self.open_recovery(currency).filter(|known| !known.reminded) else {
            return Ok(vec![]);
        };
        self.check_due(recovery.opened_at.plus_days(REMIND_AFTER_DAYS))?;
        let amount = self.position(currency).receivable();
        Ok(vec![SellerAccountEvent::RecoveryReminded { currency, amount, at: self.now }])
    }

    pub(super) fn propose_write_off(self, currency: Currency) -> Decision {
        let Some(recovery) = self.open_recovery(currency).filter(|known| !known.proposed) else {
            return Ok(vec![]);
        };
        self.check_due(recovery.opened_at.plus_days(WRITE_OFF_AFTER_DAYS))?;
        let amount = self.position(currency).receivable();
        Ok(vec![SellerAccountEvent::WriteOffProposed { currency, amount, at: self.now }])
    }

    /// The first person proposes what is owed now; the second agrees to that much and no more.
    pub(super) fn write_off(self, currency: Currency, reason: String, by: Person) -> Decision {
        let owed = self.position(currency).receivable();
        let at = self.now;
        if owed == 0 {
            return Err(SellerAccountError::NothingOwed { currency });
        }
        let request = self.open_recovery(currency).and_then(|known| known.request.as_ref());
        let Some(request) = request else {
            let amount = owed;
            return Ok(vec![SellerAccountEvent::WriteOffRequested {
                currency,
                amount,
                reason,
                by,
                at,
            }]);
        };
        if request.by == by {
            let first = request.by.to_string();
            return Err(SellerAccountError::NeedsSecondApprover { first });
        }
        let amount = request.amount.min(owed);
        let mut events = vec![SellerAccountEvent::WrittenOff {
            seller: self.seller,
            currency,
            amount,
            organizer: self.organizer(),
            reason: request.reason.clone(),
            proposed_by: request.by.clone(),
            approved_by: by,
            at,
        }];
        self.crossing(currency, owed - amount, &mut events);
        Ok(events)
    }

    fn open_recovery(&self, currency: Currency) -> Option<&Recovery> {
        self.position(currency).recovery.as_ref()
    }

    fn check_due(&self, due: Timestamp) -> Result<(), SellerAccountError> {
        if self.now < due { Err(SellerAccountError::TooEarly { due }) } else { Ok(()) }
    }
}
