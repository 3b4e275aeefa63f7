//! Histories made up for tests, and their balances added up without the exporter.

use std::collections::{BTreeMap, HashMap};

use aggregates::{
    balance_transaction::{BalanceTransactionEvent, Provenance, TransactionRecord},
    fact::Fact,
    order::events::OrderEvent,
    seller_account::events::SellerAccountEvent,
    tenant::events::TenantEvent,
    vocabulary::{Claim, Components, LineNo, LineShare, Organizer},
};
use kernel::{
    Actor, ActorKind, Cause, Currency, Mode, OrderId, PaymentId, SellerId, TenantId, Timestamp,
    derived_uuid,
};
use projections::postings::{Entry, postings};
use rand::{Rng, SeedableRng, rngs::StdRng};
use store::{Commit, Expected, Log, LogId, MemoryLog, Metadata, NewEvent, StreamId};
use test_judges::Balances;

use crate::{amounts::amount_text, names};

pub(super) fn tenant() -> TenantId {
    TenantId::derived(&["acorn"])
}

/// A seed, which is printed; `DAYBOOK_SEED` is one that failed.
pub(super) fn seed() -> u64 {
    let given = std::env::var("DAYBOOK_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(rand::random);
    println!("seed {seed}");
    seed
}

fn seller(number: u32) -> SellerId {
    SellerId::derived(&[&number.to_string()])
}

/// A day in March 2026, at noon UTC.
pub(super) fn noon(day: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_772_366_400).plus_days(day - 1)
}

/// A log being filled, and the entries its facts post.
pub(super) struct History {
    pub(super) log: MemoryLog,
    pub(super) entries: Vec<Entry>,
    versions: HashMap<StreamId, u64>,
    told: u64,
}

impl History {
    pub(super) fn new() -> Self {
        let log = MemoryLog::with_id(LogId("log_of_a_test".to_owned()));
        Self { log, entries: Vec::new(), versions: HashMap::new(), told: 0 }
    }

    pub(super) async fn tell(&mut self, id: impl std::fmt::Display, fact: &Fact) {
        let (category, payload) = match fact {
            Fact::Order(event) => ("order", serde_json::to_string(event)),
            Fact::SellerAccount(event) => ("seller_account", serde_json::to_string(event)),
            Fact::BalanceTransaction(event) => {
                ("balance_transaction", serde_json::to_string(event))
            }
            Fact::Tenant(event) => ("tenant", serde_json::to_string(event)),
            other => panic!("no test tells of {}", other.event_type()),
        };
        self.told += 1;
        let stream = StreamId::new(category, tenant(), id.to_string());
        self.entries.extend(postings(&stream, fact).unwrap());
        let version = self.versions.entry(stream.clone()).or_default();
        let expected = if *version == 0 { Expected::Absent } else { Expected::At(*version) };
        *version += 1;
        let metadata = Metadata {
            cause: Cause {
                actor: Actor::new(ActorKind::ApiKey, "key_1"),
                request: None,
                causation: None,
                correlation: "c".to_owned(),
                webhook: None,
            },
            mode: Mode::Sandbox,
            command: format!("command {}", self.told),
        };
        let commit = Commit {
            command_id: format!("command {}", self.told),
            stream,
            expected,
            events: vec![NewEvent {
                id: derived_uuid(&[&self.told.to_string()]),
                event_type: fact.event_type().into(),
                event_version: "1".into(),
                payload: payload.unwrap().into(),
            }],
            metadata: metadata.to_json().unwrap(),
            recorded_at: noon(1),
            idempotency: None,
            sealing_keys: Vec::new(),
        };
        self.log.append(commit).await.unwrap();
    }

