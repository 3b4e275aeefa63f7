//! What is open, by age: clearing and other unfinished business, and what sellers owe.
//!
//! Within an account, what was paid or settled is set against the oldest amounts first. The whole of
//! what remains stands in the bucket of the oldest amount that is still open.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, RefundId, SellerId, Timestamp};

use super::{
    Cell, Column, Figure, Fold, Mentions, Names, ROWS_MAX, Report, ReportFault, ReportName, Row,
    Scope, Section, Selection, Window, add,
};
use crate::{
    chart::{Account, Book, CHART, Family, Side},
    journal::JournalLine,
};

const SECONDS_PER_DAY: i64 = 86_400;
/// The last day of each bucket but the oldest.
const BOUNDS: [i64; 4] = [7, 30, 60, 90];
const BUCKETS: usize = BOUNDS.len() + 1;

const WHAT: Column = Column::text("account", "Account");
const ABOUT: Column = Column::text("about", "About");
const SINCE: Column = Column::instant("since", "Open since");
const DAYS: Column = Column::count("days", "Days");
const AMOUNTS: [Column; BUCKETS + 1] = [
    Column::money("days_0_7", "0\u{2013}7 days"),
    Column::money("days_8_30", "8\u{2013}30 days"),
    Column::money("days_31_60", "31\u{2013}60 days"),
    Column::money("days_61_90", "61\u{2013}90 days"),
    Column::money("days_over_90", "over 90 days"),
    Column::money("open", "Open"),
];

fn columns() -> Vec<Column> {
    [WHAT, ABOUT, SINCE, DAYS].into_iter().chain(AMOUNTS).collect()
}

/// What is told apart: an account, or a refund among those on one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    book: Book,
    currency: Currency,
    account: Account,
    refund: Option<RefundId>,
}

/// The lines of something that is open. They are forgotten when they come to nothing.
#[derive(Debug, Clone, Default)]
struct Open {
    sum: i128,
    lines: Vec<(Timestamp, i64)>,
}

impl Open {
    /// When the oldest amount took effect that is not made up for: amounts on the side of the
    /// balance, oldest first, less everything on the other side.
    fn since(&mut self) -> Result<Option<Timestamp>, ReportFault> {
        self.lines.sort_unstable();
        let other_side = |minor: i64| (minor > 0) != (self.sum > 0);
        let mut settled = 0_i128;
        for (_, minor) in self.lines.iter().filter(|(_, minor)| other_side(*minor)) {
            add(&mut settled, i128::from(*minor).abs())?;
        }
        for (at, minor) in self.lines.iter().filter(|(_, minor)| !other_side(*minor)) {
            add(&mut settled, -i128::from(*minor).abs())?;
            if settled < 0 {
                return Ok(Some(*at));
            }
        }
        Ok(None)
    }
}

/// Everything open on some families of accounts.
#[derive(Debug, Clone)]
struct Aged {
    scope: Scope,
    open: BTreeMap<Key, Open>,
}

/// What is open of one thing, with its age.
struct Item {
    key: Key,
    sum: i128,
    since: Timestamp,
    days: u64,
    bucket: usize,
}

