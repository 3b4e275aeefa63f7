//! What has happened to a tenant's periods.

use cqrs_es::DomainEvent;
use kernel::{Currency, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::Person;

/// The sums of both sides of a trial balance, in one book and one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// `platform`, or the connected account.
    pub book: String,
    /// The currency.
    pub currency: Currency,
    /// Accounts with a debit balance, minor units.
    pub debits: i64,
    /// Accounts with a credit balance, minor units.
    pub credits: i64,
}

/// What the books said when a period was closed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The position of the log up to which it counts.
    pub position: u64,
    /// The hash of all balances there.
    pub balance_hash: String,
    /// The trial balance there.
    pub totals: Vec<Total>,
}

/// One currency's part of a revaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revaluation {
    /// The currency.
    pub currency: Currency,
    /// What stood on `equity:conversion`, minor units, debits positive.
    pub minor: i64,
    /// The rate as it was stated; `1` for the functional currency.
    pub rate: String,
    /// What it is worth in the functional currency, minor units, debits positive; rounded half-even
    /// once.
    pub value: i64,
}

/// What has happened to a tenant's periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PeriodEvent {
    /// Everything before `through` is closed.
    Closed {
        /// The last day, `2026-03-31`.
        day: String,
        /// The first instant of the day after it, where the open period begins.
        through: Timestamp,
        time_zone: String,
        evidence: Evidence,
        by: Person,
        at: Timestamp,
    },
    /// Somebody asks to undo the last closing.
    ReopenRequested { through: Timestamp, reason: String, by: Person, at: Timestamp },
    /// Somebody else agreed: it is undone.
    Reopened {
        /// The closing that is undone.
        through: Timestamp,
        /// What is closed still.
        closed_through: Option<Timestamp>,
        reason: String,
        requested_by: Person,
        approved_by: Person,
        at: Timestamp,
    },
    /// Every closing so far is final.
    Locked {
        through: Timestamp,
        /// The closings that were not final before.
        closings: Vec<Timestamp>,
        by: Person,
        at: Timestamp,
    },
    /// What stands on `equity:conversion` was valued.
    Revalued {
        functional: Currency,
        day: String,
        effective: Timestamp,
        parts: Vec<Revaluation>,
        /// The sum of the values: a loss if positive, a gain if negative; minor units.
        difference: i64,
        source: String,
        by: Person,
        at: Timestamp,
    },
}

impl DomainEvent for PeriodEvent {
    fn event_type(&self) -> String {
        format!("period.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
