//! Two processes serve one database, and now and then the one that does the work freezes in the middle
//! of it: the other takes over, and when the first goes on, nothing has happened twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rand::{Rng, rngs::StdRng};
use serde_json::{Value, json};
use stripe_fake::{DeliveryOptions, DeliveryReport, FakeStripe, deliver};
use tests::{
    Caller, Daybook, House, Seller, Settings, goods,
    house::{DAY, instant, settled},
    postgres,
    storm::{PRICE, Payments, place, refund},
};
use tokio::task::JoinSet;

use super::it_is_killed::{rounds, seeded};

/// For how long a process takes over work, and how long others wait when it is gone.
const LEASE_SECONDS: u64 = 2;
/// Orders of a round, through one process and through the other.
const ORDERS: usize = 8;
/// Of so many orders, one is given back.
const GIVEN_BACK: usize = 3;
/// How long a change of hands, or an answer to a patient client, may take. A process that is frozen
/// in a step of a read model holds that one up until the database ends its transaction.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_freezes_past_its_leases_and_nothing_happens_twice() {
    let (mut random, begun) = (seeded(), Instant::now());
    let (mut town, rounds) = (Town::open().await, rounds(2, 20));
    for round in 0..rounds {
        town.both_trade(round).await;
        town.one_freezes(round, &mut random).await;
        town.both_are_right().await;
    }
    town.house.the_books_are_right().await;
    town.house.daybook.run(&["replay"]).await.fine();
    town.other.run(&["doctor"]).await.fine();
    let seconds = begun.elapsed().as_secs();
    let Town { orders, refunds, payouts, .. } = &town;
    let [orders, refunds, payouts] = [orders.len(), refunds.len(), payouts.len()];
    eprintln!(
        "one of two processes frozen {rounds} times: {orders} orders, {refunds} refunds, {payouts} \
         payouts, each once, {seconds} s"
    );
}

/// Two processes, and what they have acknowledged.
struct Town {
    house: House,
    other: Daybook,
    seller: Seller,
    /// By the key they were placed under.
    orders: BTreeMap<String, String>,
    /// By order.
    refunds: BTreeMap<String, String>,
    /// What was paid out, in cents, by payout.
    payouts: BTreeMap<String, i64>,
}

/// What was asked of a process that will not answer before it goes on.
#[derive(Default)]
struct Unanswered {
    orders: JoinSet<(String, String)>,
    refunds: JoinSet<(String, String)>,
    deliveries: JoinSet<DeliveryReport>,
}

impl Town {
    async fn open() -> Self {
        let settings = Settings {
            engine: postgres::engine().await,
            lease_seconds: Some(LEASE_SECONDS),
            ..Settings::default()
        };
        let house = House::open_in(settings).await;
        let other = house.daybook.start_beside().await;
        let seller = house.seller("walnut").await;
        let (orders, refunds, payouts) = Default::default();
        Self { house, other, seller, orders, refunds, payouts }
    }

