//! Our own call for a session, fees, warnings and application fees.

use super::*;

const HALF_AN_HOUR: i64 = 30 * 60;
const A_DAY: i64 = 24 * 60 * 60;

#[test]
fn a_session_is_asked_for() {
    payment(vec![])
        .when(request("key_1", HALF_AN_HOUR))
        .then_expect_events(vec![requested("key_1", HALF_AN_HOUR)]);
    assert_eq!(fold(vec![requested("key_1", A_DAY)]).status(), PaymentStatus::Requested);
}

#[test]
fn the_same_call_again_is_no_news() {
    payment(vec![requested("key_1", A_DAY)])
        .when(request("key_1", A_DAY))
        .then_expect_events(vec![]);
}

#[test]
fn one_session_at_a_time() {
    for open in [vec![], vec![unknown()], vec![session_opened("cs_1")]] {
        payment(and(vec![requested("key_1", A_DAY)], open))
            .when(request("key_2", A_DAY))
            .then_expect_error(PaymentError::PaymentInFlight);
    }
}

#[test]
fn an_asynchronous_payment_is_one_under_way_too() {
    let fact = fact(FactObject::Intent, "pi_1", 0, 5, PaymentFactKind::Processing);
    payment(vec![linked("a"), merged(&fact, "processing")])
        .when(request("key_1", A_DAY))
        .then_expect_error(PaymentError::PaymentInFlight);
}

#[test]
fn after_a_refusal_or_an_expiry_the_buyer_may_try_again() {
    let expired = fact(
        FactObject::Session,
        "cs_1",
        1,
        5,
        PaymentFactKind::SessionExpired { session: "cs_1".into() },
    );
    for ended in [vec![refused_call()], vec![session_opened("cs_1"), merged(&expired, "expired")]] {
        payment(and(vec![requested("key_1", A_DAY)], ended))
            .when(request("key_2", A_DAY))
            .then_expect_events(vec![requested("key_2", A_DAY)]);
    }
}

#[test]
fn a_session_lives_between_half_an_hour_and_a_day() {
    for seconds in [HALF_AN_HOUR - 1, A_DAY + 1] {
        let expires_at = at(NOW + seconds);
        payment(vec![])
            .when(request("key_1", seconds))
            .then_expect_error(PaymentError::SessionLifetimeTooShort { expires_at });
    }
    payment(vec![])
        .when(request("key_1", A_DAY))
        .then_expect_events(vec![requested("key_1", A_DAY)]);
}

#[test]
fn nothing_is_asked_for_twice_once_the_money_has_come_or_is_announced() {
    payment(with_order())
        .when(request("key_1", A_DAY))
        .then_expect_error(PaymentError::AlreadyCaptured);
    let kind = PaymentFactKind::Succeeded { charge: None, intent: None, amount: usd(10_000) };
    let announced = fact(FactObject::Intent, "pi_1", 3, 5, kind);
    payment(vec![merged(&announced, "succeeded")])
        .when(request("key_1", A_DAY))
        .then_expect_error(PaymentError::AlreadyCaptured);
}

#[test]
fn a_payment_asks_for_one_order_only() {
    payment(vec![linked("b")])
        .when(request("key_1", A_DAY))
        .then_expect_error(PaymentError::AlreadyAttributed { order: order("b").to_string() });
}

#[test]
fn nothing_is_asked_for_nothing() {
    let mut command = request("key_1", A_DAY);
    if let PaymentCommand::Request { amount, .. } = &mut command {
        *amount = usd(0);
    }
    payment(vec![]).when(command).then_expect_error(PaymentError::AmountNotPositive);
}

#[test]
fn answers_need_a_call() {
    for command in [PaymentCommand::NoteRequestUnknown, note_refused(), note_session("cs_1")] {
        payment(vec![]).when(command).then_expect_error(PaymentError::Unknown);
    }
}

