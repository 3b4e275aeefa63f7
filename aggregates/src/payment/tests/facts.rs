//! Facts of Stripe's: each crossing is told once, whatever told of it first.

use super::*;

#[test]
fn a_fact_that_changes_nothing_is_remembered() {
    let noted = intent(0, 5, PaymentFactKind::Noted { status: "requires_action".to_owned() });
    let event = merged(&noted, "requires_action");
    payment(vec![]).when(merge(noted.clone())).then_expect_events(vec![event.clone()]);
    payment(vec![event]).when(merge(noted)).then_expect_events(vec![]);
}

#[test]
fn an_outranked_fact_is_no_news() {
    let newer = intent(2, 9, PaymentFactKind::Canceled { reason: "abandoned".to_owned() });
    let older = intent(0, 99, PaymentFactKind::Processing);
    payment(vec![merged(&newer, "canceled")]).when(merge(older)).then_expect_events(vec![]);
}

#[test]
fn even_an_outranked_fact_says_which_order_it_is_about() {
    let newer = intent(2, 9, PaymentFactKind::Canceled { reason: "abandoned".to_owned() });
    let older = of_order(intent(0, 5, PaymentFactKind::Processing), "a");
    payment(vec![merged(&newer, "canceled")])
        .when(merge(older))
        .then_expect_events(vec![linked("a")]);
}

#[test]
fn the_first_order_that_is_named_stays() {
    let other = of_order(intent(0, 5, PaymentFactKind::Processing), "b");
    let events = payment(vec![linked("a")]).when(merge(other.clone())).inspect_result().unwrap();
    let expected = vec![merged(&other, "processing"), processing(Some(order("a")))];
    assert_eq!(events, expected);
}

#[test]
fn an_unpaid_session_and_its_intent_are_one_processing() {
    let session = session(5, PaymentFactKind::Processing);
    let intent = intent(0, 6, PaymentFactKind::Processing);
    let first = vec![merged(&session, "processing"), processing(None)];
    payment(vec![]).when(merge(session)).then_expect_events(first.clone());
    assert_eq!(fold(first.clone()).status(), PaymentStatus::Processing);
    payment(first)
        .when(merge(intent.clone()))
        .then_expect_events(vec![merged(&intent, "processing")]);
}

#[test]
fn processing_that_is_older_than_a_failure_is_no_news() {
    let failure = intent(0, 9, failed());
    let older = session(5, PaymentFactKind::Processing);
    payment(vec![merged(&failure, "failed")])
        .when(merge(older.clone()))
        .then_expect_events(vec![merged(&older, "processing")]);
}

#[test]
fn processing_that_is_older_than_an_announced_success_is_no_news() {
    let kind = PaymentFactKind::Succeeded { charge: None, intent: None, amount: usd(10_000) };
    let announced = session(9, kind);
    for (older, status) in [
        (intent(0, 5, PaymentFactKind::Processing), "processing"),
        (charge_failed("ch_0", 5), "failed"),
    ] {
        payment(vec![merged(&announced, "succeeded")])
            .when(merge(older.clone()))
            .then_expect_events(vec![merged(&older, status)]);
    }
}

#[test]
fn money_that_can_be_captured_is_told_once() {
    let kind = PaymentFactKind::Authorized { intent: "pi_1".into(), amount: usd(10_000) };
    let authorized = intent(1, 5, kind);
    let expected = vec![
        merged(&authorized, "requires_capture"),
        PaymentEvent::Authorized {
            intent: "pi_1".into(),
            amount: usd(10_000),
            occurred_at: at(5),
            at: at(NOW),
        },
    ];
    payment(vec![]).when(merge(authorized.clone())).then_expect_events(expected.clone());
    assert_eq!(fold(expected.clone()).status(), PaymentStatus::Authorized);
    payment(expected).when(merge(authorized)).then_expect_events(vec![]);
}

