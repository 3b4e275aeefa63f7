//! Transfers, payouts and top-ups.

use serde_json::json;

use super::{
    DAY, START, accepted, ask, get, kinds_since, paid_order, refusal_code, seller, stripe, text,
    transferred,
};
use crate::{
    ApiRequest, Behaviour, FakeStripe, Operation, PayoutPlan, PayoutSchedule, Rule, Target,
    TopUpPlan, When,
};

/// A platform with money available and a ready seller.
fn funded() -> (FakeStripe, String) {
    let stripe = stripe();
    paid_order(&stripe, "ord_1", 100_000, "usd");
    stripe.advance_to(START + 2 * DAY).unwrap();
    let account = seller(&stripe, "seller");
    (stripe, account)
}

fn payout(account: &str, amount: i64, key: &str) -> ApiRequest {
    ApiRequest::post("/v1/payouts", &format!("amount={amount}&currency=usd"))
        .key(key)
        .on_account(account)
}

#[test]
fn a_transfer_needs_available_money_unless_a_charge_funds_it() {
    let stripe = stripe();
    let charge = paid_order(&stripe, "ord_1", 10_000, "usd");
    let account = seller(&stripe, "seller");
    let form = format!("amount=5000&currency=usd&destination={account}");
    let bare = ApiRequest::post("/v1/transfers", &form).key("t1");
    assert_eq!(refusal_code(&stripe, &bare), "balance_insufficient");
    assert_eq!(refusal_code(&stripe, &bare), "balance_insufficient", "the key remembers");
    let funded = ApiRequest::post("/v1/transfers", &format!("{form}&source_transaction={charge}"));
    let transfer = accepted(&stripe, &funded.key("t2"));
    assert_eq!(stripe.balance(Some(&account))["usd"], 5_000);
    assert_eq!(stripe.available(Some(&account))["usd"], 0);
    stripe.advance_to(START + 2 * DAY).unwrap();
    assert_eq!(stripe.available(Some(&account))["usd"], 5_000);

    let reversal = |amount: i64, key: &str| {
        let path = format!("/v1/transfers/{}/reversals", text(&transfer, "id"));
        ApiRequest::post(path, &format!("amount={amount}")).key(key)
    };
    accepted(&stripe, &reversal(2_000, "rev1"));
    accepted(&stripe, &payout(&account, 2_500, "po"));
    assert_eq!(refusal_code(&stripe, &reversal(600, "rev2")), "balance_insufficient");
    accepted(&stripe, &reversal(500, "rev3"));
    assert_eq!(stripe.balance(Some(&account))["usd"], 0);
    assert_eq!(stripe.balance(None)["usd"], 10_000 - 320 - 5_000 + 2_500);
}

#[test]
fn a_payout_can_fail_after_it_was_paid_and_stops_until_the_bank_account_is_replaced() {
    let (stripe, account) = funded();
    transferred(&stripe, &account, 9_000);
    let rule = Rule::new(
        When::Account(account.clone()),
        Behaviour::Payout(PayoutPlan::paid_then_failed()),
    );
    stripe.apply("rule", Operation::AddRule(Rule { times: Some(1), ..rule })).unwrap();
    let before = stripe.event_count();
    let sent = accepted(&stripe, &payout(&account, 9_000, "po1"));
    assert_eq!(stripe.balance(Some(&account))["usd"], 0);
    stripe.advance_to(START + 4 * DAY).unwrap();
    let path = format!("/v1/payouts/{}", text(&sent, "id"));
    let paid = accepted(&stripe, &ApiRequest::get(path.as_str()).on_account(account.as_str()));
    assert_eq!(text(&paid, "status"), "paid");
    stripe.advance_to(START + 6 * DAY).unwrap();
    assert_eq!(stripe.balance(Some(&account))["usd"], 9_000);
    assert_eq!(
        kinds_since(&stripe, before),
        [
            "payout.created",
            "payout.updated",
            "payout.paid",
            "payout.failed",
            "account.external_account.updated",
            "account.updated",
        ]
    );
    assert_eq!(refusal_code(&stripe, &payout(&account, 9_000, "po2")), "payouts_not_allowed");
    stripe
        .apply("new bank", Operation::ReplaceExternalAccount { account: account.clone() })
        .unwrap();
    accepted(&stripe, &payout(&account, 9_000, "po3"));
}

