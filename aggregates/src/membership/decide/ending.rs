//! A period is cut short, a membership ends, or nobody pays for it any more.

use chrono_tz::Tz;
use kernel::{Money, RefundId, Timestamp};

use super::{Decided, Decision, LAPSE_DAYS, rendering, returning, selling::half_even, today};
use crate::{
    calendar,
    membership::{
        commands::CancelRefund,
        errors::MembershipError,
        events::{MembershipEvent, MembershipTerms},
        state::{Membership, Period},
    },
    vocabulary::{PeriodRef, Person},
};

pub(super) fn cancel(
    membership: &Membership,
    name: Option<&PeriodRef>,
    refund: CancelRefund,
    (reason, by): (String, Person),
    now: Timestamp,
) -> Decided {
    let known = membership.terms.as_ref().ok_or(MembershipError::Unknown)?;
    let zone = membership.last().map_or(Tz::UTC, |period| period.terms.zone);
    let day = calendar::day_of(now, zone);
    let period = match name {
        Some(name) => membership.period(name).ok_or_else(|| super::unknown_period(name))?,
        None => match membership.last_running(day) {
            Some(period) => period,
            None if refund != CancelRefund::Nothing => return Err(MembershipError::NothingRuns),
            None => return end(membership, reason, by, now),
        },
    };
    if !period.is_open() {
        return Ok(vec![]);
    }
    if !period.is_running(today(period, now)) {
        return Err(MembershipError::NothingRuns);
    }
    let name = period.terms.period.clone();
    let mut decision = Decision::new(membership, now);
    rendering::catch_up(&mut decision, &name, rendering::days_over(period, now))?;
    if let Some((refund, cash)) = cash_back(period, refund, now)? {
        let words = (reason.clone(), by.clone());
        returning::give_back(&mut decision, &name, refund, cash, words)?;
    }
    cut_short(&mut decision, &name, (reason.clone(), by.clone()))?;
    if !decision.membership.ended && decision.membership.last_running(day).is_none() {
        let event = ended(&decision.membership, known, (reason, by), now);
        decision.record(event);
    }
    Ok(decision.events)
}

/// How much goes back of a period that is cut short now; `None` is nothing.
fn cash_back(
    period: &Period,
    refund: CancelRefund,
    now: Timestamp,
) -> Result<Option<(RefundId, Money)>, MembershipError> {
    Ok(match refund {
        CancelRefund::Nothing => None,
        CancelRefund::Amount(refund, amount) => Some((refund, amount)),
        CancelRefund::ProRata(refund) => {
            let cash = pro_rata(period, now)?.min(period.refundable());
            Some((refund, Money::new(cash, period.paid.currency()))).filter(|_| cash > 0)
        }
    })
}

/// The time that is left / the whole time * what was paid, half-even; what was carried over counts
/// as paid, but no more goes back than the charge brought.
fn pro_rata(period: &Period, now: Timestamp) -> Result<i64, MembershipError> {
    let terms = &period.terms;
    let start = calendar::start_of(terms.start, terms.zone).ok_or(MembershipError::Overflow)?;
    let end = terms.ends_at().ok_or(MembershipError::Overflow)?;
    let whole = i128::from(end.millis() - start.millis());
    let left = i128::from(end.millis() - now.max(start).millis()).max(0);
    let paid = i128::from(period.paid.minor()) + i128::from(period.carried);
    i64::try_from(half_even(paid * left, whole)).map_err(|_| MembershipError::Overflow)
}

/// Ends a period today. What is neither rendered nor given back is forfeited.
pub(super) fn cut_short(
    decision: &mut Decision,
    name: &PeriodRef,
    (reason, by): (String, Person),
) -> Result<(), MembershipError> {
    let period = decision.period(name)?;
    decision.record(MembershipEvent::PeriodCancelled {
        membership: decision.membership.id.clone(),
        period: name.clone(),
        product: period.terms.product.clone(),
        agent: period.agent(),
        currency: period.paid.currency(),
        day: today(&period, decision.now),
        recognized: period.schedule.recognized(),
        refunded: period.given_back(),
        forfeited: period.deferred(),
        reason,
        by,
        policy: decision.policy(),
        at: decision.now,
    });
    Ok(())
}

pub(super) fn end(membership: &Membership, reason: String, by: Person, now: Timestamp) -> Decided {
    let known = membership.terms.as_ref().ok_or(MembershipError::Unknown)?;
    let event = || ended(membership, known, (reason, by), now);
    Ok(if membership.ended { vec![] } else { vec![event()] })
}

/// Revenue stops recurring when the last day that was paid is over, or now if it is already.
fn ended(
    membership: &Membership,
    known: &MembershipTerms,
    (reason, by): (String, Person),
    now: Timestamp,
) -> MembershipEvent {
    let (today, over_on) = match membership.last() {
        Some(period) => (today(period, now), period.over_on()),
        None => (calendar::day_of(now, Tz::UTC), calendar::day_of(now, Tz::UTC)),
    };
    MembershipEvent::Ended {
        product: membership.product(),
        currency: known.price.currency(),
        mrr_delta: -membership.mrr,
        day: over_on.max(today),
        reason,
        by,
        at: now,
    }
}

pub(super) fn lapse(membership: &Membership, now: Timestamp) -> Decided {
    let Some(last) = membership.last().filter(|_| !membership.ended && !membership.lapsed) else {
        return Ok(vec![]);
    };
    let over_on = last.over_on();
    let over = calendar::start_of(over_on, last.terms.zone).ok_or(MembershipError::Overflow)?;
    let due = over.plus_days(LAPSE_DAYS);
    if now < due {
        return Err(MembershipError::TooEarly { due });
    }
    Ok(vec![MembershipEvent::Lapsed {
        product: membership.product(),
        currency: last.paid.currency(),
        mrr_delta: -membership.mrr,
        day: over_on,
        at: now,
    }])
}
