//! How monthly recurring revenue changed, by month.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Currency;

use super::{
    Cell, Column, Fold, Month, Names, Report, ReportFault, ReportName, Row, Scope, Selection, add,
    monthly::{MONTH, section},
};
use crate::journal::JournalLine;

/// Why monthly recurring revenue changed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::EnumString,
)]
#[strum(serialize_all = "snake_case")]
pub enum MrrMovementKind {
    /// A first membership began.
    New,
    /// It costs more than before.
    Expansion,
    /// It costs less than before.
    Contraction,
    /// It ended.
    Churn,
    /// It began again.
    Reactivation,
}

/// The changes of one kind in one month. They are a fact about a membership, not a line of the
/// journal: what is paid for a year is recurring every month of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MrrMovement {
    /// In which month.
    pub month: Month,
    /// Why.
    pub kind: MrrMovementKind,
    /// The currency.
    pub currency: Currency,
    /// By how much, minor units a month; churn and contraction are below zero.
    pub delta: i64,
}

const KINDS: [MrrMovementKind; 5] = [
    MrrMovementKind::New,
    MrrMovementKind::Expansion,
    MrrMovementKind::Reactivation,
    MrrMovementKind::Contraction,
    MrrMovementKind::Churn,
];
const COLUMNS: [Column; 8] = [
    MONTH,
    Column::money("opening", "Opening"),
    Column::money("new", "New"),
    Column::money("expansion", "Expansion"),
    Column::money("reactivation", "Reactivation"),
    Column::money("contraction", "Contraction"),
    Column::money("churn", "Churn"),
    Column::money("closing", "Closing"),
];

/// Movements of monthly recurring revenue.
#[derive(Debug, Clone)]
pub struct Mrr {
    scope: Scope,
    before: BTreeMap<Currency, i128>,
    months: BTreeMap<(Currency, Month), BTreeMap<MrrMovementKind, i128>>,
}

impl Mrr {
    /// Over this scope, from all movements up to its end.
    ///
    /// # Errors
    /// [`ReportFault::Overflow`].
    pub fn new(
        scope: Scope,
        movements: impl IntoIterator<Item = MrrMovement>,
    ) -> Result<Self, ReportFault> {
        let mut mrr = Self { scope, before: BTreeMap::new(), months: BTreeMap::new() };
        for movement in movements {
            mrr.movement(&movement)?;
        }
        Ok(mrr)
    }

    fn movement(&mut self, movement: &MrrMovement) -> Result<(), ReportFault> {
        let Scope { window, zone, currency, .. } = &self.scope;
        let wanted = currency.is_none_or(|currency| currency == movement.currency);
        let at = movement.month.start(*zone);
        if at >= window.to || !wanted {
            return Ok(());
        }
        let delta = i128::from(movement.delta);
        if window.from.is_some_and(|from| at < from) {
            return add(self.before.entry(movement.currency).or_default(), delta);
        }
        let of_month = self.months.entry((movement.currency, movement.month)).or_default();
        add(of_month.entry(movement.kind).or_default(), delta)
    }
}

fn row(
    first: String,
    currency: Currency,
    (opening, closing): (i128, i128),
    moved: &BTreeMap<MrrMovementKind, i128>,
) -> Result<Vec<Cell>, ReportFault> {
    let mut cells = vec![Cell::Text(first), Cell::sum(opening, currency)?];
    for kind in KINDS {
        cells.push(Cell::sum(moved.get(&kind).copied().unwrap_or_default(), currency)?);
    }
    cells.push(Cell::sum(closing, currency)?);
    Ok(cells)
}

impl Fold for Mrr {
    fn selection(&self) -> Selection {
        // It is read off memberships: no account is named so, and no line is read.
        Selection { accounts: vec!["none".to_owned()], ..Selection::default() }
    }

    fn take(&mut self, _: &JournalLine) -> Result<(), ReportFault> {
        Ok(())
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::MrrMovements, &self.scope, &COLUMNS);
        let moved = self.months.keys().map(|(currency, _)| *currency);
        let currencies: BTreeSet<_> = self.before.keys().copied().chain(moved).collect();
        for currency in currencies {
            let mut section = section(currency);
            let before = self.before.get(&currency).copied().unwrap_or_default();
            let (mut running, mut whole) = (before, BTreeMap::new());
            for ((_, month), kinds) in self.months.iter().filter(|((of, _), _)| *of == currency) {
                let opening = running;
                for (kind, delta) in kinds {
                    add(&mut running, *delta)?;
                    add(whole.entry(*kind).or_default(), *delta)?;
                }
                let cells = row(month.to_string(), currency, (opening, running), kinds)?;
                section.rows.push(Row::of(cells));
            }
            let cells = row("Total".to_owned(), currency, (before, running), &whole)?;
            section.totals.push(Row::strong(cells));
            report.sections.push(section);
        }
        report.notes.push(
            "What memberships are worth a month. It is read off the memberships, not off the books: \
             a year's price recurs in each of its months. Months are whole, and as they are known now.",
        );
        Ok(report)
    }
}
