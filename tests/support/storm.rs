//! Buyers, Stripe and support, all at once, while something fails; and what they were told.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use stripe_fake::{DeliveryOptions, Endpoints, FakeStripe, Operation, deliver};
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    caller::{Answer, Caller},
    goods,
    house::{House, Seller, payment_of},
};

/// What every order costs, in cents.
pub const PRICE: i64 = 5_000;
/// How long a client waits before it asks again.
const RETRY_AFTER: Duration = Duration::from_millis(20);
/// How long acknowledgements may stay away after a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was acknowledged.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Orders by the key they were placed under.
    pub orders: Arc<Mutex<BTreeMap<String, String>>>,
    /// Refunds by the order they are of.
    pub refunds: Arc<Mutex<BTreeMap<String, String>>>,
    /// The keys of all orders that were asked for, acknowledged or not.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Orders that were acknowledged.
    pub orders: usize,
    /// Refunds that were acknowledged.
    pub refunds: usize,
    /// Acknowledged orders and refunds that are not there.
    pub lost: usize,
    /// Orders and refunds that are there more often than they were acknowledged, here or at Stripe.
    pub doubled: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, refunds, lost, doubled } = self;
        write!(f, "{orders} orders, {refunds} refunds, acknowledged lost {lost}, doubled {doubled}")
    }
}

impl Done {
    /// How much was acknowledged until now.
    pub async fn count(&self) -> usize {
        self.orders.lock().await.len() + self.refunds.lock().await.len()
    }

    /// Waits until so much more was acknowledged than at some time before.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn grows_by(&self, more: usize, before: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.count().await < before + more {
            assert!(Instant::now() < deadline, "nothing is acknowledged any more");
            sleep(RETRY_AFTER).await;
        }
    }

    /// What was acknowledged and is not there.
    pub async fn missing(&self, admin: &Caller) -> Vec<String> {
        let orders = named(admin, "/v1/orders", "order_id").await;
        let refunds = named(admin, "/v1/refunds", "refund").await;
        let (placed, refunded) = (self.orders.lock().await, self.refunds.lock().await);
        let orders = placed.values().filter(|order| !orders.contains(*order));
        orders
            .chain(refunded.values().filter(|refund| !refunds.contains(*refund)))
            .cloned()
            .collect()
    }
}

