//! The journal for beancount.
//!
//! Its five roots come first and the book second. Accounts of single objects are opened where they
//! are first used, with their currency if they can have one only; long-lived ones at the end of the
//! file, where all their currencies are known: beancount sorts by day, so the place in the file does
//! not matter, and all are opened on the first day of 1970 because facts arrive in any order.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::NaiveDate;
use kernel::Currency;
use projections::chart::Currencies;

use crate::{
    BooksFault,
    amounts::amount_text,
    dimensions::shared_and_own,
    names,
    plain::opening_lines,
    reader::{DatedEntry, Reader},
    standing::{Key, Standing, is_passing},
};

pub(crate) fn header(out: &mut String, reader: &Reader) {
    let scope = reader.scope().words();
    let title = format!("Daybook's journal, {scope}, through position {}", reader.through());
    let _ = writeln!(out, "option \"title\" {}", names::quoted(&title));
    out.push_str(
        ";; Debits are positive. The balance directives at the end are exact (~ 0): beancount would\n\
         ;; otherwise let a cent pass.\n",
    );
}

/// One transaction, and the accounts that are opened for it.
pub(crate) fn entry(
    out: &mut String,
    standing: &mut Standing,
    entry: &DatedEntry,
) -> Result<(), BooksFault> {
    out.push('\n');
    for line in &entry.lines {
        let (currency, account) = standing.post(line, entry.day)?;
        if currency {
            commodity(out, line.currency);
        }
        if account && is_passing(&line.account) {
            let key = (line.book.clone(), line.account.clone());
            open(out, &key, only_currency(&key, line.currency));
        }
    }
    let Some(first) = entry.lines.first() else { return Ok(()) };
    let (shared, own) = shared_and_own(&entry.lines);
    let (kind, nature) = (&first.event_type, first.nature);
    let _ = writeln!(out, "{} * \"{kind}\" \"{nature}\"", entry.day);
    let _ = writeln!(out, "  position: {}", first.position);
    let _ = writeln!(out, "  entry: {}", first.entry);
    let _ = writeln!(out, "  event-id: \"{}\"", first.event_id);
    for (name, value) in shared {
        let _ = writeln!(out, "  {name}: {}", names::quoted(&value));
    }
    for (line, tags) in entry.lines.iter().zip(own) {
        let name = names::beancount(&line.book, &line.account);
        let amount = amount_text(i128::from(line.minor), line.currency);
        let _ = writeln!(out, "  {name}  {amount} {}", line.currency);
        for (name, value) in tags {
            let _ = writeln!(out, "    {name}: {}", names::quoted(&value));
        }
    }
    Ok(())
}

/// Opening balances, the long-lived accounts, and what every account must come to.
pub(crate) fn footer(out: &mut String, standing: &mut Standing, reader: &Reader) {
    if let Some(from) = reader.scope().from {
        openings(out, standing, from);
    }
    out.push('\n');
    for (key, known) in standing.accounts() {
        if known.declared && !is_passing(&key.1) {
            let codes: Vec<_> = known.sums.keys().map(|currency| currency.code()).collect();
            open(out, key, &codes.join(","));
        }
    }
    let day = standing.last_day().max(reader.scope().to).max(reader.scope().from);
    // A balance directive speaks of the beginning of its day.
    let Some(day) = day.and_then(|day| day.succ_opt()) else { return };
    out.push('\n');
    for ((name, currency), balance) in with_those_below(standing) {
        let amount = amount_text(balance, currency);
        let _ = writeln!(out, "{day} balance {name}  {amount} ~ 0 {currency}");
    }
}

/// The balances that are not zero, by name. Beancount counts an account's sub-accounts in, so they are
/// counted in here too: a claim may be named like the beginning of another.
fn with_those_below(standing: &Standing) -> BTreeMap<(String, Currency), i128> {
    let mut own: BTreeMap<(String, Currency), i128> = BTreeMap::new();
    for ((book, account), known) in standing.accounts() {
        let name = names::beancount(book, account);
        for (currency, sums) in &known.sums {
            let balance = sums.opening.saturating_add(sums.during);
            if balance != 0 {
                own.insert((name.clone(), *currency), balance);
            }
        }
    }
    let mut names: BTreeMap<(Currency, &str), i128> = BTreeMap::new();
    for ((name, currency), balance) in &own {
        names.insert((*currency, name), *balance);
    }
    own.iter()
        .map(|((name, currency), balance)| {
            // ';' is the letter behind ':'.
            let (first, behind) = (format!("{name}:"), format!("{name};"));
            let below = names.range((*currency, first.as_str())..(*currency, behind.as_str()));
            let sum = below.fold(*balance, |sum, (_, balance)| sum.saturating_add(*balance));
            ((name.clone(), *currency), sum)
        })
        .collect()
}

fn openings(out: &mut String, standing: &mut Standing, day: NaiveDate) {
    for ((book, currency), lines) in opening_lines(standing) {
        out.push('\n');
        for (key, _) in &lines {
            let (new_currency, new_account) = standing.declare(key, currency);
            if new_currency {
                commodity(out, currency);
            }
            if new_account && is_passing(&key.1) {
                open(out, key, only_currency(key, currency));
            }
        }
        let of = names::quoted(&format!("opening balances of {book}"));
        let _ = writeln!(out, "{day} * \"opening\" {of}");
        for ((book, account), opening) in lines {
            let name = names::beancount(&book, &account);
            let _ = writeln!(out, "  {name}  {} {currency}", amount_text(opening, currency));
        }
    }
}

/// The currency that an account of one object will only ever have; none, if it may have others, which
/// are not known yet.
fn only_currency((_, account): &Key, first: Currency) -> &'static str {
    match account.family().currencies {
        Currencies::One => first.code(),
        Currencies::Any => "",
    }
}

fn commodity(out: &mut String, currency: Currency) {
    let _ = writeln!(out, "1970-01-01 commodity {currency}");
}

fn open(out: &mut String, (book, account): &Key, currencies: &str) {
    let name = names::beancount(book, account);
    let gap = if currencies.is_empty() { "" } else { " " };
    let _ = writeln!(out, "1970-01-01 open {name}{gap}{currencies}");
    let _ = writeln!(out, "  account: {}", names::quoted(&account.name()));
    let _ = writeln!(out, "  book: {}", names::quoted(&book.to_string()));
}
