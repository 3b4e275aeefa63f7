//! The take rate: what the platform keeps of what is sold. Ratios are decimal numbers with four
//! digits behind the point, rounded half to even; nothing is ever computed from them.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    Cell, Column, Fold, Names, Report, ReportFault, ReportName, Row, Scope, Selection,
    fees::{COMMISSION, STRIPE_FEES},
    figure::Pick,
    gmv::NET,
    monthly::{ByMonth, MONTH, Measure, measure, section},
};
use crate::{
    chart::Side::{Credit, Debit},
    journal::JournalLine,
};

const RECOVERY: &[&str] = &["income:fee-recovery", "income:dispute-fee-recovery"];
const DISCOUNTS: &[&str] = &["income:discounts"];

const MEASURES: [Measure; 5] = [
    measure!("gmv", "GMV, net", NET),
    measure!("commission", "Commission, net", &[Pick::all(Credit, COMMISSION)]),
    measure!("discounts", "Discounts", &[Pick::all(Debit, DISCOUNTS)]),
    measure!(
        "fees",
        "Stripe's fees not charged on",
        &[Pick::all(Debit, STRIPE_FEES), Pick::all(Debit, RECOVERY)],
    ),
    measure!(
        "kept",
        "Kept",
        &[
            Pick::all(Credit, COMMISSION),
            Pick::all(Credit, DISCOUNTS),
            Pick::all(Credit, STRIPE_FEES),
            Pick::all(Credit, RECOVERY),
        ],
    ),
];
const GMV: usize = 0;
const COMMISSION_NET: usize = 1;
const KEPT: usize = 4;
const DIGITS: u32 = 4;

/// The take rate by month.
#[derive(Debug, Clone)]
pub struct TakeRate(ByMonth);

impl TakeRate {
    /// Over this scope, in the platform's book.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self(ByMonth::new(scope, MEASURES.to_vec()))
    }
}

/// One amount as a part of another; nothing where nothing was sold.
fn ratio(sums: &[i128], of: usize, to: usize) -> Cell {
    let decimal = |place: usize| {
        let sum = sums.get(place).copied().unwrap_or_default();
        Decimal::try_from_i128_with_scale(sum, 0).ok()
    };
    decimal(of)
        .zip(decimal(to).filter(|whole| *whole > Decimal::ZERO))
        .and_then(|(part, whole)| part.checked_div(whole))
        .map_or(Cell::Empty, |ratio| {
            let mut rounded =
                ratio.round_dp_with_strategy(DIGITS, RoundingStrategy::MidpointNearestEven);
            rounded.rescale(DIGITS);
            Cell::Ratio(rounded)
        })
}

impl Fold for TakeRate {
    fn selection(&self) -> Selection {
        Selection { families: self.0.families(), ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        self.0.take(line)
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let columns: Vec<Column> = std::iter::once(MONTH)
            .chain(self.0.columns())
            .chain([
                Column::ratio("take_rate", "Take rate"),
                Column::ratio("take_rate_kept", "After discounts and fees"),
            ])
            .collect();
        let mut report = Report::new(ReportName::TakeRate, self.0.scope(), &columns);
        let row = |currency, month: Option<super::Month>, sums: &[i128]| {
            let first = month.map_or_else(|| "Total".to_owned(), |month| month.to_string());
            let mut cells = vec![Cell::text(first)];
            cells.append(&mut self.0.cells(currency, month, sums)?);
            cells.push(ratio(sums, COMMISSION_NET, GMV));
            cells.push(ratio(sums, KEPT, GMV));
            Ok::<_, ReportFault>(Row { strong: month.is_none(), cells })
        };
        for currency in self.0.currencies() {
            let mut section = section(currency);
            for (month, sums) in self.0.months(currency) {
                section.rows.push(row(currency, Some(month), sums)?);
            }
            section.totals.push(row(currency, None, &self.0.whole(currency)?)?);
            report.sections.push(section);
        }
        report.notes.push(
            "The take rate is net commission over net GMV. It is left out where nothing remains sold.",
        );
        Ok(report)
    }
}
