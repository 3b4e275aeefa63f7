//! What has happened to a top-up of the platform's balance.

use cqrs_es::DomainEvent;
use kernel::{Money, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{FactRank, TopupRef, TxnRef};

/// What has happened to a top-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum TopupEvent {
    /// Stripe told us of it.
    Observed { topup: TopupRef, amount: Money, status: String, rank: FactRank, at: Timestamp },
    /// A fact about it outranked what was known.
    FactMerged { status: String, rank: FactRank, at: Timestamp },
    /// It moved money, by this transaction.
    Credited { topup: TopupRef, txn: TxnRef, amount: Money, occurred_at: Timestamp, at: Timestamp },
    /// It was taken back after it had been credited.
    Reversed { topup: TopupRef, amount: Money, occurred_at: Timestamp, at: Timestamp },
    /// It failed or was cancelled before it moved money.
    Failed { topup: TopupRef, status: String, at: Timestamp },
}

impl DomainEvent for TopupEvent {
    fn event_type(&self) -> String {
        format!("topup.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
