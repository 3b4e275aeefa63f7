//! Merging facts of Stripe's: in any order and any number of times, each crossing is told once.

use kernel::{Money, OrderId, Timestamp};

use super::{Decided, Decision, routing};
use crate::{
    payment::{
        commands::{PaymentFact, PaymentFactKind},
        errors::PaymentError,
        events::{FactObject, LinkedVia, PaymentEvent},
        state::{Payment, words},
    },
    vocabulary::{ChargeRef, IntentRef, SetAsideReason, TxnRef},
};

/// Facts are never refused, and facts about money take effect even when they are outranked.
pub(super) fn merge(payment: &Payment, fact: PaymentFact, now: Timestamp) -> Vec<PaymentEvent> {
    let mut decision = Decision::new(payment, now);
    if let Some((order, via)) = fact.order
        && payment.order.is_none()
    {
        link(&mut decision, order, via);
    }
    let is_news = payment.is_news(&fact.id, &fact.rank);
    if is_news {
        decision.record(PaymentEvent::FactMerged {
            object: fact.object,
            id: fact.id.clone(),
            status: word(&fact.kind).to_owned(),
            rank: fact.rank,
            at: now,
        });
    }
    let occurred_at = fact.occurred_at;
    match fact.kind {
        PaymentFactKind::Succeeded { charge: Some(charge), intent, amount } => {
            capture(&mut decision, charge, intent, amount, occurred_at);
        }
        PaymentFactKind::Reversed { charge, txn, amount } => {
            reverse(&mut decision, charge, txn, amount, occurred_at);
        }
        // Once paid, or said to be, nothing else is news to the order.
        kind @ (PaymentFactKind::Noted { .. }
        | PaymentFactKind::Processing
        | PaymentFactKind::Authorized { .. }
        | PaymentFactKind::Succeeded { charge: None, .. }
        | PaymentFactKind::Failed { .. }
        | PaymentFactKind::Canceled { .. }
        | PaymentFactKind::SessionExpired { .. }) => {
            if is_news && !decision.payment.is_paid() {
                cross(&mut decision, payment, kind, fact.object, &fact.id, occurred_at);
            }
        }
    }
    decision.events
}

fn word(kind: &PaymentFactKind) -> &str {
    match kind {
        PaymentFactKind::Noted { status } => status,
        PaymentFactKind::Processing => words::PROCESSING,
        PaymentFactKind::Authorized { .. } => words::AUTHORIZED,
        PaymentFactKind::Succeeded { .. } => words::SUCCEEDED,
        PaymentFactKind::Failed { .. } => words::FAILED,
        PaymentFactKind::Canceled { .. } => words::CANCELED,
        PaymentFactKind::SessionExpired { .. } => words::EXPIRED,
        PaymentFactKind::Reversed { .. } => words::REVERSED,
    }
}

/// What a merged fact means as long as no money has come. `before` is the payment before it.
fn cross(
    decision: &mut Decision,
    before: &Payment,
    kind: PaymentFactKind,
    object: FactObject,
    id: &str,
    occurred_at: Timestamp,
) {
    let at = decision.now;
    let order = decision.payment.order;
    let reached = |word: &str| decision.payment.times_reached(word) > before.times_reached(word);
    let was_processing = before.processing_since().is_some();
    let is_processing = decision.payment.processing_since().is_some();
    let event = match kind {
        PaymentFactKind::Processing if is_processing && !was_processing => {
            PaymentEvent::Processing { order, occurred_at, at }
        }
        PaymentFactKind::Authorized { intent, amount } if reached(words::AUTHORIZED) => {
            PaymentEvent::Authorized { intent, amount, occurred_at, at }
        }
        // A failure that is older than what is under way now is no news to anybody.
        PaymentFactKind::Failed { code }
            if !is_processing
                && (reached(words::FAILED)
                    || was_processing
                    || failed_again(before, object, id)) =>
        {
            PaymentEvent::AttemptFailed { code, order, occurred_at, at }
        }
        PaymentFactKind::Canceled { reason } if reached(words::CANCELED) => {
            PaymentEvent::Canceled { reason, occurred_at, at }
        }
        PaymentFactKind::SessionExpired { session } if reached(words::EXPIRED) => {
            PaymentEvent::SessionExpired { session, occurred_at, at }
        }
        PaymentFactKind::Noted { .. }
        | PaymentFactKind::Processing
        | PaymentFactKind::Authorized { .. }
        | PaymentFactKind::Succeeded { .. }
        | PaymentFactKind::Failed { .. }
        | PaymentFactKind::Canceled { .. }
        | PaymentFactKind::SessionExpired { .. }
        | PaymentFactKind::Reversed { .. } => return,
    };
    decision.record(event);
}

