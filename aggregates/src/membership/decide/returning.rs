//! Money goes back to the member: from what is not rendered first, then from what was income.

use kernel::{Money, RefundId, Timestamp};

use super::{Decided, Decision, rendering};
use crate::{
    membership::{
        errors::MembershipError,
        events::{GivenBack, MembershipEvent, SoldBy},
        state::{Membership, Period},
    },
    vocabulary::{ChargeRef, PeriodRef, Person},
};

/// Splits cash that goes back over what remains of the period's parts. However a refund is cut up,
/// every part stays within what remains, and the last cut takes all.
pub(super) fn split(period: &Period, cash: i64) -> GivenBack {
    let back = period.parts_back();
    let tax = share(period.terms.tax - back.tax, cash, period.refundable());
    let net = cash - tax;
    let given_net = back.deferred + back.income + back.seller;
    let net_left = period.paid.minor() - period.terms.tax - given_net;
    let (own, seller) = match &period.sold_by {
        SoldBy::Platform => (net, 0),
        SoldBy::Agent { commission_returned: false, .. } => (0, net),
        SoldBy::Agent { commission_returned: true, .. } => {
            let commission_left = period.commission - back.deferred - back.income;
            let own = share(commission_left, net, net_left);
            (own, net - own)
        }
    };
    let deferred = own.min(period.deferred());
    GivenBack { tax, deferred, income: own - deferred, seller }
}

/// floor(part * of / whole): the share of a part that falls on `of` out of `whole`.
fn share(part: i64, of: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let share = i128::from(part) * i128::from(of) / i128::from(whole);
    // `of` is at most `whole`, so the share is at most the part.
    i64::try_from(share).unwrap_or(part)
}

pub(super) fn refund(
    membership: &Membership,
    refund: RefundId,
    name: &PeriodRef,
    amount: Option<Money>,
    (reason, by): (String, Person),
    now: Timestamp,
) -> Decided {
    if membership.refunded(refund).is_some() {
        return Ok(vec![]);
    }
    let mut decision = Decision::new(membership, now);
    let period = decision.period(name)?;
    let cash = match amount {
        Some(amount) => amount,
        None if period.refundable() == 0 => {
            return Err(MembershipError::NothingToRefund { period: name.to_string() });
        }
        None => Money::new(period.refundable(), period.paid.currency()),
    };
    if period.is_open() {
        rendering::catch_up(&mut decision, name, rendering::days_over(&period, now))?;
    }
    give_back(&mut decision, name, refund, cash, (reason, by))?;
    Ok(decision.events)
}

/// Records that cash of a period goes back.
pub(super) fn give_back(
    decision: &mut Decision,
    name: &PeriodRef,
    refund: RefundId,
    cash: Money,
    (reason, by): (String, Person),
) -> Result<(), MembershipError> {
    let period = decision.period(name)?;
    let (expected, given) = (period.paid.currency(), cash.currency());
    if expected != given {
        return Err(MembershipError::CurrencyMismatch { expected, given });
    }
    if !cash.is_positive() {
        return Err(MembershipError::AmountNotPositive);
    }
    let remaining = Money::new(period.refundable(), expected);
    let (Some(payment), Some(charge)) = (period.payment, period.charge.clone()) else {
        return Err(MembershipError::NothingToRefund { period: name.to_string() });
    };
    if cash.minor() > remaining.minor() {
        return Err(MembershipError::RefundExceedsPaid { remaining });
    }
    decision.record(MembershipEvent::PeriodRefunded {
        membership: decision.membership.id.clone(),
        period: name.clone(),
        product: period.terms.product.clone(),
        refund,
        payment,
        charge,
        amount: cash,
        given_back: split(&period, cash.minor()),
        agent: period.agent(),
        about: period.months.last().map(|month| month.claim.clone()),
        tax_jurisdiction: period.terms.tax_jurisdiction.clone(),
        reason,
        by,
        policy: decision.policy(),
        at: decision.now,
    });
    Ok(())
}

pub(super) fn revert(membership: &Membership, refund: RefundId, now: Timestamp) -> Decided {
    let unknown = || MembershipError::RefundUnknown { refund: refund.to_string() };
    let (period, entry) = membership.refunded(refund).ok_or_else(unknown)?;
    if entry.reverted {
        return Ok(vec![]);
    }
    Ok(vec![MembershipEvent::RefundReverted {
        membership: membership.id.clone(),
        period: period.terms.period.clone(),
        product: period.terms.product.clone(),
        refund,
        amount: Money::new(entry.amount, period.paid.currency()),
        given_back: entry.given_back,
        agent: period.agent(),
        tax_jurisdiction: period.terms.tax_jurisdiction.clone(),
        at: now,
    }])
}

/// The bank took the money back. What had been refunded of it before stays open in clearing.
pub(super) fn reverse(
    membership: &Membership,
    charge: &ChargeRef,
    amount: Money,
    occurred_at: Timestamp,
    now: Timestamp,
) -> Decided {
    let Some(period) = membership.period_of(charge) else { return Ok(vec![]) };
    if period.reversed.is_some() {
        return Ok(vec![]);
    }
    let name = period.terms.period.clone();
    let mut decision = Decision::new(membership, now);
    if period.is_open() {
        rendering::catch_up(&mut decision, &name, rendering::days_over(period, now))?;
    }
    let period = decision.period(&name)?;
    let cash = amount.minor().min(period.refundable());
    if cash <= 0 {
        return Ok(decision.events);
    }
    decision.record(MembershipEvent::CaptureReversed {
        membership: membership.id.clone(),
        period: name.clone(),
        product: period.terms.product.clone(),
        charge: charge.clone(),
        amount: Money::new(cash, amount.currency()),
        given_back: split(&period, cash),
        agent: period.agent(),
        about: period.months.last().map(|month| month.claim.clone()),
        tax_jurisdiction: period.terms.tax_jurisdiction.clone(),
        occurred_at,
        at: now,
    });
    if period.is_open() {
        let words = ("the bank took the money back".to_owned(), Person::from("bank"));
        super::ending::cut_short(&mut decision, &name, words)?;
    }
    Ok(decision.events)
}
