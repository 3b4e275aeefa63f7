//! A period is paid: what of it is owed in days, what is the seller's, what is commission.

use chrono::NaiveDate;
use kernel::{Money, Timestamp};

use super::{Decided, Decision, rendering, unknown_period};
use crate::{
    calendar,
    membership::{
        commands::PaidPeriod,
        errors::MembershipError,
        events::{
            CommissionIncome, MembershipEvent, MembershipTerms, Movement, NextDay, ServiceMonth,
            SoldBy,
        },
        period::Schedule,
        state::{Membership, Period},
    },
    vocabulary::{Claim, PeriodRef, PeriodTerms},
};

/// The longest period: three years.
const DAYS_MAX: u32 = 1100;
/// The longest name of a product or period.
const NAME_MAX: usize = 64;

/// A product is the last part of an account's name, so it is a word.
pub(super) fn check_product(product: &str) -> Result<(), MembershipError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=NAME_MAX).contains(&product.len()) && product.bytes().all(fits) {
        return Ok(());
    }
    Err(MembershipError::ProductInvalid { product: product.to_owned() })
}

pub(super) fn check(
    membership: &Membership,
    paid: &PaidPeriod,
    now: Timestamp,
) -> Result<(), MembershipError> {
    let known = membership.terms.as_ref().ok_or(MembershipError::Unknown)?;
    let terms = &paid.terms;
    if let Some(period) = membership.period(&terms.period) {
        let same = is_same(period, paid);
        let exists = || MembershipError::PeriodExists { period: terms.period.to_string() };
        return if same { Ok(()) } else { Err(exists()) };
    }
    if membership.ended {
        return Err(MembershipError::Ended);
    }
    check_amounts(known, paid)?;
    check_product(&terms.product)?;
    let name = terms.period.as_str();
    let named = (1..=NAME_MAX).contains(&name.len()) && !name.contains(':');
    if !named || !(1..=DAYS_MAX).contains(&terms.days()) {
        return Err(MembershipError::PeriodInvalid);
    }
    check_replacement(membership, known, terms, now)?;
    let overlaps = membership.periods.iter().find(|period| {
        terms.replaces.as_ref() != Some(&period.terms.period)
            && terms.start < period.over_on()
            && period.terms.start < terms.end
    });
    match overlaps {
        Some(period) => {
            Err(MembershipError::PeriodOverlaps { period: period.terms.period.to_string() })
        }
        None => Ok(()),
    }
}

fn is_same(period: &Period, paid: &PaidPeriod) -> bool {
    let charge = paid.charge.as_ref().map(|(_, charge)| charge);
    period.terms == paid.terms && period.paid == paid.paid && period.charge.as_ref() == charge
}

fn check_amounts(known: &MembershipTerms, paid: &PaidPeriod) -> Result<(), MembershipError> {
    let (expected, given) = (known.price.currency(), paid.paid.currency());
    if expected != given {
        return Err(MembershipError::CurrencyMismatch { expected, given });
    }
    if paid.paid.minor() < 0 {
        return Err(MembershipError::AmountNotPositive);
    }
    if paid.charge.is_some() != paid.paid.is_positive() {
        return Err(MembershipError::ChargeMissing);
    }
    if !(0..=paid.paid.minor()).contains(&paid.terms.tax) {
        return Err(MembershipError::TaxInvalid);
    }
    Ok(())
}

/// What is carried over is what is not rendered on the day of the change; before that day nobody
/// knows how much that is.
fn check_replacement(
    membership: &Membership,
    known: &MembershipTerms,
    terms: &PeriodTerms,
    now: Timestamp,
) -> Result<(), MembershipError> {
    let Some(name) = &terms.replaces else { return Ok(()) };
    let period = membership.period(name).ok_or_else(|| unknown_period(name))?;
    if known.sold_by != SoldBy::Platform {
        return Err(MembershipError::CarryOverNotPossible);
    }
    let day = terms.start;
    let among_its_days = period.terms.start <= day && day < period.terms.end;
    if !period.is_open() || !among_its_days {
        return Err(MembershipError::NothingToReplace { period: name.to_string(), day });
    }
    if calendar::day_of(now, terms.zone) < day {
        return Err(MembershipError::ReplacedTooEarly { day });
    }
    Ok(())
}

