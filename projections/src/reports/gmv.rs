//! Gross merchandise value: what sellers sold, by month, before and after what went back.
//!
//! It is read off the sellers' own accounts together with what the platform took: items and shipping
//! after seller-funded discounts, without tax, before commission. A dispute that the platform bears
//! lowers it too, although no seller's account moves.

use super::{
    Fold, Names, Report, ReportFault, ReportName, Scope, Selection,
    figure::Pick,
    monthly::{ByMonth, Measure, measure, plain},
};
use crate::{
    chart::Side::{Credit, Debit},
    journal::JournalLine,
    postings::Nature,
};

/// A seller's position, and what was taken from it: together, what his goods came to.
const GOODS: &[&str] = &[
    "liabilities:seller:*:pending",
    "liabilities:seller:*:available",
    "liabilities:seller:*:reserve",
    "liabilities:seller:*:dispute-hold",
    "assets:receivable:seller:*",
    "income:commission",
    "income:commission-refunded",
    "income:fee-recovery",
    "income:dispute-fee-recovery",
];
const LOSS: &[&str] = &["expenses:chargeback-loss"];

/// What was sold. A commission that was deferred is a part of it as its days pass.
const SOLD: &[Nature] = &[Nature::Sale, Nature::Recognition];

const GROSS: &[Pick] = &[Pick::of(Credit, GOODS, SOLD)];
pub(super) const NET: &[Pick] = &[
    Pick::of(
        Credit,
        GOODS,
        &[Nature::Sale, Nature::Recognition, Nature::Refund, Nature::Chargeback],
    ),
    Pick::all(Credit, LOSS),
];

const MEASURES: [Measure; 5] = [
    measure!("gross", "Gross", GROSS),
    measure!("refunds", "Refunds", &[Pick::of(Debit, GOODS, &[Nature::Refund])]),
    measure!("disputes", "Lost disputes", &[Pick::of(Debit, GOODS, &[Nature::Chargeback])]),
    measure!("borne", "Borne by platform", &[Pick::all(Debit, LOSS)]),
    measure!("net", "Net", NET),
];

/// Gross merchandise value by month.
#[derive(Debug, Clone)]
pub struct Gmv(ByMonth);

impl Gmv {
    /// Over this scope, in the platform's book.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self(ByMonth::new(scope, MEASURES.to_vec()))
    }
}

impl Fold for Gmv {
    fn selection(&self) -> Selection {
        Selection { families: self.0.families(), ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        self.0.take(line)
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = plain(&self.0, ReportName::Gmv)?;
        report.notes.push(
            "Items and shipping after seller-funded discounts, without tax, before commission. \
             Memberships that the platform sells itself are not in it.",
        );
        Ok(report)
    }
}
