//! Money that pays no order as expected: setting it aside, and what becomes of it.

use kernel::{Money, OrderId, RefundId, Timestamp};

use super::{Decided, Decision, UNATTRIBUTED_SECONDS, routing};
use crate::{
    payment::{
        errors::PaymentError,
        events::{AttributedShare, LinkedVia, PaymentEvent},
        state::{Payment, Pot},
    },
    vocabulary::{ChargeRef, MembershipRef, PeriodTerms, SetAsideReason},
};

/// The order or membership refused the money. Asked again while it is set aside, nothing happens;
/// refused by another after an attribution, it is set aside again.
pub(super) fn set_aside(
    payment: &Payment,
    charge: &ChargeRef,
    reason: SetAsideReason,
    now: Timestamp,
) -> Decided {
    let captured = payment.captured().filter(|money| money.charge == *charge);
    let (amount, occurred_at) = match (payment.pot(charge), captured) {
        (Some(Pot { membership: Some((.., minor)), currency, .. }), _) => {
            (Money::new(*minor, *currency), now)
        }
        (Some(Pot { attributed: None, .. }), _) => return Ok(vec![]),
        (Some(Pot { attributed: Some((_, minor)), currency, .. }), _) => {
            (Money::new(*minor, *currency), now)
        }
        (None, Some(money)) => (money.amount, money.occurred_at),
        (None, None) => return Err(PaymentError::NotCaptured),
    };
    if payment.reversed.contains(charge) {
        return Ok(vec![]);
    }
    let mut decision = Decision::new(payment, now);
    put_aside(&mut decision, charge, amount, reason, occurred_at);
    Ok(decision.events)
}

fn put_aside(
    decision: &mut Decision,
    charge: &ChargeRef,
    amount: Money,
    reason: SetAsideReason,
    occurred_at: Timestamp,
) {
    let charge = charge.clone();
    let at = decision.now;
    decision.record(PaymentEvent::SetAside { charge, amount, reason, occurred_at, at });
    routing::route_what_waits(decision);
}

/// Nobody claimed the money in time. It is set aside as of when the time was over.
pub(super) fn give_up_waiting(payment: &Payment, now: Timestamp) -> Decided {
    let capture = payment.capture.as_ref().ok_or(PaymentError::NotCaptured)?;
    if payment.order().is_some() || payment.primary_pot().is_some() {
        return Ok(vec![]);
    }
    let due = capture.at.plus_seconds(UNATTRIBUTED_SECONDS);
    if now < due {
        return Err(PaymentError::TooEarly { due });
    }
    let money = capture.money.clone();
    let mut decision = Decision::new(payment, now);
    put_aside(&mut decision, &money.charge, money.amount, SetAsideReason::Unattributed, due);
    Ok(decision.events)
}

pub(super) fn attribute_to_order(
    payment: &Payment,
    order: OrderId,
    reason: String,
    now: Timestamp,
) -> Decided {
    let money = payment.captured().ok_or(PaymentError::NotCaptured)?;
    let mut open = payment.pots.iter().filter(|pot| pot.is_open()).peekable();
    let is_set_aside = open.peek().is_some();
    let Some(pot) = open.find(|pot| !pot.refused_by.contains(&order)) else {
        // An order says no to a charge once; offered it again it would say nothing, and the money
        // would hang in between for ever.
        if is_set_aside {
            return Err(PaymentError::RefusedByOrder { order: order.to_string() });
        }
        let taken = payment.pots.iter().find_map(|pot| pot.attributed).map(|(order, _)| order);
        let taken = taken.or_else(|| payment.order.filter(|_| payment.pots.is_empty()));
        return match taken {
            Some(known) if known == order => Ok(vec![]),
            Some(known) => Err(PaymentError::AlreadyAttributed { order: known.to_string() }),
            None => Err(PaymentError::NothingSetAside),
        };
    };
    let mut decision = Decision::new(payment, now);
    decision.record(PaymentEvent::AttributedToOrder {
        charge: pot.charge.clone(),
        amount: Money::new(pot.free, pot.currency),
        order,
        by: LinkedVia::Person,
        reason,
        funds: payment.funds(&pot.charge),
        occurred_at: money.occurred_at,
        at: now,
    });
    routing::route_what_waits(&mut decision);
    Ok(decision.events)
}

