//! The engine, this crate and the fake Stripe together: messages in, questions out, books filled.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use aggregates::{
    balance_transaction::BalanceTransactionEvent,
    link::{Link, LinkCommand, Subject},
    payout::events::PayoutEvent,
    seller_account::{SellerAccount, commands::SellerAccountCommand},
    vocabulary::AccountRef,
    webhook_event::events::Endpoint,
};
use bytes::Bytes;
use engine::{Engine, EngineParts, Envelope, SweepReport};
use kernel::{FixedClock, RequestId, SellerId, SubjectRef, Timestamp};
use serde::de::DeserializeOwned;
use store::{MemoryViews, Position};
use stripe_fake::{
    ApiRequest, BarePayment, FakeStripe, NewAccount, Operation, PayoutSchedule, Seed, ServerHandle,
    serve,
};

use crate::{
    StripeConfig, StripeGateway, StripeTranslator,
    intake::tests::{House, NOW, house, tenant},
};

const DAY: i64 = 86_400;
const PATIENCE: Duration = Duration::from_secs(30);

/// A platform with one connected seller, and a Stripe with a key to it.
struct Market {
    house: House,
    stripe: FakeStripe,
    server: ServerHandle,
    engine: Engine,
    account: String,
}

impl Market {
    async fn open() -> Self {
        let stripe = FakeStripe::new(Seed(21), NOW);
        let server = serve(stripe.clone(), TcpListener::bind("127.0.0.1:0").unwrap()).unwrap();
        let new = Operation::CreateAccount(NewAccount::default());
        let account = stripe.apply("seller", new).unwrap().id.unwrap();
        let house = house().await;
        let config = StripeConfig::new("sk_test_orchard").with_url(server.url());
        let clock = Arc::new(FixedClock::new(Timestamp::from_unix_seconds(NOW)));
        let gateway = StripeGateway::try_new(config, tenant("pears"), clock).unwrap();
        let mut parts = EngineParts::new(house.bus.clone(), Arc::new(MemoryViews::new()));
        parts.translator = Some(Arc::new(StripeTranslator::new()));
        parts.stripe = Some(Arc::new(gateway));
        let engine = Engine::new(parts);
        engine.start().await.unwrap();
        let market = Self { house, stripe, server, engine, account };
        // The first sweep is over before anything has happened.
        while market.engine.status().await.unwrap().sweep.last.is_none() {
            tokio::task::yield_now().await;
        }
        market.connect().await;
        market
    }

    async fn connect(&self) {
        let seller = SellerId::derived(&["Pear & Co"]);
        let key = engine::sealing::fresh_key(tenant("pears"), "subject/pear".to_owned());
        let register = SellerAccountCommand::Register {
            seller,
            reference: "pear".to_owned(),
            subject: SubjectRef::derived(&["Pear & Co"]),
            name: engine::sealing::seal(&key, b"Pear & Co").unwrap(),
            organizer: None,
        };
        let account = AccountRef::from(self.account.as_str());
        let steps = [register, SellerAccountCommand::StartOnboarding { account }];
        for (n, step) in steps.into_iter().enumerate() {
            let request = RequestId::derived(&["seller", &n.to_string()]);
            let envelope = Envelope::of_operator(tenant("pears"), "test", request);
            let id = seller.to_string();
            self.house.bus.send::<SellerAccount>(&id, step, envelope).await.unwrap();
        }
        let (object, subject) = (self.account.clone(), Subject::Seller(seller));
        let envelope =
            Envelope::of_operator(tenant("pears"), "test", RequestId::derived(&["link"]));
        let establish = LinkCommand::Establish { object, subject };
        self.house.bus.send::<Link>(&self.account, establish, envelope).await.unwrap();
    }

    /// Everything that has happened at Stripe is delivered, and worked on.
    async fn hear(&self) {
        for event in self.stripe.take_undelivered(usize::MAX, &BTreeSet::new()) {
            let endpoint =
                if event.account.is_some() { Endpoint::Connect } else { Endpoint::Platform };
            let body = Bytes::copy_from_slice(event.body.as_bytes());
            self.house.intake.accept(tenant("pears"), endpoint, &body, false).await.unwrap();
        }
        self.engine.settle(PATIENCE).await.unwrap();
    }

