//! Tables of months: what is added up is declared, and each figure follows from the declaration.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Currency;

use super::{Cell, Column, Figure, Month, ReportFault, Scope, Window, add, figure::Pick};
use crate::{chart::Book, journal::JournalLine};

/// A column of amounts, and what is added up in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) column: Column,
    pub(super) picks: &'static [Pick],
}

/// A measure, in a constant: a struct written out, so that what it refers to lives for ever.
macro_rules! measure {
    ($name:expr, $title:expr, $picks:expr $(,)?) => {
        $crate::reports::monthly::Measure {
            column: $crate::reports::Column::money($name, $title),
            picks: $picks,
        }
    };
}

pub(super) use measure;

/// The platform's lines of a period by currency and month, added up by measure.
#[derive(Debug, Clone)]
pub(super) struct ByMonth {
    scope: Scope,
    measures: Vec<Measure>,
    sums: BTreeMap<(Currency, Month), Vec<i128>>,
}

impl ByMonth {
    pub(super) const fn new(scope: Scope, measures: Vec<Measure>) -> Self {
        Self { scope, measures, sums: BTreeMap::new() }
    }

    pub(super) const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Every family that is added up anywhere.
    pub(super) fn families(&self) -> Vec<&'static str> {
        let picks = self.measures.iter().flat_map(|measure| measure.picks);
        let all: BTreeSet<_> = picks.flat_map(|pick| pick.families.iter().copied()).collect();
        all.into_iter().collect()
    }

    pub(super) fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if line.book != Book::Platform || !self.scope.holds(line) || !self.scope.moves(line) {
            return Ok(());
        }
        let values: Vec<(usize, i128)> = self
            .measures
            .iter()
            .enumerate()
            .flat_map(|(place, measure)| {
                let values = measure.picks.iter().filter_map(|pick| pick.value(line));
                values.map(move |value| (place, value))
            })
            .collect();
        if values.is_empty() {
            return Ok(());
        }
        let month = Month::of(self.scope.zone, line.effective_at);
        let count = self.measures.len();
        let sums = self.sums.entry((line.currency, month)).or_insert_with(|| vec![0; count]);
        for (place, value) in values {
            if let Some(sum) = sums.get_mut(place) {
                add(sum, value)?;
            }
        }
        Ok(())
    }

    pub(super) fn currencies(&self) -> Vec<Currency> {
        let all: BTreeSet<_> = self.sums.keys().map(|(currency, _)| *currency).collect();
        all.into_iter().collect()
    }

    /// The months of a currency in which something moved, with a sum for each measure.
    pub(super) fn months(&self, currency: Currency) -> impl Iterator<Item = (Month, &[i128])> {
        self.sums
            .iter()
            .filter(move |((of, _), _)| *of == currency)
            .map(|((_, month), sums)| (*month, sums.as_slice()))
    }

    /// The sums of the whole period.
    pub(super) fn whole(&self, currency: Currency) -> Result<Vec<i128>, ReportFault> {
        let mut whole = vec![0; self.measures.len()];
        for (_, sums) in self.months(currency) {
            for (total, sum) in whole.iter_mut().zip(sums) {
                add(total, *sum)?;
            }
        }
        Ok(whole)
    }

    /// The cell of a measure's sum over a part of the period; the whole, if no month is named.
    pub(super) fn cell(
        &self,
        currency: Currency,
        month: Option<Month>,
        place: usize,
        sums: &[i128],
    ) -> Result<Cell, ReportFault> {
        let window = month.map_or(self.scope.window, |month| self.window(month));
        let picks = self.measures.get(place).map_or(&[][..], |measure| measure.picks);
        let sum = sums.get(place).copied().unwrap_or_default();
        let figure = Figure::of_picks(&self.scope, (&Book::Platform, currency), window, picks);
        Cell::figure(sum, figure)
    }

    /// The cells of all measures.
    pub(super) fn cells(
        &self,
        currency: Currency,
        month: Option<Month>,
        sums: &[i128],
    ) -> Result<Vec<Cell>, ReportFault> {
        (0..self.measures.len()).map(|place| self.cell(currency, month, place, sums)).collect()
    }

    fn window(&self, month: Month) -> Window {
        self.scope.window.within(month, self.scope.zone)
    }

    /// The columns of all measures.
    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.measures.iter().map(|measure| measure.column)
    }
}

/// The column that says which month.
pub(super) const MONTH: Column = Column::text("month", "Month");

/// A report whose rows are months and whose columns are measures, and nothing else.
pub(super) fn plain(
    months: &ByMonth,
    name: super::ReportName,
) -> Result<super::Report, ReportFault> {
    let columns: Vec<Column> = std::iter::once(MONTH).chain(months.columns()).collect();
    let mut report = super::Report::new(name, months.scope(), &columns);
    for currency in months.currencies() {
        let mut section = section(currency);
        for (month, sums) in months.months(currency) {
            let mut cells = vec![Cell::text(month.to_string())];
            cells.append(&mut months.cells(currency, Some(month), sums)?);
            section.rows.push(super::Row::of(cells));
        }
        let mut cells = vec![Cell::text("Total")];
        cells.append(&mut months.cells(currency, None, &months.whole(currency)?)?);
        section.totals.push(super::Row::strong(cells));
        report.sections.push(section);
    }
    Ok(report)
}

/// An empty section of a currency.
pub(super) fn section(currency: Currency) -> super::Section {
    super::Section {
        heading: currency.to_string(),
        currency: Some(currency),
        rows: Vec::new(),
        totals: Vec::new(),
    }
}
