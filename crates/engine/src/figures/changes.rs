//! What changed in a window of effective time between two states of knowledge, and why: the entries
//! that were recorded in between and took effect within it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, Timestamp};
use projections::{
    balance_series::{LEVELS, has_series},
    chart::{Book, Side},
    journal::JournalLine,
    selectors::{Narrowing, Selector},
};
use serde::Serialize;
use store::Position;
use uuid::Uuid;

use super::{
    FigureError, Figures, Lines,
    series::{SeriesName, extend},
    whole,
};
use crate::explain::{CauseStep, Causes};

/// What is different about a window of effective time when more is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restatement {
    /// The earlier state of knowledge: a position.
    pub first: u64,
    /// The later one.
    pub second: u64,
    /// What took effect at or after it.
    pub since: Option<Timestamp>,
    /// What took effect before it.
    pub until: Option<Timestamp>,
    /// The accounts, and families of short-lived accounts, that changed.
    pub accounts: Vec<CurrencyChange>,
    /// The lines that changed them, in the order of the log; at most as many as asked for.
    pub changes: Vec<Change>,
    /// How many lines there are altogether.
    pub lines: u64,
}

/// What an account moved within the window, then and now; debits positive, minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CurrencyChange {
    /// The account, or the family of accounts that are soon done with.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// As it was known first.
    pub before: i64,
    /// As it was known later.
    pub after: i64,
    /// The difference.
    pub change: i64,
}

/// One line that was recorded between the two states of knowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Where the event stands in the log.
    pub position: u64,
    /// Its identity.
    pub event_id: Uuid,
    /// Its type.
    pub event_type: String,
    /// What the entry is about.
    pub nature: String,
    /// The account.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// Debits positive; minor units.
    pub minor: i64,
    /// When it took effect.
    pub effective_at: Timestamp,
    /// When it would have taken effect, had that period not been closed.
    pub prior_period: Option<Timestamp>,
    /// Why: the event itself first, with who acted and when it was recorded; its first cause last.
    pub causes: Vec<CauseStep>,
}

type Place = (Position, u32, u32);

impl Figures<'_> {
    /// Compares two states of knowledge of a window of effective time in one book.
    ///
    /// # Errors
    /// [`FigureError`].
    pub async fn restatement(
        &self,
        book: &Book,
        window: (Option<Timestamp>, Option<Timestamp>),
        (first, second): (Position, Option<Position>),
        limit: usize,
    ) -> Result<Restatement, FigureError> {
        let second = self.known(second).await?;
        let first = first.min(second);
        let mut touched = BTreeSet::new();
        let mut kept: BTreeMap<Place, JournalLine> = BTreeMap::new();
        let mut lines = 0_u64;
        for series in self.families(book).await? {
            let name = SeriesName { book: book.clone(), name: series.name };
            let stretches = self.restated(&name, series.currency, window, (first, second)).await?;
            for (from, to) in stretches {
                let narrowing = Narrowing {
                    currency: Some(series.currency),
                    book: Some(book.clone()),
                    from,
                    to,
                    known_at: Some(second),
                    ..Narrowing::default()
                };
                let selector = Selector::balance(&name.name, Side::Debit, narrowing);
                let mut found = Lines::forward(*self, &selector);
                while let Some((line, _)) = found.next().await? {
                    if line.position <= first {
                        continue;
                    }
                    lines = lines.saturating_add(1);
                    let account = if has_series(&line.account) {
                        line.account.name()
                    } else {
                        line.family.clone()
                    };
                    touched.insert((account, line.currency));
                    kept.insert((line.position, line.entry, line.line), line);
                    if kept.len() > limit {
                        kept.pop_last();
                    }
                }
            }
        }
        let mut accounts = Vec::new();
        for (account, currency) in touched {
            let narrowing = Narrowing { book: Some(book.clone()), ..Narrowing::default() };
            let selector = Selector::balance(&account, Side::Debit, narrowing);
            let then = selector.within(window.0, window.1, Some(first));
            let now = selector.within(window.0, window.1, Some(second));
            let before = self.minor(&then, currency, first).await?;
            let after = self.minor(&now, currency, second).await?;
            accounts.push(CurrencyChange {
                account,
                currency,
                before: whole(before)?,
                after: whole(after)?,
                change: whole(after - before)?,
            });
        }
        let mut causes = Causes::new(self.log);
        let mut changes = Vec::with_capacity(kept.len());
        for line in kept.into_values() {
            changes.push(Change {
                position: line.position.0,
                event_id: line.event_id,
                event_type: line.event_type,
                nature: line.nature.to_string(),
                account: line.account.name(),
                currency: line.currency,
                minor: line.minor,
                effective_at: line.effective_at,
                prior_period: line.prior_period,
                causes: causes.chain(line.event_id).await?,
            });
        }
        let (since, until) = window;
        Ok(Restatement { first: first.0, second: second.0, since, until, accounts, changes, lines })
    }

    /// The stretches of a window in which a family has lines that were recorded in between.
    async fn restated(
        &self,
        name: &SeriesName,
        currency: Currency,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        (first, second): (Position, Position),
    ) -> Result<Vec<(Option<Timestamp>, Option<Timestamp>)>, FigureError> {
        let mut stretches = vec![(since, until)];
        for (level, length) in (0_u32..).zip(LEVELS) {
            let mut inside = Vec::new();
            for stretch in stretches {
                // A span that began before the stretch may reach into it.
                let begin =
                    stretch.0.map(|from| projections::balance_series::span_start(from, length));
                let spans = self.spans(name, currency, level, (begin, stretch.1)).await?;
                if spans.is_empty() && level > 0 {
                    inside.push(stretch);
                    continue;
                }
                for span in spans {
                    if span.last_position <= first || span.first_position > second {
                        continue;
                    }
                    let end = Timestamp::from_millis(span.start.millis().saturating_add(length));
                    let from = stretch.0.map_or(span.start, |from| from.max(span.start));
                    let to = stretch.1.map_or(end, |to| to.min(end));
                    extend(&mut inside, (Some(from), Some(to)));
                }
            }
            stretches = inside;
        }
        Ok(stretches)
    }
}