    async fn facts<E: DeserializeOwned>(&self, category: &str) -> Vec<E> {
        let page = self.house.bus.log().read_all(Position::START, usize::MAX).await.unwrap();
        let of = page.events.iter().filter(|event| &*event.stream.category == category);
        of.map(|event| serde_json::from_str(&event.payload).unwrap()).collect()
    }

    /// What our books say each balance holds.
    async fn balances(&self) -> BTreeMap<(Option<String>, String), i64> {
        let mut balances = BTreeMap::new();
        for event in self.facts::<BalanceTransactionEvent>("balance_transaction").await {
            let BalanceTransactionEvent::Recorded { record, .. } = event else {
                panic!("{event:?}");
            };
            let whose = record.account.map(|account| account.0);
            *balances.entry((whose, record.currency.stripe_code())).or_default() += record.net;
        }
        balances
    }

    async fn close(self) {
        self.engine.shutdown(PATIENCE).await;
        self.server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_automatic_payout_is_listed_recorded_and_compared() {
    let market = Market::open().await;
    let (stripe, account) = (&market.stripe, market.account.clone());
    let sale = BarePayment { amount: 100_000, ..BarePayment::default() };
    stripe.apply("sale", Operation::Pay(sale)).unwrap();
    stripe.advance_to(NOW + 10 * DAY).unwrap();
    let schedule = PayoutSchedule::Daily;
    let daily = Operation::SetPayoutSchedule { account: Some(account.clone()), schedule };
    stripe.apply("daily", daily).unwrap();
    for (key, amount) in [("t1", 4_000), ("t2", 1_500)] {
        let form = format!("amount={amount}&currency=usd&destination={account}");
        let made = stripe.call(&ApiRequest::post("/v1/transfers", &form).key(key)).unwrap();
        assert_eq!(made.status, 200, "{}", made.body);
    }
    stripe.advance_to(NOW + 13 * DAY).unwrap();
    market.hear().await;
    let reconciled: Vec<(u32, i64, i64)> = market
        .facts::<PayoutEvent>("payout")
        .await
        .into_iter()
        .filter_map(|event| match event {
            PayoutEvent::Reconciled { transactions, sum, difference, .. } => {
                Some((transactions, sum.minor(), difference))
            }
            _ => None,
        })
        .collect();
    assert_eq!(reconciled, [(2, 5_500, 0)]);
    let recorded = market.balances().await;
    assert_eq!(recorded[&(Some(account), "usd".to_owned())], 0);
    market.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_message_mentions_is_swept() {
    let market = Market::open().await;
    let (stripe, account) = (&market.stripe, market.account.clone());
    let sale = BarePayment { amount: 50_000, ..BarePayment::default() };
    stripe.apply("sale", Operation::Pay(sale)).unwrap();
    let direct = BarePayment {
        amount: 20_000,
        on_account: Some(account.clone()),
        application_fee: Some(600),
        ..BarePayment::default()
    };
    stripe.apply("direct", Operation::Pay(direct)).unwrap();
    let currency = "usd".to_owned();
    let bill = Operation::ChargeStripeFee {
        amount: 1_200,
        tax: 228,
        currency: currency.clone(),
        description: "Billing - usage fee".to_owned(),
    };
    stripe.apply("bill", bill).unwrap();
    let hold = Operation::HoldReserve { account: None, amount: 2_000, currency };
    stripe.apply("hold", hold).unwrap();
    market.hear().await;
    let truth = |owner: Option<&str>| stripe.balance(owner)["usd"];
    let ours = market.balances().await;
    assert_ne!(ours[&(None, "usd".to_owned())], truth(None), "messages mention everything");

    let report = market.engine.sweep().await.unwrap();
    assert!(report.recorded > 0 && report.listed >= report.recorded, "{report:?}");
    assert_eq!(report.refused, []);
    let ours = market.balances().await;
    assert_eq!(ours[&(None, "usd".to_owned())], truth(None));
    assert_eq!(ours[&(Some(account.clone()), "usd".to_owned())], truth(Some(&account)));
    let again = market.engine.sweep().await.unwrap();
    assert_eq!(again, SweepReport { recorded: 0, ..report });
    market.close().await;
}
