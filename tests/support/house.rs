//! The whole house: a server, a fake Stripe it talks to, and one clock for both.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
};

use serde_json::{Value, json};
use stripe_fake::{
    BarePayment, DeliveryOptions, DeliveryReport, Endpoints, FakeStripe, Forget, NewAccount,
    Operation, Payment, Seed, ServerHandle, Target, deliver, serve,
};

use crate::{
    caller::Caller,
    daybook::{Daybook, Engine, Settings},
};

/// When the house opens: a Thursday, midnight UTC.
pub const START: i64 = 1_790_812_800;
/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// A server and a fake Stripe.
#[derive(Debug)]
pub struct House {
    /// Stripe.
    pub stripe: FakeStripe,
    /// Daybook.
    pub daybook: Daybook,
    happenings: AtomicU32,
    _server: ServerHandle,
}

/// A seller who may sell.
#[derive(Debug, Clone)]
pub struct Seller {
    /// Our id.
    pub id: String,
    /// The connected account.
    pub account: String,
}

impl House {
    /// Opens a house: nobody sells yet, and both clocks show [`START`].
    pub async fn open() -> Self {
        Self::open_on(Engine::Sqlite).await
    }

    /// The same on another engine.
    pub async fn open_on(engine: Engine) -> Self {
        Self::open_in(Settings { engine, ..Settings::default() }).await
    }

    /// The same with other settings.
    pub async fn open_in(settings: Settings) -> Self {
        Self::open_with(true, settings).await
    }

    /// The same, but Daybook has no Stripe key: it hears of everything and can ask nothing.
    pub async fn open_without_key() -> Self {
        Self::open_with(false, Settings::default()).await
    }

    async fn open_with(key: bool, settings: Settings) -> Self {
        let stripe = FakeStripe::new(Seed(7), START);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = serve(stripe.clone(), listener).unwrap();
        let settings = Settings { stripe_url: key.then(|| server.url()), ..settings };
        let daybook = Daybook::start(settings).await;
        let house = Self { stripe, daybook, happenings: AtomicU32::new(0), _server: server };
        house.move_clock(START).await;
        house
    }

    /// The holder of the first key.
    #[must_use]
    pub fn admin(&self) -> Caller {
        self.daybook.admin()
    }

    /// Somebody with a new key in this role; for seller roles, this seller's.
    pub async fn holder(&self, role: &str, seller: Option<&Seller>) -> Caller {
        let body = json!({ "name": role, "role": role, "seller": seller.map(|one| &one.id) });
        let issued = self.admin().post("/v1/keys", body).await.json();
        self.daybook.holder(issued["secret"].as_str().unwrap())
    }

    /// Waits until everything has come to rest.
    pub async fn settle(&self) {
        settled(&self.admin()).await;
    }

