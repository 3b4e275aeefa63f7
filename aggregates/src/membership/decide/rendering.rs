//! Days pass: what they cost is income, each on its own day, however late it is noticed.

use chrono::NaiveDate;
use kernel::Timestamp;

use super::{Decided, Decision, today, unknown_period};
use crate::{
    calendar,
    membership::{
        errors::MembershipError,
        events::{MembershipEvent, NextDay, RecognizedDay},
        state::{Membership, Period},
    },
    vocabulary::PeriodRef,
};

/// At most so many days stand in one event, so that no event grows without bound.
const DAYS_PER_EVENT_MAX: u32 = 400;

/// How many days of a period are over.
pub(super) fn days_over(period: &Period, now: Timestamp) -> u32 {
    let today = today(period, now);
    if today < period.terms.start {
        return 0;
    }
    let is_over = calendar::end_of(today, period.terms.zone).is_some_and(|end| now >= end);
    let days = calendar::days_between(period.terms.start, today) + u32::from(is_over);
    days.min(period.terms.days())
}

/// Recognises every day that is over, if that is this day at least.
pub(super) fn recognise(
    membership: &Membership,
    name: &PeriodRef,
    day: NaiveDate,
    now: Timestamp,
) -> Decided {
    let period = membership.period(name).ok_or_else(|| unknown_period(name))?;
    let wanted = calendar::plus(day, 1).ok_or(MembershipError::Overflow)?;
    let wanted = calendar::days_between(period.terms.start, wanted).min(period.terms.days());
    if !period.is_open() || period.schedule.through() >= wanted {
        return Ok(vec![]);
    }
    let over = days_over(period, now);
    if over < wanted {
        let due = calendar::end_of(day, period.terms.zone).ok_or(MembershipError::Overflow)?;
        return Err(MembershipError::TooEarly { due });
    }
    let mut decision = Decision::new(membership, now);
    catch_up(&mut decision, name, over)?;
    Ok(decision.events)
}

/// Recognises the first so many days of a period, as far as they are not recognised.
pub(super) fn catch_up(
    decision: &mut Decision,
    name: &PeriodRef,
    days: u32,
) -> Result<(), MembershipError> {
    let mut period = decision.period(name)?;
    while period.billed > 0 && period.schedule.through() < days.min(period.terms.days()) {
        let through = days.min(period.schedule.through() + DAYS_PER_EVENT_MAX);
        let event = recognized(decision, &period, through.min(period.terms.days()))?;
        decision.record(event);
        period = decision.period(name)?;
    }
    Ok(())
}

fn recognized(
    decision: &Decision,
    period: &Period,
    through: u32,
) -> Result<MembershipEvent, MembershipError> {
    let terms = &period.terms;
    let day = |count: u32| calendar::plus(terms.start, count).ok_or(MembershipError::Overflow);
    let end = |day| calendar::end_of(day, terms.zone).ok_or(MembershipError::Overflow);
    let mut days = Vec::new();
    for (number, amount) in period.schedule.daily(through).filter(|(_, amount)| *amount > 0) {
        let day = day(number - 1)?;
        days.push(RecognizedDay { day, amount, effective_at: end(day)? });
    }
    let cumulative = period.schedule.after(through);
    let is_done = through >= terms.days() || cumulative >= period.schedule.after(terms.days());
    let next = if is_done {
        None
    } else {
        let day = day(through)?;
        Some(NextDay { day, due: end(day)? })
    };
    Ok(MembershipEvent::RevenueRecognized {
        membership: decision.membership.id.clone(),
        period: terms.period.clone(),
        product: terms.product.clone(),
        agent: period.agent(),
        currency: period.paid.currency(),
        through: day(through - 1)?,
        days,
        cumulative,
        next,
        policy: decision.policy(),
        at: decision.now,
    })
}