#[test]
fn a_charge_that_succeeds_is_captured_with_its_order_named_first() {
    let succeeded = of_order(charge_succeeded("ch_1", 5), "a");
    let expected = vec![linked("a"), merged(&succeeded, "succeeded"), captured(Some(order("a")))];
    payment(vec![]).when(merge(succeeded.clone())).then_expect_events(expected.clone());
    let after = fold(expected.clone());
    assert_eq!(after.status(), PaymentStatus::Captured);
    assert_eq!(after.charge(), Some(&"ch_1".into()));
    assert_eq!(after.intents().len(), 1);
    payment(expected).when(merge(succeeded)).then_expect_events(vec![]);
}

#[test]
fn a_success_that_names_no_charge_waits_for_it() {
    let kind = PaymentFactKind::Succeeded { charge: None, intent: None, amount: usd(10_000) };
    let announced = session(4, kind);
    let first = vec![merged(&announced, "succeeded")];
    payment(vec![]).when(merge(announced)).then_expect_events(first.clone());
    assert_eq!(fold(first.clone()).status(), PaymentStatus::Announced);
    let charge = charge_succeeded("ch_1", 5);
    payment(first)
        .when(merge(charge.clone()))
        .then_expect_events(vec![merged(&charge, "succeeded"), captured(None)]);
}

#[test]
fn an_intent_that_names_its_charge_captures_and_the_charge_is_no_second_one() {
    let kind = PaymentFactKind::Succeeded {
        charge: Some("ch_1".into()),
        intent: Some("pi_1".into()),
        amount: usd(10_000),
    };
    let succeeded = intent(3, 5, kind);
    let first = vec![merged(&succeeded, "succeeded"), captured(None)];
    payment(vec![]).when(merge(succeeded)).then_expect_events(first.clone());
    let charge = charge_succeeded("ch_1", 6);
    payment(first)
        .when(merge(charge.clone()))
        .then_expect_events(vec![merged(&charge, "succeeded")]);
}

#[test]
fn a_second_charge_of_one_payment_is_set_aside_as_a_duplicate() {
    let second = charge_succeeded("ch_2", 9);
    payment(with_order()).when(merge(second.clone())).then_expect_events(vec![
        merged(&second, "succeeded"),
        set_aside_of("ch_2", 10_000, SetAsideReason::Duplicate, at(9)),
    ]);
    let known =
        and(with_order(), vec![set_aside_of("ch_2", 10_000, SetAsideReason::Duplicate, at(9))]);
    assert_eq!(fold(known.clone()).status(), PaymentStatus::Captured);
    payment(known.clone())
        .when(merge(second.clone()))
        .then_expect_events(vec![merged(&second, "succeeded")]);
    payment(known).when(reserve("own", None)).then_expect_events(vec![
        PaymentEvent::UnallocatedRefundReserved {
            refund: refund("own"),
            charge: "ch_2".into(),
            amount: usd(10_000),
            reason: "late payment".to_owned(),
            at: at(NOW),
        },
    ]);
}

#[test]
fn each_failed_attempt_is_told_once_by_charge_and_intent_together() {
    let charge = charge_failed("ch_1", 5);
    let intent_failed = intent(0, 6, failed());
    let again = charge_failed("ch_2", 8);
    let mut known = vec![merged(&charge, "failed"), attempt_failed(5)];
    payment(vec![]).when(merge(charge)).then_expect_events(known.clone());
    assert_eq!(fold(known.clone()).status(), PaymentStatus::Failed);
    let told = vec![merged(&intent_failed, "failed")];
    payment(known.clone()).when(merge(intent_failed)).then_expect_events(told.clone());
    known.extend(told);
    payment(known)
        .when(merge(again.clone()))
        .then_expect_events(vec![merged(&again, "failed"), attempt_failed(8)]);
}

#[test]
fn attempts_that_fail_before_there_is_a_charge_are_told_each_time() {
    let (first, second) = (intent(0, 5, failed()), intent(0, 8, failed()));
    payment(vec![merged(&first, "failed"), attempt_failed(5)])
        .when(merge(second.clone()))
        .then_expect_events(vec![merged(&second, "failed"), attempt_failed(8)]);
}

