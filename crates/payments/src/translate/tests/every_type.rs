//! Every type of class A, as Stripe sends it, and with each field missing or spoilt in turn.

use super::*;
use crate::classes::{Class, is_of_absent_aggregate, kinds_of};

/// What an object needs beside its fixture to be about money, and which fields are essential.
struct Shape {
    kinds: &'static [&'static str],
    object: Value,
    essential: &'static [&'static str],
    connected: bool,
}

fn shape(
    kinds: &'static [&'static str],
    object: Value,
    essential: &'static [&'static str],
) -> Shape {
    Shape { kinds, object, essential, connected: false }
}

fn of_sellers(shape: Shape) -> Shape {
    Shape { connected: true, ..shape }
}

fn payments() -> Vec<Shape> {
    let session = json!({
        "status": "complete", "payment_status": "paid", "amount_total": 10_325, "currency": "usd",
        "payment_intent": "pi_known",
    });
    let intent = json!({
        "id": "pi_known", "status": "succeeded", "amount_received": 1099,
        "latest_charge": "ch_known",
    });
    let charge = json!({
        "id": "ch_known", "payment_intent": "pi_known", "captured": true, "amount_captured": 100,
        "balance_transaction": "txn_1",
    });
    vec![
        shape(
            &[
                "checkout.session.completed",
                "checkout.session.async_payment_succeeded",
                "checkout.session.async_payment_failed",
                "checkout.session.expired",
            ],
            made("checkout.session", session),
            &["id", "status", "amount_total", "currency", "created"],
        ),
        shape(
            &[
                "payment_intent.processing",
                "payment_intent.requires_action",
                "payment_intent.succeeded",
                "payment_intent.payment_failed",
                "payment_intent.canceled",
                "payment_intent.amount_capturable_updated",
            ],
            made("payment_intent", intent),
            &["id", "status", "amount_received", "currency", "created"],
        ),
        shape(
            &[
                "charge.succeeded",
                "charge.updated",
                "charge.failed",
                "charge.captured",
                "charge.expired",
                "charge.refunded",
            ],
            made("charge", charge),
            &["id", "status", "currency", "created"],
        ),
        shape(
            &["radar.early_fraud_warning.created", "radar.early_fraud_warning.updated"],
            made("radar.early_fraud_warning", json!({ "charge": "ch_known" })),
            &["id", "charge", "created"],
        ),
        shape(
            &["review.opened", "review.closed"],
            made("review", json!({ "charge": "ch_known" })),
            &["id", "charge", "created"],
        ),
    ]
}

fn returns() -> Vec<Shape> {
    let moved = made(
        "balance_transaction",
        json!({
            "id": "txn_d", "type": "adjustment", "reporting_category": "dispute", "amount": -1000,
            "fee": 1500, "net": -2500, "source": "dp_1",
        }),
    );
    vec![
        shape(
            &["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"],
            made("refund", json!({ "charge": "ch_known", "balance_transaction": "txn_r" })),
            &["id", "status", "amount", "currency", "charge", "created"],
        ),
        shape(
            &[
                "charge.dispute.created",
                "charge.dispute.updated",
                "charge.dispute.closed",
                "charge.dispute.funds_withdrawn",
                "charge.dispute.funds_reinstated",
            ],
            made(
                "dispute",
                json!({
                    "charge": "ch_known", "status": "needs_response", "balance_transactions": [moved],
                }),
            ),
            &["id", "status", "amount", "currency", "charge", "created"],
        ),
    ]
}

fn sellers() -> Vec<Shape> {
    let reversal = made("transfer_reversal", json!({ "balance_transaction": "txn_v" }));
    vec![
        shape(
            &["transfer.created", "transfer.updated", "transfer.reversed"],
            made(
                "transfer",
                json!({
                    "destination": ACCOUNT,
                    "reversals": { "object": "list", "data": [reversal], "has_more": false },
                }),
            ),
            &["id", "amount", "currency", "destination", "created"],
        ),
        of_sellers(shape(
            &[
                "payout.created",
                "payout.updated",
                "payout.paid",
                "payout.failed",
                "payout.canceled",
                "payout.reconciliation_completed",
            ],
            fixture("payout"),
            &["id", "status", "amount", "currency", "created"],
        )),
        of_sellers(shape(
            &["account.updated"],
            made("account", json!({ "id": ACCOUNT })),
            &["id", "details_submitted", "charges_enabled", "payouts_enabled", "capabilities"],
        )),
        of_sellers(shape(
            &["capability.updated"],
            made("capability", json!({ "id": "transfers" })),
            &["id", "status"],
        )),
        of_sellers(shape(&["account.application.deauthorized"], fixture("application"), &[])),
        of_sellers(shape(
            &[
                "account.external_account.created",
                "account.external_account.updated",
                "account.external_account.deleted",
            ],
            fixture("bank_account"),
            &["id"],
        )),
    ]
}

fn platforms_own() -> Vec<Shape> {
    vec![
        shape(
            &["application_fee.created", "application_fee.refunded"],
            made(
                "application_fee",
                json!({
                    "refunds": { "data": [fixture("fee_refund")], "has_more": false },
                }),
            ),
            &["id", "amount", "currency", "charge", "created"],
        ),
        shape(
            &["application_fee.refund.updated"],
            made("fee_refund", json!({ "fee": "fee_known" })),
            &["id", "amount", "currency", "fee", "created"],
        ),
        shape(
            &[
                "topup.created",
                "topup.succeeded",
                "topup.failed",
                "topup.canceled",
                "topup.reversed",
            ],
            made("topup", json!({ "balance_transaction": "txn_t" })),
            &["id", "status", "amount", "currency", "created"],
        ),
        shape(&["reserve.hold.created", "reserve.hold.updated"], fixture("reserve.hold"), &[]),
        shape(&["reserve.release.created"], fixture("reserve.release"), &[]),
    ]
}

