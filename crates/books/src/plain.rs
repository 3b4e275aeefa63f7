//! The journal for hledger and for ledger: one dialect that passes the strict checks of both.
//!
//! The book is the first part of an account's name. Currencies and accounts are declared in front of
//! the first transaction that uses them; the type of an account is said in a comment of its own line,
//! because ledger takes the rest of the declaring line for the name.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::NaiveDate;
use kernel::Currency;
use projections::chart::{Book, Class};

use crate::{
    BooksFault,
    amounts::{amount_text, digits_counted},
    dimensions::{DIMENSIONS, shared_and_own},
    names,
    reader::{DatedEntry, Reader},
    standing::{Key, Standing},
};

pub(crate) fn header(out: &mut String, reader: &Reader) {
    let scope = reader.scope().words();
    let _ = writeln!(out, "; Daybook's journal, {scope}, through position {}.", reader.through());
    out.push_str(
        "; For hledger (check --strict) and ledger (--pedantic). Debits are positive. The transaction\n\
         ; at the end asserts the balance of every account that is not at zero.\n\n",
    );
    for tag in ["position", "event-id", "nature"].iter().chain(&DIMENSIONS) {
        let _ = writeln!(out, "tag {tag}");
    }
}

/// One transaction, and what has to be declared before it.
pub(crate) fn entry(
    out: &mut String,
    standing: &mut Standing,
    entry: &DatedEntry,
) -> Result<(), BooksFault> {
    out.push('\n');
    for line in &entry.lines {
        let (currency, account) = standing.post(line, entry.day)?;
        declare(out, &(line.book.clone(), line.account.clone()), line.currency, currency, account);
    }
    let Some(first) = entry.lines.first() else { return Ok(()) };
    let (shared, own) = shared_and_own(&entry.lines);
    let _ =
        writeln!(out, "{} * ({}-{}) {}", entry.day, first.position, first.entry, first.event_type);
    let _ = writeln!(out, "    ; position: {}", first.position);
    let _ = writeln!(out, "    ; event-id: {}", first.event_id);
    let _ = writeln!(out, "    ; nature: {}", first.nature);
    for (name, value) in shared {
        let _ = writeln!(out, "    ; {name}: {}", names::tag_text(&value));
    }
    for (line, tags) in entry.lines.iter().zip(own) {
        let name = names::plain(&line.book, &line.account);
        let amount = amount_text(i128::from(line.minor), line.currency);
        let _ = writeln!(out, "    {name}  {amount} {}", line.currency);
        for (name, value) in tags {
            let _ = writeln!(out, "    ; {name}: {}", names::tag_text(&value));
        }
    }
    Ok(())
}

/// The opening balances, one transaction for each book and currency, and the assertions.
pub(crate) fn footer(out: &mut String, standing: &mut Standing, reader: &Reader) {
    if let Some(from) = reader.scope().from {
        openings(out, standing, from);
    }
    let day = standing.last_day().max(reader.scope().to).max(reader.scope().from);
    let Some(day) = day else { return };
    let mut assertions = String::new();
    for ((book, account), known) in standing.accounts() {
        let name = names::plain(book, account);
        for (currency, sums) in &known.sums {
            let balance = sums.opening.saturating_add(sums.during);
            if balance != 0 {
                let amount = amount_text(balance, *currency);
                let _ = writeln!(assertions, "    {name}  0 {currency} = {amount} {currency}");
            }
        }
    }
    if !assertions.is_empty() {
        let _ = write!(out, "\n{day} * (closing) balances of the accounts\n{assertions}");
    }
}

fn openings(out: &mut String, standing: &mut Standing, day: NaiveDate) {
    for ((book, currency), lines) in opening_lines(standing) {
        out.push('\n');
        for (key, _) in &lines {
            let (new_currency, new_account) = standing.declare(key, currency);
            declare(out, key, currency, new_currency, new_account);
        }
        let book = names::tag_text(&book.to_string());
        let _ = writeln!(out, "{day} * (opening) opening balances of {book}");
        for ((book, account), opening) in lines {
            let name = names::plain(&book, &account);
            let _ = writeln!(out, "    {name}  {} {currency}", amount_text(opening, currency));
        }
    }
}

/// What stood on the accounts before the first day. As every entry balances in its book and currency,
/// so do these.
pub(crate) fn opening_lines(standing: &Standing) -> BTreeMap<(Book, Currency), Vec<(Key, i128)>> {
    let mut all: BTreeMap<(Book, Currency), Vec<(Key, i128)>> = BTreeMap::new();
    for (key, known) in standing.accounts() {
        for (currency, sums) in known.sums.iter().filter(|(_, sums)| sums.opening != 0) {
            let lines = all.entry((key.0.clone(), *currency)).or_default();
            lines.push((key.clone(), sums.opening));
        }
    }
    all
}

fn declare(out: &mut String, key: &Key, currency: Currency, new_currency: bool, new_account: bool) {
    if new_currency {
        let zeros = "0".repeat(digits_counted(currency));
        let _ = writeln!(out, "commodity {currency} 1000.{zeros}");
    }
    if new_account {
        let (book, account) = key;
        let kind = match account.class() {
            Class::Assets => 'A',
            Class::Liabilities => 'L',
            Class::Equity => 'E',
            Class::Income => 'R',
            Class::Expenses => 'X',
        };
        let _ = writeln!(out, "account {}\n    ; type: {kind}", names::plain(book, account));
    }
}
