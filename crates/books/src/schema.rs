//! The columns of the Parquet files: a promise to those who read them. Columns are added at the end,
//! never renamed, never given another meaning.

use chrono::{Datelike, NaiveDate};
use kernel::Timestamp;
use projections::journal::JournalLine;
use store::Recorded;

/// A line, and the day it took effect on.
#[derive(Debug, Clone)]
pub(crate) struct DatedLine {
    pub(crate) day: NaiveDate,
    pub(crate) line: JournalLine,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Small,
    Text,
    Json,
    Instant,
    Day,
    Amount,
}

impl Kind {
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Integer => "INT64",
            Self::Small => "INT32",
            Self::Text => "STRING",
            Self::Json => "JSON",
            Self::Instant => "TIMESTAMP(MILLIS, UTC)",
            Self::Day => "DATE",
            Self::Amount => "DECIMAL(38, 3)",
        }
    }
}

/// Digits behind the point of an amount: as many as any currency has at Stripe.
pub(crate) const AMOUNT_SCALE: u32 = 3;

/// The value of a column in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Integer(i64),
    Small(i32),
    Text(String),
    /// In thousandths.
    Amount(i128),
}

/// A column.
pub(crate) struct Column<R: 'static> {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) holds: &'static str,
    pub(crate) cell: fn(&R) -> Option<Cell>,
}

/// A column, as it is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnShown {
    /// Its name.
    pub name: &'static str,
    /// Its Parquet type.
    pub kind: &'static str,
    /// Whether it may be empty.
    pub optional: bool,
    /// What it holds.
    pub holds: &'static str,
}

fn shown<R>(columns: &[Column<R>]) -> Vec<ColumnShown> {
    columns
        .iter()
        .map(|column| ColumnShown {
            name: column.name,
            kind: column.kind.words(),
            optional: column.optional,
            holds: column.holds,
        })
        .collect()
}

/// The columns of `journal_lines`.
#[must_use]
pub fn columns_of_journal_lines() -> Vec<ColumnShown> {
    shown(JOURNAL_LINES)
}

/// The columns of `events`.
#[must_use]
pub fn columns_of_events() -> Vec<ColumnShown> {
    shown(EVENTS)
}