/// An attempt that fails before there is a charge (authentication) is told by the intent alone, and
/// each time anew; where there are charges, they count the attempts.
fn failed_again(before: &Payment, object: FactObject, id: &str) -> bool {
    let known = before.objects.get(id);
    object == FactObject::Intent
        && known.is_some_and(|known| known.status == words::FAILED)
        && !before.has_failed_charge()
}

/// The money of a charge, the first time it is heard of.
fn capture(
    decision: &mut Decision,
    charge: ChargeRef,
    intent: Option<IntentRef>,
    amount: Money,
    occurred_at: Timestamp,
) {
    let at = decision.now;
    let is_known = decision.payment.charge() == Some(&charge);
    if is_known || decision.payment.pot(&charge).is_some() {
        return;
    }
    if decision.payment.capture.is_some() {
        // Another charge of the same payment also brought money: nobody asked for it twice.
        let reason = SetAsideReason::Duplicate;
        decision.record(PaymentEvent::SetAside { charge, amount, reason, occurred_at, at });
        return;
    }
    let order = decision.payment.order;
    decision.record(PaymentEvent::Captured { charge, intent, amount, order, occurred_at, at });
    routing::route_what_waits(decision);
}

/// The bank took a charge's money back. It had come, even if nobody told us of that.
fn reverse(
    decision: &mut Decision,
    charge: ChargeRef,
    txn: TxnRef,
    amount: Money,
    occurred_at: Timestamp,
) {
    capture(decision, charge.clone(), None, amount, occurred_at);
    if decision.payment.reversed.contains(&charge) {
        return;
    }
    let at = decision.now;
    let pot = decision.payment.pot(&charge);
    if let Some((membership, ..)) = pot.and_then(|pot| pot.membership.clone()) {
        decision.record(PaymentEvent::MembershipCaptureReversed {
            charge,
            txn,
            amount,
            membership,
            occurred_at,
            at,
        });
        return;
    }
    let order = decision.payment.order_of(&charge);
    let mut amount = amount;
    if order.is_none() {
        if decision.payment.pot(&charge).is_none() {
            let came = decision.payment.captured().map_or(amount, |money| money.amount);
            decision.record(PaymentEvent::SetAside {
                charge: charge.clone(),
                amount: came,
                reason: SetAsideReason::Unattributed,
                occurred_at,
                at,
            });
            routing::route_what_waits(decision);
        }
        // Only what is still set aside can fall; what was refunded stays open in clearing.
        let free = decision.payment.pot(&charge).map_or(0, |pot| pot.free);
        amount = Money::new(amount.minor().min(free), amount.currency());
    }
    decision.record(PaymentEvent::CaptureReversed { charge, txn, amount, order, occurred_at, at });
}

pub(super) fn link_order(
    payment: &Payment,
    order: OrderId,
    via: LinkedVia,
    now: Timestamp,
) -> Decided {
    match payment.order {
        Some(known) if known == order => Ok(vec![]),
        Some(known) => Err(PaymentError::AlreadyAttributed { order: known.to_string() }),
        None => {
            let mut decision = Decision::new(payment, now);
            link(&mut decision, order, via);
            Ok(decision.events)
        }
    }
}

/// The order becomes known. Money that came before is announced with the link; money that nobody
/// had claimed is attributed instead.
fn link(decision: &mut Decision, order: OrderId, via: LinkedVia) {
    let at = decision.now;
    let payment = &decision.payment;
    let pot = payment.primary_pot().cloned();
    let captured = payment.captured().filter(|_| pot.is_none()).cloned();
    let funds = match (&captured, payment.fee_record()) {
        _ if pot.is_some() => None,
        (Some(money), _) => payment.funds(&money.charge),
        (None, fee) => fee.map(|fee| (fee.charge.clone(), fee.available_on)),
    };
    let processing_since = payment.processing_since();
    decision.record(PaymentEvent::OrderLinked {
        order,
        via,
        captured,
        funds,
        processing_since,
        at,
    });
    if let Some(pot) = pot
        && pot.reason == SetAsideReason::Unattributed
        && pot.is_open()
        && let Some(occurred_at) = decision.payment.captured().map(|money| money.occurred_at)
    {
        let funds = decision.payment.funds(&pot.charge);
        decision.record(PaymentEvent::AttributedToOrder {
            charge: pot.charge,
            amount: Money::new(pot.free, pot.currency),
            order,
            by: via,
            reason: "the order became known".to_owned(),
            funds,
            occurred_at,
            at,
        });
    }
    routing::route_what_waits(decision);
}
