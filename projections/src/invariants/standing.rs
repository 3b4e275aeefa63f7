//! What may never be negative (I6), and why a liability is what it is: tax (I11) and deferred
//! revenue (I8).

use kernel::SellerId;

use super::{
    catalogue::Invariant,
    found::{Found, want},
    open::subject,
    rows::{CheckedAccount, CheckedLiability, CheckedSeller},
};
use crate::{
    FoldError, Occurrence, Rows, Wanted,
    chart::{Account, SellerPart, Side},
    postings::{Entry, Nature, Posting},
    projection::key,
};

/// How the checker remembers an account that may not be negative.
enum Kind<'a> {
    Seller(SellerId),
    Tax,
    Deferred(Option<&'a str>),
    Other,
}

fn kind(line: &Posting) -> Option<Kind<'_>> {
    let account = line.account();
    if let Some(seller) = account.seller() {
        return Some(Kind::Seller(seller));
    }
    if matches!(account, Account::Tax(_)) {
        return Some(Kind::Tax);
    }
    if matches!(account, Account::DeferredRevenue(_)) {
        return Some(Kind::Deferred(line.dimensions().membership.as_deref()));
    }
    (!account.may_be_negative()).then_some(Kind::Other)
}

fn of_seller(entry: &Entry, seller: SellerId) -> String {
    format!("{seller} {}", entry.currency())
}

pub(super) fn keys(occurrence: &Occurrence<'_>, entry: &Entry, wanted: &mut Wanted) {
    let tenant = occurrence.tenant();
    let currency = entry.currency();
    for line in entry.lines() {
        match kind(line) {
            None => {}
            Some(Kind::Seller(seller)) => {
                wanted.row::<CheckedSeller>(key![tenant, seller, currency]);
                want(occurrence, wanted, Invariant::I6, of_seller(entry, seller));
            }
            Some(Kind::Other) => {
                wanted.row::<CheckedAccount>(key![
                    tenant,
                    *entry.book(),
                    *line.account(),
                    currency
                ]);
                want(occurrence, wanted, Invariant::I6, subject(entry, line.account()));
            }
            Some(Kind::Tax) => {
                wanted.row::<CheckedLiability>(key![
                    tenant,
                    *line.account(),
                    String::new(),
                    currency
                ]);
                for invariant in [Invariant::I6, Invariant::I11] {
                    want(occurrence, wanted, invariant, subject(entry, line.account()));
                }
            }
            Some(Kind::Deferred(membership)) => {
                for about in [None, membership] {
                    let about = about.unwrap_or_default().to_owned();
                    let name = liability_subject(entry, line.account(), &about);
                    wanted.row::<CheckedLiability>(key![tenant, *line.account(), about, currency]);
                    want(occurrence, wanted, Invariant::I8, name);
                }
            }
        }
    }
}

pub(super) fn examine(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    let mut sellers: Vec<SellerId> = Vec::new();
    for line in entry.lines() {
        match kind(line) {
            None => {}
            Some(Kind::Seller(seller)) => {
                seller_moved(occurrence, entry, line, seller, rows)?;
                if !sellers.contains(&seller) {
                    sellers.push(seller);
                }
            }
            Some(Kind::Other) => account_moved(occurrence, entry, line, rows, found)?,
            Some(Kind::Tax) => liability_moved(occurrence, (entry, line), "", rows, found)?,
            Some(Kind::Deferred(membership)) => {
                liability_moved(occurrence, (entry, line), "", rows, found)?;
                if let Some(membership) = membership.filter(|known| !known.is_empty()) {
                    liability_moved(occurrence, (entry, line), membership, rows, found)?;
                }
            }
        }
    }
    for seller in sellers {
        check_seller(occurrence, entry, seller, rows, found)?;
    }
    Ok(())
}

/// What a line adds to an account, on its normal side.
const fn own(line: &Posting) -> i64 {
    match line.account().normal_side() {
        Side::Debit => line.signed(),
        Side::Credit => line.signed().saturating_neg(),
    }
}

fn account_moved(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    line: &Posting,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    found.looked(Invariant::I6);
    let tenant = occurrence.tenant();
    let key = key![tenant, *entry.book(), *line.account(), entry.currency()];
    let row = rows.upsert(key.clone(), || CheckedAccount {
        tenant,
        book: entry.book().clone(),
        account: line.account().clone(),
        currency: entry.currency(),
        balance: 0,
        alarmed: false,
    })?;
    row.balance = row.balance.saturating_add(own(line));
    let balance = row.balance;
    let was_alarmed = std::mem::replace(&mut row.alarmed, balance < 0);
    if balance == 0 && line.account().must_return_to_zero() {
        rows.delete::<CheckedAccount>(key)?;
    }
    judge_sign(entry, line.account(), balance, was_alarmed, found);
    Ok(())
}

fn judge_sign(
    entry: &Entry,
    account: &Account,
    balance: i64,
    was_alarmed: bool,
    found: &mut Found,
) {
    let currency = entry.currency();
    if balance < 0 {
        let what = format!("{account} of {} stands at {balance} {currency}", entry.book());
        found.wrong_by(Invariant::I6, subject(entry, account), (balance, currency), what);
    } else if was_alarmed {
        found.right.push((Invariant::I6, subject(entry, account)));
    }
}

