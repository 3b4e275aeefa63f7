//! What has happened to an adjustment.

use cqrs_es::DomainEvent;
use kernel::{AdjustmentId, Currency, SellerId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{Claim, ClaimRef, Person, Side};

/// Why the books are adjusted.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// What was there before the first event: against `equity:opening`.
    OpeningBalance,
    /// An amount nobody will pay: a debit of an expense.
    WriteOff,
    /// The platform gives something away: a debit of `expenses:goodwill`.
    Goodwill,
    /// Tax paid to the office: `liabilities:tax:*` against a bank.
    TaxRemitted,
    /// Something seen on a bank statement: a debit a seller paid by, a payout that arrived, interest.
    BankMovement,
    /// From one account to another.
    Reclassification,
    /// An earlier mistake.
    Correction,
    /// Whatever else; the memo says it.
    Other,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::OpeningBalance,
        Self::WriteOff,
        Self::Goodwill,
        Self::TaxRemitted,
        Self::BankMovement,
        Self::Reclassification,
        Self::Correction,
        Self::Other,
    ];
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentLine {
    /// The account; `None` when the seller's own money is meant.
    #[serde(default)]
    pub account: Option<String>,
    /// Left or right.
    pub side: Side,
    /// Minor units, more than zero.
    pub minor: i64,
    /// Without an account: whose money. With one: whom the amount is about.
    #[serde(default)]
    pub seller: Option<SellerId>,
}

impl AdjustmentLine {
    /// The seller whose own money the line is, with the claim by which it goes to his account.
    #[must_use]
    pub fn claim(&self, adjustment: AdjustmentId) -> Option<(SellerId, ClaimRef)> {
        let seller = self.seller.filter(|_| self.account.is_none())?;
        Some((seller, Claim::of_adjustment(adjustment, seller)))
    }
}

/// What is to be posted, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The lines; debits and credits are equal.
    pub lines: Vec<AdjustmentLine>,
    /// The one currency of all amounts.
    pub currency: Currency,
    /// When it takes effect in the books.
    pub effective: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Why, in words.
    pub memo: String,
    /// SHA-256 of the document that proves it, 64 hexadecimal digits.
    pub evidence_hash: String,
    /// The adjustment that this one takes back.
    pub reverses: Option<AdjustmentId>,
}

/// What has happened to an adjustment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum AdjustmentEvent {
    /// Somebody proposes it; nothing is posted.
    Proposed { adjustment: AdjustmentId, content: Content, by: Person, at: Timestamp },
    /// Somebody else agrees: it is posted.
    Approved {
        adjustment: AdjustmentId,
        content: Content,
        proposed_by: Person,
        approved_by: Person,
        at: Timestamp,
    },
    /// Somebody else disagrees.
    Rejected { note: String, by: Person, at: Timestamp },
    /// The one who proposed takes it back.
    Withdrawn { by: Person, at: Timestamp },
}

impl DomainEvent for AdjustmentEvent {
    fn event_type(&self) -> String {
        format!("adjustment.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
