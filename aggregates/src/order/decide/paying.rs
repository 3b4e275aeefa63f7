//! Paying an order: sessions, money that fits, and money that does not.

use kernel::{Money, PaymentId, Timestamp};

use super::{Decision, placed, placing};
use crate::{
    order::{
        errors::OrderError,
        events::OrderEvent,
        pricing,
        state::{Lifecycle, Order, Terms},
    },
    vocabulary::{ChargeRef, LineShare, SessionRef},
};

/// Money that came.
pub(super) struct Received {
    pub(super) payment: PaymentId,
    pub(super) charge: ChargeRef,
    pub(super) received: Money,
    pub(super) occurred_at: Timestamp,
}

pub(super) fn note_checkout(
    order: &Order,
    payment: PaymentId,
    session: SessionRef,
    session_expires_at: Timestamp,
    now: Timestamp,
) -> Decision {
    placed(order)?;
    let known = order.checkout.as_ref();
    if known.is_some_and(|known| known.payment == payment && known.session == session) {
        return Ok(vec![]);
    }
    match order.lifecycle {
        Lifecycle::Placed => {}
        Lifecycle::Unplaced => return Err(OrderError::Unknown),
        Lifecycle::Conflicted => return Err(OrderError::InConflict),
        Lifecycle::Confirmed | Lifecycle::Completed => return Err(OrderError::AlreadyPaid),
        Lifecycle::Expired => return Err(OrderError::Expired),
        Lifecycle::Cancelled => return Err(OrderError::Cancelled),
    }
    if let Some((_, session, until)) = order.open_checkout(now) {
        return Err(OrderError::CheckoutAlreadyOpen { session: session.0.clone(), until });
    }
    Ok(vec![OrderEvent::CheckoutStarted { payment, session, session_expires_at, at: now }])
}

pub(super) fn note_processing(order: &Order, payment: PaymentId, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    if order.lifecycle != Lifecycle::Placed || order.awaiting.contains_key(&payment) {
        return Ok(vec![]);
    }
    let until = now.plus_days(i64::from(terms.policy.async_patience_days));
    Ok(vec![OrderEvent::PaymentAwaited { payment, until, at: now }])
}

pub(super) fn note_failed(
    order: &Order,
    payment: PaymentId,
    code: String,
    now: Timestamp,
) -> Decision {
    placed(order)?;
    let repeated = !order.awaiting.contains_key(&payment)
        && order.last_failure.as_ref().is_some_and(|(of, why)| *of == payment && *why == code);
    if order.lifecycle != Lifecycle::Placed || repeated {
        return Ok(vec![]);
    }
    Ok(vec![OrderEvent::PaymentAttemptFailed { payment, code, at: now }])
}

pub(super) fn confirm(order: &Order, money: Received, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    if order.received.contains(&money.payment) {
        return Ok(vec![]);
    }
    let fits = money.received == terms.total();
    match order.lifecycle {
        Lifecycle::Unplaced => Err(OrderError::Unknown),
        Lifecycle::Placed | Lifecycle::Conflicted if fits => Ok(paid(order, terms, &money, now)),
        Lifecycle::Placed | Lifecycle::Conflicted => Ok(vec![OrderEvent::Conflicted {
            payment: money.payment,
            charge: money.charge,
            expected: terms.total(),
            received: money.received,
            at: now,
        }]),
        Lifecycle::Confirmed | Lifecycle::Completed => Ok(vec![duplicate(money, now)]),
        Lifecycle::Expired if fits && terms.policy.accept_late_payments => {
            let rest = paid(order, terms, &money, now);
            let mut events = vec![late(money, true, now), OrderEvent::Revived { at: now }];
            events.extend(rest);
            Ok(events)
        }
        // What somebody cancelled does not come back to life by itself.
        Lifecycle::Cancelled if order.standing_payment().is_some() => {
            Ok(vec![duplicate(money, now)])
        }
        Lifecycle::Expired | Lifecycle::Cancelled => Ok(vec![late(money, false, now)]),
    }
}

pub(super) fn expire(order: &Order, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    if order.lifecycle != Lifecycle::Placed {
        return Ok(vec![]);
    }
    let due = order.expiry().unwrap_or(terms.expires_at);
    if now < due {
        return Err(OrderError::TooEarly { due });
    }
    Ok(vec![OrderEvent::Expired { at: due }])
}

fn paid(order: &Order, terms: &Terms, money: &Received, now: Timestamp) -> Vec<OrderEvent> {
    let funded_by = terms.discount.as_ref().map(|discount| discount.funded_by);
    let lines: Vec<LineShare> = order
        .lines
        .iter()
        .map(|line| line.share(pricing::components(&line.sold.amounts, funded_by)))
        .collect();
    let patience = terms.policy.release_without_bt_after_days.map(i64::from);
    let known = order.funds.contains_key(&money.charge);
    let shippable = order.lines().any(|line| line.shippable);
    vec![
        OrderEvent::Paid {
            payment: money.payment,
            charge: money.charge.clone(),
            currency: terms.currency,
            amount: money.received.minor(),
            tax_jurisdiction: terms.tax_jurisdiction.clone(),
            lines,
            assume_funds_at: patience
                .filter(|_| !known)
                .map(|days| money.occurred_at.plus_days(days)),
            occurred_at: money.occurred_at,
            at: now,
        },
        placing::confirmed(&terms.policy, shippable, false, now),
    ]
}

fn duplicate(money: Received, now: Timestamp) -> OrderEvent {
    OrderEvent::DuplicatePaymentReceived {
        payment: money.payment,
        charge: money.charge,
        received: money.received,
        at: now,
    }
}

fn late(money: Received, accepted: bool, now: Timestamp) -> OrderEvent {
    OrderEvent::LatePaymentReceived {
        payment: money.payment,
        charge: money.charge,
        received: money.received,
        accepted,
        at: now,
    }
}
