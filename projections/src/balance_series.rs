//! Running totals over time, so that a balance *as of* an instant and *as known at* a position is
//! found without adding up the history.
//!
//! A *series* is what happens to an account, or to a whole family of accounts, in one book and one
//! currency. Families have one each; so do accounts that live long, and not the many that are soon
//! done with: those have few lines, which are read as they are. A series is kept in *spans* of
//! effective time that lie within each other, a factor of [`FAN_OUT`] apart, each with its totals
//! and the first and last position that touched it. Whoever asks takes a span whole where all of it
//! took effect in time and was known by then, leaves it out where nothing of it was, and looks
//! inside otherwise; below the smallest spans there are the journal's lines themselves.
//!
//! A late line lands in the span of its effective time and costs no more than any other.

use kernel::{Currency, TenantId, Timestamp};
use store::{Position, TableDef};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    chart::{Account, Book, Members},
    postings::POSTINGS_VERSION,
    projection::{add, key},
};

/// How many spans of one level fill one of the next.
pub const FAN_OUT: i64 = 64;

/// The length of the spans of each level in milliseconds, longest first: 42 days 16 hours, 16
/// hours, and the quarter of an hour on which the days of every time zone begin.
pub const LEVELS: [i64; 3] = [QUARTER * FAN_OUT * FAN_OUT, QUARTER * FAN_OUT, QUARTER];

const QUARTER: i64 = 15 * 60 * 1000;

store::table! {
    /// Everything that was posted to an account or to a family of accounts, in one book and one
    /// currency.
    pub struct BalanceSeries as "balance_series" {
        key {
            /// Owner.
            tenant: TenantId,
            /// `platform`, or the connected account whose mirror this is.
            book: Book,
            /// The account, or the pattern of the family: `assets:clearing:stripe:charge:*`.
            name: String,
            /// The currency of every amount in the row.
            currency: Currency,
        }
        /// Whether it is a family's; the families of a book are its trial balance.
        is_family: bool,
        /// Everything debited; minor units.
        debits: i64,
        /// Everything credited; minor units.
        credits: i64,
        /// How many lines.
        lines: i64,
        /// The position of the first line.
        #[unhashed = "positions are a log's own"]
        first_position: Position,
        /// The position of the last line.
        #[unhashed = "positions are a log's own"]
        last_position: Position,
    }
    indexes [["tenant", "is_family", "book"]]
}

store::table! {
    /// What of a series took effect within a span of time.
    pub struct BalanceSpan as "balance_spans" {
        key {
            /// Owner.
            tenant: TenantId,
            /// `platform`, or the connected account whose mirror this is.
            book: Book,
            /// The account, or the pattern of the family.
            name: String,
            /// The currency of every amount in the row.
            currency: Currency,
            /// How long the span is: 0 the longest (42 days 16 hours), 1 (16 hours), 2 (15 minutes).
            level: u32,
            /// When it begins.
            start: Timestamp,
        }
        /// Debited within it; minor units.
        debits: i64,
        /// Credited within it; minor units.
        credits: i64,
        /// How many lines.
        lines: i64,
        /// The smallest position of a line.
        #[unhashed = "positions are a log's own"]
        first_position: Position,
        /// The greatest position of a line.
        #[unhashed = "positions are a log's own"]
        last_position: Position,
    }
}

/// When the span of this length begins that an instant falls into.
#[must_use]
pub fn span_start(instant: Timestamp, length: i64) -> Timestamp {
    let millis = instant.millis();
    Timestamp::from_millis(millis - millis.rem_euclid(length))
}

/// How many levels of spans the accounts of a kind have. What has few lines a day needs no quarters
/// of an hour.
const fn levels_of(members: Members, book: &Book, is_family: bool) -> usize {
    match (members, book) {
        (Members::PerSeller, _) if !is_family => 2,
        (_, Book::Mirror(_)) => 2,
        _ => LEVELS.len(),
    }
}

/// One of the series a line belongs to.
struct Part {
    name: String,
    is_family: bool,
    levels: usize,
}

/// The series a line belongs to: its family's, and its account's where that lives long.
fn parts(account: &Account, book: &Book) -> Vec<Part> {
    let family = account.family();
    let part = |name, is_family| Part {
        name,
        is_family,
        levels: levels_of(family.members, book, is_family),
    };
    let mut parts = vec![part(family.pattern.to_owned(), true)];
    match family.members {
        Members::One | Members::PerObject => {}
        Members::Few | Members::PerSeller => {
            let name = account.name();
            if name != family.pattern {
                parts.push(part(name, false));
            }
        }
    }
    parts
}