pub(super) fn record(membership: &Membership, paid: PaidPeriod, now: Timestamp) -> Decided {
    if let Err(refusal) = check(membership, &paid, now) {
        let Some((payment, charge)) = paid.charge else { return Err(refusal) };
        return Ok(vec![MembershipEvent::PeriodRefused {
            period: paid.terms.period,
            charge,
            payment: Some(payment),
            amount: paid.paid,
            code: refusal.as_ref().to_owned(),
            reason: refusal.to_string(),
            at: now,
        }]);
    }
    if membership.period(&paid.terms.period).is_some() {
        return Ok(vec![]);
    }
    let mut decision = Decision::new(membership, now);
    let carried = match &paid.terms.replaces {
        Some(replaced) => replace(&mut decision, replaced, &paid)?,
        None => 0,
    };
    let available_on = paid.available_on;
    let period = paid.terms.period.clone();
    let event = sold(&decision, paid, carried)?;
    decision.record(event);
    if let Some(available_on) = available_on {
        expect_funds(&mut decision, &period, available_on)?;
    }
    Ok(decision.events)
}

/// Takes what is not rendered out of the period that is replaced.
fn replace(
    decision: &mut Decision,
    name: &PeriodRef,
    paid: &PaidPeriod,
) -> Result<i64, MembershipError> {
    let period = decision.period(name)?;
    let rendered = calendar::days_between(period.terms.start, paid.terms.start);
    rendering::catch_up(decision, name, rendered)?;
    let period = decision.period(name)?;
    let carried = period.deferred();
    let (membership, at) = (decision.membership.id.clone(), decision.now);
    decision.record(MembershipEvent::PeriodReplaced {
        membership,
        period: name.clone(),
        by: paid.terms.period.clone(),
        product: period.terms.product,
        into: paid.terms.product.clone(),
        day: paid.terms.start,
        carried: Money::new(carried, paid.paid.currency()),
        at,
    });
    Ok(carried)
}

fn sold(
    decision: &Decision,
    paid: PaidPeriod,
    carried: i64,
) -> Result<MembershipEvent, MembershipError> {
    let membership = &decision.membership;
    let known = membership.terms.as_ref().ok_or(MembershipError::Unknown)?;
    let PaidPeriod { membership: id, terms, paid, charge, available_on: _, occurred_at } = paid;
    let net = paid.minor() - terms.tax;
    let (deferred, commission, own) = match &known.sold_by {
        SoldBy::Platform => {
            let whole = net.checked_add(carried).ok_or(MembershipError::Overflow)?;
            (whole, 0, whole)
        }
        SoldBy::Agent { commission, income, .. } => {
            let commission = commission.of(Money::new(net, paid.currency())).minor();
            match income {
                CommissionIncome::AtOnce => (0, commission, commission),
                CommissionIncome::Deferred => (commission, commission, commission),
            }
        }
    };
    let months = match &known.sold_by {
        SoldBy::Platform => Vec::new(),
        SoldBy::Agent { .. } => {
            service_months(&id, &terms, net - commission).ok_or(MembershipError::Overflow)?
        }
    };
    let due = calendar::end_of(terms.start, terms.zone).ok_or(MembershipError::Overflow)?;
    terms.ends_at().ok_or(MembershipError::Overflow)?;
    // A period of the past that is recorded late says nothing about the present.
    let is_latest = membership.periods.iter().all(|period| period.terms.end < terms.end);
    let mrr = if is_latest { monthly(own, terms.start, terms.end) } else { membership.mrr };
    let mrr_delta = mrr.checked_sub(membership.mrr).ok_or(MembershipError::Overflow)?;
    let next = (deferred > 0).then_some(NextDay { day: terms.start, due });
    let (payment, charge) = charge.unzip();
    Ok(MembershipEvent::PeriodPaid {
        membership: id,
        movement: movement(membership, mrr_delta),
        terms,
        paid,
        charge,
        payment,
        sold_by: known.sold_by.clone(),
        deferred,
        carried,
        commission,
        months,
        mrr,
        mrr_delta,
        next,
        policy: known.policy,
        occurred_at,
        at: decision.now,
    })
}

