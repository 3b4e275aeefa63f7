//! The trial balance: the balance of every account, and that both sides are equal.
//!
//! Accounts of which there are many (one for each charge, claim or seller) are shown as their
//! family, as a control account is; asked for in detail, each by itself.

use std::collections::BTreeMap;

use kernel::Currency;

use super::{
    Cell, Check, Column, Figure, Fold, Names, ROWS_MAX, Report, ReportFault, ReportName, Row,
    Scope, Section, Selection, Window, add,
};
use crate::{
    chart::{Book, CHART, Members, Side},
    journal::JournalLine,
};

/// How much is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Detail {
    /// Accounts of which there are many are one row.
    #[default]
    Families,
    /// Every account that has moved or has a balance.
    Accounts,
}

const ACCOUNT: Column = Column::text("account", "Account");
const DEBIT: Column = Column::money("debit", "Debit");
const CREDIT: Column = Column::money("credit", "Credit");
const MOVED: [Column; 6] = [
    ACCOUNT,
    Column::money("opening", "Opening"),
    Column::money("debited", "Debited"),
    Column::money("credited", "Credited"),
    DEBIT,
    CREDIT,
];

/// What stood on an account, and what moved it; debits positive.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    opening: i128,
    debited: i128,
    credited: i128,
}

impl Sums {
    fn join(&mut self, other: &Self) -> Result<(), ReportFault> {
        add(&mut self.opening, other.opening)?;
        add(&mut self.debited, other.debited)?;
        add(&mut self.credited, other.credited)
    }

    fn closing(&self) -> Result<i128, ReportFault> {
        let mut closing = self.opening;
        add(&mut closing, self.debited)?;
        add(&mut closing, -self.credited)?;
        Ok(closing)
    }
}

/// The trial balance.
#[derive(Debug, Clone)]
pub struct TrialBalance {
    scope: Scope,
    detail: Detail,
    ranks: BTreeMap<&'static str, usize>,
    sums: BTreeMap<(Book, Currency), BTreeMap<(usize, String), Sums>>,
    rows: usize,
}

impl TrialBalance {
    /// Of this scope.
    #[must_use]
    pub fn new(scope: Scope, detail: Detail) -> Self {
        let ranks = CHART.iter().enumerate().map(|(rank, family)| (family.pattern, rank)).collect();
        Self { scope, detail, ranks, sums: BTreeMap::new(), rows: 0 }
    }

    fn shown(&self, line: &JournalLine) -> String {
        let family = line.account.family();
        let many = match family.members {
            Members::PerObject | Members::PerSeller => true,
            Members::One | Members::Few => false,
        };
        match self.detail {
            Detail::Families if many => family.pattern.to_owned(),
            Detail::Families | Detail::Accounts => line.account.name(),
        }
    }

    fn row(
        &self,
        place: (&Book, Currency),
        name: &str,
        sums: &Sums,
    ) -> Result<Option<Row>, ReportFault> {
        let closing = sums.closing()?;
        let quiet = sums.debited == 0 && sums.credited == 0 && sums.opening == 0;
        let hidden = if self.scope.window.from.is_some() { quiet } else { closing == 0 };
        if hidden {
            return Ok(None);
        }
        let figure = |window, more| {
            Figure::of_accounts(&self.scope, place, window, more, vec![name.to_owned()])
        };
        let mut cells = vec![Cell::text(name)];
        let window = self.scope.window;
        if let Some(from) = window.from {
            cells.push(Cell::figure(sums.opening, figure(Window::until(from), Side::Debit))?);
            let debited = figure(window, Side::Debit).only(Side::Debit);
            cells.push(Cell::figure(sums.debited, debited)?);
            let credited = figure(window, Side::Credit).only(Side::Credit);
            cells.push(Cell::figure(sums.credited, credited)?);
        }
        let until = Window::until(window.to);
        if closing >= 0 {
            cells.push(Cell::figure(closing, figure(until, Side::Debit))?);
            cells.push(Cell::Empty);
        } else {
            cells.push(Cell::Empty);
            cells.push(Cell::figure(-closing, figure(until, Side::Credit))?);
        }
        Ok(Some(Row::of(cells)))
    }

    fn section(
        &self,
        report: &mut Report,
        (book, currency): (&Book, Currency),
        accounts: &BTreeMap<(usize, String), Sums>,
    ) -> Result<(), ReportFault> {
        let mut rows = Vec::new();
        let (mut whole, mut debits, mut credits) = (Sums::default(), 0, 0);
        for ((_, name), sums) in accounts {
            rows.extend(self.row((book, currency), name, sums)?);
            whole.join(sums)?;
            let closing = sums.closing()?;
            if closing >= 0 {
                add(&mut debits, closing)?;
            } else {
                add(&mut credits, -closing)?;
            }
        }
        let mut cells = vec![Cell::text("Total")];
        if self.scope.window.from.is_some() {
            for sum in [whole.opening, whole.debited, whole.credited] {
                cells.push(Cell::sum(sum, currency)?);
            }
            report.checks.push(Check::equal(
                "movements_balance",
                (&format!("{book}: debited"), whole.debited),
                ("credited", whole.credited),
                currency,
            )?);
        }
        cells.push(Cell::sum(debits, currency)?);
        cells.push(Cell::sum(credits, currency)?);
        report.checks.push(Check::equal(
            "debits_equal_credits",
            (&format!("{book}: debits"), debits),
            ("credits", credits),
            currency,
        )?);
        report.sections.push(Section {
            heading: format!("{book}, {currency}"),
            currency: Some(currency),
            rows,
            totals: vec![Row::strong(cells)],
        });
        Ok(())
    }
}

impl Fold for TrialBalance {
    fn selection(&self) -> Selection {
        Selection { since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if !self.scope.holds(line) {
            return Ok(());
        }
        let rank = self.ranks.get(line.account.family().pattern).copied().unwrap_or_default();
        let name = self.shown(line);
        let moves = self.scope.moves(line);
        let of_book = self.sums.entry((line.book.clone(), line.currency)).or_default();
        let known = of_book.len();
        let sums = of_book.entry((rank, name.clone())).or_default();
        let minor = i128::from(line.minor);
        match (moves, minor > 0) {
            (false, _) => add(&mut sums.opening, minor)?,
            (true, true) => add(&mut sums.debited, minor)?,
            (true, false) => add(&mut sums.credited, -minor)?,
        }
        // What is through is dropped, so that what is kept is what is open.
        let through = self.scope.window.from.is_none() && sums.closing()? == 0;
        if through {
            of_book.remove(&(rank, name));
        }
        self.rows = self.rows.saturating_add(of_book.len()).saturating_sub(known);
        if self.rows > ROWS_MAX { Err(ReportFault::TooLong) } else { Ok(()) }
    }

    fn finish(self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let columns: &[Column] =
            if self.scope.window.from.is_some() { &MOVED } else { &[ACCOUNT, DEBIT, CREDIT] };
        let mut report = Report::new(ReportName::TrialBalance, &self.scope, columns);
        for ((book, currency), accounts) in &self.sums {
            self.section(&mut report, (book, *currency), accounts)?;
        }
        if self.detail == Detail::Families {
            report.notes.push(
                "An account with a * stands for all accounts of that name together. With \
                 detail=accounts each is shown by itself.",
            );
        }
        Ok(report)
    }
}