    /// The balances of the entries for which `wanted` holds, under names that `name` gives.
    pub(super) fn balances(
        &self,
        name: fn(&projections::chart::Book, &projections::chart::Account) -> String,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Balances {
        let mut sums: BTreeMap<(String, Currency), i128> = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| wanted(entry)) {
            for line in entry.lines() {
                let key = (name(entry.book(), line.account()), entry.currency());
                *sums.entry(key).or_default() += i128::from(line.signed());
            }
        }
        sums.into_iter()
            .filter(|(_, sum)| *sum != 0)
            .map(|((name, currency), sum)| {
                let amount = test_judges::canonical(&amount_text(sum, currency));
                ((name, currency.to_string()), amount)
            })
            .collect()
    }

    pub(super) fn plain(&self) -> Balances {
        self.balances(names::plain, |_| true)
    }

    pub(super) fn beancount(&self) -> Balances {
        self.balances(names::beancount, |_| true)
    }

    async fn paid(&mut self, order: OrderId, sale: &Sale, lines: Vec<LineShare>) {
        let amount = lines.iter().map(|line| line.components.cash()).sum();
        let event = OrderEvent::Paid {
            payment: PaymentId::derived(&[&order.to_string()]),
            charge: sale.charge.as_str().into(),
            currency: sale.currency,
            amount,
            tax_jurisdiction: sale.jurisdiction.clone(),
            lines,
            assume_funds_at: None,
            occurred_at: sale.at,
            at: sale.at,
        };
        self.tell(order, &Fact::Order(event)).await;
    }

    async fn credited(&mut self, order: OrderId, sale: &Sale, share: &LineShare) {
        let event = SellerAccountEvent::Credited {
            seller: share.seller,
            claim: Claim::of_line(order, share.line),
            currency: sale.currency,
            amount: share.components.seller_part(),
            organizer: share.organizer.clone(),
            order: Some(order),
            line: Some(share.line),
            product: share.product.clone(),
            occurred_at: sale.at,
            at: sale.at,
        };
        self.tell(share.seller, &Fact::SellerAccount(event)).await;
    }

    async fn transaction(&mut self, txn: String, change: impl FnOnce(&mut TransactionRecord)) {
        let mut record = TransactionRecord {
            txn: txn.as_str().into(),
            account: None,
            kind: "charge".to_owned(),
            category: "charge".to_owned(),
            source: None,
            counterpart: None,
            currency: Currency::USD,
            amount: 0,
            fee: 0,
            net: 0,
            fee_details: Vec::new(),
            exchange_rate: None,
            available_on: noon(9),
            occurred_at: noon(2),
            provenance: Provenance::Fetched,
        };
        change(&mut record);
        record.net = record.amount - record.fee;
        let event = BalanceTransactionEvent::Recorded { record, at: noon(3) };
        self.tell(txn, &Fact::BalanceTransaction(event)).await;
    }
}

struct Sale {
    charge: String,
    currency: Currency,
    jurisdiction: String,
    at: Timestamp,
}

fn share(line: u16, seller: SellerId, product: &str, components: Components) -> LineShare {
    LineShare {
        line: LineNo(line),
        seller,
        organizer: Organizer::from("fair"),
        product: product.to_owned(),
        components,
    }
}

/// One order of two sellers, of which only one has been credited, and its charge.
pub(super) async fn one_order() -> History {
    let mut history = History::new();
    let order = OrderId::derived(&["order"]);
    let sale = Sale {
        charge: "ch_1".to_owned(),
        currency: Currency::USD,
        jurisdiction: "US-CA".to_owned(),
        at: noon(1),
    };
    let components = Components { fee: 600, seller: 5400, shipping: 500, tax: 495, discount: 600 };
    let lines = vec![
        share(0, seller(1), "=HYPERLINK(\"x\"), a [2026-01-01] mug", components),
        share(
            1,
            seller(2),
            "rug",
            Components { fee: 400, seller: 3600, tax: 330, ..Components::default() },
        ),
    ];
    history.paid(order, &sale, lines.clone()).await;
    history.credited(order, &sale, &lines[0]).await;
    let amount = lines.iter().map(|line| line.components.cash()).sum();
    history
        .transaction("txn_1".to_owned(), |record| {
            record.source = Some("ch_1".to_owned());
            (record.amount, record.fee) = (amount, 329);
        })
        .await;
    history
}