pub(super) fn attribute_to_sellers(
    payment: &Payment,
    shares: Vec<AttributedShare>,
    reason: String,
    now: Timestamp,
) -> Decided {
    if payment.capture.is_none() {
        return Err(PaymentError::NotCaptured);
    }
    if shares.iter().any(|share| share.seller_net < 0 || share.fee < 0) {
        return Err(PaymentError::AmountNotPositive);
    }
    let Some(pot) = payment.pots.iter().find(|pot| pot.is_open()) else {
        let is_repeat = payment.pots.iter().any(|pot| !shares.is_empty() && pot.shares == shares);
        return if is_repeat { Ok(vec![]) } else { Err(PaymentError::NothingSetAside) };
    };
    if payment.is_under_dispute() {
        return Err(PaymentError::ChargeUnderDispute);
    }
    let sum = shares.iter().flat_map(|share| [share.seller_net, share.fee]);
    let sum = sum.fold(0_i64, i64::saturating_add);
    if sum != pot.free {
        return Err(PaymentError::SharesDoNotSum {
            shares: Money::new(sum, pot.currency),
            available: Money::new(pot.free, pot.currency),
        });
    }
    Ok(vec![PaymentEvent::AttributedToSellers {
        charge: pot.charge.clone(),
        currency: pot.currency,
        shares,
        reason,
        occurred_at: now,
        at: now,
    }])
}

/// The whole of what is set aside pays one period. Money that came and still waits is set aside
/// first, so that the books see one way only.
pub(super) fn attribute_to_membership(
    payment: &Payment,
    membership: MembershipRef,
    terms: PeriodTerms,
    reason: String,
    now: Timestamp,
) -> Decided {
    let money = payment.captured().ok_or(PaymentError::NotCaptured)?.clone();
    let of_this = |pot: &Pot| {
        pot.membership
            .as_ref()
            .is_some_and(|(known, period, _)| *known == membership && *period == terms.period)
    };
    if payment.pots.iter().any(of_this) {
        return Ok(vec![]);
    }
    if payment.is_under_dispute() {
        return Err(PaymentError::ChargeUnderDispute);
    }
    let mut decision = Decision::new(payment, now);
    if payment.pots.is_empty() {
        if let Some(order) = payment.order() {
            return Err(PaymentError::AlreadyAttributed { order: order.to_string() });
        }
        if payment.reversed.contains(&money.charge) {
            return Err(PaymentError::NothingSetAside);
        }
        let reason = SetAsideReason::Unattributed;
        put_aside(&mut decision, &money.charge, money.amount, reason, money.occurred_at);
    }
    let open = decision.payment.pots.iter().find(|pot| pot.is_open());
    let pot = open.ok_or(PaymentError::NothingSetAside)?.clone();
    let available_on = payment.funds(&pot.charge).map(|(_, available_on)| available_on);
    decision.record(PaymentEvent::AttributedToMembership {
        charge: pot.charge,
        amount: Money::new(pot.free, pot.currency),
        membership,
        terms,
        reason,
        available_on,
        occurred_at: money.occurred_at,
        at: now,
    });
    Ok(decision.events)
}

/// Reserves set-aside money of one charge, because Stripe refunds charge by charge.
pub(super) fn reserve_refund(
    payment: &Payment,
    refund: RefundId,
    amount: Option<Money>,
    reason: String,
    now: Timestamp,
) -> Decided {
    if payment.reservations.contains_key(&refund) {
        return Ok(vec![]);
    }
    if payment.capture.is_none() {
        return Err(PaymentError::NotCaptured);
    }
    let open: Vec<&Pot> = payment.pots.iter().filter(|pot| pot.is_open()).collect();
    let largest = open.iter().max_by_key(|pot| pot.free).ok_or(PaymentError::NothingSetAside)?;
    if payment.is_under_dispute() {
        return Err(PaymentError::ChargeUnderDispute);
    }
    let (pot, minor) = match amount {
        None => (open.first().unwrap_or(largest), None),
        Some(wanted) if !wanted.is_positive() => return Err(PaymentError::AmountNotPositive),
        Some(wanted) if wanted.currency() != largest.currency => {
            return Err(PaymentError::CurrencyMismatch {
                expected: largest.currency,
                given: wanted.currency(),
            });
        }
        Some(wanted) => {
            let fits = open.iter().find(|pot| pot.free >= wanted.minor());
            let available = Money::new(largest.free, largest.currency);
            (fits.ok_or(PaymentError::ExceedsSetAside { available })?, Some(wanted.minor()))
        }
    };
    Ok(vec![PaymentEvent::UnallocatedRefundReserved {
        refund,
        charge: pot.charge.clone(),
        amount: Money::new(minor.unwrap_or(pot.free), pot.currency),
        reason,
        at: now,
    }])
}

/// The money is set aside again; a refund made at Stripe meanwhile may have waited for it.
pub(super) fn release_refund(payment: &Payment, refund: RefundId, now: Timestamp) -> Decided {
    let unknown = || PaymentError::RefundUnknown { refund: refund.to_string() };
    let reservation = payment.reservations.get(&refund).ok_or_else(unknown)?;
    if reservation.released {
        return Ok(vec![]);
    }
    let amount = reservation.amount;
    let mut decision = Decision::new(payment, now);
    decision.record(PaymentEvent::UnallocatedRefundReleased { refund, amount, at: now });
    routing::route_what_waits(&mut decision);
    Ok(decision.events)
}
