//! What a what-if comes to: two sides of every figure, and what could not be replayed faithfully.

use std::collections::BTreeMap;

use kernel::{Currency, Money, SellerId, TenantId};
use serde::Serialize;

use super::policy::TermChange;

/// How many examples of one remark are kept; all are counted.
const EXAMPLES_MAX: usize = 5;

/// A family of accounts in one currency, minor units on its normal side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountRow {
    /// Whose.
    pub tenant: TenantId,
    /// The platform's book, or all connected accounts' together.
    pub book: &'static str,
    /// The family, such as `liabilities:seller:*:reserve`.
    pub family: &'static str,
    /// Its currency.
    pub currency: Currency,
    /// As it is.
    pub actual: i128,
    /// As it would be.
    pub what_if: i128,
    /// What-if less actual.
    pub difference: i128,
}

/// A part of what a seller has, minor units. `receivable` is what he owes; `total` is all he has less
/// what he owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SellerRow {
    /// Whose seller.
    pub tenant: TenantId,
    /// Who.
    pub seller: SellerId,
    /// The storefront's name for him.
    pub reference: Option<String>,
    /// In which currency.
    pub currency: Currency,
    /// `pending`, `available`, `reserve`, `dispute_hold`, `receivable` or `total`.
    pub part: &'static str,
    /// As it is.
    pub actual: i128,
    /// As it would be.
    pub what_if: i128,
    /// What-if less actual.
    pub difference: i128,
}

/// A trial balance: debits less credits, which is zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialRow {
    /// Whose.
    pub tenant: TenantId,
    /// Which book.
    pub book: &'static str,
    /// In which currency.
    pub currency: Currency,
    /// Of the real books.
    pub actual: i128,
    /// Of the others.
    pub what_if: i128,
}

/// Why something was not replayed as faithfully as everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RemarkKind {
    /// More was really transferred to a seller than he would have had available: the rest was taken
    /// by the waterfall, and what is not covered he owes.
    PaidBeyondAvailable,
    /// What was really asked for and granted is refused here.
    Refused,
    /// A real decision rests on one that does not exist here, and is left out.
    WithoutGround,
    /// Nobody knows by which command it came about: the event was copied as it is.
    CopiedAsItWas,
    /// The commission would be more than the whole price; it stops there.
    CommissionCapped,
    /// This commission follows no policy of ours (application fees, what a person divided among
    /// sellers, memberships): it stays as it was.
    CommissionKept,
    /// Foreign money was revalued by the real balances: the figures stay as they were.
    RevaluationKept,
}

/// What could not be replayed faithfully: how often, and some of it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// Why.
    pub kind: RemarkKind,
    /// How often.
    pub count: u64,
    /// The money concerned, minor units by currency, where money is.
    pub minor: BTreeMap<String, i128>,
    /// The first few.
    pub examples: Vec<String>,
}

/// How the history was gone through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Decisions {
    /// Commits of facts from outside that were taken over.
    pub taken_over: u64,
    /// Transfers and payouts among them, which stay as they were.
    pub payouts_kept: u64,
    /// Decisions taken anew that came out to the letter as they had.
    pub same: u64,
    /// Decisions taken anew that came out otherwise.
    pub different: u64,
    /// Events of decisions that only the other policy brings about, by type.
    pub additional: BTreeMap<String, u64>,
    /// Events of real decisions that the other policy does not bring about, by type.
    pub omitted: BTreeMap<String, u64>,
}

/// What a what-if comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The last position of the real log that was replayed.
    pub through: u64,
    /// Events read, real ones.
    pub events: u64,
    /// Events in the scratch store.
    pub scratch_events: u64,
    /// The terms that differ.
    pub terms: Vec<TermChange>,
    /// Per family of accounts.
    pub accounts: Vec<AccountRow>,
    /// How many single accounts stand elsewhere.
    pub accounts_differing: usize,
    /// Per seller.
    pub sellers: Vec<SellerRow>,
    /// Both trial balances.
    pub trial: Vec<TrialRow>,
    /// How the history was gone through.
    pub decisions: Decisions,
    /// What could not be replayed faithfully; empty when all was.
    pub remarks: Vec<Remark>,
    /// Invariants that the other books break, in words; there should be none.
    pub violations: Vec<String>,
}

/// Remarks while they are collected.
#[derive(Debug, Default)]
pub(super) struct Remarks(BTreeMap<RemarkKind, Remark>);

impl Remarks {
    pub(super) fn add(&mut self, kind: RemarkKind, example: impl FnOnce() -> String) {
        let remark = self.of(kind);
        remark.count += 1;
        if remark.examples.len() < EXAMPLES_MAX {
            remark.examples.push(example());
        }
    }

    pub(super) fn add_money(&mut self, kind: RemarkKind, money: Money) {
        let sum = self.of(kind).minor.entry(money.currency().to_string()).or_default();
        *sum += i128::from(money.minor());
    }

    fn of(&mut self, kind: RemarkKind) -> &mut Remark {
        self.0.entry(kind).or_insert_with(|| Remark {
            kind,
            count: 0,
            minor: BTreeMap::new(),
            examples: Vec::new(),
        })
    }

    pub(super) fn into_list(self) -> Vec<Remark> {
        self.0.into_values().collect()
    }
}
