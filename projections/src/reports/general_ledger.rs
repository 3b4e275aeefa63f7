//! The general ledger of an account: every line in the order of the books, with the balance after
//! it.

use std::collections::BTreeMap;

use kernel::Currency;

use super::{
    Cell, Check, Column, Figure, Fold, Mentions, Names, ROWS_MAX, Report, ReportFault, ReportName,
    Row, Scope, Section, Selection, Window, add,
};
use crate::{
    chart::{Book, CHART, Family, Side},
    journal::JournalLine,
};

const COLUMNS: [Column; 9] = [
    Column::instant("effective_at", "Took effect"),
    Column::count("position", "Position"),
    Column::text("event", "Event"),
    Column::text("nature", "What"),
    Column::text("account", "Account"),
    Column::text("about", "About"),
    Column::money("debit", "Debit"),
    Column::money("credit", "Credit"),
    Column::money("balance", "Balance"),
];

/// One account's lines in one book and one currency.
#[derive(Debug, Clone, Default)]
struct Ledger {
    opening: i128,
    closing: i128,
    lines: Vec<JournalLine>,
}

/// The general ledger of an account, or of all accounts of a family together.
#[derive(Debug, Clone)]
pub struct GeneralLedger {
    scope: Scope,
    account: String,
    family: Option<&'static Family>,
    ledgers: BTreeMap<(Book, Currency), Ledger>,
    rows: usize,
}

impl GeneralLedger {
    /// Of this account, or family with a `*`.
    #[must_use]
    pub fn new(scope: Scope, account: String) -> Self {
        let is_family = account.contains('*');
        let family = CHART.iter().find(|family| {
            if is_family { family.pattern == account } else { family.covers(&account) }
        });
        Self { scope, account, family, ledgers: BTreeMap::new(), rows: 0 }
    }

    fn is_one_of(&self, line: &JournalLine) -> bool {
        line.family == self.account || line.account.name() == self.account
    }

    /// On which side the account grows; balances are shown from there.
    fn normal_side(&self) -> Side {
        self.family.map_or(Side::Debit, |family| family.normal_side)
    }

    fn figure(&self, place: (&Book, Currency), window: Window, more: Side) -> Figure {
        Figure::of_accounts(&self.scope, place, window, more, vec![self.account.clone()])
    }

    fn section(
        &self,
        report: &mut Report,
        (book, currency): (&Book, Currency),
        ledger: &Ledger,
        names: &Names,
    ) -> Result<(), ReportFault> {
        let place = (book, currency);
        let normal = self.normal_side();
        let shown = |debits: i128| if normal == Side::Debit { debits } else { -debits };
        let window = self.scope.window;
        let mut rows = Vec::with_capacity(ledger.lines.len().saturating_add(2));
        if let Some(from) = window.from {
            let figure = self.figure(place, Window::until(from), normal);
            rows.push(bound("Opening balance", None, Cell::figure(shown(ledger.opening), figure)?));
        }
        let (mut running, mut debits, mut credits) = (ledger.opening, 0, 0);
        for line in &ledger.lines {
            let minor = i128::from(line.minor);
            add(&mut running, minor)?;
            add(if minor > 0 { &mut debits } else { &mut credits }, minor)?;
            rows.push(self.row(place, line, Cell::sum(shown(running), currency)?, names)?);
        }
        let debited = self.figure(place, window, Side::Debit).only(Side::Debit);
        let credited = self.figure(place, window, Side::Credit).only(Side::Credit);
        let sums = (Cell::figure(debits, debited)?, Cell::figure(-credits, credited)?);
        let closing = self.figure(place, Window::until(window.to), normal);
        let closing = Cell::figure(shown(ledger.closing), closing)?;
        report.checks.push(Check::equal(
            "opening_and_movements_are_closing",
            (&format!("{book}: opening and movements"), shown(running)),
            ("closing", shown(ledger.closing)),
            currency,
        )?);
        report.sections.push(Section {
            heading: format!("{book}, {currency}"),
            currency: Some(currency),
            rows,
            totals: vec![bound("Closing balance", Some(sums), closing)],
        });
        Ok(())
    }

