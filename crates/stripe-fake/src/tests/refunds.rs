//! Refunds and what banks make of them.

use super::{DAY, START, accepted, ask, get, kinds_since, paid_order, refusal_code, stripe, text};
use crate::{ApiRequest, Behaviour, Operation, RefundPlan, RefundStatus, Rule, Target, When};

fn refund(charge: &str, amount: i64, key: &str) -> ApiRequest {
    ApiRequest::post("/v1/refunds", &format!("charge={charge}&amount={amount}")).key(key)
}

#[test]
fn refunds_add_up_to_the_charge_and_never_exceed_it() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 10_000, "usd");
    let before = stripe.event_count();
    accepted(&stripe, &refund(&charge, 4_000, "r1"));
    assert_eq!(kinds_since(&stripe, before), ["refund.created", "charge.refunded"]);
    assert_eq!(refusal_code(&stripe, &refund(&charge, 6_001, "r2")), "amount_too_large");
    accepted(&stripe, &refund(&charge, 6_000, "r3"));
    assert_eq!(refusal_code(&stripe, &refund(&charge, 1, "r4")), "charge_already_refunded");
    assert_eq!(get(&stripe, &format!("/v1/charges/{charge}"))["refunded"], true);
    assert_eq!(stripe.balance(None)["usd"], -320, "the processing fee is not returned");
    let listed = ApiRequest {
        parameters: serde_json::json!({ "charge": charge }),
        ..ApiRequest::get("/v1/refunds")
    };
    assert_eq!(accepted(&stripe, &listed)["data"].as_array().unwrap().len(), 2);
}

#[test]
fn a_rule_makes_the_refund_of_one_order_fail_after_it_succeeded() {
    let stripe = stripe();
    let when = When::Metadata { key: "daybook_order".into(), value: "ord_1".into() };
    let rule = Rule::new(when, Behaviour::Refund(RefundPlan::fails_after_success(3 * DAY)));
    stripe.apply("rule", Operation::AddRule(rule)).unwrap();
    let failing = paid_order(&stripe, "ord_1", 10_000, "usd");
    let fine = paid_order(&stripe, "ord_2", 10_000, "usd");
    let first = accepted(&stripe, &refund(&failing, 10_000, "r1"));
    accepted(&stripe, &refund(&fine, 10_000, "r2"));
    assert_eq!(text(&first, "status"), "succeeded");
    assert_eq!(stripe.balance(None)["usd"], -640);

    stripe.advance_to(START + 3 * DAY).unwrap();
    let failed = get(&stripe, &format!("/v1/refunds/{}", text(&first, "id")));
    assert_eq!(text(&failed, "status"), "failed");
    assert!(text(&failed, "failure_balance_transaction").starts_with("txn_"));
    assert_eq!(stripe.balance(None)["usd"], 10_000 - 640);
    assert_eq!(get(&stripe, &format!("/v1/charges/{failing}"))["amount_refunded"], 0);
    let kinds = stripe.event_kinds();
    for kind in ["refund.failed", "refund.updated", "charge.refund.updated"] {
        assert_eq!(kinds.iter().filter(|known| *known == kind).count(), 1, "{kind}");
    }
}

#[test]
fn only_a_refund_that_waits_for_the_buyer_can_be_canceled() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 10_000, "usd");
    let waiting = Operation::Refund {
        payment: Target::id(charge.as_str()),
        amount: Some(1_000),
        reason: None,
        metadata: std::collections::BTreeMap::new(),
        plan: Some(RefundPlan::requires_action()),
    };
    stripe.apply("dashboard", waiting).unwrap();
    assert_eq!(stripe.balance(None)["usd"], 9_680, "nothing has left yet");
    let id = stripe.id_of("re", "dashboard");
    let cancel = ApiRequest::post(format!("/v1/refunds/{id}/cancel"), "").key("cancel");
    assert_eq!(text(&accepted(&stripe, &cancel), "status"), "canceled");
    assert_eq!(stripe.balance(None)["usd"], 9_680);

    let done = accepted(&stripe, &refund(&charge, 1_000, "r1"));
    let cancel = ApiRequest::post(format!("/v1/refunds/{}/cancel", text(&done, "id")), "");
    assert_eq!(ask(&stripe, &cancel).status, 400);
}

#[test]
fn a_pending_refund_succeeds_later_without_moving_money_again() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 10_000, "usd");
    let rule = Rule::new(
        When::Payment(charge.clone()),
        Behaviour::Refund(RefundPlan::succeeds_after(DAY)),
    );
    stripe.apply("rule", Operation::AddRule(rule)).unwrap();
    let pending = accepted(&stripe, &refund(&charge, 1_000, "r1"));
    assert_eq!(text(&pending, "status"), RefundStatus::Pending.as_str());
    let balance = stripe.balance(None);
    stripe.advance_to(START + DAY).unwrap();
    assert_eq!(
        text(&get(&stripe, &format!("/v1/refunds/{}", text(&pending, "id"))), "status"),
        "succeeded"
    );
    assert_eq!(stripe.balance(None), balance);
}
