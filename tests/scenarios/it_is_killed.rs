//! The power fails, again and again, while orders, webhooks and refunds come in: nothing that was
//! acknowledged is lost, nothing happens twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::json;
use stripe_fake::FakeStripe;
use tests::{
    House, goods, run,
    storm::{Done, PRICE, Storm, Unanswered, aftermath},
};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_any_moment_and_nothing_is_lost_or_doubled() {
    the_power_fails(House::open().await, rounds(5, 50)).await;
}

/// Rounds of orders, webhooks and refunds, each cut off by a kill.
pub(super) async fn the_power_fails(mut house: House, rounds: u32) {
    let (mut random, begun) = (seeded(), Instant::now());
    let seller = house.seller("walnut").await;
    let done = Done::default();
    for round in 0..rounds {
        let storm = Storm::over(&house, &seller, &done, round, Unanswered::GivesUp).await;
        // This is not waiting for anything: it is the moment at which the power fails.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        house.daybook.kill().await;
        storm.ends().await;
        house.daybook.restart().await;
        house.settle().await;
        assert_eq!(done.missing(&house.admin()).await, Vec::<String>::new());
    }
    let figures = aftermath(&house, &seller, &done).await;
    let engine = house.daybook.engine();
    let seconds = begun.elapsed().as_secs();
    eprintln!("Daybook on {engine} killed {rounds} times: {figures}, {seconds} s");
}

/// Random numbers that come again when the seed that is printed is given.
pub(super) fn seeded() -> StdRng {
    let seed =
        std::env::var("DAYBOOK_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("DAYBOOK_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// How often: in an ordinary run, and in `make soak`.
pub(super) fn rounds(ordinary: u32, soak: u32) -> u32 {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { soak } else { ordinary }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_that_were_deleted_come_back_the_same_without_asking_stripe() {
    let mut house = House::open().await;
    let (first, second) = (house.seller("walnut").await, house.seller("willow").await);
    let order = house.paid(goods::example_order(&first.id, &second.id)).await;
    let refund = json!({ "line": 1, "reason": "broken", "force": true });
    house.admin().post(&format!("/v1/orders/{order}/refunds"), refund).await.json();
    house.deliver().await;
    house.pass_days(8).await;
    let payout = format!("/v1/sellers/{}/payouts", first.id);
    house.admin().post(&payout, json!({ "currency": "USD" })).await.json();
    house.deliver().await;

    // A restart asks Stripe once for events it could not deliver; nothing else may be asked.
    house.daybook.stop().await;
    house.daybook.restart().await;
    house.settle().await;
    let hashes = house.admin().read("/v1/hashes").await;
    let head = house.admin().read("/v1/status").await["head"].clone();
    let calls = other_calls(&house.stripe);

    house.daybook.stop().await;
    house.daybook.delete_views();
    house.daybook.restart().await;
    house.settle().await;
    assert_eq!(house.admin().read("/v1/hashes").await, hashes);
    assert_eq!(house.admin().read("/v1/status").await["head"], head, "no new event");
    assert_eq!(other_calls(&house.stripe), calls, "no call to Stripe");
    house.the_books_are_right().await;
    run(&["replay", "--data", &house.daybook.data_text()]).await.fine();

    // The same by command, on a stopped server's files.
    house.daybook.stop().await;
    run(&["rebuild", "--data", &house.daybook.data_text()]).await.fine();
    house.daybook.restart().await;
    house.settle().await;
    assert_eq!(house.admin().read("/v1/hashes").await, hashes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_asked_to_stop_finishes_what_is_under_way() {
    let mut house = House::open().await;
    let seller = house.seller("walnut").await;
    let mut posts = JoinSet::new();
    for number in 0..20 {
        let admin = house.admin();
        let order = goods::order(&seller.id, &[PRICE]);
        posts.spawn(async move {
            let key = format!("cart-{number}");
            let headers = [("Idempotency-Key", key.as_str())];
            admin.try_send(Method::POST, "/v1/orders", Some(order.to_string()), &headers).await
        });
    }
    let mut acknowledged = BTreeSet::new();
    let first = posts.join_next().await.unwrap().unwrap().unwrap();
    acknowledged.insert(first.id());
    house.daybook.stop().await;
    while let Some(answer) = posts.join_next().await {
        if let Ok(answer) = answer.unwrap() {
            acknowledged.insert(answer.id());
        }
    }
    house.daybook.restart().await;
    house.settle().await;
    let rows = house.admin().rows("/v1/orders").await;
    let stored: BTreeSet<String> =
        rows.iter().map(|row| row["order_id"].as_str().unwrap().to_owned()).collect();
    assert!(stored.is_superset(&acknowledged), "{acknowledged:?} of {stored:?}");
}

/// Calls but the one for undelivered events, which every start makes.
fn other_calls(stripe: &FakeStripe) -> BTreeMap<String, u64> {
    let mut calls = stripe.calls();
    calls.retain(|route, _| route != "GET /v1/events");
    calls
}
