//! Filling a log the way it is filled in life: orders by command, Stripe's messages through the
//! intake, everything else by policies, timers and answers from the fake Stripe.

use std::{
    net::TcpListener,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aggregates::{
    order::{Order, commands::OrderCommand},
    seller_account::{SellerAccount, commands::SellerAccountCommand},
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::{AccountRef, CommercePolicy},
    webhook_event::events::Endpoint,
};
use engine::{Engine, EngineParts, Envelope};
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{OrderId, RequestId, SellerId, SubjectRef, SystemClock, TenantId, Timestamp};
use payments::{StripeConfig, StripeGateway, StripeIntake, StripeTranslator, TenantClock};
use store::{Log, Views};
use store_sqlite::SqliteViews;
use stripe_fake::{
    DisputeOutcome, FakeStripe, NewAccount, NewDispute, Operation, Seed, ServerHandle, Target,
};

use super::market::Sale;
use crate::{
    fault::{Doing, Fault, Outcome},
    house,
};

/// 2026-09-21T14:13:20Z, when the marketplace opens.
const OPENING: i64 = 1_790_000_000;
const DAY_SECONDS: i64 = 86_400;

const SELLERS: usize = 20;
const SALES_PER_DAY: u64 = 100;
/// Orders are shipped, refunded and disputed so many days after they were placed.
const DAYS_UNTIL_NEWS: u64 = 2;

/// How many commands and messages are under way at once.
const AT_ONCE: usize = 64;

const PATIENCE: Duration = Duration::from_secs(300);

/// Fills a log with at least so many events and closes it; the folder is for what it takes.
pub(super) async fn fill(log: &Arc<dyn Log>, folder: &Path, events: u64) -> Outcome<()> {
    let started = Instant::now();
    let marketplace = Marketplace::open(log, folder).await?;
    let mut day = 0;
    loop {
        marketplace.live_through(day).await?;
        let head = marketplace.log.head().await.doing("read the head of the log")?.position.0;
        eprintln!("filling the log: day {day}, {head} of {events} events");
        if head >= events {
            break;
        }
        day += 1;
    }
    marketplace.close().await;
    eprintln!("filled in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

struct Marketplace {
    tenant: TenantId,
    engine: Engine,
    intake: StripeIntake,
    stripe: FakeStripe,
    server: ServerHandle,
    sellers: Vec<SellerId>,
    log: Arc<dyn Log>,
    views: Arc<dyn Views>,
}

impl Marketplace {
    async fn open(log: &Arc<dyn Log>, folder: &Path) -> Outcome<Self> {
        let log = Arc::clone(log);
        let bus = house::bus_on(&log);
        let tenant = house::tenant_on(&bus, CommercePolicy::default()).await?;
        let stripe = FakeStripe::new(Seed(7), OPENING);
        let listener = TcpListener::bind("127.0.0.1:0").doing("find a port for the fake Stripe")?;
        let server = stripe_fake::serve(stripe.clone(), listener).doing("serve the fake Stripe")?;
        let views: Arc<dyn Views> = Arc::new(
            SqliteViews::open(folder.join("views-filling.sqlite"))
                .await
                .doing("open the read models")?,
        );
        let intake = StripeIntake::new(bus.clone(), Vec::new(), Arc::new(SystemClock));
        let clock = TenantClock::open(bus.clone(), tenant).await.doing("read the tenant")?;
        let config = StripeConfig::new("sk_test_bench").with_url(server.url());
        let gateway = StripeGateway::try_new(config, tenant, Arc::new(clock))
            .doing("make a client for the fake Stripe")?;
        let mut parts = EngineParts::new(bus, Arc::clone(&views));
        parts.translator = Some(Arc::new(StripeTranslator::new()));
        parts.stripe = Some(Arc::new(gateway));
        let engine = Engine::new(parts);
        engine.start().await.doing("start the engine")?;
        let sellers = Vec::new();
        let mut marketplace = Self { tenant, engine, intake, stripe, server, sellers, log, views };
        marketplace.move_clock(OPENING).await?;
        for number in 0..SELLERS {
            let seller = marketplace.welcome(number).await?;
            marketplace.sellers.push(seller);
        }
        marketplace.hear_and_settle().await?;
        Ok(marketplace)
    }

    fn envelope(&self) -> Envelope {
        Envelope::of_operator(self.tenant, "bench", RequestId::mint())
    }

    /// A seller with a connected account.
    async fn welcome(&self, number: usize) -> Outcome<SellerId> {
        let doing = "make a seller";
        let (seller, subject) = (SellerId::mint(), SubjectRef::mint());
        let name = format!("Acorn Crafts {number}");
        let sealed = self.engine.sealer().seal_for(self.tenant, subject, name.as_bytes());
        let account = NewAccount {
            metadata: [("daybook_seller".to_owned(), seller.to_string())].into(),
            ..NewAccount::default()
        };
        let key = format!("account {number}");
        let made = self.stripe.apply(&key, Operation::CreateAccount(account)).doing(doing)?;
        let account = AccountRef(made.id.ok_or_else(|| Fault::new(doing, "it has no account"))?);
        for command in [
            SellerAccountCommand::Register {
                seller,
                reference: format!("seller-{number}"),
                subject,
                name: sealed.await.doing(doing)?,
                organizer: None,
            },
            SellerAccountCommand::StartOnboarding { account },
        ] {
            let (bus, id) = (self.engine.bus(), seller.to_string());
            bus.send::<SellerAccount>(&id, command, self.envelope()).await.doing(doing)?;
        }
        Ok(seller)
    }

    /// One day: orders, payments, parcels, refunds, disputes, and all that follows.
    async fn live_through(&self, day: u64) -> Outcome<()> {
        let now = i64::try_from(day + 1).unwrap_or(i64::MAX).saturating_mul(DAY_SECONDS);
        self.move_clock(OPENING.saturating_add(now)).await?;
        let sales = |day: u64| {
            (day * SALES_PER_DAY..(day + 1) * SALES_PER_DAY)
                .map(|number| Sale::of(self.tenant, number))
        };
        self.at_once(
            sales(day).filter(Sale::is_ordered).map(|sale| async move {
                self.order(sale.order, sale.place(&self.sellers)?).await
            }),
        )
        .await?;
        for sale in sales(day) {
            let payment = Operation::Pay(sale.payment(self.tenant));
            self.stripe.apply(&sale.payment_key(), payment).doing("pay an order")?;
        }
        self.hear_and_settle().await?;
        let Some(earlier) = day.checked_sub(DAYS_UNTIL_NEWS) else { return Ok(()) };
        self.at_once(sales(earlier).filter(Sale::is_ordered).map(|sale| async move {
            self.order(sale.order, sale.ship()).await?;
            self.order(sale.order, sale.arrive()).await
        }))
        .await?;
        for sale in sales(earlier) {
            self.trouble(&sale)?;
        }
        self.hear_and_settle().await
    }

    fn trouble(&self, sale: &Sale) -> Outcome<()> {
        let payment = Target::made(sale.payment_key());
        if sale.is_disputed() {
            let outcome = Some((3 * DAY_SECONDS, DisputeOutcome::lost()));
            let dispute = NewDispute { outcome, ..NewDispute::chargeback(payment) };
            let key = format!("{} disputed", sale.payment_key());
            self.stripe.apply(&key, Operation::OpenDispute(dispute)).doing("dispute a payment")?;
        } else if sale.is_refunded() {
            let refund = Operation::Refund {
                payment,
                amount: None,
                reason: Some("requested_by_customer".to_owned()),
                metadata: std::collections::BTreeMap::new(),
                plan: None,
            };
            let key = format!("{} refunded", sale.payment_key());
            self.stripe.apply(&key, refund).doing("refund a payment")?;
        }
        Ok(())
    }

    async fn order(&self, order: OrderId, command: OrderCommand) -> Outcome<()> {
        let bus = self.engine.bus();
        let sent = bus.send::<Order>(&order.to_string(), command, self.envelope()).await;
        sent.map(drop).doing("send a command to an order")
    }

    async fn move_clock(&self, to: i64) -> Outcome<()> {
        self.stripe.advance_to(to).doing("move the clock of the fake Stripe")?;
        let command = TenantCommand::AdvanceClock { to: Timestamp::from_unix_seconds(to) };
        let tenant = self.tenant.to_string();
        let sent = self.engine.bus().send::<Tenant>(&tenant, command, self.envelope()).await;
        sent.map(drop).doing("move the test clock")
    }

    /// Takes in everything Stripe has to say, until it has nothing more to say and all is done.
    async fn hear_and_settle(&self) -> Outcome<()> {
        loop {
            let messages = self.stripe.take_undelivered(usize::MAX, &Default::default());
            let heard: Vec<String> = messages.iter().map(|message| message.id.clone()).collect();
            self.at_once(messages.into_iter().map(|message| async move {
                let endpoint = match message.account {
                    None => Endpoint::Platform,
                    Some(_) => Endpoint::Connect,
                };
                let body = message.body.as_bytes();
                let taken = self.intake.accept(self.tenant, endpoint, body, false).await;
                taken.map(drop).doing("take in a message")
            }))
            .await?;
            self.stripe.acknowledge(&heard).doing("acknowledge messages")?;
            self.engine.settle(PATIENCE).await.doing("wait until all is done")?;
            if heard.is_empty() {
                return Ok(());
            }
        }
    }

    async fn at_once<W: Future<Output = Outcome<()>>>(
        &self,
        work: impl Iterator<Item = W>,
    ) -> Outcome<()> {
        stream::iter(work).map(Ok).try_for_each_concurrent(AT_ONCE, |work| work).await
    }

    async fn close(self) {
        self.engine.shutdown(PATIENCE).await;
        self.server.stop().await;
        self.views.close().await;
        self.log.close().await;
    }
}
