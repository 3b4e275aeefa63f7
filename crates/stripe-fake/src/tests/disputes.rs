//! Disputes, warnings and reviews.

use super::{DAY, START, accepted, get, kinds_since, paid_order, refusal_code, stripe, text};
use crate::{ApiRequest, DisputeOutcome, FakeStripe, NewDispute, Operation, Target};

fn dispute(stripe: &FakeStripe, key: &str, new: NewDispute) -> String {
    stripe.apply(key, Operation::OpenDispute(new)).unwrap().id.unwrap()
}

#[test]
fn a_chargeback_withdraws_amount_and_fee_at_once_and_a_win_returns_what_it_says() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 5_413, "usd");
    let before_balance = stripe.balance(None)["usd"];
    let before = stripe.event_count();
    let id = dispute(&stripe, "dispute", NewDispute::chargeback(Target::id(charge.as_str())));
    assert_eq!(
        kinds_since(&stripe, before),
        ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    );
    let object = get(&stripe, &format!("/v1/disputes/{id}"));
    let transaction = &object["balance_transactions"][0];
    assert_eq!((&transaction["amount"], &transaction["fee"]), (&(-5_413).into(), &1_500.into()));
    assert_eq!(text(transaction, "reporting_category"), "dispute");
    assert_eq!(stripe.balance(None)["usd"], before_balance - 6_913);
    let refund = ApiRequest::post("/v1/refunds", &format!("charge={charge}")).key("r");
    assert_eq!(refusal_code(&stripe, &refund), "charge_disputed");

    let evidence = "evidence[product_description]=A+chair&submit=true";
    let answered = ApiRequest::post(format!("/v1/disputes/{id}"), evidence).key("e");
    assert_eq!(text(&accepted(&stripe, &answered), "status"), "under_review");
    let won = Operation::CloseDispute {
        dispute: Target::id(id.as_str()),
        outcome: DisputeOutcome::won(false),
    };
    stripe.apply("won", won).unwrap();
    assert_eq!(stripe.balance(None)["usd"], before_balance - 1_500);
    assert_eq!(stripe.event_kinds().last().unwrap(), "charge.dispute.funds_reinstated");
}

#[test]
fn an_inquiry_withdraws_nothing_until_it_becomes_a_chargeback() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 5_000, "usd");
    let balance = stripe.balance(None)["usd"];
    let id = dispute(&stripe, "dispute", NewDispute::inquiry(Target::id(charge)));
    assert_eq!(stripe.balance(None)["usd"], balance);
    stripe
        .apply("escalated", Operation::EscalateDispute { dispute: Target::made("dispute") })
        .unwrap();
    assert_eq!(stripe.balance(None)["usd"], balance - 6_500);
    let lost = Operation::CloseDispute {
        dispute: Target::id(id.as_str()),
        outcome: DisputeOutcome::partly_lost(1_200),
    };
    stripe.apply("lost", lost).unwrap();
    assert_eq!(stripe.balance(None)["usd"], balance - 6_500 + 1_200);
    let object = get(&stripe, &format!("/v1/disputes/{id}"));
    assert_eq!(text(&object, "status"), "lost");
    assert_eq!(object["balance_transactions"].as_array().unwrap().len(), 2);
}

#[test]
fn a_closed_inquiry_a_prevented_dispute_and_one_above_the_charge_are_possible() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 5_000, "usd");
    let closed = NewDispute {
        outcome: Some((DAY, DisputeOutcome::warning_closed())),
        ..NewDispute::inquiry(Target::id(charge.as_str()))
    };
    let id = dispute(&stripe, "inquiry", closed);
    stripe.advance_to(START + DAY).unwrap();
    assert_eq!(text(&get(&stripe, &format!("/v1/disputes/{id}")), "status"), "warning_closed");

    let prevented = NewDispute {
        withdraw: false,
        outcome: Some((DAY, DisputeOutcome::prevented())),
        ..NewDispute::chargeback(Target::id(charge.as_str()))
    };
    let balance = stripe.balance(None)["usd"];
    dispute(&stripe, "prevented", prevented);
    stripe.advance_to(START + 2 * DAY).unwrap();
    assert_eq!(stripe.balance(None)["usd"], balance);

    let above = NewDispute {
        amount: Some(5_500),
        fee: Some(0),
        ..NewDispute::chargeback(Target::id(charge))
    };
    dispute(&stripe, "above", above);
    assert_eq!(stripe.balance(None)["usd"], balance - 5_500);
    let accept =
        ApiRequest::post(format!("/v1/disputes/{}/close", stripe.id_of("dp", "above")), "");
    assert_eq!(text(&accepted(&stripe, &accept.key("accept")), "status"), "lost");
}

#[test]
fn warnings_and_reviews_move_no_money() {
    let stripe = stripe();
    let charge = Target::id(paid_order(&stripe, "ord_1", 5_000, "usd"));
    let balance = stripe.balance(None);
    let before = stripe.event_count();
    let warn = Operation::WarnOfFraud {
        payment: charge.clone(),
        fraud_type: "made_with_stolen_card".into(),
    };
    stripe.apply("warning", warn).unwrap();
    stripe
        .apply("settled", Operation::SettleFraudWarning { warning: Target::made("warning") })
        .unwrap();
    stripe.apply("review", Operation::OpenReview { payment: charge }).unwrap();
    let close =
        Operation::CloseReview { review: Target::made("review"), reason: "approved".into() };
    stripe.apply("closed", close).unwrap();
    assert_eq!(
        kinds_since(&stripe, before),
        [
            "radar.early_fraud_warning.created",
            "radar.early_fraud_warning.updated",
            "review.opened",
            "review.closed",
        ]
    );
    assert_eq!(stripe.balance(None), balance);
}
