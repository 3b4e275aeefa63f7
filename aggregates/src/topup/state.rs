//! What is known of a top-up.

use kernel::Money;
use serde::{Deserialize, Serialize};

use super::events::TopupEvent;
use crate::vocabulary::{FactRank, TxnRef};

/// From this class on the money is not, or no longer, on the balance.
pub(super) const ENDED: u8 = 2;

/// A top-up's Stripe status: `pending` < `succeeded` < `failed`, `canceled`, `reversed`.
#[must_use]
pub fn class(status: &str) -> u8 {
    match status {
        "succeeded" => 1,
        "failed" | "canceled" | "reversed" => ENDED,
        _ => 0,
    }
}

/// Money on its way from the platform's bank to its Stripe balance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Topup {
    pub(super) amount: Option<Money>,
    pub(super) status: String,
    pub(super) rank: Option<FactRank>,
    pub(super) credited: Option<TxnRef>,
    pub(super) reversed: bool,
}

impl Topup {
    /// Stripe's status.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// What is, or was, on its way.
    #[must_use]
    pub const fn amount(&self) -> Option<Money> {
        self.amount
    }

    /// Has it ended without being, or staying, on the balance?
    pub(super) fn has_ended(&self) -> bool {
        self.rank.as_ref().is_some_and(|rank| rank.class >= ENDED)
    }

    pub(super) fn evolve(&mut self, event: TopupEvent) {
        match event {
            TopupEvent::Observed { amount, status, rank, .. } => {
                self.amount = Some(amount);
                self.status = status;
                self.rank = Some(rank);
            }
            TopupEvent::FactMerged { status, rank, .. } => {
                self.status = status;
                self.rank = Some(rank);
            }
            TopupEvent::Credited { txn, .. } => self.credited = Some(txn),
            TopupEvent::Reversed { .. } => self.reversed = true,
            // Rank and status say it.
            TopupEvent::Failed { .. } => {}
        }
    }
}