    /// Where Stripe delivers to.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.daybook.endpoints()
    }

    /// Stripe delivers what it has not delivered yet; then everything comes to rest.
    pub async fn deliver(&self) -> DeliveryReport {
        let report = self.deliver_with(&DeliveryOptions::default()).await;
        assert_eq!(report.failed, Vec::<String>::new(), "{:?}", report.statuses);
        report
    }

    /// The same, in another order, number or speed.
    pub async fn deliver_with(&self, options: &DeliveryOptions) -> DeliveryReport {
        // What happens meanwhile (a webhook leads to a call, and that to an event) is delivered too.
        let mut total = DeliveryReport::default();
        self.settle().await;
        loop {
            let report = deliver(&self.stripe, &self.endpoints(), options).await.unwrap();
            self.settle().await;
            let is_last = report.acknowledged == 0;
            total.events += report.events;
            total.attempts += report.attempts;
            total.acknowledged += report.acknowledged;
            for (status, count) in report.statuses {
                *total.statuses.entry(status).or_default() += count;
            }
            total.failed = report.failed;
            if is_last {
                return total;
            }
        }
    }

    /// Lets something happen at Stripe, and answers the object it is about.
    pub fn happen(&self, operation: Operation) -> Option<String> {
        let number = self.happenings.fetch_add(1, Ordering::Relaxed);
        let applied = self.stripe.apply(&format!("happening {number}"), operation);
        applied.expect("Stripe does not refuse it").id
    }

    /// Days pass at Stripe and here, one after the other, with all that happens on them.
    pub async fn pass_days(&self, days: i64) {
        for _ in 0..days {
            self.pass_seconds(DAY).await;
        }
    }

    /// Time passes at Stripe and here.
    pub async fn pass_seconds(&self, seconds: i64) {
        let to = self.stripe.now() + seconds;
        self.stripe.advance_to(to).unwrap();
        self.deliver().await;
        self.move_clock(to).await;
        self.deliver().await;
    }

    async fn move_clock(&self, to: i64) {
        self.admin().post("/v1/test-clock", json!({ "to": instant(to) })).await.json();
        self.settle().await;
    }

    /// A seller whose connected account is ready.
    pub async fn seller(&self, reference: &str) -> Seller {
        let body = json!({ "reference": reference, "name": format!("{reference} & Daughters") });
        let id = self.admin().post("/v1/sellers", body).await.id();
        let metadata = [("daybook_seller".to_owned(), id.clone())].into();
        let new = NewAccount { metadata, ..NewAccount::default() };
        let account = self.happen(Operation::CreateAccount(new)).unwrap();
        let path = format!("/v1/sellers/{id}/onboarding");
        self.admin().post(&path, json!({ "account": account })).await.json();
        self.deliver().await;
        let row = self.admin().read(&format!("/v1/sellers/{id}")).await;
        assert_eq!(
            (row["status"].as_str(), row["account"].as_str()),
            (Some("ready"), Some(&*account))
        );
        Seller { id, account }
    }

    /// The storefront places an order, and reads its own write.
    pub async fn place(&self, order: Value) -> String {
        let placed = self.admin().post("/v1/orders", order).await.json();
        let (id, position) = (placed["id"].as_str().unwrap(), &placed["position"]);
        let row = self.admin().read(&format!("/v1/orders/{id}?after={position}")).await;
        assert_eq!(row["status"], "placed");
        id.to_owned()
    }

    /// The buyer checks out and pays by card.
    pub async fn check_out(&self, order: &str) {
        let body = json!({
            "success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart",
        });
        self.admin().post(&format!("/v1/orders/{order}/checkout"), body).await.json();
        self.settle().await;
        self.happen(Operation::PaySession {
            session: Target::metadata("daybook_order", order),
            payment: Payment::default(),
            forget: Forget::default(),
        });
        self.deliver().await;
    }

    /// An order that is placed and paid.
    pub async fn paid(&self, order: Value) -> String {
        let order = self.place(order).await;
        self.check_out(&order).await;
        assert_eq!(self.order(&order).await["payment_status"], "paid");
        order
    }

    /// What the storefront's own integration would pay an order with.
    #[must_use]
    pub fn payment_of(&self, order: &str, amount: i64) -> BarePayment {
        payment_of(self.daybook.tenant(), order, amount)
    }

    /// The charge that paid an order.
    #[must_use]
    pub fn charge_of(&self, order: &str) -> String {
        self.stripe.find_charge(&Target::metadata("daybook_order", order)).expect("it was paid")
    }

    /// An order's row.
    pub async fn order(&self, order: &str) -> Value {
        self.admin().read(&format!("/v1/orders/{order}")).await
    }

    /// A seller's money in dollars: pending, available, reserve, dispute hold, receivable.
    pub async fn money_of(&self, seller: &Seller) -> [i64; 5] {
        let path = format!("/v1/sellers/{}/balances?currency=USD", seller.id);
        let rows = self.admin().rows(&path).await;
        let row = rows.first().cloned().unwrap_or_default();
        ["pending", "available", "reserve", "dispute_hold", "receivable"]
            .map(|part| row[part].as_i64().unwrap_or_default())
    }

    /// What stands on an account of a book in dollars: debits positive.
    pub async fn balance(&self, book: &str, account: &str) -> i64 {
        let path = format!("/v1/accounts?book={book}&account={account}&currency=USD");
        let rows = self.admin().rows(&path).await;
        rows.first().map_or(0, |row| row["balance"].as_i64().unwrap())
    }

    /// Every account of the platform's book that is not zero, in dollars: debits positive.
    pub async fn platform_accounts(&self) -> BTreeMap<String, i64> {
        let trial = self.admin().read("/v1/trial-balance").await;
        let accounts = trial["accounts"].as_array().unwrap().iter();
        accounts
            .filter(|row| row["book"] == "platform" && row["currency"] == "USD")
            .map(|row| {
                let account = row["account"].as_str().unwrap().to_owned();
                (account, row["balance"].as_i64().unwrap())
            })
            .collect()
    }

    /// Work that is open, as kind and subject.
    pub async fn work(&self) -> Vec<(String, String)> {
        let rows = self.admin().rows("/v1/work-items").await;
        let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
        rows.iter().map(|row| (text(row, "kind"), text(row, "subject"))).collect()
    }

    /// The books agree with Stripe to the last cent, for the platform and every connected account;
    /// both sides of every book are equal; nothing is left in clearing.
    pub async fn the_books_are_right(&self) {
        let trial = self.admin().read("/v1/trial-balance").await;
        let totals = trial["totals"].as_array().unwrap();
        assert!(!totals.is_empty(), "there are no books");
        assert!(totals.iter().all(|total| total["balanced"] == true), "{totals:?}");
        let accounts = trial["accounts"].as_array().unwrap();
        let clearing = accounts.iter().filter(|row| {
            let account = row["account"].as_str().unwrap();
            account.starts_with("assets:clearing") || account.starts_with("assets:suspense")
        });
        let clearing: Vec<_> = clearing.collect();
        assert!(clearing.is_empty(), "open: {clearing:?}");
        let mut ours: BTreeMap<(String, String), i64> = BTreeMap::new();
        for row in accounts.iter().filter(|row| row["account"] == "assets:stripe:balance") {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let key = (text("book"), text("currency").to_lowercase());
            ours.insert(key, row["balance"].as_i64().unwrap());
        }
        assert_eq!(ours, self.stripe_balances());
    }

    /// Every balance at Stripe that is not zero, by book and currency.
    fn stripe_balances(&self) -> BTreeMap<(String, String), i64> {
        let mut owners: Vec<Option<String>> = vec![None];
        owners.extend(self.stripe.accounts().into_iter().map(Some));
        let mut theirs = BTreeMap::new();
        for owner in owners {
            for (currency, minor) in self.stripe.balance(owner.as_deref()) {
                if minor != 0 {
                    let book = owner.clone().unwrap_or_else(|| "platform".to_owned());
                    theirs.insert((book, currency), minor);
                }
            }
        }
        theirs
    }
}

/// Waits until everything has come to rest, as this process sees it, and says how it stands then.
///
/// # Panics
/// If that takes more than a minute, or something stands still.
pub async fn settled(admin: &Caller) -> Value {
    let status = admin.read("/v1/status?settle=60").await;
    assert_eq!(status["settled"], true, "{}", status["busy"]);
    let stopped = status["projections"].as_array().unwrap().iter();
    let stopped: Vec<_> = stopped.filter(|one| !one["stopped"].is_null()).collect();
    assert!(stopped.is_empty(), "read models stand still: {stopped:?}");
    assert_eq!(status["ended"], json!([]), "workers have ended");
    status
}

/// A payment without a session of ours that carries our metadata.
#[must_use]
pub fn payment_of(tenant: &str, order: &str, amount: i64) -> BarePayment {
    let metadata: BTreeMap<String, String> = [
        ("daybook_tenant".to_owned(), tenant.to_owned()),
        ("daybook_order".to_owned(), order.to_owned()),
    ]
    .into();
    let transfer_group = Some(order.to_owned());
    BarePayment { amount, metadata, transfer_group, ..BarePayment::default() }
}

/// Unix seconds as RFC 3339.
#[must_use]
pub fn instant(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .unwrap()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