/// Orders in several currencies whose facts come in any order of days, transfers, fees, payouts of
/// connected accounts, and things nobody has mapped.
#[expect(clippy::too_many_lines, reason = "one life after another, told in a row")]
pub(super) async fn at_random(seed: u64, orders: u32) -> History {
    let mut random = StdRng::seed_from_u64(seed);
    let mut history = History::new();
    let currencies = ["USD", "EUR", "JPY", "KWD", "ISK", "MGA"].map(|code| code.parse().unwrap());
    let jurisdictions = ["US-CA", "GB", "état, 5% [x]; \"y\"", "US:CA", "US", "a  b", "Z"];
    let products = ["mug", "=1+1", "日本, \"rug\" \\ [2026-01-01]", "a: b", ":tag:", "  "];
    for number in 0..orders {
        if number == orders / 2 {
            let time_zone = "Asia/Tokyo".to_owned();
            let event = TenantEvent::TimeZoneSet { time_zone, at: noon(1) };
            history.tell(tenant(), &Fact::Tenant(event)).await;
        }
        let order = OrderId::derived(&[&number.to_string()]);
        let sale = Sale {
            charge: format!("ch_{number}x"),
            currency: currencies[random.random_range(0..currencies.len())],
            jurisdiction: jurisdictions[random.random_range(0..jurisdictions.len())].to_owned(),
            at: noon(random.random_range(1..28)).plus_seconds(random.random_range(-43_000..43_000)),
        };
        let lines: Vec<LineShare> = (0..random.random_range(1..4))
            .map(|line| {
                let most = if random.random_ratio(1, 50) { 1 << 50 } else { 100_000 };
                let fee = random.random_range(0..most);
                let components = Components {
                    fee,
                    seller: random.random_range(1..most),
                    shipping: random.random_range(0..1000),
                    tax: random.random_range(0..1000),
                    discount: random.random_range(0..=fee.min(500)),
                };
                let product = products[random.random_range(0..products.len())];
                share(line, seller(random.random_range(0..4)), product, components)
            })
            .collect();
        history.paid(order, &sale, lines.clone()).await;
        for share in &lines {
            if random.random_ratio(4, 5) {
                history.credited(order, &sale, share).await;
            }
        }
        let amount: i64 = lines.iter().map(|line| line.components.cash()).sum();
        let day = random.random_range(1..28);
        let fee = random.random_range(0..400);
        let mut after = |kind: &'static str| {
            let transfer = kind == "transfer";
            let place = random.random_range(0..3);
            let source = (kind != "stripe_fee").then(|| match kind {
                "charge" => format!("ch_{number}x"),
                _ => format!("{kind}_{number}x"),
            });
            move |record: &mut TransactionRecord| {
                record.kind = kind.to_owned();
                record.category = kind.to_owned();
                record.source = source;
                record.currency = sale.currency;
                record.occurred_at = noon(day);
                (record.amount, record.fee) =
                    if kind == "charge" { (amount, fee) } else { (-7 * fee, 0) };
                if transfer {
                    record.counterpart = Some(format!("acct_{place}X").as_str().into());
                } else if kind == "payout" {
                    record.account = Some(format!("acct_{place}X").as_str().into());
                }
            }
        };
        let kinds = ["charge", "transfer", "payout", "stripe_fee", "reserve_hold", "novelty"];
        for (place, kind) in kinds.into_iter().enumerate() {
            if place < 1 + usize::try_from(number % 6).unwrap() {
                let change = after(kind);
                history.transaction(format!("txn_{number}_{place}"), change).await;
            }
        }
    }
    history
}
