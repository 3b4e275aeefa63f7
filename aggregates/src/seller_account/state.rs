//! What is remembered of a seller's account.

use std::{collections::BTreeMap, sync::LazyLock};

use kernel::{Currency, Money, PayoutId, SellerId, SubjectRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    applied::Applied,
    connection::{BankAccount, Connection, bank_trouble},
    events::PayoutSchedule,
    position::{PayoutStage, Position},
};
use crate::vocabulary::{AccountRef, Organizer};

/// A seller: whether he can be paid, and where his money stands. Cloning it shares the large parts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SellerAccount {
    pub(super) registration: Option<Registration>,
    pub(super) connection: Connection,
    pub(super) bank_accounts: BTreeMap<String, BankAccount>,
    pub(super) schedule: Option<Scheduled>,
    pub(super) schedule_version: u32,
    pub(super) holds: BTreeMap<String, ManualHold>,
    pub(super) positions: BTreeMap<Currency, Position>,
    pub(super) applied: Applied,
}

/// Who he is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Registration {
    pub(super) seller: SellerId,
    pub(super) reference: String,
    pub(super) subject: SubjectRef,
    pub(super) organizer: Organizer,
}

/// How he is paid out, and when next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scheduled {
    pub(super) schedule: PayoutSchedule,
    pub(super) next_due: Option<Timestamp>,
}

/// Money a person holds back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ManualHold {
    pub(super) amount: Money,
    pub(super) released: bool,
}

static NOTHING: LazyLock<Position> = LazyLock::new(Position::default);

impl SellerAccount {
    /// Who he is, once he is registered.
    #[must_use]
    pub fn seller(&self) -> Option<SellerId> {
        self.registration.as_ref().map(|known| known.seller)
    }

    /// His connected account.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountRef> {
        self.connection.account.as_ref()
    }

    /// Can he sell and be paid?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.missing().is_empty()
    }

    /// What stands between him and his money, in words; empty when he is ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.connection.missing()
    }

    /// Why his bank account does not allow payouts, if it does not.
    #[must_use]
    pub fn payouts_blocked(&self) -> Option<String> {
        bank_trouble(&self.bank_accounts)
    }

    /// How he is paid out, if that was set.
    #[must_use]
    pub fn schedule(&self) -> Option<&PayoutSchedule> {
        self.schedule.as_ref().map(|known| &known.schedule)
    }

    /// When the schedule runs next.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        self.schedule.as_ref().and_then(|known| known.next_due)
    }

    /// Where his money stands in one currency.
    #[must_use]
    pub fn position(&self, currency: Currency) -> &Position {
        self.positions.get(&currency).unwrap_or(&NOTHING)
    }

    /// Where his money stands, in every currency he ever had any in.
    pub fn positions(&self) -> impl Iterator<Item = (Currency, &Position)> {
        self.positions.iter().map(|(currency, position)| (*currency, position))
    }

    /// What people hold back of his available money, minor units.
    #[must_use]
    pub fn held_back(&self, currency: Currency) -> i64 {
        self.holds
            .values()
            .filter(|hold| !hold.released && hold.amount.currency() == currency)
            .fold(0, |sum, hold| sum.saturating_add(hold.amount.minor()))
    }

    /// What can be paid out now: available, less what people hold back and what another payout has
    /// already set apart, rounded down to what Stripe can pay out in this currency.
    #[must_use]
    pub fn payable(&self, currency: Currency) -> i64 {
        let position = self.position(currency);
        let set_apart = match position.lane() {
            Some((_, amount, PayoutStage::Reserved | PayoutStage::Committed)) => amount,
            Some(_) | None => 0,
        };
        let free = position.available - self.held_back(currency).min(position.available);
        round_down((free - set_apart).max(0), currency)
    }

    /// How far a payout is, if it is one of his.
    #[must_use]
    pub fn payout_stage(&self, payout: PayoutId) -> Option<&PayoutStage> {
        let currency = self.currency_of(payout)?;
        self.position(currency).payouts.get(&payout).map(|lane| &lane.stage)
    }

    pub(super) fn currency_of(&self, payout: PayoutId) -> Option<Currency> {
        self.positions()
            .find(|(_, position)| position.payouts.contains_key(&payout))
            .map(|(currency, _)| currency)
    }

    pub(super) fn position_mut(&mut self, currency: Currency) -> &mut Position {
        self.positions.entry(currency).or_default()
    }
}

/// The greatest amount not above this one that Stripe can pay out (HUF 10.45 becomes 10.00).
pub(super) fn round_down(amount: i64, currency: Currency) -> i64 {
    amount - amount.rem_euclid(currency.facts().payout_multiple)
}