#[test]
fn an_asynchronous_payment_that_fails_ends_the_waiting() {
    let (processing_fact, failure) =
        (session(5, PaymentFactKind::Processing), session(9, failed()));
    let known = vec![merged(&processing_fact, "processing"), processing(None)];
    payment(known)
        .when(merge(failure.clone()))
        .then_expect_events(vec![merged(&failure, "failed"), attempt_failed(9)]);
}

#[test]
fn a_failure_older_than_what_is_under_way_is_no_news() {
    let newer = session(9, PaymentFactKind::Processing);
    let older = charge_failed("ch_0", 5);
    payment(vec![merged(&newer, "processing")])
        .when(merge(older.clone()))
        .then_expect_events(vec![merged(&older, "failed")]);
}

#[test]
fn once_captured_nothing_else_is_told() {
    for (fact, status) in [
        (charge_failed("ch_0", 3), "failed"),
        (session(3, PaymentFactKind::Processing), "processing"),
        (intent(2, 3, PaymentFactKind::Canceled { reason: "abandoned".to_owned() }), "canceled"),
        (expired_session(3), "expired"),
    ] {
        payment(with_order())
            .when(merge(fact.clone()))
            .then_expect_events(vec![merged(&fact, status)]);
    }
}

#[test]
fn a_canceled_intent_and_an_expired_authorisation_are_one_end() {
    let canceled = intent(2, 5, PaymentFactKind::Canceled { reason: "abandoned".to_owned() });
    let charge = fact(
        FactObject::Charge,
        "ch_1",
        1,
        6,
        PaymentFactKind::Canceled { reason: "expired".to_owned() },
    );
    let first = vec![
        merged(&canceled, "canceled"),
        PaymentEvent::Canceled { reason: "abandoned".to_owned(), occurred_at: at(5), at: at(NOW) },
    ];
    payment(vec![]).when(merge(canceled)).then_expect_events(first.clone());
    assert_eq!(fold(first.clone()).status(), PaymentStatus::Canceled);
    payment(first)
        .when(merge(charge.clone()))
        .then_expect_events(vec![merged(&charge, "canceled")]);
}

#[test]
fn a_lapsed_session_is_told_once() {
    let expired = expired_session(5);
    let first = vec![
        merged(&expired, "expired"),
        PaymentEvent::SessionExpired { session: "cs_1".into(), occurred_at: at(5), at: at(NOW) },
    ];
    payment(vec![]).when(merge(expired.clone())).then_expect_events(first.clone());
    assert_eq!(fold(first.clone()).status(), PaymentStatus::Expired);
    assert_eq!(fold(first.clone()).sessions().len(), 1);
    payment(first).when(merge(expired)).then_expect_events(vec![]);
}

#[test]
fn money_the_bank_takes_back_goes_back_through_the_order() {
    let reversal = charge_reversed("ch_1", 90);
    let expected = vec![merged(&reversal, "reversed"), reversed_event(10_000, Some(order("a")))];
    payment(with_order()).when(merge(reversal.clone())).then_expect_events(expected.clone());
    let known = and(with_order(), expected);
    assert_eq!(fold(known.clone()).status(), PaymentStatus::Reversed);
    payment(known).when(merge(reversal)).then_expect_events(vec![]);
}

#[test]
fn money_of_no_order_that_the_bank_takes_back_is_set_aside_first() {
    let reversal = charge_reversed("ch_1", 90);
    let expected = vec![
        merged(&reversal, "reversed"),
        set_aside_of("ch_1", 10_000, SetAsideReason::Unattributed, at(90)),
        reversed_event(10_000, None),
    ];
    payment(vec![captured(None)]).when(merge(reversal)).then_expect_events(expected.clone());
    let after = fold(and(vec![captured(None)], expected));
    assert_eq!(after.set_aside(), Some(usd(0)));
}

