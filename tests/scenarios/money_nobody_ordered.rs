//! Money comes that belongs to no order: it is kept apart, shown, and given to whom it belongs.

use serde_json::{Value, json};
use stripe_fake::{ApiRequest, BarePayment, Operation, Target};
use tests::{House, goods};

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_nobody_ordered_is_unallocated_after_three_days_and_then_some_sellers() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let (payment, charge) = stray(&house, 5_000).await;
    assert_eq!(payment["status"], "captured");
    assert_eq!(payment["set_aside"], Value::Null, "the link may still come");

    house.pass_days(4).await;
    let id = payment["payment"].as_str().unwrap();
    let payment = house.admin().read(&format!("/v1/payments/{id}")).await;
    assert_eq!(
        (&payment["set_aside"], &payment["unallocated"]),
        (&"unattributed".into(), &5_000.into())
    );
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts[&format!("liabilities:unallocated:{charge}")], -5_000);
    assert!(house.work().await.iter().any(|(kind, _)| kind == "unallocated"));
    house.the_books_are_right().await;

    let finance = house.holder("finance_ops", None).await;
    let path = format!("/v1/payments/{id}/attribution");
    let short = json!({
        "shares": [{ "seller": seller.id, "seller_net": 4_000, "fee": 500 }], "reason": "letter",
    });
    finance.post(&path, short).await.problem(422, "payment.shares_do_not_sum");
    let whole = json!({
        "shares": [{ "seller": seller.id, "seller_net": 4_500, "fee": 500 }], "reason": "letter",
    });
    finance.post(&path, whole).await.json();
    house.settle().await;
    assert_eq!(house.money_of(&seller).await.iter().sum::<i64>(), 4_500);
    assert_eq!(house.platform_accounts().await["income:commission"], -500);
    assert_eq!(house.work().await, []);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_comes_late_pays_the_order_after_all() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.place(goods::order(&seller.id, &[5_000])).await;
    let (_, charge) = stray(&house, 5_000).await;
    let linking = ApiRequest {
        parameters: json!({
            "metadata": { "daybook_tenant": house.daybook.tenant(), "daybook_order": order },
        }),
        ..ApiRequest::post(format!("/v1/charges/{charge}"), "")
    };
    let answer = house.stripe.call(&linking.key("late link")).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    house.deliver().await;
    assert_eq!(house.order(&order).await["payment_status"], "paid");
    assert_eq!(house.money_of(&seller).await, [4_500, 0, 0, 0, 0]);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_finds_the_order_that_set_aside_money_is_for() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let (payment, _) = stray(&house, 5_000).await;
    house.pass_days(4).await;
    let order = house.place(goods::order(&seller.id, &[5_000])).await;
    let path = format!("/v1/payments/{}/attribution", payment["payment"].as_str().unwrap());
    house.admin().post(&path, json!({ "order": order, "reason": "invoice 7" })).await.json();
    house.deliver().await;
    assert_eq!(house.order(&order).await["payment_status"], "paid");
    assert_eq!(house.money_of(&seller).await.iter().sum::<i64>(), 4_500);
    assert_eq!(house.work().await, []);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_nobody_claims_goes_back() {
    let house = House::open().await;
    let (payment, charge) = stray(&house, 5_000).await;
    house.pass_days(4).await;
    let path = format!("/v1/payments/{}/refunds", payment["payment"].as_str().unwrap());
    house.admin().post(&path, json!({ "reason": "nobody claims it" })).await.json();
    house.deliver().await;
    let charge = house.stripe.object(&charge).unwrap();
    assert_eq!(charge["amount_refunded"], 5_000);
    assert_eq!(house.platform_accounts().await["assets:stripe:balance"], -175);
    assert_eq!(house.work().await, []);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_payment_of_an_order_is_a_duplicate_and_goes_back_by_itself() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[5_000])).await;
    let second = house.happen(Operation::Pay(house.payment_of(&order, 5_000))).unwrap();
    house.deliver().await;
    let rows = house.admin().rows("/v1/payments?set_aside=duplicate").await;
    let [duplicate] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(duplicate["intent"], second.as_str());
    assert_eq!(duplicate["unallocated"], 0);
    let charge = house.stripe.object(duplicate["charge"].as_str().unwrap()).unwrap();
    assert_eq!(charge["amount_refunded"], 5_000);
    assert_eq!(house.money_of(&seller).await, [4_500, 0, 0, 0, 0], "an order is paid once");
    assert_eq!(house.work().await, []);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_another_amount_leaves_the_order_in_conflict() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.place(goods::order(&seller.id, &[5_000])).await;
    house.happen(Operation::Pay(house.payment_of(&order, 4_999)));
    house.deliver().await;
    assert_eq!(house.order(&order).await["status"], "conflicted");
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 0, 0]);
    let rows = house.admin().rows("/v1/payments?set_aside=conflict").await;
    assert_eq!(rows.len(), 1);
    house.the_books_are_right().await;
}

/// A charge without any of our ids: the payment's row, and the charge.
async fn stray(house: &House, amount: i64) -> (Value, String) {
    let bare = BarePayment { amount, ..BarePayment::default() };
    let intent = house.happen(Operation::Pay(bare)).unwrap();
    house.deliver().await;
    let charge = house.stripe.find_charge(&Target::id(intent)).unwrap();
    let rows = house.admin().rows(&format!("/v1/payments?charge={charge}")).await;
    let [payment] = rows.as_slice() else { panic!("{rows:?}") };
    (payment.clone(), charge)
}
