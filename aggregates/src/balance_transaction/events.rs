//! What has happened to a balance transaction.

use cqrs_es::DomainEvent;
use kernel::{Currency, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{AccountRef, TxnRef};

/// How we know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Asked for by its id, or listed.
    Fetched,
    /// It stood inside the object that was delivered (disputes).
    Inline,
    /// Derived from an object that moves its own amount without fee (no key configured).
    Object,
    /// Imported from a file.
    Imported,
}

/// One part of Stripe's fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeDetail {
    /// `stripe_fee`, `tax`, `application_fee`, ...
    pub kind: String,
    /// Minor units of the transaction's currency.
    pub amount: i64,
}

/// A balance transaction as Stripe states it (API reference, "The balance transaction object").
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRecord {
    /// Stripe's id.
    pub txn: TxnRef,
    /// Whose balance: a connected account's, or the platform's (`None`).
    pub account: Option<AccountRef>,
    /// Stripe's `type`: `charge`, `refund`, `adjustment`, ...
    pub kind: String,
    /// Stripe's `reporting_category`, the accounting classifier.
    pub category: String,
    /// The object it belongs to.
    pub source: Option<String>,
    /// For transfers and their reversals: the connected account at the other end.
    pub counterpart: Option<AccountRef>,
    /// The one currency of all figures.
    pub currency: Currency,
    /// Minor units, signed from the balance's point of view.
    pub amount: i64,
    /// Minor units; positive is taken from the balance.
    pub fee: i64,
    /// `amount - fee`.
    pub net: i64,
    /// What the fee consists of, where known.
    pub fee_details: Vec<FeeDetail>,
    /// Stripe's exchange rate as decimal text, evidence only.
    pub exchange_rate: Option<String>,
    /// When the money can be used.
    pub available_on: Timestamp,
    /// Its own time.
    pub occurred_at: Timestamp,
    /// How we know of it.
    pub provenance: Provenance,
}

impl TransactionRecord {
    /// Whether two statements agree on everything that is posted.
    #[must_use]
    pub fn same_figures(&self, other: &Self) -> bool {
        (&self.txn, &self.account, self.currency, self.amount, self.fee, self.net)
            == (&other.txn, &other.account, other.currency, other.amount, other.fee, other.net)
            && (self.source.is_none() || other.source.is_none() || self.source == other.source)
    }
}

/// What has happened to a balance transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
#[expect(clippy::large_enum_variant, reason = "contradictions are rare; a box would cost the rest")]
pub enum BalanceTransactionEvent {
    /// It is known; one entry in the books.
    Recorded { record: TransactionRecord, at: Timestamp },
    /// Somebody states other figures for the same id; nothing is posted, a person must look.
    Contradicted { known: TransactionRecord, given: TransactionRecord, at: Timestamp },
}

impl DomainEvent for BalanceTransactionEvent {
    fn event_type(&self) -> String {
        format!("balance_transaction.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