/// Whether an account has a series of its own; the others are read line by line.
#[must_use]
pub const fn has_series(account: &Account) -> bool {
    !matches!(account.family().members, Members::PerObject)
}

/// The balances of all series over time.
#[derive(Debug, Clone, Copy, Default)]
pub struct BalancesOverTime;

impl Projection for BalancesOverTime {
    fn name(&self) -> &'static str {
        "balance_series"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[<BalanceSeries as store::Table>::TABLE, <BalanceSpan as store::Table>::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        for posted in posted(occurrence) {
            posted.keys(wanted);
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        posted(occurrence).try_for_each(|posted| posted.fold(rows))
    }
}

/// One line, as far as balances are concerned.
#[derive(Debug, Clone, Copy)]
pub struct Posted<'a> {
    /// Owner.
    pub tenant: TenantId,
    /// The event that posted it.
    pub position: Position,
    /// Whose books.
    pub book: &'a Book,
    /// The account.
    pub account: &'a Account,
    /// The currency.
    pub currency: Currency,
    /// When it took effect.
    pub effective: Timestamp,
    /// Debits positive; minor units.
    pub minor: i64,
}

fn posted<'a>(occurrence: &'a Occurrence<'_>) -> impl Iterator<Item = Posted<'a>> {
    let (tenant, position) = (occurrence.tenant(), occurrence.recorded.position);
    occurrence.entries.iter().flat_map(move |entry| {
        entry.lines().iter().map(move |line| Posted {
            tenant,
            position,
            book: entry.book(),
            account: line.account(),
            currency: entry.currency(),
            effective: entry.effective(),
            minor: line.signed(),
        })
    })
}

impl Posted<'_> {
    /// Names the rows that [`Posted::fold`] changes.
    pub fn keys(&self, wanted: &mut Wanted) {
        let Self { tenant, book, currency, effective, .. } = *self;
        for part in parts(self.account, book) {
            for (level, length) in (0_u32..).zip(&LEVELS[..part.levels]) {
                let start = span_start(effective, *length);
                let key = key![tenant, *book, part.name, currency, level, start];
                wanted.row::<BalanceSpan>(key);
            }
            wanted.row::<BalanceSeries>(key![tenant, *book, part.name, currency]);
        }
    }

    /// Adds the line to its series and their spans. Lines come in the order of the log.
    ///
    /// # Errors
    /// [`FoldError`].
    pub fn fold(&self, rows: &mut Rows) -> Result<(), FoldError> {
        parts(self.account, self.book).iter().try_for_each(|part| self.add(part, rows))
    }

    fn add(&self, part: &Part, rows: &mut Rows) -> Result<(), FoldError> {
        let Self { tenant, position, book, currency, effective, minor, .. } = *self;
        let row = rows.upsert(key![tenant, *book, part.name, currency], || BalanceSeries {
            tenant,
            book: book.clone(),
            name: part.name.clone(),
            currency,
            is_family: part.is_family,
            debits: 0,
            credits: 0,
            lines: 0,
            first_position: position,
            last_position: position,
        })?;
        row.last_position = position;
        count((&mut row.debits, &mut row.credits, &mut row.lines), minor)?;
        for (level, length) in (0_u32..).zip(&LEVELS[..part.levels]) {
            let start = span_start(effective, *length);
            let key = key![tenant, *book, part.name, currency, level, start];
            let row = rows.upsert(key, || BalanceSpan {
                tenant,
                book: book.clone(),
                name: part.name.clone(),
                currency,
                level,
                start,
                debits: 0,
                credits: 0,
                lines: 0,
                first_position: position,
                last_position: position,
            })?;
            row.last_position = position;
            count((&mut row.debits, &mut row.credits, &mut row.lines), minor)?;
        }
        Ok(())
    }
}

fn count(
    (debits, credits, lines): (&mut i64, &mut i64, &mut i64),
    signed: i64,
) -> Result<(), FoldError> {
    const WHAT: &str = "total of a series of balances";
    if signed > 0 {
        add(debits, signed, WHAT)?;
    } else {
        let credit = signed.checked_neg().ok_or(FoldError::Overflow(WHAT))?;
        add(credits, credit, WHAT)?;
    }
    add(lines, 1, WHAT)
}
