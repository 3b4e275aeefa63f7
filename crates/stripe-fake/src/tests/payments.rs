//! Payments and what they bring.

use super::{
    DAY, START, accepted, ask, get, kinds_since, open_session, paid_order, pay, refusal_code,
    seller, session_form, stripe, text,
};
use crate::{ApiRequest, BarePayment, Operation, Payment, Target};

#[test]
fn a_paid_session_completes_and_its_net_is_pending_for_two_days() {
    let stripe = stripe();
    let session = open_session(&stripe, "ord_1", 10_325, "usd");
    let before = stripe.event_count();
    pay(&stripe, &session, Payment::default());

    assert_eq!(
        kinds_since(&stripe, before),
        [
            "payment_intent.created",
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.completed",
        ]
    );
    let session = get(&stripe, &format!("/v1/checkout/sessions/{session}"));
    assert_eq!(
        (text(&session, "status"), text(&session, "payment_status")),
        ("complete".into(), "paid".into())
    );
    let charge = stripe.find_charge(&Target::metadata("daybook_order", "ord_1")).unwrap();
    let charge = get(&stripe, &format!("/v1/charges/{charge}"));
    let booked =
        get(&stripe, &format!("/v1/balance_transactions/{}", text(&charge, "balance_transaction")));
    assert_eq!(
        (&booked["amount"], &booked["fee"], &booked["net"]),
        (&10_325.into(), &329.into(), &9_996.into())
    );
    assert_eq!(booked["available_on"], START + 2 * DAY);
    assert_eq!(text(&booked, "status"), "pending");
    assert_eq!(stripe.available(None)["usd"], 0);

    stripe.advance_to(START + 2 * DAY).unwrap();
    assert_eq!(stripe.available(None)["usd"], 9_996);
    assert!(stripe.event_kinds().contains(&"balance.available".to_owned()));
}

#[test]
fn an_untouched_session_expires_at_its_deadline_and_cannot_be_paid_afterwards() {
    let stripe = stripe();
    let session = open_session(&stripe, "ord_1", 1_000, "usd");
    stripe.advance_to(START + DAY).unwrap();
    assert_eq!(
        text(&get(&stripe, &format!("/v1/checkout/sessions/{session}")), "status"),
        "expired"
    );
    let late = Operation::PaySession {
        session: Target::id(session),
        payment: Payment::default(),
        forget: crate::Forget::default(),
    };
    assert!(stripe.apply("late", late).is_err());
    assert!(stripe.balance(None).is_empty());
}

#[test]
fn a_deadline_under_half_an_hour_is_refused_and_not_remembered_by_the_key() {
    let stripe = stripe();
    let form = session_form("ord_1", 1_000, "usd");
    let short = format!("{form}&expires_at={}", START + 1_799);
    assert_eq!(
        refusal_code(&stripe, &ApiRequest::post("/v1/checkout/sessions", &short).key("k")),
        "parameter_invalid"
    );
    let enough = format!("{form}&expires_at={}", START + 1_800);
    accepted(&stripe, &ApiRequest::post("/v1/checkout/sessions", &enough).key("k"));
}

#[test]
fn a_declined_card_leaves_the_session_open_for_another_try() {
    let stripe = stripe();
    let session = open_session(&stripe, "ord_1", 1_000, "usd");
    let before = stripe.event_count();
    pay(&stripe, &session, Payment::declined("insufficient_funds"));
    assert_eq!(
        kinds_since(&stripe, before),
        ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]
    );
    pay(&stripe, &session, Payment::RequiresAction);
    pay(&stripe, &session, Payment::default());
    let session = get(&stripe, &format!("/v1/checkout/sessions/{session}"));
    assert_eq!(text(&session, "payment_status"), "paid");
    let charges = get(&stripe, "/v1/charges");
    assert_eq!(charges["data"].as_array().unwrap().len(), 2, "one failed, one succeeded");
    assert_eq!(stripe.balance(None)["usd"], 1_000 - 59);
}

#[test]
fn a_bank_debit_completes_unpaid_and_succeeds_later_with_a_late_balance_transaction() {
    let stripe = stripe();
    let session = open_session(&stripe, "ord_1", 2_000, "eur");
    let debit = Payment::Async {
        method: "sepa_debit".into(),
        settles_in_s: DAY,
        failure: None,
        late_balance_transaction_s: Some(60),
    };
    pay(&stripe, &session, debit);
    let unpaid = get(&stripe, &format!("/v1/checkout/sessions/{session}"));
    assert_eq!(
        (text(&unpaid, "status"), text(&unpaid, "payment_status")),
        ("complete".into(), "unpaid".into())
    );

    let before = stripe.event_count();
    stripe.advance_to(START + DAY).unwrap();
    assert_eq!(
        kinds_since(&stripe, before),
        [
            "charge.succeeded",
            "payment_intent.succeeded",
            "checkout.session.async_payment_succeeded"
        ]
    );
    let charge = stripe.find_charge(&Target::id(session)).unwrap();
    assert!(charge.starts_with("py_"));
    assert!(stripe.object(&charge).unwrap()["balance_transaction"].is_null());
    assert!(stripe.balance(None).is_empty());

    stripe.advance_to(START + DAY + 60).unwrap();
    assert_eq!(stripe.balance(None)["eur"], 2_000 - 55);
    assert_eq!(stripe.event_kinds().last().unwrap(), "charge.updated");
}

