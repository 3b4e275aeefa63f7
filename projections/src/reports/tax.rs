//! Tax liability: collected, refunded, remitted, and what is owed, by jurisdiction and month.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Currency;

use super::{
    Cell, Check, Column, Figure, Fold, Month, Names, Natures, Report, ReportFault, ReportName, Row,
    Scope, Section, Selection, Term, Window, add, monthly::section,
};
use crate::{
    chart::{Account, Book, Side},
    journal::JournalLine,
    postings::Nature,
};

const COLLECTED: &[Nature] = &[Nature::Sale, Nature::Unallocated];
const REFUNDED: &[Nature] = &[Nature::Refund, Nature::Chargeback];
const NOT_REMITTED: &[Nature] =
    &[Nature::Sale, Nature::Unallocated, Nature::Refund, Nature::Chargeback];

const COLUMNS: [Column; 6] = [
    Column::text("jurisdiction", "Jurisdiction"),
    Column::text("month", "Month"),
    Column::money("collected", "Collected"),
    Column::money("refunded", "Refunded"),
    Column::money("remitted", "Remitted"),
    Column::money("balance", "Owed"),
];

/// What moved a liability.
#[derive(Debug, Clone, Copy, Default)]
struct Moved {
    collected: i128,
    refunded: i128,
    remitted: i128,
}

impl Moved {
    /// Credits are owed; a line's place follows from what its entry is about.
    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        let owed = -i128::from(line.minor);
        if COLLECTED.contains(&line.nature) {
            add(&mut self.collected, owed)
        } else if REFUNDED.contains(&line.nature) {
            add(&mut self.refunded, -owed)
        } else {
            add(&mut self.remitted, -owed)
        }
    }

    fn join(&mut self, other: &Self) -> Result<(), ReportFault> {
        add(&mut self.collected, other.collected)?;
        add(&mut self.refunded, other.refunded)?;
        add(&mut self.remitted, other.remitted)
    }

    fn owed(&self) -> Result<i128, ReportFault> {
        let mut owed = self.collected;
        add(&mut owed, -self.refunded)?;
        add(&mut owed, -self.remitted)?;
        Ok(owed)
    }
}

/// What is owed to one tax office in one currency.
#[derive(Debug, Clone, Default)]
struct Owed {
    before: i128,
    closing: i128,
    months: BTreeMap<Month, Moved>,
}

/// The tax liability.
#[derive(Debug, Clone)]
pub struct TaxLiability {
    scope: Scope,
    owed: BTreeMap<(Currency, String), Owed>,
}

impl TaxLiability {
    /// Over this scope, in the platform's book.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self { scope, owed: BTreeMap::new() }
    }

    fn figure(
        &self,
        currency: Currency,
        window: Window,
        (more, natures): (Side, Natures),
        accounts: Vec<String>,
    ) -> Figure {
        let terms = vec![Term { more, accounts, natures, side: None }];
        Figure::of_terms(&self.scope, (&Book::Platform, currency), window, terms)
    }

    /// The amounts of a row: what moved within a window, and what was owed at its end.
    fn amounts(
        &self,
        currency: Currency,
        accounts: &[String],
        window: Window,
        (moved, owed): (&Moved, i128),
    ) -> Result<[Cell; 4], ReportFault> {
        let figure = |window, more, natures| {
            self.figure(currency, window, (more, natures), accounts.to_vec())
        };
        let refunded = figure(window, Side::Debit, Natures::Only(REFUNDED));
        Ok([
            Cell::figure(moved.collected, figure(window, Side::Credit, Natures::Only(COLLECTED)))?,
            Cell::figure(moved.refunded, refunded)?,
            Cell::figure(
                moved.remitted,
                figure(window, Side::Debit, Natures::Except(NOT_REMITTED)),
            )?,
            Cell::figure(owed, figure(Window::until(window.to), Side::Credit, Natures::Any))?,
        ])
    }

    fn rows(
        &self,
        section: &mut Section,
        (currency, jurisdiction): (Currency, &str),
        owed: &Owed,
    ) -> Result<Moved, ReportFault> {
        let accounts = [Account::Tax(jurisdiction.to_owned()).name()];
        if let (Some(from), true) = (self.scope.window.from, owed.before != 0) {
            let figure = self.figure(
                currency,
                Window::until(from),
                (Side::Credit, Natures::Any),
                accounts.to_vec(),
            );
            section.rows.push(Row::of(vec![
                Cell::text(jurisdiction),
                Cell::text("brought forward"),
                Cell::Empty,
                Cell::Empty,
                Cell::Empty,
                Cell::figure(owed.before, figure)?,
            ]));
        }
        let (mut running, mut whole) = (owed.before, Moved::default());
        for (month, moved) in &owed.months {
            add(&mut running, moved.owed()?)?;
            whole.join(moved)?;
            let window = self.scope.window.within(*month, self.scope.zone);
            let mut cells = vec![Cell::text(jurisdiction), Cell::text(month.to_string())];
            cells.extend(self.amounts(currency, &accounts, window, (moved, running))?);
            section.rows.push(Row::of(cells));
        }
        Ok(whole)
    }
}

impl Fold for TaxLiability {
    fn selection(&self) -> Selection {
        Selection { families: vec!["liabilities:tax:*"], since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        let Account::Tax(jurisdiction) = &line.account else { return Ok(()) };
        if line.book != Book::Platform || !self.scope.holds(line) {
            return Ok(());
        }
        let owed = self.owed.entry((line.currency, jurisdiction.clone())).or_default();
        add(&mut owed.closing, -i128::from(line.minor))?;
        if !self.scope.moves(line) {
            return add(&mut owed.before, -i128::from(line.minor));
        }
        let month = Month::of(self.scope.zone, line.effective_at);
        owed.months.entry(month).or_default().take(line)
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::TaxLiability, &self.scope, &COLUMNS);
        let currencies: BTreeSet<_> = self.owed.keys().map(|(currency, _)| *currency).collect();
        for currency in currencies {
            let mut section = section(currency);
            let (mut whole, mut before, mut closing) = (Moved::default(), 0, 0);
            for ((_, jurisdiction), owed) in self.owed.iter().filter(|((of, _), _)| *of == currency)
            {
                let moved = self.rows(&mut section, (currency, jurisdiction), owed)?;
                whole.join(&moved)?;
                add(&mut before, owed.before)?;
                add(&mut closing, owed.closing)?;
            }
            let everywhere = ["liabilities:tax:*".to_owned()];
            let mut cells = vec![Cell::text("Total"), Cell::Empty];
            let window = self.scope.window;
            cells.extend(self.amounts(currency, &everywhere, window, (&whole, closing))?);
            section.totals.push(Row::strong(cells));
            report.sections.push(section);
            let mut expected = before;
            add(&mut expected, whole.owed()?)?;
            report.checks.push(Check::equal(
                "owed_is_what_moved",
                ("brought forward and collected less refunded and remitted", expected),
                ("owed", closing),
                currency,
            )?);
        }
        Ok(report)
    }
}
