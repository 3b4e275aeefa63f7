//! What is remembered of a tenant as a whole: that its events come in order and no reversal comes
//! twice (I12), what time it is in its books, and which of its periods are closed (I15).

use aggregates::{adjustment::events::AdjustmentEvent, fact::Fact, period::events::PeriodEvent};
use kernel::Timestamp;

use super::{
    catalogue::Invariant,
    found::{Found, want},
    rows::{CheckedReversal, CheckedTenant},
};
use crate::{
    FoldError, Occurrence, Rows, Wanted,
    chart::{Account, Clearing},
    postings::Entry,
    projection::key,
};

/// What an alarm about the order of a tenant's events is about, and one about its closed periods.
const ORDER: &str = "order of events";
const PERIODS: &str = "closed periods";

/// Until when a fact closes the books: `Some(None)` when everything is open again.
fn closes(fact: &Fact) -> Option<Option<Timestamp>> {
    let Fact::Period(event) = fact else { return None };
    match event {
        PeriodEvent::Closed { through, .. } => Some(Some(*through)),
        PeriodEvent::Reopened { closed_through, .. } => Some(*closed_through),
        PeriodEvent::ReopenRequested { .. }
        | PeriodEvent::Locked { .. }
        | PeriodEvent::Revalued { .. } => None,
    }
}

fn concerns(occurrence: &Occurrence<'_>) -> bool {
    !occurrence.entries.is_empty() || closes(occurrence.fact).is_some()
}

pub(super) fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if !concerns(occurrence) {
        return;
    }
    let tenant = occurrence.tenant();
    wanted.row::<CheckedTenant>(key![tenant]);
    want(occurrence, wanted, Invariant::I12, ORDER.to_owned());
    want(occurrence, wanted, Invariant::I15, PERIODS.to_owned());
    for reversal in reversals(occurrence) {
        wanted.row::<CheckedReversal>(key![tenant, reversal.clone()]);
        want(occurrence, wanted, Invariant::I12, reversal);
    }
}

/// Examines an event against what is known of its tenant; answers what time it is in its books.
pub(super) fn examine(
    occurrence: &Occurrence<'_>,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<Timestamp, FoldError> {
    let first = occurrence.entries.iter().map(Entry::effective).max().unwrap_or(Timestamp::EPOCH);
    if !concerns(occurrence) {
        return Ok(first);
    }
    let tenant = occurrence.tenant();
    let position = occurrence.recorded.position;
    let row = rows.get::<CheckedTenant>(key![tenant])?;
    let (before, clock, mut closed) = row.map_or((None, first, None), |row| {
        (Some(row.position), row.clock.max(first), row.closed_through)
    });
    if let Some(before) = before.filter(|before| *before >= position) {
        let what = format!("position {position} comes after position {before}");
        found.wrong(Invariant::I12, ORDER.to_owned(), what);
    }
    for entry in occurrence.entries {
        found.looked(Invariant::I15);
        if let Some(through) = closed.filter(|through| entry.effective() < *through) {
            let (kind, effective) = (entry.kind(), entry.effective());
            let what =
                format!("{kind} takes effect at {effective}, closed is what is before {through}");
            found.wrong(Invariant::I15, PERIODS.to_owned(), what);
        }
    }
    for reversal in reversals(occurrence) {
        reversed_once(occurrence, reversal, rows, found)?;
    }
    if let Some(through) = closes(occurrence.fact) {
        closed = through;
    }
    let position = before.map_or(position, |before| before.max(position));
    rows.put(CheckedTenant { tenant, clock, closed_through: closed, position })?;
    Ok(clock)
}

fn reversed_once(
    occurrence: &Occurrence<'_>,
    reversal: String,
    rows: &mut Rows,
    found: &mut Found,
) -> Result<(), FoldError> {
    let (tenant, position) = (occurrence.tenant(), occurrence.recorded.position);
    let key = key![tenant, reversal.clone()];
    let known = rows.get::<CheckedReversal>(key)?.map(|row| row.position);
    match known {
        Some(before) => {
            let what = format!("it was posted at position {before} already");
            found.wrong(Invariant::I12, reversal, what);
        }
        None => rows.put(CheckedReversal { tenant, reversal, position })?,
    }
    Ok(())
}

/// What an event reverses.
fn reversals(occurrence: &Occurrence<'_>) -> impl Iterator<Item = String> {
    let by_hand = if let Fact::Adjustment(AdjustmentEvent::Approved { content, .. }) =
        occurrence.fact
        && let Some(reversed) = &content.reverses
    {
        Some(format!("adjustment.approved {reversed}"))
    } else {
        None
    };
    occurrence.entries.iter().filter_map(reversal_of).chain(by_hand)
}

/// What an entry reverses, and by what: each is named after something that happens once.
fn reversal_of(entry: &Entry) -> Option<String> {
    let about = entry.lines().first()?.dimensions();
    let what = match entry.kind() {
        "payout.transfer_reversed"
        | "payout.returned"
        | "payment.application_fee_refunded"
        | "topup.reversed" => entry.lines().iter().find_map(|line| of_clearing(line.account())),
        "refund.reverted" | "membership.refund_reverted" => {
            about.refund.map(|refund| refund.to_string())
        }
        "order.capture_reversed" | "payment.capture_reversed" | "membership.capture_reversed" => {
            about.charge.as_ref().map(ToString::to_string)
        }
        "order.dispute_conclusion_revised" | "payment.unallocated_dispute_revised" => {
            about.txn.as_ref().map(ToString::to_string)
        }
        "seller_account.credited_back" => about.claim.as_ref().map(ToString::to_string),
        _ => None,
    };
    what.map(|what| format!("{} {what}", entry.kind()))
}

fn of_clearing(account: &Account) -> Option<String> {
    if let Account::Clearing(kind, id) = account
        && !matches!(kind, Clearing::Charge)
    {
        return Some(id.clone());
    }
    None
}
