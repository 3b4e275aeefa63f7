//! A buyer's bank takes money back; some of it returns.

use serde_json::{Value, json};
use stripe_fake::{DisputeOutcome, NewDispute, Operation, Target};
use tests::{House, goods};

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_bears_what_is_lost_and_gets_back_what_returns() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let (dispute, stripe_dispute) = disputed(&house, &order).await;

    // While it is open, the seller's part is held and the money stands in `disputes-open`.
    assert_eq!(house.money_of(&seller).await, [0, 0, 0, 9_000, 0]);
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts[&format!("assets:disputes-open:{stripe_dispute}")], 10_000);
    assert_eq!(accounts["expenses:stripe-fees:dispute"], 1_500);
    house.the_books_are_right().await;
    let again = json!({ "line": 0, "reason": "broken", "force": true });
    let refund = house.admin().post(&format!("/v1/orders/{order}/refunds"), again).await;
    refund.problem(409, "order.charge_under_dispute");

    answer(&house, &dispute).await;
    close(&house, &stripe_dispute, DisputeOutcome::partly_lost(4_000)).await;

    // 60.00 are lost: 54.00 the seller's, 6.00 the platform's commission.
    let row = house.admin().read(&format!("/v1/disputes/{dispute}")).await;
    assert_eq!((&row["outcome"], &row["reinstated"]), (&"lost".into(), &4_000.into()));
    let [pending, available, _, held, owed] = house.money_of(&seller).await;
    assert_eq!((pending + available, held, owed), (3_600, 0, 0));
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts["income:commission-refunded"], 600);
    assert!(!accounts.contains_key(&format!("assets:disputes-open:{stripe_dispute}")));
    assert_eq!(accounts["assets:stripe:balance"], 10_000 - 320 - 11_500 + 4_000);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_won_dispute_gives_everything_back_but_the_fee() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let (dispute, stripe_dispute) = disputed(&house, &order).await;
    answer(&house, &dispute).await;
    close(&house, &stripe_dispute, DisputeOutcome::won(false)).await;
    let [pending, available, _, held, owed] = house.money_of(&seller).await;
    assert_eq!((pending + available, held, owed), (9_000, 0, 0));
    assert_eq!(house.platform_accounts().await["assets:stripe:balance"], 10_000 - 320 - 1_500);
    house.the_books_are_right().await;
    assert_eq!(house.work().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_news_of_a_dispute_may_come_in_any_order_and_twice() {
    a_dispute_out_of_order(House::open().await).await;
}

/// A dispute whose webhooks are shuffled and doubled.
pub(super) async fn a_dispute_out_of_order(house: House) {
    use stripe_fake::{DeliveryOptions, DeliveryOrder, Seed};
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    let payment = Target::id(house.charge_of(&order));
    let opened = house.happen(Operation::OpenDispute(NewDispute::chargeback(payment))).unwrap();
    let outcome = DisputeOutcome::partly_lost(4_000);
    house.happen(Operation::CloseDispute { dispute: Target::id(opened), outcome });
    let options = DeliveryOptions {
        order: DeliveryOrder::Shuffled(Seed(11)),
        copies: 2,
        ..DeliveryOptions::default()
    };
    let report = house.deliver_with(&options).await;
    assert_eq!(report.failed, Vec::<String>::new());
    let [pending, available, _, held, owed] = house.money_of(&seller).await;
    assert_eq!((pending + available, held, owed), (3_600, 0, 0));
    house.the_books_are_right().await;
}

/// A chargeback of a whole order: our id and Stripe's.
async fn disputed(house: &House, order: &str) -> (String, String) {
    let payment = Target::id(house.charge_of(order));
    let stripe = house.happen(Operation::OpenDispute(NewDispute::chargeback(payment))).unwrap();
    house.deliver().await;
    let rows = house.admin().rows(&format!("/v1/disputes?order_id={order}")).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (&row["stripe_dispute"], &row["inquiry"]),
        (&stripe.clone().into(), &Value::from(0))
    );
    (row["dispute"].as_str().unwrap().to_owned(), stripe)
}

/// Finance sends evidence, once.
async fn answer(house: &House, dispute: &str) {
    let finance = house.holder("finance_ops", None).await;
    let path = format!("/v1/disputes/{dispute}/evidence");
    let fields = json!({ "uncategorized_text": "Delivered and signed for." });
    let body = json!({ "fields": fields, "submit": true });
    // Stripe tells time in seconds; news of the same second has no order.
    house.pass_seconds(60).await;
    finance.post(&path, body).await.json();
    house.deliver().await;
    let row = finance.read(&format!("/v1/disputes/{dispute}")).await;
    assert_eq!((&row["status"], &row["track"]), (&"under_review".into(), &"submitted".into()));
}

async fn close(house: &House, stripe_dispute: &str, outcome: DisputeOutcome) {
    house.happen(Operation::CloseDispute { dispute: Target::id(stripe_dispute), outcome });
    house.deliver().await;
}
