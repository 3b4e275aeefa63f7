//! The balance of a series as of an instant and as known at a position, from its spans.

use std::collections::BTreeMap;

use kernel::{Currency, Timestamp};
use projections::{
    balance_series::{BalanceSeries, BalanceSpan, LEVELS},
    chart::{Book, Family, Side},
    selectors::{Narrowing, Selector, signed},
};
use store::{Direction, Field, Filter, Position, Query, ViewsError, ViewsExt};

use super::{FigureError, Figures, Lines};

const SPANS_PAGE: usize = 1000;

/// A span with no more lines than this is read line by line: that takes no longer than its parts.
const LINES_READ_AT_ONCE: i64 = 32;

/// The name of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesName {
    /// The book.
    pub book: Book,
    /// The account, or the pattern of the family.
    pub name: String,
}

/// Sums of lines; minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Everything debited.
    pub debits: i128,
    /// Everything credited.
    pub credits: i128,
    /// How many lines.
    pub lines: i64,
}

impl Totals {
    /// Adds others.
    pub const fn add(&mut self, other: &Self) {
        self.debits += other.debits;
        self.credits += other.credits;
        self.lines += other.lines;
    }

    /// Adds one line; debits positive.
    pub const fn take(&mut self, minor: i128) {
        if minor > 0 {
            self.debits += minor;
        } else {
            self.credits -= minor;
        }
        self.lines += 1;
    }

    const fn less(&self, other: &Self) -> Self {
        Self {
            debits: self.debits - other.debits,
            credits: self.credits - other.credits,
            lines: self.lines - other.lines,
        }
    }

    fn of(span: &BalanceSpan) -> Self {
        Self {
            debits: i128::from(span.debits),
            credits: i128::from(span.credits),
            lines: span.lines,
        }
    }
}

/// A stretch of effective time, half open; `None` is for ever.
type Stretch = (Option<Timestamp>, Option<Timestamp>);

impl Figures<'_> {
    /// The families with lines in a book, per currency.
    pub(super) async fn families(&self, book: &Book) -> Result<Vec<BalanceSeries>, ViewsError> {
        let query = Query::of(self.tenant)
            .filter(Filter::Eq(BalanceSeries::COLUMNS.is_family, true.to_value()))
            .eq(BalanceSeries::COLUMNS.book, book.to_string())
            .limit(SPANS_PAGE * 10);
        self.views.rows(query).await
    }

    /// What happened to a series within a window of effective time, as known at a position, per
    /// currency. `known` must come from [`Figures::known`].
    ///
    /// # Errors
    /// [`FigureError`].
    pub async fn movements(
        &self,
        series: &SeriesName,
        currency: Option<Currency>,
        (from, to): (Option<Timestamp>, Option<Timestamp>),
        known: Position,
    ) -> Result<BTreeMap<Currency, Totals>, FigureError> {
        let mut query = Query::of(self.tenant)
            .eq(BalanceSeries::COLUMNS.book, series.book.to_string())
            .eq(BalanceSeries::COLUMNS.name, series.name.as_str());
        if let Some(currency) = currency {
            query = query.eq(BalanceSeries::COLUMNS.currency, currency.code());
        }
        let mut found = BTreeMap::new();
        for row in self.views.rows::<BalanceSeries>(query).await? {
            let mut totals = if to.is_none() && row.last_position <= known {
                Totals {
                    debits: i128::from(row.debits),
                    credits: i128::from(row.credits),
                    lines: row.lines,
                }
            } else {
                self.before(series, row.currency, to, known).await?
            };
            if from.is_some() {
                totals = totals.less(&self.before(series, row.currency, from, known).await?);
            }
            found.insert(row.currency, totals);
        }
        Ok(found)
    }

    /// What took effect before an instant and was known at a position.
    async fn before(
        &self,
        series: &SeriesName,
        currency: Currency,
        to: Option<Timestamp>,
        known: Position,
    ) -> Result<Totals, FigureError> {
        let mut totals = Totals::default();
        let mut open: Vec<Stretch> = vec![(None, to)];
        // Stretches with few lines, to be read at the end.
        let mut few: Vec<Stretch> = Vec::new();
        for (level, length) in (0_u32..).zip(LEVELS) {
            let mut inside = Vec::new();
            for stretch in open {
                let spans = self.spans(series, currency, level, stretch).await?;
                if spans.is_empty() && level > 0 {
                    // This series has no spans of this length.
                    inside.push(stretch);
                    continue;
                }
                for span in spans {
                    let end = Timestamp::from_millis(span.start.millis().saturating_add(length));
                    if span.first_position > known {
                        continue;
                    }
                    if span.last_position <= known && to.is_none_or(|to| end <= to) {
                        totals.add(&Totals::of(&span));
                        continue;
                    }
                    let end = to.map_or(end, |to| to.min(end));
                    let kept =
                        if span.lines <= LINES_READ_AT_ONCE { &mut few } else { &mut inside };
                    extend(kept, (Some(span.start), Some(end)));
                }
            }
            open = inside;
        }
        for stretch in few.into_iter().chain(open) {
            totals.add(&self.lines_within(series, currency, stretch, known).await?);
        }
        Ok(totals)
    }

    pub(super) async fn spans(
        &self,
        series: &SeriesName,
        currency: Currency,
        level: u32,
        (from, to): Stretch,
    ) -> Result<Vec<BalanceSpan>, ViewsError> {
        let columns = BalanceSpan::COLUMNS;
        let mut spans: Vec<BalanceSpan> = Vec::new();
        loop {
            let mut query = Query::of(self.tenant)
                .eq(columns.book, series.book.to_string())
                .eq(columns.name, series.name.as_str())
                .eq(columns.currency, currency.code())
                .filter(Filter::Eq(columns.level, level.to_value()))
                .order_by(columns.start, Direction::Ascending)
                .limit(SPANS_PAGE);
            let after = spans
                .last()
                .map(|span| Timestamp::from_millis(span.start.millis().saturating_add(1)));
            if let Some(from) = after.or(from) {
                query = query.filter(Filter::AtLeast(columns.start, from.to_value()));
            }
            if let Some(to) = to {
                query = query.filter(Filter::Below(columns.start, to.to_value()));
            }
            let mut page: Vec<BalanceSpan> = self.views.rows(query).await?;
            let is_last = page.len() < SPANS_PAGE;
            spans.append(&mut page);
            if is_last {
                return Ok(spans);
            }
        }
    }

    async fn lines_within(
        &self,
        series: &SeriesName,
        currency: Currency,
        (from, to): Stretch,
        known: Position,
    ) -> Result<Totals, FigureError> {
        let narrowing = Narrowing {
            currency: Some(currency),
            book: Some(series.book.clone()),
            from,
            to,
            known_at: Some(known),
            ..Narrowing::default()
        };
        let selector = Selector::balance(&series.name, Side::Debit, narrowing);
        let mut totals = Totals::default();
        let mut lines = Lines::forward(*self, &selector);
        while let Some((line, _)) = lines.next().await? {
            totals.take(signed(Side::Debit, line.minor));
        }
        Ok(totals)
    }
}

/// Adds a stretch behind others; one that follows directly makes the last one longer.
pub(super) fn extend(stretches: &mut Vec<Stretch>, stretch: Stretch) {
    match stretches.last_mut() {
        Some(last) if last.1.is_some() && last.1 == stretch.0 => last.1 = stretch.1,
        _ => stretches.push(stretch),
    }
}

/// Whether a name is a family's pattern.
pub(super) fn is_family(name: &str) -> bool {
    Family::named(name).is_some()
}