#[test]
fn an_automatic_payout_is_the_sum_of_the_transactions_listed_for_it() {
    let (stripe, account) = funded();
    let daily = Operation::SetPayoutSchedule {
        account: Some(account.clone()),
        schedule: PayoutSchedule::Daily,
    };
    stripe.apply("daily", daily).unwrap();
    transferred(&stripe, &account, 4_000);
    transferred(&stripe, &account, 1_500);
    stripe.advance_to(START + 3 * DAY + 2 * 3_600).unwrap();
    let payouts = accepted(&stripe, &ApiRequest::get("/v1/payouts").on_account(account.as_str()));
    let sent = &payouts["data"][0];
    assert_eq!((&sent["amount"], &sent["automatic"]), (&5_500.into(), &true.into()));
    assert_eq!(text(sent, "reconciliation_status"), "completed");
    let listed = ApiRequest {
        parameters: json!({ "payout": sent["id"] }),
        ..ApiRequest::get("/v1/balance_transactions").on_account(account.as_str())
    };
    let listed = accepted(&stripe, &listed);
    let rows = listed["data"].as_array().unwrap();
    let sum: i64 = rows
        .iter()
        .filter(|row| row["type"] != "payout")
        .filter_map(|row| row["net"].as_i64())
        .sum();
    assert_eq!((rows.len(), sum), (3, 5_500));
    assert!(stripe.event_kinds().contains(&"payout.reconciliation_completed".to_owned()));
}

#[test]
fn switching_the_schedule_back_and_forth_still_means_one_run_a_day() {
    let (stripe, account) = funded();
    transferred(&stripe, &account, 4_000);
    for (number, schedule) in [PayoutSchedule::Daily, PayoutSchedule::Manual, PayoutSchedule::Daily]
        .into_iter()
        .enumerate()
    {
        let switch = Operation::SetPayoutSchedule { account: Some(account.clone()), schedule };
        stripe.apply(&format!("switch-{number}"), switch).unwrap();
    }
    let scheduled = stripe.scheduled_count();
    stripe.advance_to(START + 3 * DAY).unwrap();
    let payouts = accepted(&stripe, &ApiRequest::get("/v1/payouts").on_account(account.as_str()));
    assert_eq!(payouts["data"].as_array().unwrap().len(), 1);
    assert_eq!(stripe.balance(Some(&account))["usd"], 0);
    // In transit, paid and reconciled are still to come beside the next run.
    assert_eq!(stripe.scheduled_count(), scheduled + 3);
}

#[test]
fn a_payout_is_canceled_only_before_the_bank_has_it() {
    let (stripe, account) = funded();
    transferred(&stripe, &account, 3_000);
    let cancel = |id: &str| {
        ApiRequest::post(format!("/v1/payouts/{id}/cancel"), "").on_account(account.as_str())
    };
    let first = text(&accepted(&stripe, &payout(&account, 1_000, "po1")), "id");
    assert_eq!(text(&accepted(&stripe, &cancel(&first)), "status"), "canceled");
    assert_eq!(stripe.balance(Some(&account))["usd"], 3_000);
    let second = text(&accepted(&stripe, &payout(&account, 1_000, "po2")), "id");
    stripe.advance_to(stripe.now() + 3_600).unwrap();
    assert_eq!(ask(&stripe, &cancel(&second)).status, 400);
}

#[test]
fn the_platform_tops_up_and_pays_itself_out() {
    let (stripe, _) = funded();
    let balance = stripe.balance(None)["usd"];
    for (key, plan) in [
        ("arrives", TopUpPlan::Succeeded),
        ("fails", TopUpPlan::Failed),
        ("is canceled", TopUpPlan::Canceled),
        ("is reversed", TopUpPlan::Reversed),
    ] {
        stripe
            .apply(key, Operation::TopUp { amount: 7_000, currency: "usd".into(), plan })
            .unwrap();
    }
    stripe.advance_to(START + 3 * DAY).unwrap();
    assert_eq!(stripe.balance(None)["usd"], balance + 14_000);
    stripe.advance_to(START + 6 * DAY).unwrap();
    assert_eq!(stripe.balance(None)["usd"], balance + 7_000);
    let sweep =
        Operation::SendPayout { account: None, amount: None, currency: "usd".into(), plan: None };
    stripe.apply("sweep", sweep).unwrap();
    assert_eq!(stripe.balance(None)["usd"], 0);
    stripe.advance_to(START + 9 * DAY).unwrap();
    let payout = get(&stripe, &format!("/v1/payouts/{}", stripe.id_of("po", "sweep")));
    assert_eq!(text(&payout, "status"), "paid");
    let target = Target::made("sweep");
    assert_eq!(stripe.find(&target, "payout").unwrap(), text(&payout, "id"));
}