    fn row(
        &self,
        place: (&Book, Currency),
        line: &JournalLine,
        balance: Cell,
        names: &Names,
    ) -> Result<Row, ReportFault> {
        let side = if line.minor > 0 { Side::Debit } else { Side::Credit };
        let account = line.account.name();
        let window = Window::until(self.scope.window.to);
        let figure = Figure::of_accounts(&self.scope, place, window, side, vec![account.clone()])
            .about("position", line.position.0)
            .about("entry", line.entry)
            .about("line", line.line);
        let amount = Cell::figure(i128::from(line.minor).abs(), figure)?;
        let (debit, credit) = match side {
            Side::Debit => (amount, Cell::Empty),
            Side::Credit => (Cell::Empty, amount),
        };
        Ok(Row::of(vec![
            Cell::Instant(line.effective_at),
            Cell::Count(line.position.0),
            Cell::text(line.event_type.clone()),
            Cell::text(line.nature.to_string()),
            Cell::Text(account),
            about(line, names).map_or(Cell::Empty, Cell::Text),
            debit,
            credit,
            balance,
        ]))
    }
}

/// What a line is about, by the name people know it by.
pub(super) fn about(line: &JournalLine, names: &Names) -> Option<String> {
    line.order_id
        .map(|order| names.order(order))
        .or_else(|| line.refund.map(|refund| refund.to_string()))
        .or_else(|| line.dispute.map(|dispute| dispute.to_string()))
        .or_else(|| line.payout.map(|payout| payout.to_string()))
        .or_else(|| line.membership.clone())
        .or_else(|| line.claim.clone())
        .or_else(|| line.txn.clone())
}

/// The row before the first line, or after the last.
fn bound(what: &str, sums: Option<(Cell, Cell)>, balance: Cell) -> Row {
    let (debit, credit) = sums.unwrap_or((Cell::Empty, Cell::Empty));
    let empty = || Cell::Empty;
    let first = Cell::text(what);
    Row::strong(vec![empty(), empty(), first, empty(), empty(), empty(), debit, credit, balance])
}

impl Fold for GeneralLedger {
    fn selection(&self) -> Selection {
        let mut selection = Selection { since_ever: true, ..Selection::default() };
        match self.family.filter(|family| family.pattern == self.account) {
            Some(family) => selection.families.push(family.pattern),
            None => selection.accounts.push(self.account.clone()),
        }
        selection
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if !self.scope.holds(line) || !self.is_one_of(line) {
            return Ok(());
        }
        let moves = self.scope.moves(line);
        let ledger = self.ledgers.entry((line.book.clone(), line.currency)).or_default();
        add(&mut ledger.closing, i128::from(line.minor))?;
        if !moves {
            return add(&mut ledger.opening, i128::from(line.minor));
        }
        self.rows = self.rows.saturating_add(1);
        if self.rows > ROWS_MAX {
            return Err(ReportFault::TooLong);
        }
        ledger.lines.push(line.clone());
        Ok(())
    }

    fn mentions(&self) -> Mentions {
        let lines = self.ledgers.values().flat_map(|ledger| &ledger.lines);
        Mentions { orders: lines.filter_map(|line| line.order_id).collect(), ..Mentions::default() }
    }

    fn finish(mut self: Box<Self>, names: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::GeneralLedger, &self.scope, &COLUMNS);
        report.subject = Some(self.account.clone());
        let mut ledgers = std::mem::take(&mut self.ledgers);
        for ((book, currency), ledger) in &mut ledgers {
            ledger
                .lines
                .sort_by_key(|line| (line.effective_at, line.position, line.entry, line.line));
            self.section(&mut report, (book, *currency), ledger, names)?;
        }
        report.notes.push("The balance is shown from the side on which the account grows.");
        Ok(report)
    }
}
