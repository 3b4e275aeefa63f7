//! A refund is asked for, decided, made, comes back from the bank, and is made again.

use serde_json::json;
use stripe_fake::{Behaviour, Operation, RefundPlan, Rule, Target, When};
use tests::{House, goods, house::DAY};

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_from_seller_and_platform_what_the_sale_gave_them() {
    let house = House::open().await;
    let (first, second) = (house.seller("walnut").await, house.seller("willow").await);
    let order = house.paid(goods::example_order(&first.id, &second.id)).await;

    // The buyer's support asks; the seller of the line decides.
    let support = house.holder("support", None).await;
    let path = format!("/v1/orders/{order}/refunds");
    let refund = support.post(&path, json!({ "line": 1, "reason": "wrong plan" })).await.id();
    house.settle().await;
    assert_eq!(status(&house, &refund).await, "requested");
    assert_eq!(house.stripe.calls().get("POST /v1/refunds"), None, "nobody has decided yet");

    let manager = house.holder("seller_manager", Some(&second)).await;
    manager.post(&format!("/v1/refunds/{refund}/approve"), json!({})).await.json();
    house.deliver().await;

    assert_eq!(status(&house, &refund).await, "succeeded");
    let at_stripe = house.stripe.object(&stripe_refund(&house, &refund).await).unwrap();
    assert_eq!(at_stripe["amount"], 3_913);
    let row = house.order(&order).await;
    assert_eq!(row["payment_status"], "partially_refunded");
    assert_eq!(row["refunded"], 3_913);
    assert_eq!(house.money_of(&first).await, [5_900, 0, 0, 0, 0]);
    assert_eq!(house.money_of(&second).await, [0, 0, 0, 0, 0]);
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts["income:commission-refunded"], 400);
    assert_eq!(accounts["income:discounts"], 600);
    assert_eq!(accounts["liabilities:tax:US-CA"], -512);
    assert_eq!(accounts.get("liabilities:refunds-payable"), None);
    assert_eq!(accounts["assets:stripe:balance"], 9_996 - 3_913);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_after_success_is_owed_and_can_be_made_again() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let plan = RefundPlan::fails_after_success(3 * DAY);
    let rule = Rule::new(When::Always, Behaviour::Refund(plan));
    house.happen(Operation::AddRule(Rule { times: Some(1), ..rule }));
    let refund = forced(&house, &order).await;
    assert_eq!(status(&house, &refund).await, "succeeded");
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 0, 0]);

    house.pass_days(4).await;
    assert_eq!(status(&house, &refund).await, "owed");
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts["liabilities:refunds-payable"], -10_000, "the buyer is still owed");
    assert_eq!(accounts["assets:stripe:balance"], 10_000 - 320);
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 0, 0], "and the seller still is not");
    house.the_books_are_right().await;
    assert!(house.work().await.iter().any(|(_, subject)| *subject == refund));

    let finance = house.holder("finance_ops", None).await;
    finance.post(&format!("/v1/refunds/{refund}/retry"), json!({})).await.json();
    house.deliver().await;
    assert_eq!(status(&house, &refund).await, "succeeded");
    assert_eq!(house.stripe.balance(None)["usd"], -320);
    assert!(!house.platform_accounts().await.contains_key("liabilities:refunds-payable"));
    house.the_books_are_right().await;
    assert_eq!(house.work().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_refund_gives_the_line_back_and_moves_no_money() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let path = format!("/v1/orders/{order}/refunds");
    let body = json!({ "line": 0, "reason": "changed my mind" });
    let refund = house.admin().post(&path, body.clone()).await.id();
    house.settle().await;
    let again = house.admin().post(&path, body.clone()).await;
    again.problem(409, "order.refund_already_open");

    let declined = format!("/v1/refunds/{refund}/decline");
    house.admin().post(&declined, json!({ "note": "made to order" })).await.json();
    house.settle().await;
    assert_eq!(status(&house, &refund).await, "declined");
    assert_eq!(house.money_of(&seller).await, [9_000, 0, 0, 0, 0]);
    house.the_books_are_right().await;
    house.admin().post(&path, body).await.json();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_made_in_the_dashboard_of_stripe_is_booked_like_our_own() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[6_000, 4_000])).await;
    house.happen(Operation::Refund {
        payment: Target::id(house.charge_of(&order)),
        amount: Some(1_000),
        reason: None,
        metadata: std::collections::BTreeMap::new(),
        plan: None,
    });
    house.deliver().await;
    // 10 % commission on every line: of the buyer's 10.00, the platform bore 1.00.
    assert_eq!(house.money_of(&seller).await, [8_100, 0, 0, 0, 0]);
    assert_eq!(house.platform_accounts().await["income:commission-refunded"], 100);
    assert_eq!(house.order(&order).await["refunded"], 1_000);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_does_not_refund_twice() {
    use stripe_fake::Fault;
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    house.stripe.fail_next("POST /v1/refunds", Fault::DropAfter, 1);
    let refund = forced(&house, &order).await;
    assert_eq!(status(&house, &refund).await, "succeeded");
    assert_eq!(house.stripe.balance(None)["usd"], -320);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_paid_out_before_the_refund_owes_it() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    house.paid(goods::order(&seller.id, &[20_000])).await;
    house.pass_days(8).await;
    let path = format!("/v1/sellers/{}/payouts", seller.id);
    house.admin().post(&path, json!({ "currency": "USD" })).await.json();
    house.deliver().await;
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 0, 0]);

    forced(&house, &order).await;
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 0, 9_000]);
    house.the_books_are_right().await;

    // What he earns next settles his debt first.
    house.paid(goods::order(&seller.id, &[20_000])).await;
    house.pass_days(8).await;
    assert_eq!(house.money_of(&seller).await, [0, 9_000, 0, 0, 0]);
    house.the_books_are_right().await;
}

async fn forced(house: &House, order: &str) -> String {
    let body = json!({ "line": 0, "reason": "broken", "force": true });
    let refund = house.admin().post(&format!("/v1/orders/{order}/refunds"), body).await.id();
    house.deliver().await;
    refund
}

async fn status(house: &House, refund: &str) -> String {
    let row = house.admin().read(&format!("/v1/refunds/{refund}")).await;
    row["status"].as_str().unwrap().to_owned()
}

async fn stripe_refund(house: &House, refund: &str) -> String {
    let row = house.admin().read(&format!("/v1/refunds/{refund}")).await;
    row["stripe_refund"].as_str().unwrap().to_owned()
}