#[test]
fn money_that_was_refused_falls_when_the_bank_takes_it_back_but_never_below_zero() {
    let reversal = charge_reversed("ch_1", 90);
    payment(refused(SetAsideReason::Conflict))
        .when(merge(reversal.clone()))
        .then_expect_events(vec![merged(&reversal, "reversed"), reversed_event(10_000, None)]);
    payment(and(refused(SetAsideReason::Late), vec![reserved("own", 4000)]))
        .when(merge(reversal.clone()))
        .then_expect_events(vec![merged(&reversal, "reversed"), reversed_event(6000, None)]);
}

#[test]
fn a_reversal_that_is_heard_of_first_tells_of_the_capture_too() {
    let reversal = of_order(charge_reversed("ch_1", 90), "a");
    let mut capture = captured(Some(order("a")));
    if let PaymentEvent::Captured { intent, occurred_at, .. } = &mut capture {
        *intent = None;
        *occurred_at = at(90);
    }
    let expected = vec![
        linked("a"),
        merged(&reversal, "reversed"),
        capture,
        reversed_event(10_000, Some(order("a"))),
    ];
    payment(vec![]).when(merge(reversal)).then_expect_events(expected.clone());
    payment(expected).when(merge(charge_succeeded("ch_1", 5))).then_expect_events(vec![]);
}

#[test]
fn a_late_link_tells_the_order_of_the_money() {
    let command = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::KnownObject };
    let link = PaymentEvent::OrderLinked {
        order: order("a"),
        via: LinkedVia::KnownObject,
        captured: Some(CapturedMoney {
            charge: "ch_1".into(),
            amount: usd(10_000),
            occurred_at: at(5),
        }),
        funds: None,
        processing_since: None,
        at: at(NOW),
    };
    payment(vec![captured(None)]).when(command.clone()).then_expect_events(vec![link.clone()]);
    payment(vec![captured(None), link]).when(command).then_expect_events(vec![]);
}

#[test]
fn a_late_link_tells_the_order_since_when_a_payment_is_under_way() {
    let processing_fact = session(5, PaymentFactKind::Processing);
    let command = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::Metadata };
    let mut link = linked("a");
    if let PaymentEvent::OrderLinked { processing_since, .. } = &mut link {
        *processing_since = Some(Timestamp::from_unix_seconds(5));
    }
    payment(vec![merged(&processing_fact, "processing"), processing(None)])
        .when(command)
        .then_expect_events(vec![link]);
}

#[test]
fn a_payment_is_not_linked_to_two_orders() {
    let command = PaymentCommand::LinkOrder { order: order("b"), via: LinkedVia::Metadata };
    payment(with_order())
        .when(command)
        .then_expect_error(PaymentError::AlreadyAttributed { order: order("a").to_string() });
}

fn intent(class: u8, created: i64, kind: PaymentFactKind) -> PaymentFact {
    fact(FactObject::Intent, "pi_1", class, created, kind)
}

fn session(created: i64, kind: PaymentFactKind) -> PaymentFact {
    fact(FactObject::Session, "cs_1", classes::session("complete"), created, kind)
}

fn expired_session(created: i64) -> PaymentFact {
    let kind = PaymentFactKind::SessionExpired { session: "cs_1".into() };
    fact(FactObject::Session, "cs_1", classes::session("expired"), created, kind)
}

fn failed() -> PaymentFactKind {
    PaymentFactKind::Failed { code: "card_declined".to_owned() }
}

fn charge_failed(charge: &str, created: i64) -> PaymentFact {
    fact(FactObject::Charge, charge, classes::charge("failed"), created, failed())
}

fn attempt_failed(created: i64) -> PaymentEvent {
    PaymentEvent::AttemptFailed {
        code: "card_declined".to_owned(),
        order: None,
        occurred_at: at(created),
        at: at(NOW),
    }
}

fn processing(order: Option<OrderId>) -> PaymentEvent {
    PaymentEvent::Processing { order, occurred_at: at(5), at: at(NOW) }
}