fn shapes() -> Vec<Shape> {
    let mut all = payments();
    all.extend(returns());
    all.extend(sellers());
    all.extend(platforms_own());
    all
}

fn links() -> Known {
    let payment = Subject::Payment(kernel::PaymentId::derived(&["known"]));
    Known::with(&[
        ("pi_known", payment),
        ("ch_known", payment),
        ("fee_known", payment),
        (ACCOUNT, Subject::Seller(seller())),
    ])
}

async fn read(shape: &Shape, kind: &str, object: &Value) -> Translation {
    if shape.connected {
        connected(kind, object, &links()).await
    } else {
        platform(kind, object, &links()).await
    }
}

#[test]
fn no_type_of_class_a_is_forgotten() {
    let shapes = shapes();
    let mut covered: Vec<&str> = shapes.iter().flat_map(|shape| shape.kinds).copied().collect();
    let mut expected: Vec<&str> =
        kinds_of(Class::A).filter(|kind| !is_of_absent_aggregate(kind)).collect();
    covered.sort_unstable();
    expected.sort_unstable();
    assert_eq!(covered, expected);
}

#[tokio::test]
async fn every_type_is_understood_as_stripe_sends_it() {
    for shape in shapes() {
        for kind in shape.kinds {
            let translation = read(&shape, kind, &shape.object).await;
            if kind.starts_with("reserve.") {
                assert_eq!(
                    translation,
                    ignored("recorded: moves by balance transaction only"),
                    "{kind}"
                );
            } else {
                let (_, commands, _) = applied(translation);
                assert!(!commands.is_empty(), "{kind}");
            }
        }
    }
}

/// A field that is missing, `null` or of another shape never makes the reader fail. If it is
/// essential the message is quarantined, naming the field; if not, the message is applied.
#[tokio::test]
async fn only_what_is_essential_is_missed_and_it_is_named() {
    for shape in shapes().iter().filter(|shape| !shape.kinds[0].starts_with("reserve.")) {
        let kind = shape.kinds[0];
        let names: Vec<String> = shape.object.as_object().unwrap().keys().cloned().collect();
        for name in names {
            let mut missing = shape.object.clone();
            missing.as_object_mut().unwrap().shift_remove(&name);
            let mut null = shape.object.clone();
            null[&name] = Value::Null;
            for object in [missing, null] {
                match read(shape, kind, &object).await {
                    Translation::Quarantine { error } => {
                        assert!(shape.essential.contains(&name.as_str()), "{kind} {name}: {error}");
                        assert_eq!(error, format!("{kind}: {name}: missing"));
                    }
                    Translation::Apply { .. } => {
                        assert!(!shape.essential.contains(&name.as_str()), "{kind} {name}");
                    }
                    other => panic!("{kind} without {name}: {other:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_field_of_another_shape_is_left_out_or_named() {
    for shape in &shapes() {
        let kind = shape.kinds[0];
        let names: Vec<String> = shape.object.as_object().unwrap().keys().cloned().collect();
        for name in names {
            for odd in [json!(17.5), json!("odd"), json!([[]]), json!({ "odd": true }), json!(true)]
            {
                let mut object = shape.object.clone();
                object[&name] = odd.clone();
                if let Translation::Quarantine { error } = read(shape, kind, &object).await {
                    assert!(error.contains(name.as_str()), "{kind} {name} = {odd}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_message_without_an_object_waits_for_a_person() {
    let translator = StripeTranslator::new();
    for body in [
        &b"{}"[..],
        b"{\"data\":{}}",
        b"{\"data\":{\"object\":null}}",
        b"{\"data\":{\"object\":\"ch_1\"}}",
        b"rubbish",
        &[0xff],
    ] {
        let translation =
            translator.translate(&info("charge.succeeded"), body, &Known::default()).await.unwrap();
        assert!(matches!(translation, Translation::Quarantine { .. }), "{body:?}");
    }
}

#[tokio::test]
async fn a_type_nobody_knows_waits_for_a_person() {
    let object = json!({ "id": "x" });
    let Translation::Quarantine { error } = platform("moon.landed", &object, &links()).await else {
        panic!("it would not be seen");
    };
    assert!(error.starts_with("unknown type \"moon.landed\""), "{error}");
    // What is not this tenant's mode is passed over first, known or not.
    let live = ReceivedInfo { livemode: Some(true), ..info("moon.landed") };
    assert_eq!(translated(&live, &object, &links()).await, ignored("livemode"));
}

#[tokio::test]
async fn what_is_not_acted_on_says_why() {
    let object = json!({ "id": "x" });
    for (kind, why) in [
        ("customer.created", "class B: recorded"),
        ("treasury.received_debit.created", "class C"),
        ("invoice.paid", "class A, aggregate not present yet"),
        ("customer.subscription.updated", "class A, aggregate not present yet"),
    ] {
        assert_eq!(platform(kind, &object, &links()).await, ignored(why), "{kind}");
    }
    let live = ReceivedInfo { livemode: Some(true), ..info("charge.succeeded") };
    assert_eq!(translated(&live, &fixture("charge"), &links()).await, ignored("livemode"));
    let live_tenant = ReceivedInfo { mode: Mode::Live, ..info("charge.succeeded") };
    assert_eq!(translated(&live_tenant, &fixture("charge"), &links()).await, ignored("livemode"));
}
