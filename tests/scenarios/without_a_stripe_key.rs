//! Webhooks alone: the business side is complete, what only Stripe knows is shown as unknown, and a
//! file of balance transactions completes it.

use std::fs;

use serde_json::json;
use stripe_fake::{Operation, balance_transactions_csv, balance_transactions_json};
use tests::{House, goods, run_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_from_stripe_completes_the_books() {
    let house = House::open_without_key().await;
    let seller = house.seller("walnut").await;
    let order = house.place(goods::order(&seller.id, &[10_000])).await;
    house.happen(Operation::Pay(house.payment_of(&order, 10_000)));
    house.deliver().await;

    assert_eq!(house.order(&order).await["payment_status"], "paid");
    assert_eq!(house.money_of(&seller).await, [9_000, 0, 0, 0, 0]);
    let accounts = house.platform_accounts().await;
    assert_eq!(accounts.get("assets:stripe:balance"), None, "nobody has said what Stripe took");
    assert!(house.work().await.iter().any(|(kind, _)| kind == "fee_unknown"));
    house.pass_days(8).await;
    assert_eq!(house.money_of(&seller).await, [9_000, 0, 0, 0, 0], "and nothing is released on it");

    // The same facts as a report and as a list: whichever comes second changes nothing.
    let csv = balance_transactions_csv(&house.stripe).unwrap();
    assert_eq!(import(&house, "report.csv", &csv).await, json!({ "recorded": 1, "known": 0 }));
    house.settle().await;
    house.the_books_are_right().await;
    assert_eq!(house.work().await, []);
    assert_eq!(house.money_of(&seller).await, [0, 9_000, 0, 0, 0], "its funds are there now");
    let list = balance_transactions_json(&house.stripe).to_string();
    assert_eq!(import(&house, "list.json", &list).await, json!({ "recorded": 0, "known": 1 }));
    assert_eq!(house.stripe.call_count(), 0, "Stripe was never asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_wrong_anywhere_changes_nothing() {
    let house = House::open_without_key().await;
    house.happen(Operation::Pay(stripe_fake::BarePayment::default()));
    house.deliver().await;
    let csv = balance_transactions_csv(&house.stripe).unwrap();
    let head = house.admin().read("/v1/status").await["head"].clone();
    let file = house.daybook.scratch("broken.csv");
    fs::write(&file, format!("{csv}this,is,no,transaction\n")).unwrap();
    let admin = house.admin();
    let environment = [("DAYBOOK_KEY", admin.secret().unwrap())];
    let arguments =
        ["import", "balance-transactions", "--server", admin.url(), file.to_str().unwrap()];
    let line = run_in(&environment, &arguments).await.refusal(2);
    assert!(line.contains("broken.csv is not right"), "{line}");
    assert_eq!(house.admin().read("/v1/status").await["head"], head);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_done_at_stripe_is_listed_for_a_person() {
    let house = House::open_without_key().await;
    let seller = house.seller("walnut").await;
    let order = house.place(goods::order(&seller.id, &[10_000])).await;
    house.happen(Operation::Pay(house.payment_of(&order, 10_000)));
    house.deliver().await;
    let body = json!({ "line": 0, "reason": "broken", "force": true });
    let refund = house.admin().post(&format!("/v1/orders/{order}/refunds"), body).await.id();
    house.settle().await;
    let effects = house.admin().read("/v1/effects").await;
    let effects = effects["data"].as_array().unwrap();
    assert!(effects.iter().any(|effect| effect.to_string().contains(&refund)), "{effects:?}");
    assert_eq!(house.stripe.call_count(), 0);
}

async fn import(house: &House, name: &str, text: &str) -> serde_json::Value {
    let file = house.daybook.scratch(name);
    fs::write(&file, text).unwrap();
    let admin = house.admin();
    let environment = [("DAYBOOK_KEY", admin.secret().unwrap())];
    let path = file.to_str().unwrap();
    let arguments = ["import", "balance-transactions", "--json", "--server", admin.url(), path];
    run_in(&environment, &arguments).await.json()
}