fn whole(number: u64) -> Option<Cell> {
    // Positions and versions are counted from 1 and stored as 64 signed bits.
    Some(Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn small(number: u32) -> Option<Cell> {
    Some(Cell::Small(i32::try_from(number).unwrap_or(i32::MAX)))
}

fn text<T: ToString>(value: Option<&T>) -> Option<Cell> {
    value.map(|value| Cell::Text(value.to_string()))
}

fn instant(value: Option<Timestamp>) -> Option<Cell> {
    value.map(|instant| Cell::Integer(instant.millis()))
}

fn day(value: NaiveDate) -> Option<Cell> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    Some(Cell::Small(value.num_days_from_ce() - epoch.num_days_from_ce()))
}

fn amount(line: &JournalLine) -> Option<Cell> {
    let missing = AMOUNT_SCALE.checked_sub(u32::from(line.currency.facts().stripe_exponent))?;
    Some(Cell::Amount(i128::from(line.minor).checked_mul(10_i128.checked_pow(missing)?)?))
}

macro_rules! columns {
    ($row:ty; $($name:literal $kind:ident $($optional:ident)?, $holds:literal, $cell:expr;)+) => {
        &[$(Column::<$row> {
            name: $name,
            kind: Kind::$kind,
            optional: columns!(@ $($optional)?),
            holds: $holds,
            cell: $cell,
        }),+]
    };
    (@) => { false };
    (@ optional) => { true };
}

/// One row for each line of the journal.
pub(crate) const JOURNAL_LINES: &[Column<DatedLine>] = columns! { DatedLine;
    "tenant" Text, "Owner.", |row| text(Some(&row.line.tenant));
    "position" Integer, "The event that posted it.", |row| whole(row.line.position.0);
    "entry" Small, "Which of the event's entries, from 0. An entry balances.", |row| small(row.line.entry);
    "line" Small, "Which line of the entry, from 0.", |row| small(row.line.line);
    "event_id" Text, "The event's id.", |row| text(Some(&row.line.event_id));
    "event_type" Text, "The event's type, such as `order.paid`.", |row| text(Some(&row.line.event_type));
    "nature" Text, "What the entry is about: sale, refund, payout, ...", |row| text(Some(&row.line.nature));
    "book" Text, "`platform`, or the connected account whose mirror this is.", |row| text(Some(&row.line.book));
    "account" Text, "The account, such as `assets:stripe:balance`.", |row| text(Some(&row.line.account));
    "family" Text, "The family it belongs to, with `*` where its accounts differ.", |row| text(Some(&row.line.family));
    "class" Text, "assets, liabilities, equity, income or expenses.", |row| text(Some(&row.line.account.class()));
    "currency" Text, "ISO 4217 code.", |row| text(Some(&row.line.currency));
    "minor" Integer, "Stripe's minor units; debits positive, credits negative, never zero. Sum these.", |row| Some(Cell::Integer(row.line.minor));
    "exponent" Small, "Digits of Stripe's minor unit: 2 for USD, 0 for JPY, 3 for KWD.", |row| small(u32::from(row.line.currency.facts().stripe_exponent));
    "amount" Amount, "The same amount in whole units of the currency, exact.", |row| amount(&row.line);
    "day" Day, "The day it took effect on, in the tenant's time zone.", |row| day(row.day);
    "effective_at" Instant, "When it took effect in the books.", |row| instant(Some(row.line.effective_at));
    "prior_period" Instant optional, "When it would have taken effect, had that period not been closed already.", |row| instant(row.line.prior_period);
    "policy" Text optional, "The policy that decided the amounts, with its version.", |row| text(row.line.policy.as_ref());
    "seller" Text optional, "Whose money it is about.", |row| text(row.line.seller.as_ref());
    "organizer" Text optional, "Who organizes what was sold.", |row| text(row.line.organizer.as_ref());
    "order_id" Text optional, "The order.", |row| text(row.line.order_id.as_ref());
    "order_line" Small optional, "The line of the order, from 0.", |row| row.line.order_line.and_then(small);
    "product" Text optional, "What was sold, by the storefront's name.", |row| text(row.line.product.as_ref());
    "payment" Text optional, "The payment.", |row| text(row.line.payment.as_ref());
    "charge" Text optional, "Stripe's charge.", |row| text(row.line.charge.as_ref());
    "refund" Text optional, "The refund.", |row| text(row.line.refund.as_ref());
    "dispute" Text optional, "The dispute.", |row| text(row.line.dispute.as_ref());
    "payout" Text optional, "The payout.", |row| text(row.line.payout.as_ref());
    "claim" Text optional, "The claim by which the amount went from one stream to another.", |row| text(row.line.claim.as_ref());
    "txn" Text optional, "Stripe's balance transaction.", |row| text(row.line.txn.as_ref());
    "available_on" Instant optional, "When Stripe makes the money available.", |row| instant(row.line.available_on);
    "membership" Text optional, "The membership that was sold or rendered.", |row| text(row.line.membership.as_ref());
    "event" Text optional, "The event (concert, fair, ...) that was sold.", |row| text(row.line.event.as_ref());
    "channel" Text optional, "Through which channel it was sold.", |row| text(row.line.channel.as_ref());
};

/// One row for each event, exactly as stored.
pub(crate) const EVENTS: &[Column<Recorded>] = columns! { Recorded;
    "position" Integer, "Its place in the log.", |row| whole(row.position.0);
    "tenant" Text, "Owner.", |row| text(Some(&row.stream.tenant));
    "category" Text, "The kind of stream, such as `order`.", |row| text(Some(&row.stream.category));
    "stream" Text, "Which stream of the kind.", |row| text(Some(&row.stream.id));
    "version" Integer, "Its place in the stream, from 1.", |row| whole(row.version);
    "event_id" Text, "Its id.", |row| text(Some(&row.id));
    "event_type" Text, "Its type, such as `order.paid`.", |row| text(Some(&row.event_type));
    "event_version" Text, "The version of the payload's schema.", |row| text(Some(&row.event_version));
    "recorded_at" Instant, "When it was recorded; never a business date.", |row| instant(Some(row.recorded_at));
    "metadata" Json, "Who and why, byte for byte as stored.", |row| text(Some(&row.metadata));
    "payload" Json, "What happened, byte for byte as stored.", |row| text(Some(&row.payload));
};

#[cfg(test)]
mod tests {
    use store::Table;

    use super::*;

    #[test]
    fn every_column_of_the_journal_is_exported() {
        for column in JournalLine::TABLE.columns {
            let found = JOURNAL_LINES.iter().any(|one| one.name == column.name);
            assert!(found, "{} is missing at the end of JOURNAL_LINES", column.name);
        }
    }

    #[test]
    fn the_guide_lists_every_column() {
        let guide =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/accounting-programs.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let (_, lines) = guide.split_once("### `journal_lines`").unwrap();
        let (lines, events) = lines.split_once("### `events`").unwrap();
        for (text, columns) in [(lines, columns_of_journal_lines()), (events, columns_of_events())]
        {
            let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `")).collect();
            let wanted: Vec<_> = columns
                .iter()
                .map(|column| {
                    let optional = if column.optional { ", optional" } else { "" };
                    format!("| `{}` | {}{optional} | {} |", column.name, column.kind, column.holds)
                })
                .collect();
            assert_eq!(rows, wanted);
        }
    }
}
