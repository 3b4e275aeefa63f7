//! Where refunds made at Stripe and disputes belong: to the order that has the money, or to money
//! that is set aside. What cannot be placed yet waits, and is placed as soon as it can be.

use kernel::{DisputeId, Money, RefundId, Timestamp};

use super::{Decided, Decision};
use crate::{
    payment::{
        errors::PaymentError,
        events::{Destination, PaymentEvent},
        state::{Conclusion, Payment},
    },
    vocabulary::{SetAsideReason, StripeDisputeRef, StripeRefundRef, TxnRef},
};

/// Money of a concluded dispute that came back.
pub(super) struct Revision {
    pub(super) stripe_dispute: StripeDisputeRef,
    pub(super) txn: TxnRef,
    pub(super) reinstated: i64,
    pub(super) occurred_at: Timestamp,
}

pub(super) fn route_refund(
    payment: &Payment,
    refund: RefundId,
    stripe_refund: StripeRefundRef,
    amount: Money,
    occurred_at: Timestamp,
    now: Timestamp,
) -> Decided {
    if !amount.is_positive() {
        return Err(PaymentError::AmountNotPositive);
    }
    if payment.refunds.contains_key(&refund) || payment.reservations.contains_key(&refund) {
        return Ok(vec![]);
    }
    let mut decision = Decision::new(payment, now);
    if !place_refund(&mut decision, refund, stripe_refund.clone(), amount, occurred_at) {
        let at = now;
        decision.record(PaymentEvent::RefundHeld {
            refund,
            stripe_refund,
            amount,
            occurred_at,
            at,
        });
    }
    Ok(decision.events)
}

/// Places a refund if that is possible. To an order it goes in full; from set-aside money it takes
/// what is there, so that the liability never falls below zero, and the rest stays open in clearing.
fn place_refund(
    decision: &mut Decision,
    refund: RefundId,
    stripe_refund: StripeRefundRef,
    amount: Money,
    occurred_at: Timestamp,
) -> bool {
    let Some(to) = decision.payment.destination() else { return false };
    let Some(charge) = decision.payment.charge().cloned() else { return false };
    let amount = match (to, decision.payment.primary_pot()) {
        (Destination::Order(_), _) => amount,
        (Destination::Unallocated, Some(pot))
            if pot.free > 0 && pot.currency == amount.currency() =>
        {
            Money::new(amount.minor().min(pot.free), pot.currency)
        }
        (Destination::Unallocated, _) => return false,
    };
    let at = decision.now;
    decision.record(PaymentEvent::RefundRouted {
        refund,
        stripe_refund,
        charge,
        amount,
        to,
        occurred_at,
        at,
    });
    true
}

pub(super) fn route_dispute(
    payment: &Payment,
    dispute: DisputeId,
    amount: Money,
    inquiry: bool,
    now: Timestamp,
) -> Vec<PaymentEvent> {
    let known = payment.disputes.get(&dispute);
    if known.is_some_and(|known| inquiry || !known.inquiry) {
        return vec![];
    }
    vec![match payment.destination() {
        Some(to) => PaymentEvent::DisputeRouted { dispute, amount, inquiry, to, at: now },
        None => PaymentEvent::DisputeHeld { dispute, amount, inquiry, at: now },
    }]
}

pub(super) fn conclude_dispute(
    payment: &Payment,
    dispute: DisputeId,
    conclusion: Conclusion,
    now: Timestamp,
) -> Decided {
    let entry = payment.disputes.get(&dispute).ok_or_else(|| unknown(dispute))?;
    if entry.concluded {
        return Ok(vec![]);
    }
    let mut decision = Decision::new(payment, now);
    conclude(&mut decision, dispute, conclusion, None);
    Ok(decision.events)
}

fn unknown(dispute: DisputeId) -> PaymentError {
    PaymentError::DisputeUnknown { dispute: dispute.to_string() }
}

