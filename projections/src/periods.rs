//! Closed periods with their evidence, and the revaluations of what was exchanged.

use aggregates::{fact::Fact, period::events::PeriodEvent};
use kernel::{Currency, TenantId, Timestamp};
use store::Position;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::json,
};

store::table! {
    /// A closing of the books: everything before an instant, since the closing before.
    pub struct Period as "periods" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The first instant that is not closed.
            through: Timestamp,
        }
        /// The last day that is closed, `2026-03-31`.
        day: String,
        /// The time zone of that day.
        time_zone: String,
        /// closed, reopening (one of two people has asked), reopened or locked (for good).
        status: String,
        /// The position of the log up to which the evidence counts.
        #[unhashed = "positions are a log's own"]
        evidence_position: u64,
        /// The hash of all balances there.
        #[unhashed = "built from minted ids"]
        balance_hash: String,
        /// The trial balance there: sums of both sides by book and currency, JSON.
        totals: String,
        /// Who closed it.
        closed_by: String,
        /// When.
        closed_at: Timestamp,
        /// Who asked to open it again.
        reopen_requested_by: Option<String>,
        /// Why.
        reopen_reason: Option<String>,
        /// Who agreed.
        reopened_by: Option<String>,
        /// When.
        reopened_at: Option<Timestamp>,
        /// Who made it final.
        locked_by: Option<String>,
        /// When.
        locked_at: Option<Timestamp>,
    }
}

store::table! {
    /// A valuation of what stands on `equity:conversion`, and what it booked.
    pub struct Revaluation as "revaluations" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The event.
            #[unhashed = "positions are a log's own"]
            position: Position,
        }
        /// The day whose rates these are.
        day: String,
        /// When it takes effect in the books.
        effective_at: Timestamp,
        /// The functional currency.
        currency: Currency,
        /// A loss if positive, a gain if negative; minor units.
        difference: i64,
        /// Balance, rate and value by currency, JSON.
        parts: String,
        /// Who published the rates.
        source: String,
        /// Who revalued.
        revalued_by: String,
        /// When.
        revalued_at: Timestamp,
    }
}

read_model! {
    /// Every closing and every revaluation.
    Periods = "periods", version 1, [Period, Revaluation]
}

/// The closings that a fact is about.
const fn closings_of(event: &PeriodEvent) -> &[Timestamp] {
    match event {
        PeriodEvent::Closed { through, .. }
        | PeriodEvent::ReopenRequested { through, .. }
        | PeriodEvent::Reopened { through, .. } => std::slice::from_ref(through),
        PeriodEvent::Locked { closings, .. } => closings.as_slice(),
        PeriodEvent::Revalued { .. } => &[],
    }
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    let Fact::Period(event) = occurrence.fact else { return };
    for through in closings_of(event) {
        wanted.row::<Period>(key![occurrence.tenant(), *through]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Period(event) = occurrence.fact else { return Ok(()) };
    let tenant = occurrence.tenant();
    match event {
        PeriodEvent::Closed { day, through, time_zone, evidence, by, at } => {
            return rows.put(Period {
                tenant,
                through: *through,
                day: day.clone(),
                time_zone: time_zone.clone(),
                status: "closed".to_owned(),
                evidence_position: evidence.position,
                balance_hash: evidence.balance_hash.clone(),
                totals: json(&evidence.totals),
                closed_by: by.to_string(),
                closed_at: *at,
                reopen_requested_by: None,
                reopen_reason: None,
                reopened_by: None,
                reopened_at: None,
                locked_by: None,
                locked_at: None,
            });
        }
        PeriodEvent::Revalued { functional, day, effective, parts, difference, source, by, at } => {
            rows.append(&Revaluation {
                tenant,
                position: occurrence.recorded.position,
                day: day.clone(),
                effective_at: *effective,
                currency: *functional,
                difference: *difference,
                parts: json(parts),
                source: source.clone(),
                revalued_by: by.to_string(),
                revalued_at: *at,
            });
        }
        PeriodEvent::ReopenRequested { .. }
        | PeriodEvent::Reopened { .. }
        | PeriodEvent::Locked { .. } => {}
    }
    for through in closings_of(event) {
        if let Some(row) = rows.update::<Period>(key![tenant, *through])? {
            changed(row, event);
        }
    }
    Ok(())
}

fn changed(row: &mut Period, event: &PeriodEvent) {
    let status = match event {
        PeriodEvent::Closed { .. } | PeriodEvent::Revalued { .. } => return,
        PeriodEvent::ReopenRequested { reason, by, .. } => {
            row.reopen_requested_by = Some(by.to_string());
            row.reopen_reason = Some(reason.clone());
            "reopening"
        }
        PeriodEvent::Reopened { approved_by, at, .. } => {
            row.reopened_by = Some(approved_by.to_string());
            row.reopened_at = Some(*at);
            "reopened"
        }
        PeriodEvent::Locked { by, at, .. } => {
            row.locked_by = Some(by.to_string());
            row.locked_at = Some(*at);
            "locked"
        }
    };
    status.clone_into(&mut row.status);
}