fn seller_moved(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    line: &Posting,
    seller: SellerId,
    rows: &mut Rows,
) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let currency = entry.currency();
    let row = rows.upsert(key![tenant, seller, currency], || CheckedSeller {
        tenant,
        seller,
        currency,
        pending: 0,
        available: 0,
        reserve: 0,
        dispute_hold: 0,
        receivable: 0,
        alarmed: false,
    })?;
    let total = if let Account::Seller(_, part) = line.account() {
        match part {
            SellerPart::Pending => &mut row.pending,
            SellerPart::Available => &mut row.available,
            SellerPart::Reserve => &mut row.reserve,
            SellerPart::DisputeHold => &mut row.dispute_hold,
        }
    } else {
        &mut row.receivable
    };
    *total = total.saturating_add(own(line));
    Ok(())
}

/// I6 of a seller: nothing negative; and after a release nobody owes and is owed at once.
fn check_seller(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    seller: SellerId,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    found.looked(Invariant::I6);
    let currency = entry.currency();
    let key = key![occurrence.tenant(), seller, currency];
    let Some(row) = rows.get::<CheckedSeller>(key.clone())? else { return Ok(()) };
    let parts = [
        ("pending", row.pending),
        ("available", row.available),
        ("reserve", row.reserve),
        ("dispute-hold", row.dispute_hold),
        ("receivable", row.receivable),
    ];
    let both = row.receivable > 0 && row.available > 0;
    let is_release =
        matches!(entry.kind(), "seller_account.released" | "seller_account.reserve_released");
    let was_alarmed = row.alarmed;
    let wrong = match parts.into_iter().find(|(_, minor)| *minor < 0) {
        Some((part, minor)) => Some((minor, format!("{part} of {seller} stands at {minor}"))),
        None if both && (is_release || was_alarmed) => {
            let (owes, owed) = (row.receivable, row.available);
            Some((owes.min(owed), format!("{seller} owes {owes} and is owed {owed} {currency}")))
        }
        None => None,
    };
    if wrong.is_some() != was_alarmed
        && let Some(row) = rows.update::<CheckedSeller>(key)?
    {
        row.alarmed = wrong.is_some();
    }
    match wrong {
        Some((minor, what)) => {
            let name = of_seller(entry, seller);
            found.wrong_by(Invariant::I6, name, (minor, currency), what);
        }
        None if was_alarmed => found.right.push((Invariant::I6, of_seller(entry, seller))),
        None => {}
    }
    Ok(())
}

/// Why a liability moves.
enum Reason {
    Raised,
    Returned,
    Settled,
    Adjusted,
}

fn reason(entry: &Entry, account: &Account) -> Option<Reason> {
    let touches =
        |wanted: fn(&Account) -> bool| entry.lines().iter().any(|line| wanted(line.account()));
    if matches!(account, Account::Tax(_)) && touches(|account| matches!(account, Account::Bank(_)))
    {
        return Some(Reason::Settled);
    }
    if touches(|account| matches!(account, Account::Opening)) {
        return Some(Reason::Adjusted);
    }
    match entry.nature() {
        Nature::Sale => Some(Reason::Raised),
        Nature::Refund | Nature::Chargeback => Some(Reason::Returned),
        Nature::Adjustment => Some(Reason::Adjusted),
        Nature::Recognition => Some(Reason::Settled),
        Nature::Payout
        | Nature::PayoutReturned
        | Nature::Release
        | Nature::Hold
        | Nature::Unallocated
        | Nature::Settlement => None,
    }
}

fn liability_subject(entry: &Entry, account: &Account, membership: &str) -> String {
    let name = subject(entry, account);
    if membership.is_empty() { name } else { format!("{name} {membership}") }
}

fn liability_moved(
    occurrence: &Occurrence<'_>,
    (entry, line): (&Entry, &Posting),
    membership: &str,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    let account = line.account();
    let is_tax = matches!(account, Account::Tax(_));
    let invariant = if is_tax { Invariant::I11 } else { Invariant::I8 };
    found.looked(invariant);
    let (tenant, currency) = (occurrence.tenant(), entry.currency());
    let key = key![tenant, *account, membership.to_owned(), currency];
    let row = rows.upsert(key, || CheckedLiability {
        tenant,
        account: account.clone(),
        membership: membership.to_owned(),
        currency,
        raised: 0,
        returned: 0,
        settled: 0,
        adjusted: 0,
        alarmed: false,
    })?;
    let more = own(line);
    let reason = reason(entry, account);
    let (total, minor) = match reason {
        Some(Reason::Raised) => (&mut row.raised, more),
        Some(Reason::Returned) => (&mut row.returned, more.saturating_neg()),
        Some(Reason::Settled) => (&mut row.settled, more.saturating_neg()),
        Some(Reason::Adjusted) | None => (&mut row.adjusted, more),
    };
    *total = total.saturating_add(minor);
    let balance = row
        .raised
        .saturating_sub(row.returned)
        .saturating_sub(row.settled)
        .saturating_add(row.adjusted);
    let is_wrong = balance < 0 || (!is_tax && (row.returned < 0 || row.settled < 0));
    let was_alarmed = std::mem::replace(&mut row.alarmed, is_wrong);
    let name = liability_subject(entry, account, membership);
    let figures = format!(
        "raised {} - returned {} - settled {} + adjusted {} = {balance} {currency}",
        row.raised, row.returned, row.settled, row.adjusted
    );
    if reason.is_none() && membership.is_empty() {
        let what = format!("{} moves it by {more} for no reason: {figures}", entry.kind());
        found.wrong_by(invariant, name.clone(), (more, currency), what);
    }
    if is_tax {
        found.looked(Invariant::I6);
        judge_sign(entry, account, balance, was_alarmed, found);
    } else if is_wrong {
        found.wrong_by(Invariant::I8, name, (balance, currency), figures);
    } else if was_alarmed {
        found.right.push((Invariant::I8, name));
    }
    Ok(())
}
