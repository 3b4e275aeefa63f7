//! What Stripe charges, by kind and month, beside what is charged on to sellers and commission.

use super::{
    Fold, Names, Report, ReportFault, ReportName, Scope, Selection,
    figure::Pick,
    monthly::{ByMonth, Measure, measure, plain},
};
use crate::{
    chart::Side::{Credit, Debit},
    journal::JournalLine,
};

pub(super) const STRIPE_FEES: &[&str] = &[
    "expenses:stripe-fees:processing",
    "expenses:stripe-fees:dispute",
    "expenses:stripe-fees:connect",
    "expenses:stripe-fees:fx",
    "expenses:stripe-fees:payout",
];
const RECOVERY: &[&str] = &["income:fee-recovery", "income:dispute-fee-recovery"];
pub(super) const COMMISSION: &[&str] = &["income:commission", "income:commission-refunded"];

const MEASURES: [Measure; 10] = [
    measure!("processing", "Processing", &[Pick::all(Debit, &["expenses:stripe-fees:processing"])]),
    measure!("dispute", "Disputes", &[Pick::all(Debit, &["expenses:stripe-fees:dispute"])]),
    measure!("connect", "Connect", &[Pick::all(Debit, &["expenses:stripe-fees:connect"])]),
    measure!("fx", "Exchange", &[Pick::all(Debit, &["expenses:stripe-fees:fx"])]),
    measure!("payout", "Payouts", &[Pick::all(Debit, &["expenses:stripe-fees:payout"])]),
    measure!("stripe_fees", "Stripe's fees", &[Pick::all(Debit, STRIPE_FEES)]),
    measure!("recovered", "Charged on", &[Pick::all(Credit, RECOVERY)]),
    measure!("cost", "Cost", &[Pick::all(Debit, STRIPE_FEES), Pick::all(Debit, RECOVERY)]),
    measure!("vat", "VAT on fees", &[Pick::all(Debit, &["assets:vat-recoverable"])]),
    measure!("commission", "Commission, net", &[Pick::all(Credit, COMMISSION)]),
];

/// The fee report.
#[derive(Debug, Clone)]
pub struct Fees(ByMonth);

impl Fees {
    /// Over this scope, in the platform's book.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self(ByMonth::new(scope, MEASURES.to_vec()))
    }
}

impl Fold for Fees {
    fn selection(&self) -> Selection {
        Selection { families: self.0.families(), ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        self.0.take(line)
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = plain(&self.0, ReportName::Fees)?;
        report.notes.push(
            "Cost is Stripe's fees less what was charged on to sellers. Charges whose fee Stripe has \
             not named yet are not in it.",
        );
        Ok(report)
    }
}
