//! What can be seen of an event alone, without remembering anything.
//!
//! Some sums over the whole history hold exactly when they hold entry by entry: Stripe's balance is
//! the sum of its transactions if every transaction moves it by its net amount, and by nothing else.
//! Such sums are checked here, by what the entry adds to both sides, and cost no row.

use aggregates::{
    balance_transaction::{BalanceTransactionEvent, TransactionRecord},
    fact::Fact,
    payout::events::PayoutEvent,
};

use super::{catalogue::Invariant, found::Found, lines};
use crate::{
    FoldError, Occurrence,
    chart::{Account, Book},
    figures::{Earned, effects},
    postings::{Entry, postings},
};

pub(super) fn examine(occurrence: &Occurrence<'_>, found: &mut Found) {
    found.looked(Invariant::I12);
    if occurrence.entries.is_empty() {
        // Usually because it moves no money.
        if let Err(fault) = postings(&occurrence.recorded.stream, occurrence.fact) {
            found.wrong(Invariant::I1, about(occurrence), format!("cannot be posted: {fault}"));
        }
    }
    for entry in occurrence.entries {
        balances(occurrence, entry, found);
        names(entry, found);
        who_touches_stripe(occurrence, entry, found);
        earnings(occurrence, entry, found);
        lines::sums(occurrence, entry, found);
    }
    if let Fact::BalanceTransaction(BalanceTransactionEvent::Recorded { record, .. }) =
        occurrence.fact
    {
        transaction(occurrence, record, found);
    }
    payout(occurrence, found);
}

/// What an alarm about an event is about.
pub(super) fn about(occurrence: &Occurrence<'_>) -> String {
    format!("{} {}", occurrence.recorded.event_type, occurrence.recorded.stream.id)
}

/// I1. What it does to the trial balance (I2) is read where that is remembered.
fn balances(occurrence: &Occurrence<'_>, entry: &Entry, found: &mut Found) {
    found.looked(Invariant::I1);
    let sum = sum_of(entry);
    if sum != 0 {
        found.wrong_by(
            Invariant::I1,
            about(occurrence),
            (sum, entry.currency()),
            format!("{} is {sum} minor units out of balance", entry.kind()),
        );
    }
    if let Some(line) = entry.lines().iter().find(|line| line.minor() <= 0) {
        let (account, minor) = (line.account(), line.minor());
        let what = format!("{} has a line of {minor} minor units on {account}", entry.kind());
        found.wrong(Invariant::I1, about(occurrence), what);
    }
}

/// Debits less credits, minor units.
pub(super) fn sum_of(entry: &Entry) -> i64 {
    entry.lines().iter().fold(0_i64, |sum, line| sum.saturating_add(line.signed()))
}