    /// Who does the work, and who only answers.
    async fn parted(&self) -> (&Daybook, &Daybook) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (one, other) = (&self.house.daybook, &self.other);
            for (worker, idler) in [(one, other), (other, one)] {
                let name = settled(&worker.admin()).await["holder"].as_str().unwrap().to_owned();
                let idle = idler.admin().read("/v1/status").await;
                if held_by(&idle).iter().all(|holder| *holder == Some(&*name)) {
                    return (worker, idler);
                }
            }
            assert!(Instant::now() < deadline, "the work is not in one hand");
        }
    }

    /// Orders, payments and refunds through both.
    async fn both_trade(&mut self, round: u32) {
        let (worker, idler) = self.parted().await;
        let both = [worker.admin(), idler.admin()];
        let order = goods::order(&self.seller.id, &[PRICE]);
        let mut placed = BTreeMap::new();
        for number in 0..ORDERS {
            let key = format!("round-{round}-both-{number}");
            // Asked through one, asked again through the other, and read at once at both.
            let (first, second) = (&both[number % 2], &both[(number + 1) % 2]);
            let told = first.post_as(&key, "/v1/orders", order.clone()).await.json();
            let again = second.post_as(&key, "/v1/orders", order.clone()).await.json();
            assert_eq!((&told["id"], &told["position"]), (&again["id"], &again["position"]));
            let (id, position) = (told["id"].as_str().unwrap(), &told["position"]);
            for reader in &both {
                let row = reader.read(&format!("/v1/orders/{id}?after={position}")).await;
                assert_eq!(row["status"], "placed");
            }
            placed.insert(key, id.to_owned());
        }
        self.pay(placed.values());
        deliver_to_both(&self.house.stripe, worker, idler).await;
        let mut refunds = BTreeMap::new();
        for (number, order) in placed.values().step_by(GIVEN_BACK).enumerate() {
            let made = refund(&both[number % 2], order).await.expect("it answers");
            let again = refund(&both[(number + 1) % 2], order).await;
            assert_eq!(again.as_ref(), Some(&made));
            refunds.insert(order.clone(), made);
        }
        deliver_to_both(&self.house.stripe, worker, idler).await;
        self.orders.extend(placed);
        self.refunds.extend(refunds);
    }

    /// The one that works freezes while it works; the other does everything; the first goes on.
    async fn one_freezes(&mut self, round: u32, random: &mut StdRng) {
        let (frozen, working) = self.parted().await;
        let mut unanswered = Unanswered::default();
        let order = goods::order(&self.seller.id, &[PRICE]).to_string();
        let keys: Vec<String> =
            (0..ORDERS).map(|number| format!("round-{round}-frozen-{number}")).collect();
        for key in &keys {
            let (key, admin, order) = (key.clone(), frozen.admin(), order.clone());
            unanswered
                .orders
                .spawn(async move { (key.clone(), placed(&admin, &key, &order).await) });
        }
        let given_back: Vec<String> = self
            .orders
            .values()
            .filter(|order| !self.refunds.contains_key(*order))
            .filter(|order| self.is_of_round(order, round))
            .step_by(2)
            .cloned()
            .collect();
        for order in given_back.clone() {
            let admin = frozen.admin();
            unanswered
                .refunds
                .spawn(async move { (order.clone(), refunded(&admin, &order).await) });
        }
        // This is not waiting for anything: it is the moment at which it freezes.
        tokio::time::sleep(Duration::from_millis(random.random_range(0..150))).await;
        frozen.freeze();
        unanswered.deliver(&self.house.stripe, frozen);

        let admin = working.admin();
        let mut all = BTreeMap::new();
        for key in keys {
            let id = placed(&admin, &key, &order).await;
            all.insert(key, id);
        }
        let mut refunds = BTreeMap::new();
        for order in given_back {
            let made = refunded(&admin, &order).await;
            refunds.insert(order, made);
        }
        taken_over(&admin).await;
        self.pay(all.values());
        deliver_to(&self.house.stripe, working).await;
        let payout = self.a_week_later(working, round).await;
        frozen.thaw();

        unanswered.agree_with(&all, &refunds).await;
        self.orders.extend(all);
        self.refunds.extend(refunds);
        self.payouts.insert(payout.0, payout.1);
    }

    /// Time passes at Stripe and at the one that works, until all money is there; it is paid out.
    async fn a_week_later(&self, working: &Daybook, round: u32) -> (String, i64) {
        let (stripe, admin) = (&self.house.stripe, working.admin());
        let to = stripe.now() + 8 * DAY;
        stripe.advance_to(to).unwrap();
        deliver_to(stripe, working).await;
        admin.post("/v1/test-clock", json!({ "to": instant(to) })).await.json();
        deliver_to(stripe, working).await;
        let path = format!("/v1/sellers/{}/payouts", self.seller.id);
        let key = format!("payout-{round}");
        let asked = admin.post_as(&key, &path, json!({ "currency": "USD" })).await;
        let again = admin.post_as(&key, &path, json!({ "currency": "USD" })).await;
        assert_eq!(asked.id(), again.id());
        deliver_to(stripe, working).await;
        let row = admin.read(&format!("/v1/payouts/{}", asked.id())).await;
        (asked.id(), row["amount"].as_i64().unwrap())
    }

    fn is_of_round(&self, order: &str, round: u32) -> bool {
        let prefix = format!("round-{round}-");
        self.orders.iter().any(|(key, known)| known == order && key.starts_with(&prefix))
    }

    fn pay<'a>(&self, orders: impl Iterator<Item = &'a String>) {
        Payments::of(&self.house).pay(&orders.cloned().collect::<Vec<_>>());
    }

    /// Both say the same, and it is what was acknowledged, once, here and at Stripe.
    async fn both_are_right(&self) {
        let (worker, idler) = self.parted().await;
        deliver_to_both(&self.house.stripe, worker, idler).await;
        self.parted().await;
        for path in ["/v1/hashes", "/v1/trial-balance"] {
            let (one, other) = (worker.admin().read(path).await, idler.admin().read(path).await);
            assert_eq!(one, other, "{path}");
        }
        let admin = idler.admin();
        let orders = ids(&admin, "/v1/orders", "order_id").await;
        assert_eq!(orders, sorted(self.orders.values()));
        let paid = admin.rows("/v1/audit?event_type=order.paid").await;
        assert_eq!(paid.len(), self.orders.len());
        let refunds = ids(&admin, "/v1/refunds?status=succeeded", "refund").await;
        assert_eq!(refunds, sorted(self.refunds.values()));
        let payouts = ids(&admin, "/v1/payouts", "payout").await;
        assert_eq!(payouts, sorted(self.payouts.keys()));

        let kept = count(self.orders.len()) - count(self.refunds.len());
        let earned = kept * PRICE * 9 / 10;
        assert_eq!(self.payouts.values().sum::<i64>(), earned, "{:?}", self.payouts);
        assert_eq!(self.house.money_of(&self.seller).await, [0, 0, 0, 0, 0]);
        self.stripe_did_each_thing_once(earned);
        let fees = count(self.orders.len()) * (PRICE * 29 / 1000 + 30);
        assert_eq!(self.house.stripe.balance(None)["usd"], kept * PRICE / 10 - fees);
        self.house.the_books_are_right().await;
    }

    fn stripe_did_each_thing_once(&self, earned: i64) {
        let stripe = &self.house.stripe;
        let platform = stripe.balance_transactions(None);
        let of = |kind: &str| {
            let such = platform.iter().filter(|one| one.kind == kind);
            such.map(|one| (one.source.clone(), one.amount)).collect::<BTreeSet<_>>()
        };
        let of_kind = |kind: &str| platform.iter().filter(|one| one.kind == kind).count();
        assert_eq!(
            (of_kind("refund"), of("refund").len()),
            (self.refunds.len(), self.refunds.len())
        );
        let transferred: i64 = of("transfer").iter().map(|(_, amount)| amount).sum();
        assert_eq!(transferred, -earned, "{:?}", of("transfer"));
        let theirs = stripe.balance_transactions(Some(&self.seller.account));
        let paid_out: Vec<i64> =
            theirs.iter().filter(|one| one.kind == "payout").map(|one| one.amount).collect();
        assert_eq!((paid_out.len(), paid_out.iter().sum()), (self.payouts.len(), -earned));
    }
}

