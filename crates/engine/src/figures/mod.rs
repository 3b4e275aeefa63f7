//! Money figures: what a selector comes to, as of an instant and as known at a position.
//!
//! What is a whole series is found in the spans of `balance_series`; everything else is added up line
//! by line, page by page, through the index that fits best. Both are exact and give the same answer.

use std::collections::BTreeMap;

use kernel::{Currency, TenantId, Timestamp};
use projections::{
    chart::{Account, Book, Family},
    selectors::{Selector, signed},
};
use serde::Serialize;
use store::{Log, LogError, Position, Views, ViewsError};

mod changes;
mod lines;
mod moments;
mod series;
#[cfg(test)]
mod tests;

pub use changes::{Change, CurrencyChange, Restatement};
pub use lines::{LineCursor, Lines};
pub use moments::{KnownAt, Moment, day_end, day_start, month, zone_of};
pub use series::{SeriesName, Totals};

/// The money figures of one tenant.
#[derive(Debug, Clone, Copy)]
pub struct Figures<'a> {
    /// The log, to turn instants into positions and to name causes.
    pub log: &'a dyn Log,
    /// The read models `journal` and `balance_series`.
    pub views: &'a dyn Views,
    /// Whose.
    pub tenant: TenantId,
}

/// What a figure comes to in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FigureAmount {
    /// The currency.
    pub currency: Currency,
    /// The figure, with its sign; minor units.
    pub minor: i64,
    /// Debits of its lines; minor units.
    pub debits: i64,
    /// Credits of its lines; minor units.
    pub credits: i64,
    /// How many lines it is the sum of.
    pub lines: i64,
}

/// A figure in every currency, and what was known when it was added up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FigureAnswer {
    /// Everything up to this position of the log is in it, and nothing behind it.
    pub known_at: u64,
    /// What took effect before this instant is in it; everything, if there is none.
    pub as_of: Option<Timestamp>,
    /// One amount for each currency with lines.
    pub amounts: Vec<FigureAmount>,
}

/// One row of a trial balance: a family of accounts, or one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrialLine {
    /// `platform`, or the connected account whose mirror this is.
    pub book: String,
    /// The pattern of the family, or the account.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// Debits; minor units.
    pub debits: i64,
    /// Credits; minor units.
    pub credits: i64,
    /// Debits less credits; minor units.
    pub balance: i64,
}

/// Why a figure could not be given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FigureError {
    /// The read models cannot be read.
    #[error(transparent)]
    Views(#[from] ViewsError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A sum does not fit into 64 bits of minor units.
    #[error("this figure exceeds 64-bit minor units")]
    Overflow,
    /// There is no such account, family or figure.
    #[error("\"{0}\" is no account, family of accounts or figure")]
    Unknown(String),
    /// A date, an instant or a position that is none.
    #[error("\"{0}\" is no day (2026-03-31), instant (RFC 3339) or position")]
    Moment(String),
}

/// The running amounts of one currency.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    minor: i128,
    totals: Totals,
}

