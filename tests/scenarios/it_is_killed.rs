//! The power fails, again and again, while orders, webhooks and refunds come in: nothing that was
//! acknowledged is lost, nothing happens twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::{Value, json};
use stripe_fake::{DeliveryOptions, Endpoints, FakeStripe, Operation, deliver};
use tests::{Caller, House, Seller, goods, run};
use tokio::{sync::Mutex, task::JoinSet};

/// Rounds of an ordinary run, and of `make soak`.
const ROUNDS: u32 = 5;
const SOAK_ROUNDS: u32 = 50;
const PRICE: i64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_any_moment_and_nothing_is_lost_or_doubled() {
    the_power_fails(House::open().await).await;
}

/// Rounds of orders, webhooks and refunds, each cut off by a kill.
pub(super) async fn the_power_fails(mut house: House) {
    let seed =
        std::env::var("DAYBOOK_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("DAYBOOK_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let seller = house.seller("walnut").await;
    let done = Done::default();
    for round in 0..rounds() {
        let storm = Storm::over(&house, &seller, &done, round).await;
        // This is not waiting for anything: it is the moment at which the power fails.
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        house.daybook.kill().await;
        storm.ends().await;
        house.daybook.restart().await;
        house.settle().await;
        done.is_all_there(&house.admin()).await;
    }
    finish(&house, &done).await;

    let orders = done.orders.lock().await.clone();
    assert!(!orders.is_empty(), "nothing was acknowledged; the test has not tested anything");
    let refunds = done.refunds.lock().await.clone();
    let rows = house.admin().rows("/v1/orders").await;
    let found: BTreeSet<&str> = rows.iter().map(|row| row["order_id"].as_str().unwrap()).collect();
    let placed: BTreeSet<&str> = orders.values().map(String::as_str).collect();
    assert_eq!((found.len(), &found), (rows.len(), &placed), "each order once, and no other");
    assert!(rows.iter().all(|row| row["payment_status"] != "awaiting"), "all were paid");
    let paid = house.admin().rows("/v1/audit?event_type=order.paid").await;
    assert_eq!(paid.len(), orders.len());
    let refunded = house.admin().rows("/v1/refunds?status=succeeded").await;
    assert_eq!(refunded.len(), refunds.len());

    let count = |number: usize| i64::try_from(number).unwrap();
    let kept = count(orders.len()) - count(refunds.len());
    let fees = count(orders.len()) * (PRICE * 29 / 1000 + 30);
    assert_eq!(house.stripe.balance(None)["usd"], kept * PRICE - fees);
    assert_eq!(house.money_of(&seller).await, [kept * PRICE * 9 / 10, 0, 0, 0, 0]);
    house.the_books_are_right().await;
    house.daybook.run(&["replay"]).await.fine();
    eprintln!("{} orders, {} refunds, {} kills", orders.len(), refunds.len(), rounds());
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

fn rounds() -> u32 {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { SOAK_ROUNDS } else { ROUNDS }
}

/// Calls but the one for undelivered events, which every start makes.
fn other_calls(stripe: &FakeStripe) -> BTreeMap<String, u64> {
    let mut calls = stripe.calls();
    calls.retain(|route, _| route != "GET /v1/events");
    calls
}

/// What was acknowledged.
#[derive(Debug, Clone, Default)]
struct Done {
    /// Orders by the key they were placed under.
    orders: Arc<Mutex<BTreeMap<String, String>>>,
    /// Refunds by the order they are of.
    refunds: Arc<Mutex<BTreeMap<String, String>>>,
    /// Everything that was asked, acknowledged or not.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Done {
    /// What was acknowledged is there, as it was acknowledged.
    async fn is_all_there(&self, admin: &Caller) {
        for order in self.orders.lock().await.values() {
            assert_eq!(admin.get(&format!("/v1/orders/{order}")).await.status, 200, "{order}");
        }
        for refund in self.refunds.lock().await.values() {
            assert_eq!(admin.get(&format!("/v1/refunds/{refund}")).await.status, 200, "{refund}");
        }
    }
}

/// Buyers, Stripe and support, all at once, until the server is gone.
struct Storm {
    tasks: JoinSet<()>,
}

impl Storm {
    async fn over(house: &House, seller: &Seller, done: &Done, round: u32) -> Self {
        let mut tasks = JoinSet::new();
        let paid_before = house.admin().rows("/v1/orders?payment_status=paid").await;
        let paid_before: Vec<String> =
            paid_before.iter().map(|row| row["order_id"].as_str().unwrap().to_owned()).collect();
        for till in 0..3 {
            let (admin, done, order) = (house.admin(), done.clone(), order_of(seller));
            tasks.spawn(async move {
                for number in 0.. {
                    let key = format!("round-{round}-till-{till}-{number}");
                    done.asked.lock().await.insert(key.clone());
                    let Some(placed) = place(&admin, &key, &order).await else { return };
                    done.orders.lock().await.insert(key, placed);
                }
            });
        }
        let payments = Payments::of(house);
        let (orders, endpoints) = (Arc::clone(&done.orders), house.endpoints());
        let runtime = tokio::runtime::Handle::current();
        tasks.spawn_blocking(move || {
            runtime.block_on(async {
                loop {
                    let placed: Vec<String> = orders.lock().await.values().cloned().collect();
                    payments.pay(&placed);
                    if !payments.deliver(&endpoints).await {
                        return;
                    }
                }
            });
        });
        let (admin, done) = (house.admin(), done.clone());
        tasks.spawn(async move {
            for order in paid_before.into_iter().step_by(3) {
                if done.refunds.lock().await.contains_key(&order) {
                    continue;
                }
                let Some(refund) = refund(&admin, &order).await else { return };
                done.refunds.lock().await.insert(order, refund);
            }
        });
        Self { tasks }
    }

    async fn ends(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// Everything that was asked is asked again, as clients without an answer do; Stripe delivers
/// everything, some of it for the second time.
async fn finish(house: &House, done: &Done) {
    let asked = done.asked.lock().await.clone();
    let seller = house.admin().rows("/v1/sellers").await.remove(0);
    let order = goods::order(seller["seller"].as_str().unwrap(), &[PRICE]).to_string();
    for key in asked {
        let placed = place(&house.admin(), &key, &order).await.expect("the server is up");
        let mut orders = done.orders.lock().await;
        let before = orders.insert(key.clone(), placed.clone());
        assert!(before.is_none_or(|before| before == placed), "{key} names two orders");
    }
    let placed: Vec<String> = done.orders.lock().await.values().cloned().collect();
    Payments::of(house).pay(&placed);
    let twice = DeliveryOptions { copies: 2, ..DeliveryOptions::default() };
    assert_eq!(house.deliver_with(&twice).await.failed, Vec::<String>::new());
    for row in house.admin().rows("/v1/refunds").await {
        let order = row["order_id"].as_str().unwrap().to_owned();
        let refund = row["refund"].as_str().unwrap().to_owned();
        let mut refunds = done.refunds.lock().await;
        let before = refunds.insert(order, refund.clone());
        assert!(before.is_none_or(|before| before == refund));
    }
}

fn order_of(seller: &Seller) -> String {
    goods::order(&seller.id, &[PRICE]).to_string()
}

/// The order's id; `None` if the server is gone.
async fn place(admin: &Caller, key: &str, order: &str) -> Option<String> {
    let headers = [("Idempotency-Key", key)];
    let answer = admin.try_send(Method::POST, "/v1/orders", Some(order.to_owned()), &headers).await;
    acknowledged(answer.ok()?)
}

async fn refund(admin: &Caller, order: &str) -> Option<String> {
    let body: Value = json!({ "line": 0, "reason": "broken", "force": true });
    let key = format!("refund-{order}");
    let headers = [("Idempotency-Key", key.as_str())];
    let path = format!("/v1/orders/{order}/refunds");
    let answer = admin.try_send(Method::POST, &path, Some(body.to_string()), &headers).await;
    acknowledged(answer.ok()?)
}

/// A server that stops may say so; anything else must be an acknowledgement.
fn acknowledged(answer: tests::Answer) -> Option<String> {
    (answer.status != 503).then(|| answer.id())
}

/// Payments at Stripe, one per order.
struct Payments {
    stripe: FakeStripe,
    tenant: String,
}

impl Payments {
    fn of(house: &House) -> Self {
        Self { stripe: house.stripe.clone(), tenant: house.daybook.tenant().to_owned() }
    }

    fn pay(&self, orders: &[String]) {
        for order in orders {
            let payment = tests::house::payment_of(&self.tenant, order, PRICE);
            self.stripe.apply(&format!("pays {order}"), Operation::Pay(payment)).unwrap();
        }
    }

    /// `false` if the server is gone.
    async fn deliver(&self, endpoints: &Endpoints) -> bool {
        let once = DeliveryOptions { attempts_max: 1, limit: 20, ..DeliveryOptions::default() };
        let report = deliver(&self.stripe, endpoints, &once).await.unwrap();
        tokio::task::yield_now().await;
        report.failed.is_empty()
    }
}
