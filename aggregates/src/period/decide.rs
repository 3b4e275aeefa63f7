//! What a tenant's periods answer to each command.

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use kernel::Timestamp;

use super::{
    commands::PeriodCommand as Command,
    errors::PeriodError,
    events::{Evidence, PeriodEvent as Event},
    revalue,
    state::Period,
};
use crate::{calendar, vocabulary::Person};

pub(super) type Decision = Result<Vec<Event>, PeriodError>;

pub(super) fn decide(period: &Period, command: Command, now: Timestamp) -> Decision {
    match command {
        Command::Close { day, zone, evidence, by } => close(period, (day, zone), evidence, by, now),
        Command::Reopen { reason, by } => reopen(period, reason, by, now),
        Command::Lock { by } => {
            let through = period.open_from().ok_or(PeriodError::NothingClosed)?;
            if period.locked == Some(through) {
                return Ok(vec![]);
            }
            let is_new =
                |closing: &&Timestamp| period.locked.is_none_or(|locked| **closing > locked);
            let closings = period.closings.iter().filter(is_new).copied().collect();
            Ok(vec![Event::Locked { through, closings, by, at: now }])
        }
        Command::Revalue { day, zone, functional, balances, rates, source, by } => {
            let ends = end_of(day, zone)?;
            check_over(ends, now)?;
            let effective = Timestamp::from_millis(ends.millis().saturating_sub(1));
            if let Some(open_from) = period.open_from().filter(|open_from| effective < *open_from) {
                return Err(PeriodError::PeriodClosed { open_from });
            }
            if source.trim().is_empty() {
                return Err(PeriodError::SourceMissing);
            }
            let parts = revalue::parts(functional, &balances, &rates)?;
            let difference = revalue::sum(&parts)?;
            let day = day.to_string();
            let at = now;
            Ok(vec![Event::Revalued {
                functional,
                day,
                effective,
                parts,
                difference,
                source,
                by,
                at,
            }])
        }
    }
}

fn close(
    period: &Period,
    (day, zone): (NaiveDate, Tz),
    evidence: Evidence,
    by: Person,
    now: Timestamp,
) -> Decision {
    let through = end_of(day, zone)?;
    match period.open_from() {
        Some(closed) if closed == through => return Ok(vec![]),
        Some(closed_through) if closed_through > through => {
            return Err(PeriodError::AlreadyClosed { closed_through });
        }
        Some(_) | None => {}
    }
    check_over(through, now)?;
    let (day, time_zone) = (day.to_string(), zone.name().to_owned());
    Ok(vec![Event::Closed { day, through, time_zone, evidence, by, at: now }])
}

fn reopen(period: &Period, reason: String, by: Person, now: Timestamp) -> Decision {
    let through = period.open_from().ok_or(PeriodError::NothingClosed)?;
    if let Some(through) = period.locked.filter(|locked| through <= *locked) {
        return Err(PeriodError::Locked { through });
    }
    let Some(request) = &period.request else {
        if reason.trim().is_empty() {
            return Err(PeriodError::ReasonMissing);
        }
        return Ok(vec![Event::ReopenRequested { through, reason, by, at: now }]);
    };
    if request.by == by {
        return Err(PeriodError::NeedsSecondApprover { first: by.to_string() });
    }
    let before = period.closings.len().checked_sub(2);
    Ok(vec![Event::Reopened {
        through,
        closed_through: before.and_then(|place| period.closings.get(place).copied()),
        reason: request.reason.clone(),
        requested_by: request.by.clone(),
        approved_by: by,
        at: now,
    }])
}

fn check_over(ends: Timestamp, now: Timestamp) -> Result<(), PeriodError> {
    if ends > now { Err(PeriodError::DayNotOver { ends }) } else { Ok(()) }
}

/// The first instant of the day after a day.
fn end_of(day: NaiveDate, zone: Tz) -> Result<Timestamp, PeriodError> {
    day.checked_add_days(Days::new(1))
        .and_then(|next| calendar::start_of(next, zone))
        .ok_or(PeriodError::DayInvalid)
}