fn movement(membership: &Membership, mrr_delta: i64) -> Option<Movement> {
    match mrr_delta.signum() {
        1 if membership.periods.is_empty() => Some(Movement::New),
        1 if membership.lapsed => Some(Movement::Reactivation),
        1 => Some(Movement::Expansion),
        -1 => Some(Movement::Contraction),
        _ => None,
    }
}

/// The seller's part by calendar months of service, by the floor of the cumulative share.
fn service_months(
    membership: &crate::vocabulary::MembershipRef,
    terms: &PeriodTerms,
    part: i64,
) -> Option<Vec<ServiceMonth>> {
    let schedule = Schedule::new(part, terms.days());
    let (mut days, mut months) = (0, Vec::new());
    for (count, last) in calendar::months_of(terms.start, terms.end) {
        let amount = schedule.after(days + count) - schedule.after(days);
        days += count;
        let claim = Claim::of_service(membership, &terms.period, months.len());
        months.push(ServiceMonth { claim, amount, until: calendar::end_of(last, terms.zone)? });
    }
    Some(months)
}

/// What an amount for these days is a month: exactly, if they are whole months; else by days, at 365
/// twelfths to a month. Half-even.
fn monthly(amount: i64, start: NaiveDate, end: NaiveDate) -> i64 {
    let (numerator, denominator) = match calendar::whole_months(start, end) {
        Some(months) => (i128::from(amount), i128::from(months)),
        None => {
            let days = i128::from(calendar::days_between(start, end).max(1));
            (i128::from(amount) * 365, days * 12)
        }
    };
    i64::try_from(half_even(numerator, denominator)).unwrap_or(i64::MAX)
}

/// A quotient of two numbers that are not negative, rounded half-even.
pub(super) const fn half_even(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let up = rest * 2 > denominator || (rest * 2 == denominator && whole % 2 == 1);
    if up { whole + 1 } else { whole }
}

pub(super) fn note_funds(
    membership: &Membership,
    period: &PeriodRef,
    available_on: Timestamp,
    now: Timestamp,
) -> Decided {
    let mut decision = Decision::new(membership, now);
    // A period that was refused has no funds; the payment tells of them all the same.
    if membership.period(period).is_some() {
        expect_funds(&mut decision, period, available_on)?;
    }
    Ok(decision.events)
}

/// A seller's month is released when its last day is over and Stripe has the money.
fn expect_funds(
    decision: &mut Decision,
    name: &PeriodRef,
    available_on: Timestamp,
) -> Result<(), MembershipError> {
    let period = decision.period(name)?;
    let Some(agent) = period.agent() else { return Ok(()) };
    let months = period.months.iter().filter(|month| month.amount > 0);
    let releases: Vec<_> =
        months.map(|month| (month.claim.clone(), month.until.max(available_on))).collect();
    if period.funds_known || releases.is_empty() {
        return Ok(());
    }
    decision.record(MembershipEvent::FundsExpected {
        period: name.clone(),
        seller: agent.seller,
        available_on,
        releases,
        at: decision.now,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_is_twelve_months_and_a_broken_month_counts_by_days() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(monthly(12_000, day("2026-01-01"), day("2027-01-01")), 1_000);
        assert_eq!(monthly(1_000, day("2026-02-01"), day("2026-03-01")), 1_000);
        // 10.00 for 15 days: 10.00 * 365 / (12 * 15) = 20.277...
        assert_eq!(monthly(1_000, day("2026-02-01"), day("2026-02-16")), 2_028);
    }

    #[test]
    fn halves_go_to_the_even_side() {
        assert_eq!([half_even(5, 2), half_even(7, 2), half_even(8, 3)], [2, 4, 3]);
    }
}
