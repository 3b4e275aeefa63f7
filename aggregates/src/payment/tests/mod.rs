//! Given, when, then: what a payment answers to each command.

mod disputes;
mod facts;
mod memberships;
mod requests;
mod set_aside;
mod settling;

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp};

use super::{
    Payment, PaymentStatus, classes,
    commands::{PaymentCommand, PaymentFact, PaymentFactKind},
    errors::PaymentError,
    events::{
        AttributedShare, CapturedMoney, Destination, FactObject, LinkedVia, PaymentEvent, Risk,
    },
};
use crate::{
    testing::{assert_golden, at, context},
    vocabulary::{FactRank, SetAsideReason},
};

/// When every command is given, unless a test says otherwise.
const NOW: i64 = 1000;

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<PaymentEvent>(include_str!("../golden.jsonl"));
}

#[test]
fn a_snapshot_reads_back_as_it_was() {
    let whole = fold(
        include_str!("../golden.jsonl")
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    );
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Payment>(&text).unwrap(), whole);
}

fn payment(events: Vec<PaymentEvent>) -> AggregateTestExecutor<Payment> {
    payment_at(at(NOW), events)
}

fn payment_at(now: Timestamp, events: Vec<PaymentEvent>) -> AggregateTestExecutor<Payment> {
    TestFramework::with(context(now)).given(events)
}

fn fold(events: Vec<PaymentEvent>) -> Payment {
    let mut payment = Payment::default();
    events.into_iter().for_each(|event| payment.evolve(event));
    payment
}