impl Figures<'_> {
    /// Up to where everything that is asked is known to the read models: the position asked for, or
    /// less when they have not come so far.
    ///
    /// # Errors
    /// [`ViewsError::Unavailable`] while the read models are being built.
    pub async fn known(&self, asked: Option<Position>) -> Result<Position, ViewsError> {
        let mut known = asked.unwrap_or(Position(u64::MAX));
        for name in ["journal", "balance_series"] {
            let unbuilt = || ViewsError::Unavailable(format!("{name} is still being built"));
            let live = self.views.live(name).await?.ok_or_else(unbuilt)?;
            let checkpoint = self.views.checkpoint(&live).await?;
            known = known.min(checkpoint.map_or(Position::START, |checkpoint| checkpoint.position));
        }
        Ok(known)
    }

    /// What a selector comes to, per currency.
    ///
    /// # Errors
    /// [`FigureError`].
    pub async fn figure(&self, selector: &Selector) -> Result<FigureAnswer, FigureError> {
        let narrowing = &selector.narrowing;
        let known = self.known(narrowing.known_at).await?;
        let selector = selector.within(narrowing.from, narrowing.to, Some(known));
        let sums = self.sums(&selector, known).await?;
        let amounts = sums
            .into_iter()
            .filter(|(_, sum)| sum.totals.lines != 0)
            .map(|(currency, sum)| amount(currency, sum))
            .collect::<Result<_, _>>()?;
        Ok(FigureAnswer { known_at: known.0, as_of: narrowing.to, amounts })
    }

    /// The figure in one currency, minor units; `known` must come from [`Figures::known`].
    pub(crate) async fn minor(
        &self,
        selector: &Selector,
        currency: Currency,
        known: Position,
    ) -> Result<i128, FigureError> {
        let sums = self.sums(&selector.in_currency(currency), known).await?;
        Ok(sums.get(&currency).map_or(0, |sum| sum.minor))
    }

    async fn sums(
        &self,
        selector: &Selector,
        known: Position,
    ) -> Result<BTreeMap<Currency, Sum>, FigureError> {
        let narrowing = &selector.narrowing;
        let mut sums: BTreeMap<Currency, Sum> = BTreeMap::new();
        let mut rest = Selector { parts: Vec::new(), narrowing: narrowing.clone() };
        for part in &selector.parts {
            check_names(&part.accounts)?;
            let Some(names) = selector.series_of(part) else {
                rest.parts.push(part.clone());
                continue;
            };
            for name in names {
                let series = SeriesName { book: narrowing.book(), name };
                let found = self
                    .movements(&series, narrowing.currency, (narrowing.from, narrowing.to), known)
                    .await?;
                for (currency, totals) in found {
                    let sum = sums.entry(currency).or_default();
                    let net = totals.debits - totals.credits;
                    sum.minor += match part.side {
                        projections::chart::Side::Debit => net,
                        projections::chart::Side::Credit => -net,
                    };
                    sum.totals.add(&totals);
                }
            }
        }
        if !rest.parts.is_empty() {
            let mut lines = Lines::forward(*self, &rest);
            while let Some((line, minor)) = lines.next().await? {
                let sum = sums.entry(line.currency).or_default();
                sum.minor += minor;
                sum.totals.take(signed(projections::chart::Side::Debit, line.minor));
            }
        }
        Ok(sums)
    }

    /// The trial balance of a book by family of accounts, per currency.
    ///
    /// # Errors
    /// [`FigureError`].
    pub async fn trial_balance(
        &self,
        book: &Book,
        window: (Option<Timestamp>, Option<Timestamp>),
        known_at: Option<Position>,
    ) -> Result<(Position, Vec<TrialLine>), FigureError> {
        let known = self.known(known_at).await?;
        let mut rows = Vec::new();
        for series in self.families(book).await? {
            let name = SeriesName { book: book.clone(), name: series.name };
            let found = self.movements(&name, Some(series.currency), window, known).await?;
            for (currency, totals) in found {
                if totals.lines == 0 {
                    continue;
                }
                rows.push(TrialLine {
                    book: name.book.to_string(),
                    account: name.name.clone(),
                    currency,
                    debits: whole(totals.debits)?,
                    credits: whole(totals.credits)?,
                    balance: whole(totals.debits - totals.credits)?,
                });
            }
        }
        Ok((known, rows))
    }
}

fn amount(currency: Currency, sum: Sum) -> Result<FigureAmount, FigureError> {
    Ok(FigureAmount {
        currency,
        minor: whole(sum.minor)?,
        debits: whole(sum.totals.debits)?,
        credits: whole(sum.totals.credits)?,
        lines: sum.totals.lines,
    })
}

/// A sum as minor units.
pub(crate) fn whole(sum: i128) -> Result<i64, FigureError> {
    i64::try_from(sum).map_err(|_| FigureError::Overflow)
}

fn check_names(names: &[String]) -> Result<(), FigureError> {
    for name in names {
        if Family::named(name).is_none() && Account::parse(name).is_err() {
            return Err(FigureError::Unknown(name.clone()));
        }
    }
    Ok(())
}