#[test]
fn the_outcome_of_the_call_is_noted_once() {
    let sent = vec![requested("key_1", A_DAY)];
    let steps = [
        (PaymentCommand::NoteRequestUnknown, unknown()),
        (note_refused(), refused_call()),
        (note_session("cs_1"), session_opened("cs_1")),
    ];
    for (command, event) in steps {
        payment(sent.clone()).when(command.clone()).then_expect_events(vec![event.clone()]);
        let after = and(sent.clone(), vec![event]);
        payment(after).when(command).then_expect_events(vec![]);
    }
}

#[test]
fn an_unknown_outcome_is_resolved_and_an_open_session_is_not_refused_any_more() {
    let in_doubt = vec![requested("key_1", A_DAY), unknown()];
    payment(in_doubt.clone()).when(note_refused()).then_expect_events(vec![refused_call()]);
    let open = and(in_doubt, vec![session_opened("cs_1")]);
    assert_eq!(fold(open.clone()).status(), PaymentStatus::Open);
    payment(open.clone()).when(note_refused()).then_expect_events(vec![]);
    payment(open).when(PaymentCommand::NoteRequestUnknown).then_expect_events(vec![]);
}

#[test]
fn the_fee_is_recorded_once_and_tells_the_order_that_has_the_money() {
    let known = with_order();
    payment(known.clone()).when(record_fee()).then_expect_events(vec![fee(Some(order("a")))]);
    let after = and(known, vec![fee(Some(order("a")))]);
    assert_eq!(fold(after.clone()).fee_record().map(|fee| fee.fee), Some(usd(329)));
    payment(after).when(record_fee()).then_expect_events(vec![]);
}

#[test]
fn the_fee_of_money_that_is_set_aside_tells_no_order() {
    let known = refused(SetAsideReason::Conflict);
    payment(known).when(record_fee()).then_expect_events(vec![fee(None)]);
    payment(vec![captured(None)]).when(record_fee()).then_expect_events(vec![fee(None)]);
}

#[test]
fn a_fee_that_is_known_before_the_order_travels_with_the_link() {
    let early = vec![captured(None), fee(None)];
    let command = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::TransferGroup };
    payment(early).when(command).then_expect_events(vec![PaymentEvent::OrderLinked {
        order: order("a"),
        via: LinkedVia::TransferGroup,
        captured: Some(CapturedMoney {
            charge: "ch_1".into(),
            amount: usd(10_000),
            occurred_at: at(5),
        }),
        funds: Some(("ch_1".into(), at(172_800))),
        processing_since: None,
        at: at(NOW),
    }]);
}

#[test]
fn a_warning_is_noted_once() {
    let risk = Risk::ReviewOpened { review: "prv_1".to_owned(), reason: "rule".to_owned() };
    let command = PaymentCommand::FlagRisk { risk: risk.clone(), occurred_at: at(7) };
    let flagged = PaymentEvent::RiskFlagged { risk: risk.clone(), occurred_at: at(7), at: at(NOW) };
    payment(vec![]).when(command.clone()).then_expect_events(vec![flagged.clone()]);
    assert_eq!(fold(vec![flagged.clone()]).risks(), [risk]);
    payment(vec![flagged]).when(command).then_expect_events(vec![]);
}

#[test]
fn application_fees_and_their_refunds_are_recorded_once_each() {
    let earn = PaymentCommand::RecordApplicationFee {
        payment: id(),
        fee: "fee_1".into(),
        charge: "ch_1".into(),
        amount: usd(1000),
        occurred_at: at(6),
    };
    let earned = PaymentEvent::ApplicationFeeEarned {
        fee: "fee_1".into(),
        charge: "ch_1".into(),
        amount: usd(1000),
        occurred_at: at(6),
        at: at(NOW),
    };
    let give_back = PaymentCommand::RecordApplicationFeeRefund {
        fee: "fee_1".into(),
        refund: "fr_1".into(),
        amount: usd(400),
        occurred_at: at(8),
    };
    let given_back = PaymentEvent::ApplicationFeeRefunded {
        fee: "fee_1".into(),
        refund: "fr_1".into(),
        amount: usd(400),
        occurred_at: at(8),
        at: at(NOW),
    };
    payment(vec![]).when(earn.clone()).then_expect_events(vec![earned.clone()]);
    payment(vec![earned.clone()]).when(earn).then_expect_events(vec![]);
    payment(vec![earned.clone()])
        .when(give_back.clone())
        .then_expect_events(vec![given_back.clone()]);
    payment(vec![earned, given_back]).when(give_back).then_expect_events(vec![]);
}