impl Aged {
    const fn new(scope: Scope) -> Self {
        Self { scope, open: BTreeMap::new() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if !self.scope.holds(line) {
            return Ok(());
        }
        // Many refunds stand on one account; each is settled by itself.
        let refund = line.refund.filter(|_| line.account == Account::RefundsPayable);
        let key = Key {
            book: line.book.clone(),
            currency: line.currency,
            account: line.account.clone(),
            refund,
        };
        let open = self.open.entry(key.clone()).or_default();
        add(&mut open.sum, i128::from(line.minor))?;
        open.lines.push((line.effective_at, line.minor));
        if open.sum == 0 {
            self.open.remove(&key);
        }
        Ok(())
    }

    /// What is open, the oldest first.
    fn items(&mut self) -> Result<Vec<Item>, ReportFault> {
        if self.open.len() > ROWS_MAX {
            return Err(ReportFault::TooLong);
        }
        let until = self.scope.window.to;
        let mut items = Vec::new();
        for (key, mut open) in std::mem::take(&mut self.open) {
            let since = open.since()?.unwrap_or(until);
            let seconds = until.unix_seconds().saturating_sub(since.unix_seconds());
            let days = seconds.max(0) / SECONDS_PER_DAY;
            let bucket = BOUNDS.iter().take_while(|bound| days > **bound).count();
            let days = u64::try_from(days).unwrap_or_default();
            items.push(Item { key, sum: open.sum, since, days, bucket });
        }
        items.sort_by(|one, other| (one.since, &one.key).cmp(&(other.since, &other.key)));
        Ok(items)
    }

    fn figure(&self, key: &Key, accounts: Vec<String>, more: Side) -> Figure {
        let window = Window::until(self.scope.window.to);
        let place = (&key.book, key.currency);
        let figure = Figure::of_accounts(&self.scope, place, window, more, accounts);
        match key.refund {
            Some(refund) => figure.about("refund", refund),
            None => figure,
        }
    }

    /// The amounts of an item: in its bucket, and altogether.
    fn amounts(&self, item: &Item, more: Side) -> Result<Vec<Cell>, ReportFault> {
        let shown = if more == Side::Debit { item.sum } else { -item.sum };
        let figure = self.figure(&item.key, vec![item.key.account.name()], more);
        let mut cells = vec![Cell::Empty; BUCKETS];
        if let Some(cell) = cells.get_mut(item.bucket) {
            *cell = Cell::figure(shown, figure.clone())?;
        }
        cells.push(Cell::figure(shown, figure)?);
        Ok(cells)
    }
}

/// Sums by bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets([i128; BUCKETS]);

impl Buckets {
    fn add(&mut self, bucket: usize, sum: i128) -> Result<(), ReportFault> {
        self.0.get_mut(bucket).map_or(Ok(()), |total| add(total, sum))
    }

    fn cells(&self, currency: Currency, whole: Cell) -> Result<Vec<Cell>, ReportFault> {
        let mut cells = Vec::new();
        for sum in self.0 {
            cells.push(Cell::sum(sum, currency)?);
        }
        cells.push(whole);
        Ok(cells)
    }

    fn whole(&self) -> Result<i128, ReportFault> {
        let mut whole = 0;
        for sum in self.0 {
            add(&mut whole, sum)?;
        }
        Ok(whole)
    }
}

fn unfinished() -> impl Iterator<Item = &'static Family> {
    CHART.iter().filter(|family| family.must_return_to_zero)
}

/// Everything unfinished, by kind and age: clearing, claims, open disputes, refunds not yet sent,
/// money that belongs to nothing.
#[derive(Debug, Clone)]
pub struct AgedClearing(Aged);

impl AgedClearing {
    /// At the end of this scope.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self(Aged::new(scope))
    }
}