fn and(mut events: Vec<PaymentEvent>, more: Vec<PaymentEvent>) -> Vec<PaymentEvent> {
    events.extend(more);
    events
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn id() -> PaymentId {
    PaymentId::derived(&["pi_1"])
}

fn order(name: &str) -> OrderId {
    OrderId::derived(&[name])
}

fn refund(name: &str) -> RefundId {
    RefundId::derived(&[name])
}

fn dispute() -> DisputeId {
    DisputeId::derived(&["dp_1"])
}

fn fact(
    object: FactObject,
    id: &str,
    class: u8,
    created: i64,
    kind: PaymentFactKind,
) -> PaymentFact {
    let rank = FactRank { class, created, event: format!("evt_{created}").into() };
    PaymentFact { object, id: id.to_owned(), rank, kind, order: None, occurred_at: at(created) }
}

fn merge(fact: PaymentFact) -> PaymentCommand {
    PaymentCommand::MergeFact { payment: id(), fact: Box::new(fact) }
}

/// The same fact, saying which order it is about.
fn of_order(fact: PaymentFact, name: &str) -> PaymentFact {
    PaymentFact { order: Some((order(name), LinkedVia::Metadata)), ..fact }
}

fn merged(fact: &PaymentFact, status: &str) -> PaymentEvent {
    PaymentEvent::FactMerged {
        object: fact.object,
        id: fact.id.clone(),
        status: status.to_owned(),
        rank: fact.rank.clone(),
        at: at(NOW),
    }
}

fn charge_succeeded(charge: &str, created: i64) -> PaymentFact {
    let kind = PaymentFactKind::Succeeded {
        charge: Some(charge.into()),
        intent: Some("pi_1".into()),
        amount: usd(10_000),
    };
    fact(FactObject::Charge, charge, classes::charge("succeeded"), created, kind)
}

fn charge_reversed(charge: &str, created: i64) -> PaymentFact {
    let kind = PaymentFactKind::Reversed {
        charge: charge.into(),
        txn: "txn_back".into(),
        amount: usd(10_000),
    };
    fact(FactObject::Charge, charge, classes::CHARGE_REVERSED, created, kind)
}

fn captured(order: Option<OrderId>) -> PaymentEvent {
    PaymentEvent::Captured {
        charge: "ch_1".into(),
        intent: Some("pi_1".into()),
        amount: usd(10_000),
        order,
        occurred_at: at(5),
        at: at(NOW),
    }
}

fn linked(name: &str) -> PaymentEvent {
    PaymentEvent::OrderLinked {
        order: order(name),
        via: LinkedVia::Metadata,
        captured: None,
        funds: None,
        processing_since: None,
        at: at(NOW),
    }
}

/// A payment whose money an order is asked to take.
fn with_order() -> Vec<PaymentEvent> {
    vec![linked("a"), captured(Some(order("a")))]
}

fn set_aside(reason: SetAsideReason) -> PaymentEvent {
    let occurred_at = at(5);
    set_aside_of("ch_1", 10_000, reason, occurred_at)
}

fn set_aside_of(
    charge: &str,
    minor: i64,
    reason: SetAsideReason,
    occurred_at: Timestamp,
) -> PaymentEvent {
    let charge = charge.into();
    PaymentEvent::SetAside { charge, amount: usd(minor), reason, occurred_at, at: at(NOW) }
}

/// Money that nobody claimed in time.
fn unclaimed() -> Vec<PaymentEvent> {
    vec![captured(None), set_aside(SetAsideReason::Unattributed)]
}

/// Money that its order refused.
fn refused(reason: SetAsideReason) -> Vec<PaymentEvent> {
    and(with_order(), vec![set_aside(reason)])
}

fn attributed(name: &str, minor: i64, by: LinkedVia, reason: &str) -> PaymentEvent {
    PaymentEvent::AttributedToOrder {
        charge: "ch_1".into(),
        amount: usd(minor),
        order: order(name),
        by,
        reason: reason.to_owned(),
        funds: None,
        occurred_at: at(5),
        at: at(NOW),
    }
}

fn reserve(name: &str, minor: Option<i64>) -> PaymentCommand {
    PaymentCommand::ReserveUnallocatedRefund {
        refund: refund(name),
        amount: minor.map(usd),
        reason: "late payment".to_owned(),
    }
}

fn reserved(name: &str, minor: i64) -> PaymentEvent {
    PaymentEvent::UnallocatedRefundReserved {
        refund: refund(name),
        charge: "ch_1".into(),
        amount: usd(minor),
        reason: "late payment".to_owned(),
        at: at(NOW),
    }
}

fn route_refund(name: &str, minor: i64) -> PaymentCommand {
    PaymentCommand::RouteRefund {
        refund: refund(name),
        stripe_refund: "re_1".into(),
        amount: usd(minor),
        occurred_at: at(50),
    }
}

fn refund_routed(name: &str, minor: i64, to: Destination) -> PaymentEvent {
    PaymentEvent::RefundRouted {
        refund: refund(name),
        stripe_refund: "re_1".into(),
        charge: "ch_1".into(),
        amount: usd(minor),
        to,
        occurred_at: at(50),
        at: at(NOW),
    }
}

fn refund_held(name: &str, minor: i64) -> PaymentEvent {
    PaymentEvent::RefundHeld {
        refund: refund(name),
        stripe_refund: "re_1".into(),
        amount: usd(minor),
        occurred_at: at(50),
        at: at(NOW),
    }
}

fn route_dispute(inquiry: bool) -> PaymentCommand {
    PaymentCommand::RouteDispute { dispute: dispute(), amount: usd(10_000), inquiry }
}

fn dispute_routed(inquiry: bool, to: Destination) -> PaymentEvent {
    let amount = usd(10_000);
    PaymentEvent::DisputeRouted { dispute: dispute(), amount, inquiry, to, at: at(NOW) }
}

fn dispute_held(inquiry: bool) -> PaymentEvent {
    PaymentEvent::DisputeHeld { dispute: dispute(), amount: usd(10_000), inquiry, at: at(NOW) }
}

fn reversed_event(minor: i64, order: Option<OrderId>) -> PaymentEvent {
    PaymentEvent::CaptureReversed {
        charge: "ch_1".into(),
        txn: "txn_back".into(),
        amount: usd(minor),
        order,
        occurred_at: at(90),
        at: at(NOW),
    }
}