impl Unanswered {
    /// Stripe delivers to a process that does not answer, several events at a time.
    fn deliver(&mut self, stripe: &FakeStripe, frozen: &Daybook) {
        let (stripe, endpoints) = (stripe.clone(), frozen.endpoints());
        let runtime = tokio::runtime::Handle::current();
        self.deliveries.spawn_blocking(move || {
            let options = DeliveryOptions { concurrency: 4, ..DeliveryOptions::default() };
            runtime.block_on(deliver(&stripe, &endpoints, &options)).unwrap()
        });
    }

    /// The process goes on and answers what the other has answered meanwhile.
    async fn agree_with(
        mut self,
        orders: &BTreeMap<String, String>,
        refunds: &BTreeMap<String, String>,
    ) {
        while let Some(answered) = self.orders.join_next().await {
            let (key, order) = answered.unwrap();
            assert_eq!(orders.get(&key), Some(&order), "{key} names two orders");
        }
        while let Some(answered) = self.refunds.join_next().await {
            let (order, refund) = answered.unwrap();
            assert_eq!(refunds.get(&order), Some(&refund), "{order} has two refunds");
        }
        while let Some(delivered) = self.deliveries.join_next().await {
            assert_eq!(delivered.unwrap().failed, Vec::<String>::new());
        }
    }
}

/// Who does each work, as one process sees it; `None` is itself, or nobody.
fn held_by(status: &Value) -> Vec<Option<&str>> {
    let mut work: Vec<&Value> = vec![&status["timers"]];
    for list in ["projections", "workers"] {
        work.extend(status[list].as_array().unwrap());
    }
    work.iter().map(|one| one["held_by"].as_str()).collect()
}

/// Waits until this process does all the work, and nothing is left to do.
async fn taken_over(admin: &Caller) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let status = admin.read("/v1/status?settle=10").await;
        let is_alone = held_by(&status).iter().all(Option::is_none);
        if is_alone && status["settled"] == true {
            return;
        }
        assert!(Instant::now() < deadline, "it was not taken over: {status}");
    }
}

/// A patient buyer's order.
async fn placed(admin: &Caller, key: &str, order: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(placed) = place(admin, key, order).await {
            return placed;
        }
        wait_a_little(deadline).await;
    }
}

/// The refund that patient support has asked for.
async fn refunded(admin: &Caller, order: &str) -> String {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(refund) = refund(admin, order).await {
            return refund;
        }
        wait_a_little(deadline).await;
    }
}

async fn wait_a_little(deadline: Instant) {
    assert!(Instant::now() < deadline, "there is no answer");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Stripe delivers what it has not delivered yet, and what comes of that.
async fn deliver_to(stripe: &FakeStripe, server: &Daybook) {
    loop {
        settled(&server.admin()).await;
        let report = deliver(stripe, &server.endpoints(), &DeliveryOptions::default()).await;
        if report.unwrap().acknowledged == 0 {
            return;
        }
    }
}

/// The same, a few events to the one, a few to the other, and a few to both at the same time.
async fn deliver_to_both(stripe: &FakeStripe, one: &Daybook, other: &Daybook) {
    let options = DeliveryOptions { limit: 5, ..DeliveryOptions::default() };
    let (one_at, other_at) = (one.endpoints(), other.endpoints());
    let to = async |endpoints| {
        let report = deliver(stripe, endpoints, &options).await.unwrap();
        assert_eq!(report.failed, Vec::<String>::new(), "{:?}", report.statuses);
        report.acknowledged
    };
    loop {
        settled(&one.admin()).await;
        settled(&other.admin()).await;
        let twice = tokio::join!(to(&one_at), to(&other_at));
        if twice.0 + twice.1 + to(&one_at).await + to(&other_at).await == 0 {
            return;
        }
    }
}

async fn ids(admin: &Caller, path: &str, field: &str) -> Vec<String> {
    let rows = admin.rows(path).await;
    let ids: Vec<String> = rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect();
    sorted(ids.iter())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

/// In order, with those that are there twice.
fn sorted<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.cloned().collect();
    ids.sort();
    ids
}