impl Fold for AgedClearing {
    fn selection(&self) -> Selection {
        let families = unfinished().map(|family| family.pattern).collect();
        Selection { families, since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if line.account.must_return_to_zero() { self.0.take(line) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>, _: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::AgedClearing, &self.0.scope, &columns());
        let mut kinds: BTreeMap<(Book, Currency, usize), Vec<Item>> = BTreeMap::new();
        for item in self.0.items()? {
            let pattern = item.key.account.family().pattern;
            let rank = CHART.iter().position(|family| family.pattern == pattern).unwrap_or(0);
            let key = (item.key.book.clone(), item.key.currency, rank);
            kinds.entry(key).or_default().push(item);
        }
        for ((book, currency, rank), items) in kinds {
            let Some(family) = CHART.get(rank) else { continue };
            let more = family.normal_side;
            let mut buckets = Buckets::default();
            let mut rows = Vec::new();
            for item in &items {
                buckets.add(item.bucket, if more == Side::Debit { item.sum } else { -item.sum })?;
                let about =
                    item.key.refund.map_or(Cell::Empty, |refund| Cell::text(refund.to_string()));
                let mut cells = vec![
                    Cell::Text(item.key.account.name()),
                    about,
                    Cell::Instant(item.since),
                    Cell::Count(item.days),
                ];
                cells.append(&mut self.0.amounts(item, more)?);
                rows.push(Row::of(cells));
            }
            let key = Key { book: book.clone(), currency, account: Account::Opening, refund: None };
            let figure = self.0.figure(&key, vec![family.pattern.to_owned()], more);
            let whole = Cell::figure(buckets.whole()?, figure)?;
            let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
            let mut cells = vec![Cell::text("Total"), Cell::text(format!("{count} open"))];
            cells.extend([Cell::Empty, Cell::Empty]);
            cells.append(&mut buckets.cells(currency, whole)?);
            report.sections.push(Section {
                heading: format!("{} ({book}, {currency})", family.pattern),
                currency: Some(currency),
                rows,
                totals: vec![Row::strong(cells)],
            });
        }
        report.notes.push(
            "The age is that of the oldest amount that is still open. Young is normal; old is work.",
        );
        Ok(report)
    }
}

/// What sellers owe, by age.
#[derive(Debug, Clone)]
pub struct AgedReceivables(Aged);

const RECEIVABLE: &str = "assets:receivable:seller:*";

impl AgedReceivables {
    /// At the end of this scope.
    #[must_use]
    pub const fn new(scope: Scope) -> Self {
        Self(Aged::new(scope))
    }
}

const fn debtor(account: &Account) -> Option<SellerId> {
    if let Account::Receivable(seller) = account { Some(*seller) } else { None }
}

impl Fold for AgedReceivables {
    fn selection(&self) -> Selection {
        Selection { families: vec![RECEIVABLE], since_ever: true, ..Selection::default() }
    }

    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault> {
        if debtor(&line.account).is_some() { self.0.take(line) } else { Ok(()) }
    }

    fn mentions(&self) -> Mentions {
        let sellers = self.0.open.keys().filter_map(|key| debtor(&key.account));
        Mentions { sellers: sellers.collect(), ..Mentions::default() }
    }

    fn finish(mut self: Box<Self>, names: &Names) -> Result<Report, ReportFault> {
        let mut report = Report::new(ReportName::AgedReceivables, &self.0.scope, &columns());
        let items = self.0.items()?;
        let places: BTreeSet<_> =
            items.iter().map(|item| (item.key.book.clone(), item.key.currency)).collect();
        for (book, currency) in places {
            let mut buckets = Buckets::default();
            let mut rows = Vec::new();
            let ours = |item: &&Item| item.key.book == book && item.key.currency == currency;
            for item in items.iter().filter(ours) {
                buckets.add(item.bucket, item.sum)?;
                let seller = debtor(&item.key.account).map(|seller| names.seller(seller));
                let mut cells = vec![
                    Cell::Text(item.key.account.name()),
                    seller.map_or(Cell::Empty, Cell::Text),
                    Cell::Instant(item.since),
                    Cell::Count(item.days),
                ];
                cells.append(&mut self.0.amounts(item, Side::Debit)?);
                rows.push(Row::of(cells));
            }
            let key = Key { book: book.clone(), currency, account: Account::Opening, refund: None };
            let figure = self.0.figure(&key, vec![RECEIVABLE.to_owned()], Side::Debit);
            let whole = Cell::figure(buckets.whole()?, figure)?;
            let mut cells = vec![Cell::text("Total"), Cell::Empty, Cell::Empty, Cell::Empty];
            cells.append(&mut buckets.cells(currency, whole)?);
            report.sections.push(Section {
                heading: format!("{book}, {currency}"),
                currency: Some(currency),
                rows,
                totals: vec![Row::strong(cells)],
            });
        }
        report.notes.push("The age is that of the oldest amount that is not paid back yet.");
        Ok(report)
    }
}