/// Concludes a dispute where it was routed. What was lost comes out of set-aside money as far as
/// that reaches, and is the platform's beyond it.
fn conclude(
    decision: &mut Decision,
    dispute: DisputeId,
    conclusion: Conclusion,
    revised_by: Option<TxnRef>,
) {
    let at = decision.now;
    let payment = &decision.payment;
    let to = payment.disputes.get(&dispute).and_then(|entry| entry.to);
    let Conclusion { stripe_dispute, withdrawn, reinstated, lost, occurred_at } = conclusion;
    let event = match (to, payment.captured()) {
        (Some(Destination::Order(order)), _) => PaymentEvent::DisputeConclusionRouted {
            dispute,
            stripe_dispute,
            order,
            withdrawn,
            reinstated,
            lost,
            occurred_at,
            at,
        },
        (Some(Destination::Unallocated), Some(money)) => {
            let net = if lost { withdrawn.saturating_sub(reinstated).max(0) } else { 0 };
            let free = payment.primary_pot().map_or(0, |pot| pot.free);
            PaymentEvent::UnallocatedDisputeConcluded {
                dispute,
                stripe_dispute,
                charge: money.charge.clone(),
                currency: money.amount.currency(),
                lost: net.min(free),
                excess_lost: net - net.min(free),
                occurred_at,
                at,
            }
        }
        (None, _) | (Some(Destination::Unallocated), None) => PaymentEvent::DisputeConclusionHeld {
            dispute,
            stripe_dispute,
            withdrawn,
            reinstated,
            lost,
            revised_by,
            occurred_at,
            at,
        },
    };
    decision.record(event);
}

pub(super) fn revise_dispute(
    payment: &Payment,
    dispute: DisputeId,
    revision: Revision,
    now: Timestamp,
) -> Decided {
    let entry = payment.disputes.get(&dispute).ok_or_else(|| unknown(dispute))?;
    if entry.revised.contains(&revision.txn) {
        return Ok(vec![]);
    }
    let Revision { stripe_dispute, txn, reinstated, occurred_at } = revision;
    let mut decision = Decision::new(payment, now);
    match (entry.to, &entry.held, payment.captured()) {
        (Some(Destination::Order(order)), _, _) => {
            decision.record(PaymentEvent::DisputeRevisionRouted {
                dispute,
                stripe_dispute,
                order,
                txn,
                reinstated,
                occurred_at,
                at: now,
            });
        }
        // The platform's own loss is made good first, as if the money had come in time.
        (Some(Destination::Unallocated), _, Some(money)) => {
            let excess_returned = reinstated.min(entry.excess_lost);
            let returned = (reinstated - excess_returned).min(entry.lost);
            if returned + excess_returned > 0 {
                decision.record(PaymentEvent::UnallocatedDisputeRevised {
                    dispute,
                    stripe_dispute,
                    charge: money.charge.clone(),
                    currency: money.amount.currency(),
                    txn,
                    returned,
                    excess_returned,
                    occurred_at,
                    at: now,
                });
            }
        }
        (_, Some(held), _) => {
            let reinstated = held.reinstated.saturating_add(reinstated);
            let conclusion = Conclusion { reinstated, ..held.clone() };
            conclude(&mut decision, dispute, conclusion, Some(txn));
        }
        // Not concluded yet: the conclusion will carry the whole.
        (_, None, _) => {}
    }
    Ok(decision.events)
}

/// Places what waited, and what must move because the money moved. An order that refused the money
/// (other than because it had been paid already, when it may have used its own) has nothing to do
/// with its refunds and disputes.
pub(super) fn route_what_waits(decision: &mut Decision) {
    let Some(to) = decision.payment.destination() else { return };
    let was_refused = to == Destination::Unallocated
        && decision.payment.primary_pot().is_some_and(|pot| {
            matches!(pot.reason, SetAsideReason::Conflict | SetAsideReason::Late)
        });
    let must_move = |placed: Option<Destination>| match placed {
        None => true,
        Some(Destination::Order(_)) => was_refused,
        Some(Destination::Unallocated) => false,
    };
    for (refund, entry) in decision.payment.refunds.clone() {
        if must_move(entry.to) {
            let _ = place_refund(
                decision,
                refund,
                entry.stripe_refund,
                entry.amount,
                entry.occurred_at,
            );
        }
    }
    for (dispute, entry) in decision.payment.disputes.clone() {
        let follows =
            matches!((entry.to, to), (Some(Destination::Unallocated), Destination::Order(_)));
        let waited = entry.to.is_none();
        if waited || (!entry.concluded && (follows || must_move(entry.to))) {
            let at = decision.now;
            decision.record(PaymentEvent::DisputeRouted {
                dispute,
                amount: entry.amount,
                inquiry: entry.inquiry,
                to,
                at,
            });
            if let Some(conclusion) = entry.held {
                conclude(decision, dispute, conclusion, None);
            }
        }
    }
}