#[test]
fn a_failed_debit_and_a_debit_taken_back_both_end_with_nothing_earned() {
    let stripe = stripe();
    let failing = open_session(&stripe, "ord_1", 2_000, "eur");
    pay(&stripe, &failing, Payment::failing_debit(DAY));
    let clawed = open_session(&stripe, "ord_2", 2_000, "eur");
    pay(&stripe, &clawed, Payment::debit(DAY));
    stripe.advance_to(START + DAY).unwrap();
    assert!(stripe.event_kinds().contains(&"checkout.session.async_payment_failed".to_owned()));
    assert_eq!(stripe.balance(None)["eur"], 2_000 - 55);

    let back = Operation::ClawBack {
        payment: Target::id(clawed.as_str()),
        failure_code: "debit_disputed".into(),
    };
    stripe.apply("clawed", back).unwrap();
    let charge = stripe.find_charge(&Target::id(clawed)).unwrap();
    let charge = stripe.object(&charge).unwrap();
    assert_eq!(text(&charge, "status"), "failed");
    let transaction = get(
        &stripe,
        &format!("/v1/balance_transactions/{}", text(&charge, "failure_balance_transaction")),
    );
    assert_eq!(
        (text(&transaction, "type"), transaction["net"].as_i64()),
        ("payment_failure_refund".into(), Some(-2_000))
    );
    assert_eq!(stripe.balance(None)["eur"], -55, "the fee is not returned");
}

#[test]
fn a_manual_payment_brings_money_only_once_captured_and_lapses_after_a_week() {
    let stripe = stripe();
    let manual = BarePayment { amount: 5_000, manual_capture: true, ..BarePayment::default() };
    for key in ["captured", "lapsed"] {
        stripe.apply(key, Operation::Pay(manual.clone())).unwrap();
    }
    assert!(stripe.balance(None).is_empty());
    let intent = stripe.id_of("pi", "captured");
    let capture =
        ApiRequest::post(format!("/v1/payment_intents/{intent}/capture"), "amount_to_capture=4000");
    assert_eq!(accepted(&stripe, &capture.key("c1"))["amount_received"], 4_000);
    assert_eq!(stripe.balance(None)["usd"], 4_000 - 146);
    stripe.advance_to(START + 7 * DAY).unwrap();
    assert!(stripe.event_kinds().contains(&"charge.expired".to_owned()));
    assert_eq!(stripe.balance(None)["usd"], 4_000 - 146);
}

#[test]
fn yen_have_no_decimals_and_dinars_end_in_zero() {
    let stripe = stripe();
    paid_order(&stripe, "ord_1", 1_000, "jpy");
    paid_order(&stripe, "ord_2", 5_130, "kwd");
    assert_eq!(stripe.balance(None)["jpy"], 1_000 - 36);
    assert_eq!(stripe.balance(None)["kwd"], 5_130 - 300);
    let odd = session_form("ord_3", 5_124, "kwd");
    assert_eq!(ask(&stripe, &ApiRequest::post("/v1/checkout/sessions", &odd)).status, 400);
}

#[test]
fn a_destination_charge_and_a_direct_charge_pay_the_platform_its_fee() {
    let stripe = stripe();
    let account = seller(&stripe, "seller");
    let fee = Some(1_000);
    let destination = BarePayment {
        amount: 10_000,
        destination: Some(account.clone()),
        application_fee: fee,
        ..BarePayment::default()
    };
    stripe.apply("destination", Operation::Pay(destination)).unwrap();
    assert_eq!(stripe.balance(None)["usd"], 10_000 - 320 - 10_000 + 1_000);
    assert_eq!(stripe.balance(Some(&account))["usd"], 9_000);

    let direct = BarePayment {
        amount: 10_000,
        on_account: Some(account.clone()),
        application_fee: fee,
        ..BarePayment::default()
    };
    stripe.apply("direct", Operation::Pay(direct)).unwrap();
    assert_eq!(stripe.balance(Some(&account))["usd"], 9_000 + 10_000 - 320 - 1_000);
    assert_eq!(stripe.balance(None)["usd"], -320 + 1_000 + 1_000);

    let fee = Target::id(stripe.id_of("fee", "direct"));
    stripe.apply("given back", Operation::RefundApplicationFee { fee, amount: Some(400) }).unwrap();
    assert_eq!(stripe.balance(None)["usd"], -320 + 1_000 + 600);
    assert_eq!(stripe.balance(Some(&account))["usd"], 9_000 + 10_000 - 320 - 600);
}

#[test]
fn a_bill_from_stripe_and_reserves_move_the_right_balance() {
    let stripe = stripe();
    paid_order(&stripe, "ord_1", 10_000, "usd");
    let bill = Operation::ChargeStripeFee {
        amount: 200,
        tax: 40,
        currency: "usd".into(),
        description: "Connect".into(),
    };
    stripe.apply("bill", bill).unwrap();
    assert_eq!(stripe.balance(None)["usd"], 10_000 - 320 - 240);
    let hold = Operation::HoldReserve { account: None, amount: 500, currency: "usd".into() };
    stripe.apply("hold", hold).unwrap();
    assert_eq!((stripe.balance(None)["usd"], stripe.reserved(None)["usd"]), (8_940, 500));
    stripe
        .apply(
            "release",
            Operation::ReleaseReserve { hold: Target::made("hold"), amount: Some(200) },
        )
        .unwrap();
    assert_eq!((stripe.balance(None)["usd"], stripe.reserved(None)["usd"]), (9_140, 300));
}
