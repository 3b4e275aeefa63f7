//! Where a seller's money stands in one currency.

use std::collections::BTreeMap;

use kernel::{OrderId, PayoutId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{events::Split, shelf::Shelf};
use crate::vocabulary::{ClaimRef, Organizer, Person};

/// A seller's money in one currency, in minor units. Nothing in it is ever negative: what he owes
/// is `receivable`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Position {
    pub(super) pending: Shelf,
    pub(super) available: i64,
    pub(super) reserve: Shelf,
    pub(super) receivable: i64,
    pub(super) dispute_holds: BTreeMap<ClaimRef, DisputeHold>,
    pub(super) payouts: BTreeMap<PayoutId, PayoutLane>,
    pub(super) lane: Option<PayoutId>,
    pub(super) recovery: Option<Recovery>,
}

/// What is held for one open dispute.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct DisputeHold {
    pub(super) held: i64,
    pub(super) consumed: i64,
    pub(super) organizer: Organizer,
    pub(super) order: Option<OrderId>,
}

/// How far a payout is, seen from the seller's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutStage {
    /// Set apart; a debit may still take it.
    Reserved,
    /// The transfer is being made; nothing else may take it.
    Committed,
    /// The transfer was made; the bank leg is under way.
    Settled,
    /// The bank refused it.
    Blocked {
        /// Why.
        reason: String,
    },
    /// It did not happen.
    Released,
    /// It is over.
    Done,
}

/// One payout of this currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PayoutLane {
    pub(super) asked: i64,
    pub(super) amount: i64,
    pub(super) minimum: i64,
    /// A transfer of it may exist.
    pub(super) was_committed: bool,
    pub(super) stage: PayoutStage,
}

/// Since when he owes, and what was done about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recovery {
    pub(super) opened_at: Timestamp,
    pub(super) reminded: bool,
    pub(super) proposed: bool,
    pub(super) request: Option<WriteOffRequest>,
}

/// One person's proposal to give up what he owes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct WriteOffRequest {
    pub(super) by: Person,
    pub(super) amount: i64,
    pub(super) reason: String,
}

impl Position {
    /// What waits for its release.
    #[must_use]
    pub const fn pending(&self) -> i64 {
        self.pending.total()
    }

    /// What waits of one claim.
    #[must_use]
    pub fn pending_of(&self, claim: &ClaimRef) -> i64 {
        self.pending.amount_of(claim)
    }

    /// What is released and not paid out, with whatever is set apart for a payout.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.available
    }

    /// What is kept in reserve.
    #[must_use]
    pub const fn reserve(&self) -> i64 {
        self.reserve.total()
    }

    /// Until when a claim's reserve is kept.
    #[must_use]
    pub fn reserve_until(&self, claim: &ClaimRef) -> Option<Timestamp> {
        self.reserve.until(claim)
    }

    /// What he owes.
    #[must_use]
    pub const fn receivable(&self) -> i64 {
        self.receivable
    }

    /// What is held for open disputes.
    #[must_use]
    pub fn dispute_hold(&self) -> i64 {
        self.dispute_holds.values().map(|hold| hold.held).sum()
    }

    /// All that is his, less what he owes.
    #[must_use]
    pub fn total(&self) -> i128 {
        i128::from(self.pending())
            + i128::from(self.available)
            + i128::from(self.reserve())
            + i128::from(self.dispute_hold())
            - i128::from(self.receivable)
    }

    /// The payout that has the lane, with its amount and how far it is.
    #[must_use]
    pub fn lane(&self) -> Option<(PayoutId, i64, &PayoutStage)> {
        let payout = self.lane?;
        let lane = self.payouts.get(&payout)?;
        Some((payout, lane.amount, &lane.stage))
    }

    /// What no debit may take, because a transfer of it is being made.
    pub(super) fn committed(&self) -> i64 {
        match self.lane() {
            Some((_, amount, PayoutStage::Committed)) => amount,
            Some(_) | None => 0,
        }
    }

    /// Where a debit is taken from: pending (the claims it is about, then the oldest), available
    /// except what is committed, reserve (likewise), and the rest he owes.
    pub(super) fn waterfall(&self, amount: i64, about: &[ClaimRef]) -> Split {
        let (pending, left) = self.pending.choose(amount, about);
        let available = left.min(self.available - self.committed()).max(0);
        let (reserve, receivable) = self.reserve.choose(left - available, about);
        Split { pending, available, reserve, receivable }
    }

    /// Takes what a split says.
    pub(super) fn take(&mut self, split: &Split) {
        for (claim, amount) in &split.pending {
            self.pending.take(claim, *amount);
        }
        self.available -= split.available;
        for (claim, amount) in &split.reserve {
            self.reserve.take(claim, *amount);
        }
        self.receivable = self.receivable.saturating_add(split.receivable);
        self.shrink_reservation();
    }

    /// A payout that is merely reserved never has more than what is there.
    pub(super) fn shrink_reservation(&mut self) {
        let available = self.available;
        if let Some(lane) = self.lane.and_then(|payout| self.payouts.get_mut(&payout))
            && lane.stage == PayoutStage::Reserved
        {
            lane.amount = lane.amount.min(available);
        }
    }

    /// Gives money that is free: what he owes is `netted`, the rest becomes available.
    pub(super) const fn give(&mut self, netted: i64, available: i64) {
        self.receivable -= netted;
        self.available = self.available.saturating_add(available);
    }
}
