//! The one open payout lane per currency: reserve, commit, settle, free or block.

use kernel::{Currency, Money, PayoutId, Timestamp};

use super::{Decision, Desk};
use crate::{
    seller_account::{
        errors::SellerAccountError,
        events::SellerAccountEvent,
        position::{PayoutLane, PayoutStage},
        state::round_down,
    },
    vocabulary::{Claim, Organizer, Person},
};

impl Desk<'_> {
    pub(super) fn reserve_for_payout(
        self,
        payout: PayoutId,
        currency: Currency,
        amount: Option<i64>,
        minimum: i64,
        by: Person,
    ) -> Decision {
        if let Some(known) = self.account.currency_of(payout) {
            let claim = payout.to_string();
            return if known == currency {
                Ok(vec![])
            } else {
                Err(SellerAccountError::ClaimDiffers { claim })
            };
        }
        let amount = self.reservable(currency, amount, minimum)?;
        Ok(vec![self.reserved(payout, Money::new(amount, currency), minimum, by, false)?])
    }

    /// What cannot be paid is skipped: a schedule that runs is never an error.
    pub(super) fn run_schedule(self, due: Timestamp, next_due: Option<Timestamp>) -> Decision {
        let Some(known) = self.account.schedule.as_ref().filter(|s| s.next_due == Some(due)) else {
            // It ran already, or another schedule has taken its place.
            return Ok(vec![]);
        };
        if self.now < due {
            return Err(SellerAccountError::TooEarly { due });
        }
        let minimum = known.schedule.minimum;
        let mut reserved = Vec::new();
        for (currency, _) in self.account.positions() {
            let parts = [self.seller.to_string(), due.to_string(), currency.to_string()];
            let payout = PayoutId::derived(&parts.each_ref().map(String::as_str));
            if self.account.currency_of(payout).is_some() {
                continue;
            }
            if let Ok(amount) = self.reservable(currency, None, minimum) {
                let (amount, by) = (Money::new(amount, currency), Person::from("schedule"));
                reserved.push(self.reserved(payout, amount, minimum, by, true)?);
            }
        }
        let payouts = u32::try_from(reserved.len()).unwrap_or(u32::MAX);
        let interval = known.schedule.interval.clone();
        let at = self.now;
        let mut events =
            vec![SellerAccountEvent::ScheduleRan { due, next_due, interval, payouts, at }];
        events.extend(reserved);
        Ok(events)
    }

    /// Fixes the amount just before the transfer: a refund may have come in between (E66).
    pub(super) fn commit_payout(self, payout: PayoutId) -> Decision {
        let (currency, lane) = self.find(payout)?;
        match lane.stage {
            PayoutStage::Reserved => {}
            PayoutStage::Committed
            | PayoutStage::Settled
            | PayoutStage::Blocked { .. }
            | PayoutStage::Released
            | PayoutStage::Done => return Ok(vec![]),
        }
        let left = self.position(currency).available() - self.account.held_back(currency);
        let amount = round_down(left.min(lane.amount).max(0), currency);
        let at = self.now;
        let refusal = if self.account.is_ready() {
            (amount < lane.minimum.max(1)).then(|| {
                let left = Money::new(amount, currency);
                format!("only {left} is still available, less than the least payout")
            })
        } else {
            Some(format!("the seller is not ready: {}", self.account.missing().join("; ")))
        };
        Ok(vec![match refusal {
            Some(reason) => SellerAccountEvent::PayoutReservationReleased {
                payout,
                currency,
                amount: lane.asked,
                reason,
                at,
            },
            None => SellerAccountEvent::PayoutCommitted {
                payout,
                currency,
                amount,
                reduced_from: (amount != lane.asked).then_some(lane.asked),
                at,
            },
        }])
    }

    pub(super) fn settle_payout(self, payout: PayoutId) -> Decision {
        let (currency, lane) = self.find(payout)?;
        match lane.stage {
            PayoutStage::Settled | PayoutStage::Blocked { .. } | PayoutStage::Done => {
                return Ok(vec![]);
            }
            // Before it is committed no transfer of it can have been made.
            PayoutStage::Reserved | PayoutStage::Released if !lane.was_committed => {
                return Err(SellerAccountError::PayoutUnknown { payout: payout.to_string() });
            }
            PayoutStage::Reserved | PayoutStage::Committed => {}
            // The transfer had been given up and was found after all (E73): it is still paid, as
            // long as nothing else has taken the money.
            PayoutStage::Released => {
                let position = self.position(currency);
                let free = position.available() - position.committed();
                if free < lane.amount {
                    let available = Money::new(free, currency);
                    return Err(SellerAccountError::InsufficientAvailable { available });
                }
            }
        }
        Ok(vec![SellerAccountEvent::PayoutSettled {
            seller: self.seller,
            payout,
            claim: Claim::of_payout(payout),
            currency,
            amount: lane.amount,
            organizer: self.organizer(),
            at: self.now,
        }])
    }

    pub(super) fn release_payout(self, payout: PayoutId, reason: String) -> Decision {
        let (currency, lane) = self.find(payout)?;
        match lane.stage {
            PayoutStage::Reserved | PayoutStage::Committed => {
                Ok(vec![SellerAccountEvent::PayoutReservationReleased {
                    payout,
                    currency,
                    amount: lane.amount,
                    reason,
                    at: self.now,
                }])
            }
            PayoutStage::Released => Ok(vec![]),
            PayoutStage::Settled | PayoutStage::Blocked { .. } | PayoutStage::Done => {
                Err(SellerAccountError::PayoutUnknown { payout: payout.to_string() })
            }
        }
    }

    pub(super) fn free_lane(self, payout: PayoutId) -> Decision {
        // A payout that Daybook did not make (Stripe's own schedule) has no lane to free or block.
        let Ok((currency, lane)) = self.find(payout) else { return Ok(vec![]) };
        match lane.stage {
            PayoutStage::Settled | PayoutStage::Blocked { .. } => {
                Ok(vec![SellerAccountEvent::LaneFreed { payout, currency, at: self.now }])
            }
            PayoutStage::Released | PayoutStage::Done => Ok(vec![]),
            PayoutStage::Reserved | PayoutStage::Committed => {
                Err(SellerAccountError::LaneBusy { payout: payout.to_string() })
            }
        }
    }

    /// A payout may fail even after it was paid (E65): it takes the lane again, if the lane is free.
    pub(super) fn block_lane(self, payout: PayoutId, reason: String) -> Decision {
        let Ok((currency, lane)) = self.find(payout) else { return Ok(vec![]) };
        let blocked = || {
            let at = self.now;
            Ok(vec![SellerAccountEvent::LaneBlocked { payout, currency, reason, at }])
        };
        match lane.stage {
            PayoutStage::Settled => blocked(),
            PayoutStage::Done if self.position(currency).lane.is_none() => blocked(),
            PayoutStage::Done | PayoutStage::Blocked { .. } | PayoutStage::Released => Ok(vec![]),
            PayoutStage::Reserved | PayoutStage::Committed => {
                Err(SellerAccountError::LaneBusy { payout: payout.to_string() })
            }
        }
    }

    pub(super) fn organizer(&self) -> Organizer {
        self.account
            .registration
            .as_ref()
            .map_or_else(Organizer::default, |known| known.organizer.clone())
    }

    /// Who organizes it, where the one who moves the money names nobody.
    pub(super) fn organizer_of(&self, named: Organizer) -> Organizer {
        if named.as_str().is_empty() { self.organizer() } else { named }
    }

    /// How much may be reserved now: the amount asked for, or all of it rounded down.
    fn reservable(
        &self,
        currency: Currency,
        amount: Option<i64>,
        minimum: i64,
    ) -> Result<i64, SellerAccountError> {
        if !self.account.is_ready() {
            return Err(SellerAccountError::SellerNotReady);
        }
        if let Some(why) = self.account.payouts_blocked() {
            return Err(SellerAccountError::PayoutsBlocked { why });
        }
        let position = self.position(currency);
        match position.lane() {
            None => {}
            Some((payout, _, PayoutStage::Blocked { reason })) => {
                let why = format!("the bank refused payout {payout}: {reason}");
                return Err(SellerAccountError::PayoutsBlocked { why });
            }
            Some((payout, ..)) => {
                return Err(SellerAccountError::LaneBusy { payout: payout.to_string() });
            }
        }
        if position.receivable() > 0 {
            let owed = Money::new(position.receivable(), currency);
            let why = format!("the seller owes {owed}");
            return Err(SellerAccountError::PayoutsBlocked { why });
        }
        let payable = self.account.payable(currency);
        let minimum = minimum.max(1);
        let wanted = amount.unwrap_or(payable);
        let multiple = currency.facts().payout_multiple;
        if amount.is_some_and(|amount| amount <= 0) {
            return Err(SellerAccountError::AmountNotPositive);
        }
        if wanted % multiple != 0 {
            return Err(SellerAccountError::CurrencyMultiple { currency, multiple });
        }
        if wanted > payable || payable == 0 {
            let available = Money::new(payable, currency);
            return Err(SellerAccountError::InsufficientAvailable { available });
        }
        if wanted < minimum {
            let minimum = Money::new(minimum, currency);
            return Err(SellerAccountError::BelowMinimum { minimum });
        }
        Ok(wanted)
    }

    fn reserved(
        &self,
        payout: PayoutId,
        amount: Money,
        minimum: i64,
        requested_by: Person,
        by_schedule: bool,
    ) -> Result<SellerAccountEvent, SellerAccountError> {
        let account = self.account.account().ok_or(SellerAccountError::SellerNotReady)?;
        Ok(SellerAccountEvent::PayoutReserved {
            seller: self.seller,
            account: account.clone(),
            payout,
            currency: amount.currency(),
            amount: amount.minor(),
            minimum,
            by_schedule,
            automatic_bank: self.account.schedule().is_some_and(|known| known.automatic_bank),
            requested_by,
            at: self.now,
        })
    }

    fn find(&self, payout: PayoutId) -> Result<(Currency, &PayoutLane), SellerAccountError> {
        let unknown = || SellerAccountError::PayoutUnknown { payout: payout.to_string() };
        let currency = self.account.currency_of(payout).ok_or_else(unknown)?;
        let lane = self.position(currency).payouts.get(&payout).ok_or_else(unknown)?;
        Ok((currency, lane))
    }
}