/// I17. The chart has no such family (a test sees to it), so only a name could bring one in.
fn names(entry: &Entry, found: &mut Found) {
    for line in entry.lines() {
        found.looked(Invariant::I17);
        if is_for_rounding(line.account()) {
            let account = line.account();
            let what = format!("{} posts {} minor units to it", entry.kind(), line.signed());
            found.wrong_by(Invariant::I17, account.name(), (line.signed(), entry.currency()), what);
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other accounts are named by the chart")]
fn is_for_rounding(account: &Account) -> bool {
    match account {
        Account::Own(_, path) => path.split([':', '-']).any(|part| part == ROUNDING),
        Account::Bank(name)
        | Account::Tax(name)
        | Account::DeferredRevenue(name)
        | Account::Carrier(name) => name == ROUNDING,
        _ => false,
    }
}

pub(super) const ROUNDING: &str = "rounding";

/// I4: nothing but balance transactions.
fn who_touches_stripe(occurrence: &Occurrence<'_>, entry: &Entry, found: &mut Found) {
    if matches!(occurrence.fact, Fact::BalanceTransaction(_)) {
        return;
    }
    if let Some(line) = entry.lines().iter().find(|line| line.account().is_stripe()) {
        found.looked(Invariant::I4);
        found.wrong_by(
            Invariant::I4,
            about(occurrence),
            (line.signed(), entry.currency()),
            format!("{} is no balance transaction and touches {}", entry.kind(), line.account()),
        );
    }
}

/// I4, I10 and I12 of one balance transaction. Its stream is named after it and it is the first
/// event there, so a second recording of it would show.
fn transaction(occurrence: &Occurrence<'_>, record: &TransactionRecord, found: &mut Found) {
    found.looked(Invariant::I4);
    let txn = &record.txn;
    if occurrence.recorded.version != 1 || *occurrence.recorded.stream.id != *txn.0 {
        let stream = &occurrence.recorded.stream;
        let version = occurrence.recorded.version;
        let what =
            format!("{txn} is recorded as event {version} of {stream}, not once as its first");
        found.wrong(Invariant::I12, txn.to_string(), what);
    }
    let book = record.account.clone().map_or(Book::Platform, Book::Mirror);
    let entries = || occurrence.entries.iter().filter(|entry| *entry.book() == book);
    if entries().count() > 1 {
        let what = format!("{txn} has {} entries in {book}", entries().count());
        found.wrong(Invariant::I4, txn.to_string(), what);
    }
    let others = occurrence.entries.iter().flat_map(Entry::lines);
    if others.clone().any(|line| line.dimensions().txn.as_ref() != Some(txn)) {
        let what = format!("a line of {txn} names another transaction, or none");
        found.wrong(Invariant::I4, txn.to_string(), what);
    }
    // The other end of a transfer is matched, and not posted again.
    let is_matched = record.account.is_some() && entries().next().is_none();
    let moved = balance_moved(occurrence, &book);
    if moved != record.net && !is_matched {
        let currency = record.currency;
        found.wrong_by(
            Invariant::I4,
            txn.to_string(),
            (moved.saturating_sub(record.net), currency),
            format!("it moves Stripe's balance by {moved} {currency}, its net is {}", record.net),
        );
    }
    if record.account.is_none() && is_transfer(record) {
        transfer(occurrence, record, found);
    }
}

fn is_transfer(record: &TransactionRecord) -> bool {
    matches!(
        record.kind.as_str(),
        "transfer" | "transfer_failure" | "transfer_cancel" | "transfer_refund"
    )
}

/// By how much the entries move Stripe's balance in a book.
fn balance_moved(occurrence: &Occurrence<'_>, book: &Book) -> i64 {
    occurrence
        .entries
        .iter()
        .filter(|entry| entry.book() == book)
        .flat_map(Entry::lines)
        .filter(|line| *line.account() == Account::StripeBalance)
        .fold(0_i64, |sum, line| sum.saturating_add(line.signed()))
}

/// I10: what leaves the platform arrives at the account, in the same event.
fn transfer(occurrence: &Occurrence<'_>, record: &TransactionRecord, found: &mut Found) {
    found.looked(Invariant::I10);
    let sent = record.amount.saturating_neg();
    let (subject, arrived) = match &record.counterpart {
        Some(account) => {
            (account.to_string(), balance_moved(occurrence, &Book::Mirror(account.clone())))
        }
        None => (record.txn.to_string(), 0),
    };
    if arrived != sent {
        let (txn, currency) = (&record.txn, record.currency);
        found.wrong_by(
            Invariant::I10,
            subject,
            (sent.saturating_sub(arrived), currency),
            format!("{txn} transfers {sent} {currency}, and {arrived} arrive in a mirror book"),
        );
    }
}

/// I9: a payout that was reconciled. With the right transactions it is right again.
fn payout(occurrence: &Occurrence<'_>, found: &mut Found) {
    let Fact::Payout(PayoutEvent::Reconciled { stripe_payout, sum, difference, .. }) =
        occurrence.fact
    else {
        return;
    };
    found.looked(Invariant::I9);
    let subject = stripe_payout.to_string();
    if *difference == 0 {
        found.right.push((Invariant::I9, subject));
    } else {
        let what = format!("its transactions come to {sum}, {difference} minor units too little");
        found.wrong_by(Invariant::I9, subject, (*difference, sum.currency()), what);
    }
}

/// The earnings identity: net to date is the position and what was transferred, less what came back.
fn earnings(occurrence: &Occurrence<'_>, entry: &Entry, found: &mut Found) {
    let stranger = entry.lines().iter().find(|line| {
        let whose = line.account().seller();
        whose.is_some() && whose != line.dimensions().seller
    });
    if let Some(line) = stranger {
        let what = format!("{} posts to {} for another seller", entry.kind(), line.account());
        found.wrong(Invariant::Earnings, about(occurrence), what);
    }
    let figures = || -> Result<Vec<_>, FoldError> {
        let mut all = Vec::new();
        for (seller, effect) in effects(entry)? {
            let earned = Earned::of(entry.nature(), &effect)?;
            all.push((seller, earned.net()?, effect.position()?, earned));
        }
        Ok(all)
    };
    let Ok(figures) = figures() else {
        let what = format!("{} does not fit into 64 bits", entry.kind());
        found.wrong(Invariant::Earnings, about(occurrence), what);
        return;
    };
    for (seller, net, position, earned) in figures {
        found.looked(Invariant::Earnings);
        let (transferred, reversed) = (earned.transferred, earned.reversed);
        let all = i128::from(position) + i128::from(transferred) - i128::from(reversed);
        if i128::from(net) != all {
            let what = format!(
                "{}: net moves by {net}, but position {position} + transferred {transferred} \
                 - reversed {reversed}",
                entry.kind()
            );
            found.wrong(Invariant::Earnings, seller.to_string(), what);
        }
    }
}
