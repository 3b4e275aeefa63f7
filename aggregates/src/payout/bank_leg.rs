//! One payout object at Stripe, as its facts describe it in whatever order they come.

use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};

use crate::vocabulary::FactRank;

/// One payout object at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BankLeg {
    pub(super) amount: Money,
    pub(super) arrival: Option<Timestamp>,
    pub(super) status: String,
    pub(super) rank: Option<FactRank>,
    pub(super) returned: bool,
    pub(super) stuck: bool,
    pub(super) reconciled: Option<(u32, Money)>,
}

impl BankLeg {
    /// A leg of which only its existence is known.
    pub(super) const fn new(amount: Money, arrival: Option<Timestamp>) -> Self {
        Self {
            amount,
            arrival,
            status: String::new(),
            rank: None,
            returned: false,
            stuck: false,
            reconciled: None,
        }
    }

    /// Does this fact say more than what is known?
    pub(super) fn is_outranked_by(&self, rank: &FactRank) -> bool {
        self.rank.as_ref().is_none_or(|known| known < rank)
    }

    /// Did the bank refuse it, or was it cancelled?
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.status.as_str(), "failed" | "canceled")
    }

    /// Is it still on its way?
    pub(super) fn is_open(&self) -> bool {
        self.status != "paid" && !self.is_refused()
    }
}