#[test]
fn patience_is_lost_once_and_not_before_its_time() {
    let processing =
        fact(FactObject::Intent, "pi_1", 0, 1_772_366_400, PaymentFactKind::Processing);
    let known = vec![linked("a"), merged(&processing, "processing")];
    let due = at(0).plus_days(14);
    payment(known.clone())
        .when(PaymentCommand::LosePatience)
        .then_expect_error(PaymentError::TooEarly { due });
    let lost = PaymentEvent::PatienceExceeded { at: due };
    payment_at(due, known.clone())
        .when(PaymentCommand::LosePatience)
        .then_expect_events(vec![lost.clone()]);
    payment_at(due, and(known, vec![lost]))
        .when(PaymentCommand::LosePatience)
        .then_expect_events(vec![]);
    payment_at(due, with_order()).when(PaymentCommand::LosePatience).then_expect_events(vec![]);
}

fn request(idempotency_key: &str, seconds: i64) -> PaymentCommand {
    PaymentCommand::Request {
        payment: id(),
        order: order("a"),
        amount: usd(10_000),
        transfer_group: order("a").to_string(),
        success_url: "https://shop.example/thanks".to_owned(),
        cancel_url: "https://shop.example/cart".to_owned(),
        expires_at: at(NOW + seconds),
        idempotency_key: idempotency_key.to_owned(),
    }
}

fn requested(idempotency_key: &str, seconds: i64) -> PaymentEvent {
    PaymentEvent::Requested {
        payment: id(),
        order: order("a"),
        amount: usd(10_000),
        transfer_group: order("a").to_string(),
        success_url: "https://shop.example/thanks".to_owned(),
        cancel_url: "https://shop.example/cart".to_owned(),
        expires_at: at(NOW + seconds),
        idempotency_key: idempotency_key.to_owned(),
        at: at(NOW),
    }
}

fn unknown() -> PaymentEvent {
    PaymentEvent::RequestUnknown { at: at(NOW) }
}

fn note_refused() -> PaymentCommand {
    PaymentCommand::NoteRequestRefused { code: "invalid".to_owned(), message: "no".to_owned() }
}

fn refused_call() -> PaymentEvent {
    PaymentEvent::RequestRefused {
        code: "invalid".to_owned(),
        message: "no".to_owned(),
        at: at(NOW),
    }
}

fn note_session(session: &str) -> PaymentCommand {
    PaymentCommand::NoteSession { session: session.into(), url: None, expires_at: at(NOW + A_DAY) }
}

fn session_opened(session: &str) -> PaymentEvent {
    PaymentEvent::SessionOpened {
        session: session.into(),
        url: None,
        expires_at: at(NOW + A_DAY),
        order: Some(order("a")),
        at: at(NOW),
    }
}

pub(super) fn record_fee() -> PaymentCommand {
    PaymentCommand::RecordFee {
        occurred_at: at(0),
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        fee: usd(329),
        net: usd(9671),
        available_on: at(172_800),
        exchange_rate: None,
    }
}

fn fee(order: Option<OrderId>) -> PaymentEvent {
    PaymentEvent::FeeRecorded {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        fee: usd(329),
        net: usd(9671),
        available_on: at(172_800),
        exchange_rate: None,
        order,
        at: at(NOW),
    }
}