async fn named(admin: &Caller, path: &str, field: &str) -> BTreeSet<String> {
    let rows = admin.rows(path).await;
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

/// Buyers, Stripe and support, until they are told to stop or have no patience any more.
#[derive(Debug)]
pub struct Storm {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// What somebody does who gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswered {
    /// Goes away: the server is gone.
    GivesUp,
    /// Asks the same again: the server will be back.
    AsksAgain,
}

/// Somebody in the storm.
#[derive(Clone)]
struct Client {
    admin: Caller,
    done: Done,
    unanswered: Unanswered,
    stopped: watch::Receiver<bool>,
}

impl Client {
    /// Whether to go on after something was, or was not, acknowledged.
    async fn goes_on(&self, is_acknowledged: bool) -> bool {
        if !is_acknowledged {
            if self.unanswered == Unanswered::GivesUp {
                return false;
            }
            sleep(RETRY_AFTER).await;
        }
        !*self.stopped.borrow()
    }

    /// Places orders, one after the other.
    async fn buys(self, name: String, order: String) {
        for number in 0.. {
            let key = format!("{name}-{number}");
            self.done.asked.lock().await.insert(key.clone());
            loop {
                let placed = place(&self.admin, &key, &order).await;
                let is_placed = placed.is_some();
                if let Some(placed) = placed {
                    self.done.orders.lock().await.insert(key.clone(), placed);
                }
                if !self.goes_on(is_placed).await {
                    return;
                }
                if is_placed {
                    break;
                }
            }
        }
    }

    /// Gives money back for these orders, unless that was done before.
    async fn gives_back(self, orders: Vec<String>) {
        for order in orders {
            if self.done.refunds.lock().await.contains_key(&order) {
                continue;
            }
            loop {
                let refund = refund(&self.admin, &order).await;
                let is_made = refund.is_some();
                if let Some(refund) = refund {
                    self.done.refunds.lock().await.insert(order.clone(), refund);
                }
                if !self.goes_on(is_made).await {
                    return;
                }
                if is_made {
                    break;
                }
            }
        }
    }

    /// Pays what was ordered, and tells of it.
    async fn pays(self, payments: Payments, endpoints: Endpoints) {
        let mut paid = BTreeSet::new();
        loop {
            let placed: Vec<String> = {
                let orders = self.done.orders.lock().await;
                orders.values().filter(|order| !paid.contains(*order)).cloned().collect()
            };
            payments.pay(&placed);
            paid.extend(placed);
            let is_delivered = payments.deliver(&endpoints).await;
            if !self.goes_on(is_delivered).await {
                return;
            }
        }
    }
}

impl Storm {
    /// Begins. `round` makes the keys of its orders different from those of other storms.
    pub async fn over(
        house: &House,
        seller: &Seller,
        done: &Done,
        round: u32,
        unanswered: Unanswered,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let (stop, stopped) = watch::channel(false);
        let client = Client { admin: house.admin(), done: done.clone(), unanswered, stopped };
        let paid_before = house.admin().rows("/v1/orders?payment_status=paid").await;
        let paid_before =
            paid_before.iter().map(|row| row["order_id"].as_str().unwrap().to_owned());
        tasks.spawn(client.clone().gives_back(paid_before.step_by(3).collect()));
        let order = goods::order(&seller.id, &[PRICE]).to_string();
        for till in 0..3 {
            tasks.spawn(client.clone().buys(format!("round-{round}-till-{till}"), order.clone()));
        }
        let (payments, endpoints) = (Payments::of(house), house.endpoints());
        let runtime = tokio::runtime::Handle::current();
        tasks.spawn_blocking(move || runtime.block_on(client.pays(payments, endpoints)));
        Self { tasks, stop }
    }

    /// Tells everybody to stop after what is under way.
    pub fn calm(&self) {
        self.stop.send_replace(true);
    }

    /// Waits until everybody has stopped.
    pub async fn ends(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }
}

/// Everything that was asked is asked again, as clients without an answer do; Stripe delivers
/// everything, some of it for the second time. Then everything is there once, here and at Stripe.
///
/// # Panics
/// If not.
pub async fn aftermath(house: &House, seller: &Seller, done: &Done) -> Figures {
    let lost = done.missing(&house.admin()).await;
    ask_again(house, seller, done).await;
    let (orders, refunds) = (done.orders.lock().await.clone(), done.refunds.lock().await.clone());
    assert!(!orders.is_empty(), "nothing was acknowledged; the test has not tested anything");
    let rows = house.admin().rows("/v1/orders").await;
    let found: BTreeSet<&str> = rows.iter().map(|row| row["order_id"].as_str().unwrap()).collect();
    let placed: BTreeSet<&str> = orders.values().map(String::as_str).collect();
    let paid = house.admin().rows("/v1/audit?event_type=order.paid").await;
    let refunded = house.admin().rows("/v1/refunds?status=succeeded").await;
    let at_stripe = house.stripe.balance_transactions(None);
    let refunded_at_stripe = at_stripe.iter().filter(|one| one.kind == "refund").count();
    let doubled = [
        (rows.len(), placed.len()),
        (paid.len(), placed.len()),
        (refunded.len(), refunds.len()),
        (refunded_at_stripe, refunds.len()),
    ];
    let doubled = doubled.iter().map(|(found, wanted)| found.saturating_sub(*wanted)).sum();
    let figures =
        Figures { orders: orders.len(), refunds: refunds.len(), lost: lost.len(), doubled };
    assert_eq!((&lost, doubled), (&Vec::new(), 0), "{figures}");
    assert_eq!(found, placed, "each order once, and no other");
    assert!(rows.iter().all(|row| row["payment_status"] != "awaiting"), "all were paid");
    assert_eq!((paid.len(), refunded.len()), (orders.len(), refunds.len()));
    assert_eq!(refunded_at_stripe, refunds.len());

    let count = |number: usize| i64::try_from(number).unwrap();
    let kept = count(orders.len()) - count(refunds.len());
    let fees = count(orders.len()) * (PRICE * 29 / 1000 + 30);
    assert_eq!(house.stripe.balance(None)["usd"], kept * PRICE - fees);
    assert_eq!(house.money_of(seller).await, [kept * PRICE * 9 / 10, 0, 0, 0, 0]);
    house.the_books_are_right().await;
    house.daybook.run(&["replay"]).await.fine();
    figures
}

async fn ask_again(house: &House, seller: &Seller, done: &Done) {
    let asked = done.asked.lock().await.clone();
    let order = goods::order(&seller.id, &[PRICE]).to_string();
    for key in asked {
        let placed = place(&house.admin(), &key, &order).await.expect("the server is up");
        let before = done.orders.lock().await.insert(key.clone(), placed.clone());
        assert!(before.is_none_or(|before| before == placed), "{key} names two orders");
    }
    let placed: Vec<String> = done.orders.lock().await.values().cloned().collect();
    Payments::of(house).pay(&placed);
    let twice = DeliveryOptions { copies: 2, concurrency: 8, ..DeliveryOptions::default() };
    assert_eq!(house.deliver_with(&twice).await.failed, Vec::<String>::new());
    for row in house.admin().rows("/v1/refunds").await {
        let order = row["order_id"].as_str().unwrap().to_owned();
        let refund = row["refund"].as_str().unwrap().to_owned();
        let before = done.refunds.lock().await.insert(order, refund.clone());
        assert!(before.is_none_or(|before| before == refund));
    }
}

/// Places an order; its id, or `None` if the server is gone or says that it cannot tell now.
pub async fn place(admin: &Caller, key: &str, order: &str) -> Option<String> {
    let headers = [("Idempotency-Key", key)];
    let answer = admin.try_send(Method::POST, "/v1/orders", Some(order.to_owned()), &headers).await;
    acknowledged(&answer.ok()?)
}

/// Gives the money for an order back; the refund's id, or `None` likewise.
pub async fn refund(admin: &Caller, order: &str) -> Option<String> {
    let body: Value = json!({ "line": 0, "reason": "broken", "force": true });
    let key = format!("refund-{order}");
    let headers = [("Idempotency-Key", key.as_str())];
    let path = format!("/v1/orders/{order}/refunds");
    let answer = admin.try_send(Method::POST, &path, Some(body.to_string()), &headers).await;
    acknowledged(&answer.ok()?)
}

/// A server that stops or has lost its log may say so; anything else must be an acknowledgement.
fn acknowledged(answer: &Answer) -> Option<String> {
    (answer.status != 503).then(|| answer.id())
}

/// Payments at Stripe, one per order.
#[derive(Debug, Clone)]
pub struct Payments {
    stripe: FakeStripe,
    tenant: String,
}

impl Payments {
    /// Those of a house.
    #[must_use]
    pub fn of(house: &House) -> Self {
        Self { stripe: house.stripe.clone(), tenant: house.daybook.tenant().to_owned() }
    }

    /// Buyers pay these orders, unless they have.
    pub fn pay(&self, orders: &[String]) {
        for order in orders {
            let payment = payment_of(&self.tenant, order, PRICE);
            self.stripe.apply(&format!("pays {order}"), Operation::Pay(payment)).unwrap();
        }
    }

    /// Stripe tells of some of what has happened; `false` if the server is gone.
    async fn deliver(&self, endpoints: &Endpoints) -> bool {
        let once = DeliveryOptions { attempts_max: 1, limit: 20, ..DeliveryOptions::default() };
        let report = deliver(&self.stripe, endpoints, &once).await.unwrap();
        tokio::task::yield_now().await;
        report.failed.is_empty()
    }
}
