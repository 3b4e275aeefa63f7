//! The lines of a selector, in the order in which they took effect, page by page.

use std::collections::VecDeque;

use kernel::Timestamp;
use projections::{
    journal::JournalLine,
    selectors::{Part, Selector},
};
use store::{Direction, Field, Filter, Query, ViewsError, ViewsExt};

use super::{FigureError, Figures, series::is_family};

const FIRST_PAGE: usize = 256;
const PAGE: usize = 2000;

/// Where a line stands among the lines of a tenant, by the time they took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineCursor {
    /// When it took effect.
    pub effective_at: Timestamp,
    /// The event that posted it.
    pub position: store::Position,
    /// Which of its entries.
    pub entry: u32,
    /// Which line of the entry.
    pub line: u32,
}

impl LineCursor {
    /// Where a line stands.
    #[must_use]
    pub const fn of(line: &JournalLine) -> Self {
        Self {
            effective_at: line.effective_at,
            position: line.position,
            entry: line.entry,
            line: line.line,
        }
    }
}

impl std::fmt::Display for LineCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { effective_at, position, entry, line } = self;
        write!(f, "{}.{}.{entry}.{line}", effective_at.millis(), position.0)
    }
}

impl std::str::FromStr for LineCursor {
    type Err = FigureError;

    fn from_str(text: &str) -> Result<Self, FigureError> {
        let read = || {
            let mut parts = text.split('.');
            let cursor = Self {
                effective_at: Timestamp::from_millis(parts.next()?.parse().ok()?),
                position: store::Position(parts.next()?.parse().ok()?),
                entry: parts.next()?.parse().ok()?,
                line: parts.next()?.parse().ok()?,
            };
            parts.next().is_none().then_some(cursor)
        };
        read().ok_or_else(|| FigureError::Moment(text.to_owned()))
    }
}

/// The lines of a selector. Memory is bounded: a page for each source.
#[derive(Debug)]
pub struct Lines<'a> {
    figures: Figures<'a>,
    selector: Selector,
    direction: Direction,
    sources: Vec<Source>,
}

/// One index that is walked along.
#[derive(Debug)]
struct Source {
    part: Part,
    by: Filter,
    buffer: VecDeque<JournalLine>,
    read: Option<LineCursor>,
    page: usize,
    done: bool,
}

impl<'a> Lines<'a> {
    /// From the first line on.
    #[must_use]
    pub fn forward(figures: Figures<'a>, selector: &Selector) -> Self {
        Self::new(figures, selector, Direction::Ascending, None)
    }

    /// From the last line back, or from the last one before `before`.
    #[must_use]
    pub fn backward(figures: Figures<'a>, selector: &Selector, before: Option<LineCursor>) -> Self {
        Self::new(figures, selector, Direction::Descending, before)
    }

    fn new(
        figures: Figures<'a>,
        selector: &Selector,
        direction: Direction,
        beyond: Option<LineCursor>,
    ) -> Self {
        let sources = selector
            .parts
            .iter()
            .flat_map(|part| {
                ways(selector, part).into_iter().map(|by| Source {
                    part: part.clone(),
                    by,
                    buffer: VecDeque::new(),
                    read: beyond,
                    page: FIRST_PAGE,
                    done: false,
                })
            })
            .collect();
        Self { figures, selector: selector.clone(), direction, sources }
    }

    /// The next line, and what it adds to the figure in minor units.
    ///
    /// # Errors
    /// [`ViewsError`].
    pub async fn next(&mut self) -> Result<Option<(JournalLine, i128)>, ViewsError> {
        loop {
            for source in &mut self.sources {
                if source.buffer.is_empty() && !source.done {
                    source.fill(self.figures, &self.selector, self.direction).await?;
                }
            }
            let heads = self
                .sources
                .iter()
                .enumerate()
                .filter_map(|(place, one)| Some((LineCursor::of(one.buffer.front()?), place)));
            let next = match self.direction {
                Direction::Ascending => heads.min_by_key(|(cursor, _)| *cursor),
                Direction::Descending => heads.max_by_key(|(cursor, _)| *cursor),
            };
            let Some(source) = next.and_then(|(_, place)| self.sources.get_mut(place)) else {
                return Ok(None);
            };
            let Some(line) = source.buffer.pop_front() else { return Ok(None) };
            if let Some(minor) = self.selector.counts(&source.part, &line) {
                return Ok(Some((line, minor)));
            }
        }
    }
}

/// The indexes that lead to all lines of a part. A condition that another index could answer is left
/// to the reader of the lines, so that no store is tempted to take that one and sort.
fn ways(selector: &Selector, part: &Part) -> Vec<Filter> {
    let columns = JournalLine::COLUMNS;
    let narrowing = &selector.narrowing;
    if let Some(order) = narrowing.order {
        return vec![Filter::Eq(columns.order_id, order.to_value())];
    }
    let mut accounts = part.accounts.clone();
    accounts.sort();
    accounts.dedup();
    if let Some(seller) = narrowing.seller {
        // All that is asked for may be whole accounts of his, which have an index of their own.
        if let Some(names) = selector.series_of(part) {
            return names.iter().map(|name| Filter::Eq(columns.account, name.to_value())).collect();
        }
        return vec![Filter::Eq(columns.seller, seller.to_value())];
    }
    accounts
        .iter()
        .map(|name| {
            let column = if is_family(name) { columns.family } else { columns.account };
            Filter::Eq(column, name.to_value())
        })
        .collect()
}

impl Source {
    async fn fill(
        &mut self,
        figures: Figures<'_>,
        selector: &Selector,
        direction: Direction,
    ) -> Result<(), ViewsError> {
        let columns = JournalLine::COLUMNS;
        let narrowing = &selector.narrowing;
        let mut query = Query::of(figures.tenant)
            .filter(self.by.clone())
            .eq(columns.book, narrowing.book().to_string())
            .order_by(columns.effective_at, direction)
            .order_by(columns.position, direction)
            .order_by(columns.entry, direction)
            .order_by(columns.line, direction)
            .limit(self.page);
        if let Some(currency) = narrowing.currency {
            query = query.eq(columns.currency, currency.code());
        }
        let (mut from, mut to) = (narrowing.from, narrowing.to);
        if let Some(read) = self.read {
            let next = Timestamp::from_millis(read.effective_at.millis().saturating_add(1));
            match direction {
                Direction::Ascending => from = from.max(Some(read.effective_at)),
                Direction::Descending => to = Some(to.map_or(next, |to| to.min(next))),
            }
            let values = vec![
                read.effective_at.to_value(),
                read.position.to_value(),
                read.entry.to_value(),
                read.line.to_value(),
            ];
            let names = vec![columns.effective_at, columns.position, columns.entry, columns.line];
            query = query.filter(Filter::Beyond(names, values, direction));
        }
        if let Some(from) = from {
            query = query.filter(Filter::AtLeast(columns.effective_at, from.to_value()));
        }
        if let Some(to) = to {
            query = query.filter(Filter::Below(columns.effective_at, to.to_value()));
        }
        // What is not known yet is left out by the reader: a condition on the position would tempt
        // a store to walk along the primary key.
        let found = figures.views.rows::<JournalLine>(query).await?;
        self.done = found.len() < self.page;
        self.page = PAGE;
        self.read = found.last().map(LineCursor::of).or(self.read);
        self.buffer = found.into();
        Ok(())
    }
}
