//! Accounts that must return to zero (I5) and suspense (I16); that an amount on its way keeps its
//! currency (I3); and the trial balance (I2).
//!
//! An account on its way has one row, in the table of alarms: it is put there with the date on which
//! its time is up, and is gone when it arrives before. So nothing has to look for old accounts: who
//! reads alarms leaves out those whose date lies ahead.

use kernel::{Money, Timestamp};

use super::{
    alone::sum_of,
    catalogue::{AGE_LIMITS, DAYS_OTHERWISE, Invariant},
    found::{Found, blank, note_position, want},
    rows::{Alarm, AlarmState},
};
use crate::{
    FoldError, Occurrence, Rows, Wanted,
    chart::{Account, Book, Currencies},
    postings::{Entry, Posting},
    projection::key,
};

/// The name of an account in alarms. One that is named after one amount of money has one currency.
pub(super) fn subject(entry: &Entry, account: &Account) -> String {
    let currency = entry.currency();
    match (entry.book(), account.family().currencies) {
        (Book::Platform, Currencies::One) => account.name(),
        (Book::Platform, Currencies::Any) => format!("{account} {currency}"),
        (Book::Mirror(book), Currencies::One) => format!("{book}:{account}"),
        (Book::Mirror(book), Currencies::Any) => format!("{book}:{account} {currency}"),
    }
}

/// Which invariant an open account is about, and for how many days it may be. Refunds that are owed
/// to buyers are one account for all of them, which is never empty for long.
fn watched(account: &Account) -> Option<(Invariant, i64)> {
    if !account.must_return_to_zero() || *account == Account::RefundsPayable {
        return None;
    }
    if *account == Account::SuspenseStripe {
        return Some((Invariant::I16, 0));
    }
    let family = account.family().pattern;
    let days = AGE_LIMITS.iter().find(|limit| limit.family == family).map(|limit| limit.days);
    Some((Invariant::I5, days.unwrap_or(DAYS_OTHERWISE)))
}

fn book(entry: &Entry) -> String {
    format!("{} {}", entry.book(), entry.currency())
}

pub(super) fn keys(occurrence: &Occurrence<'_>, entry: &Entry, wanted: &mut Wanted) {
    if sum_of(entry) != 0 {
        want(occurrence, wanted, Invariant::I2, book(entry));
    }
    for line in entry.lines() {
        if let Some((invariant, _)) = watched(line.account()) {
            let subject = subject(entry, line.account());
            if matches!(line.account().family().currencies, Currencies::One) {
                want(occurrence, wanted, Invariant::I3, subject.clone());
            }
            want(occurrence, wanted, invariant, subject);
        }
    }
}

pub(super) fn examine(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    clock: Timestamp,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    trial_balance(occurrence, entry, rows, found)?;
    found.looked(Invariant::I16);
    for line in entry.lines() {
        let Some(watched) = watched(line.account()) else { continue };
        moved(occurrence, (entry, line), watched, clock, rows, found)?;
    }
    Ok(())
}

/// I2: the sum of all balances moves by what an entry is out of balance.
fn trial_balance(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    found.looked(Invariant::I2);
    let sum = sum_of(entry);
    if sum == 0 {
        return Ok(());
    }
    let name = book(entry);
    let row = rows.get::<Alarm>(key![occurrence.tenant(), Invariant::I2, name])?;
    let total = row.and_then(|row| row.amount).unwrap_or_default().saturating_add(sum);
    if total == 0 {
        found.right.push((Invariant::I2, name));
        return Ok(());
    }
    let what = format!("the trial balance of {name} is {total}");
    found.wrong_by(Invariant::I2, name, (total, entry.currency()), what);
    Ok(())
}

fn moved(
    occurrence: &Occurrence<'_>,
    (entry, line): (&Entry, &Posting),
    (invariant, days): (Invariant, i64),
    clock: Timestamp,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    if invariant == Invariant::I5 {
        found.looked(invariant);
    }
    let subject = subject(entry, line.account());
    let key = key![occurrence.tenant(), invariant, subject];
    let up = clock.plus_days(days);
    let row = rows.upsert(key.clone(), || {
        let mut row = blank(occurrence, invariant, subject.clone(), up);
        row.amount = Some(0);
        row.currency = Some(entry.currency());
        row
    })?;
    found.looked(Invariant::I3);
    if let Some(first) = row.currency.filter(|first| *first != entry.currency()) {
        let currency = entry.currency();
        let what = format!("{} is in {first}, and {} {currency} came", subject, line.signed());
        found.wrong_by(Invariant::I3, subject, (line.signed(), currency), what);
        return Ok(());
    }
    if row.state == AlarmState::Cleared {
        row.state = AlarmState::Open;
        row.since = up;
        row.cleared_position = None;
    }
    let balance = row.amount.unwrap_or_default().saturating_add(line.signed());
    row.amount = Some(balance);
    note_position(row, occurrence);
    if balance != 0 {
        let money = Money::new(balance, entry.currency());
        let is_suspense = invariant == Invariant::I16;
        row.what = if is_suspense {
            format!("{money} stand in suspense")
        } else {
            format!("{money} have not arrived within {days} days")
        };
        if is_suspense {
            found.standing.push((invariant, subject, row.what.clone()));
        }
    } else if row.since <= clock {
        row.state = AlarmState::Cleared;
        row.cleared_position = Some(occurrence.recorded.position);
    } else {
        rows.delete::<Alarm>(key)?;
    }
    Ok(())
}
