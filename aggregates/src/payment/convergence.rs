//! Any order of arrival and any repetition of Stripe's messages about a payment leads to one end.

use kernel::{Currency, Money, OrderId, PaymentId};

use super::{
    Payment, PaymentStatus, classes,
    commands::{PaymentCommand, PaymentFact, PaymentFactKind},
    decide::decide,
    events::{FactObject, LinkedVia, PaymentEvent},
};
use crate::{
    testing::{at, orders},
    vocabulary::FactRank,
};

/// What the order is told in one history, in the order it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Processing,
    Failed,
    Captured,
    Reversed,
}

#[test]
fn an_asynchronous_payment_ends_captured_once_in_all_120_orders() {
    let ends = ends_of(&[
        session(2, 100, PaymentFactKind::Processing),
        intent(0, 101, PaymentFactKind::Processing),
        intent(3, 200, succeeded()),
        charge("ch_1", 2, 201, succeeded()),
        session(2, 202, announced()),
    ]);
    assert_eq!(ends.len(), 120);
    for (payment, told) in &ends {
        assert_eq!(payment, &ends[0].0);
        assert_eq!(count(told, Told::Captured), 1);
        assert!(count(told, Told::Processing) <= 1);
        assert_eq!(told.last(), Some(&Told::Captured), "nothing is told after the money came");
    }
    assert_eq!(ends[0].0.status(), PaymentStatus::Captured);
    assert_eq!(ends[0].0.order(), Some(order()));
}

#[test]
fn a_declined_card_and_then_a_success_end_captured_once_in_all_720_orders() {
    let ends = ends_of(&[
        intent(0, 99, PaymentFactKind::Noted { status: "requires_payment_method".to_owned() }),
        charge("ch_0", 1, 100, failed()),
        intent(0, 101, failed()),
        charge("ch_1", 2, 200, succeeded()),
        intent(3, 201, succeeded()),
        session(2, 202, announced()),
    ]);
    assert_eq!(ends.len(), 720);
    for (payment, told) in &ends {
        assert_eq!(payment, &ends[0].0);
        assert_eq!(count(told, Told::Captured), 1);
        assert!(count(told, Told::Failed) <= 1, "one attempt failed");
        assert_eq!(told.last(), Some(&Told::Captured));
    }
}

#[test]
fn money_that_came_and_was_taken_back_ends_reversed_once_in_every_order() {
    let reversed = PaymentFactKind::Reversed {
        charge: "ch_1".into(),
        txn: "txn_back".into(),
        amount: money(),
    };
    let ends = ends_of(&[
        session(2, 100, PaymentFactKind::Processing),
        intent(3, 200, succeeded()),
        charge("ch_1", 2, 201, succeeded()),
        session(2, 202, announced()),
        charge("ch_1", classes::CHARGE_REVERSED, 900, reversed),
    ]);
    for (payment, told) in &ends {
        assert_eq!(payment, &ends[0].0);
        assert_eq!((count(told, Told::Captured), count(told, Told::Reversed)), (1, 1));
        assert_eq!(told.last(), Some(&Told::Reversed));
    }
    assert_eq!(ends[0].0.status(), PaymentStatus::Reversed);
}

#[test]
fn an_asynchronous_payment_that_fails_ends_failed_in_every_order() {
    let ends = ends_of(&[
        session(2, 100, PaymentFactKind::Processing),
        intent(0, 101, PaymentFactKind::Processing),
        charge("ch_0", 1, 200, failed()),
        intent(0, 201, failed()),
        session(2, 202, failed()),
    ]);
    for (payment, told) in &ends {
        assert_eq!(payment, &ends[0].0);
        assert_eq!(told.last(), Some(&Told::Failed), "an order that waits learns of the end");
        assert_eq!(payment.processing_since(), None);
    }
    assert_eq!(ends[0].0.status(), PaymentStatus::Failed);
}

/// Every order of arrival, each message delivered twice in a row and the whole once more.
fn ends_of(facts: &[PaymentFact]) -> Vec<(Payment, Vec<Told>)> {
    let histories = orders(facts.len()).into_iter().map(|order| {
        let mut payment = Payment::default();
        let mut told = Vec::new();
        for index in order.iter().flat_map(|index| [*index, *index]).chain(order.clone()) {
            let fact = Box::new(facts[index].clone());
            let id = PaymentId::derived(&["pi_1"]);
            let command = PaymentCommand::MergeFact { payment: id, fact };
            for event in decide(&payment, command, at(1000)).unwrap() {
                told.extend(heard(&event));
                payment.evolve(event);
            }
        }
        // The business date of a capture is that of the fact which told of it first.
        if let Some(capture) = &mut payment.capture {
            assert!(facts.iter().any(|fact| fact.occurred_at == capture.money.occurred_at));
            capture.money.occurred_at = at(0);
        }
        (payment, told)
    });
    histories.collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the order is told of few facts")]
fn heard(event: &PaymentEvent) -> Option<Told> {
    match event {
        PaymentEvent::Processing { .. } => Some(Told::Processing),
        PaymentEvent::AttemptFailed { .. } => Some(Told::Failed),
        PaymentEvent::Captured { order, amount, .. } => {
            assert_eq!((*order, *amount), (Some(self::order()), money()));
            Some(Told::Captured)
        }
        PaymentEvent::CaptureReversed { order: Some(_), .. } => Some(Told::Reversed),
        PaymentEvent::CaptureReversed { order: None, .. } | PaymentEvent::SetAside { .. } => {
            panic!("the order is known from the first message on")
        }
        _ => None,
    }
}

fn count(told: &[Told], what: Told) -> usize {
    told.iter().filter(|one| **one == what).count()
}

fn order() -> OrderId {
    OrderId::derived(&["a"])
}

fn money() -> Money {
    Money::new(10_000, Currency::USD)
}

fn succeeded() -> PaymentFactKind {
    PaymentFactKind::Succeeded {
        charge: Some("ch_1".into()),
        intent: Some("pi_1".into()),
        amount: money(),
    }
}

fn announced() -> PaymentFactKind {
    PaymentFactKind::Succeeded { charge: None, intent: Some("pi_1".into()), amount: money() }
}

fn failed() -> PaymentFactKind {
    PaymentFactKind::Failed { code: "card_declined".to_owned() }
}

fn session(class: u8, created: i64, kind: PaymentFactKind) -> PaymentFact {
    fact(FactObject::Session, "cs_1", class, created, kind)
}

fn intent(class: u8, created: i64, kind: PaymentFactKind) -> PaymentFact {
    fact(FactObject::Intent, "pi_1", class, created, kind)
}

fn charge(id: &str, class: u8, created: i64, kind: PaymentFactKind) -> PaymentFact {
    fact(FactObject::Charge, id, class, created, kind)
}

fn fact(
    object: FactObject,
    id: &str,
    class: u8,
    created: i64,
    kind: PaymentFactKind,
) -> PaymentFact {
    PaymentFact {
        object,
        id: id.to_owned(),
        rank: FactRank { class, created, event: format!("evt_{created}").into() },
        kind,
        order: Some((order(), LinkedVia::Metadata)),
        occurred_at: at(created),
    }
}
