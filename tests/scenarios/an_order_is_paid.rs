//! An order is placed, paid, released and paid out, and every figure says why it is what it is.

use serde_json::{Value, json};
use tests::{House, goods, house::DAY};

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_becomes_two_sellers_pending_money() {
    an_order_is_paid(House::open().await).await;
}

/// An order of two sellers, paid by card.
pub(super) async fn an_order_is_paid(house: House) {
    let (first, second) = (house.seller("walnut").await, house.seller("willow").await);
    let order = house.place(goods::example_order(&first.id, &second.id)).await;
    assert_eq!(house.platform_accounts().await, accounts(&[]), "placing posts nothing");

    house.check_out(&order).await;

    let row = house.order(&order).await;
    assert_eq!((&row["status"], &row["payment_status"]), (&"confirmed".into(), &"paid".into()));
    let charge = house.charge_of(&order);
    assert_eq!(row["charge"], charge);
    assert_eq!(
        posted(&house, &order, "order.paid").await,
        [
            (format!("assets:clearing:stripe:charge:{charge}"), 10_325),
            ("assets:clearing:internal:claim".to_owned(), -5_900),
            ("income:commission".to_owned(), -600),
            ("liabilities:tax:US-CA".to_owned(), -512),
            ("income:discounts".to_owned(), 600),
            ("assets:clearing:internal:claim".to_owned(), -3_600),
            ("income:commission".to_owned(), -400),
            ("liabilities:tax:US-CA".to_owned(), -313),
            ("income:discounts".to_owned(), 400),
        ]
    );
    assert_eq!(
        house.platform_accounts().await,
        accounts(&[
            ("assets:stripe:balance", 9_996),
            ("expenses:stripe-fees:processing", 329),
            ("income:commission", -1_000),
            ("income:discounts", 1_000),
            ("liabilities:tax:US-CA", -825),
            (&format!("liabilities:seller:{}:pending", first.id), -5_900),
            (&format!("liabilities:seller:{}:pending", second.id), -3_600),
        ])
    );
    assert_eq!(house.money_of(&first).await, [5_900, 0, 0, 0, 0]);
    assert_eq!(house.money_of(&second).await, [3_600, 0, 0, 0, 0]);
    house.the_books_are_right().await;
    assert_eq!(house.work().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_released_after_a_week_and_not_a_day_before() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    house.pass_seconds(7 * DAY - 60).await;
    assert_eq!(house.money_of(&seller).await, [9_000, 0, 0, 0, 0]);
    house.pass_seconds(DAY).await;
    assert_eq!(house.money_of(&seller).await, [0, 9_000, 0, 0, 0]);
    house.the_books_are_right().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_explained_down_to_the_webhook_it_came_with() {
    figures_are_explained(House::open().await).await;
}

/// A sale and its release, explained by the API and at the command line.
pub(super) async fn figures_are_explained(house: House) {
    let seller = house.seller("walnut").await;
    let order = house.paid(goods::order(&seller.id, &[10_000])).await;
    house.pass_days(8).await;

    let path = format!("/v1/explain?seller={}&currency=USD", seller.id);
    let available = house.admin().read(&format!("{path}&part=available")).await;
    assert_eq!((&available["minor"], &available["amount"]), (&9_000.into(), &"90.00 USD".into()));
    assert_running_sum_ends_in_the_figure(&available);
    let pending = house.admin().read(&format!("{path}&part=pending")).await;
    assert_eq!(pending["minor"], 0);
    assert_running_sum_ends_in_the_figure(&pending);

    let sale = &pending["lines"][0];
    assert_eq!((&sale["minor"], &sale["order"]), (&9_000.into(), &order.clone().into()));
    let webhook = sale["causes"].as_array().unwrap().last().unwrap()["webhook"].as_str().unwrap();
    let received = house.admin().read(&format!("/v1/webhook-events/{webhook}")).await;
    assert_eq!(received["status"], "applied");

    let told = house.daybook.run(&["explain", &seller.id, "--part", "pending", "--json"]).await;
    assert_eq!(told.json(), pending, "the command line tells the same as the API");
    let shown = house.daybook.run(&["explain", &seller.id]).await.fine();
    assert!(shown.out.contains("90.00") && shown.out.contains("seller_account.released"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_goes_to_the_connected_account_and_on_to_the_bank() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    house.pass_days(8).await;

    let owner = house.holder("seller_owner", Some(&seller)).await;
    let path = format!("/v1/sellers/{}/payouts", seller.id);
    let payout = owner.post(&path, json!({ "currency": "USD", "amount": 6_000 })).await.id();
    house.deliver().await;

    assert_eq!(house.money_of(&seller).await, [0, 3_000, 0, 0, 0]);
    let row = owner.read(&format!("/v1/payouts/{payout}")).await;
    let transfer = house.stripe.object(row["transfer"].as_str().unwrap()).unwrap();
    assert_eq!(transfer["amount"], 6_000);
    assert_eq!(transfer["destination"], seller.account);
    let bank = house.stripe.object(row["stripe_payout"].as_str().unwrap()).unwrap();
    assert_eq!((&bank["amount"], &bank["status"]), (&6_000.into(), &"pending".into()));
    // What was sent to the bank has left the connected account, and the mirror of it.
    assert_eq!(house.balance(&seller.account, "assets:stripe:balance").await, 0);
    house.the_books_are_right().await;

    house.pass_days(4).await;
    let row = owner.read(&format!("/v1/payouts/{payout}")).await;
    assert_eq!((&row["status"], &row["amount"]), (&"paid".into(), &6_000.into()));
    assert_eq!(house.money_of(&seller).await, [0, 3_000, 0, 0, 0]);
    house.the_books_are_right().await;
    assert_eq!(house.work().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_the_bank_sends_back_stays_in_the_mirror_book() {
    use stripe_fake::{Behaviour, Operation, PayoutPlan, Rule, When};
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    house.pass_days(8).await;
    house.happen(Operation::AddRule(Rule::new(
        When::Account(seller.account.clone()),
        Behaviour::Payout(PayoutPlan::paid_then_failed()),
    )));
    let path = format!("/v1/sellers/{}/payouts", seller.id);
    let payout = house.admin().post(&path, json!({ "currency": "USD" })).await.id();
    house.deliver().await;
    house.pass_days(7).await;

    let row = house.admin().read(&format!("/v1/payouts/{payout}")).await;
    assert_eq!(row["status"], "returned");
    assert_eq!(house.balance(&seller.account, "assets:stripe:balance").await, 9_000);
    assert_eq!(house.balance(&seller.account, "liabilities:owner").await, -9_000);
    house.the_books_are_right().await;
    let work = house.work().await;
    assert!(work.iter().any(|(_, subject)| *subject == payout), "{work:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_the_same_balances_as_the_api() {
    balances_at_the_command_line(House::open().await).await;
}

/// The trial balance at the command line, now and as known before.
pub(super) async fn balances_at_the_command_line(house: House) {
    let (first, second) = (house.seller("walnut").await, house.seller("willow").await);
    house.paid(goods::example_order(&first.id, &second.id)).await;
    let told = house.daybook.run(&["balance", "--json", "--currency", "USD"]).await.json();
    let told =
        told.as_array().unwrap().iter().map(|row| {
            (row["account"].as_str().unwrap().to_owned(), row["minor"].as_i64().unwrap())
        });
    assert_eq!(told.collect::<std::collections::BTreeMap<_, _>>(), house.platform_accounts().await);

    // As it was known before anybody paid, there was nothing.
    let before = house.daybook.run(&["balance", "--json", "--known-at", "3"]).await.json();
    assert_eq!(before, json!([]));
    house.daybook.run(&["doctor"]).await.fine();
}

fn assert_running_sum_ends_in_the_figure(explained: &Value) {
    let lines = explained["lines"].as_array().unwrap();
    assert!(!lines.is_empty());
    let mut sum = 0;
    for line in lines {
        sum += line["minor"].as_i64().unwrap();
        assert_eq!(line["running"], sum);
    }
    assert_eq!(explained["minor"], sum);
}

/// Lines that an event of an order posted; claims without their names, which are long.
async fn posted(house: &House, order: &str, event_type: &str) -> Vec<(String, i64)> {
    let path = format!("/v1/journal?order_id={order}&event_type={event_type}");
    let rows = house.admin().rows(&path).await;
    let short = |account: &str| match account.split_once(":claim:") {
        Some((front, _)) => format!("{front}:claim"),
        None => account.to_owned(),
    };
    rows.iter()
        .map(|row| (short(row["account"].as_str().unwrap()), row["minor"].as_i64().unwrap()))
        .collect()
}

fn accounts(expected: &[(&str, i64)]) -> std::collections::BTreeMap<String, i64> {
    expected.iter().map(|(account, minor)| ((*account).to_owned(), *minor)).collect()
}
