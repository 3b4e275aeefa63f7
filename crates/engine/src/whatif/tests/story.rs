//! A small house that writes a real history: the real bus, policies and timers on a log in memory,
//! with reactions that come as late, and in as many orders, as they may.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use aggregates::{
    balance_transaction::{BalanceTransactionCommand, Provenance, TransactionRecord},
    dispute::{
        classes,
        commands::{DisputeCommand, DisputeFact, DisputeMovement},
    },
    fact::Fact,
    link::{LinkCommand, Subject},
    order::{
        commands::OrderCommand,
        events::{Buyer, Discount, Line, LineAmounts, OrderEvent, Origin, Totals},
        placed_again,
    },
    payment::{
        classes as payment_classes,
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::{FactObject, LinkedVia},
    },
    payout::commands::{PayoutCommand, TransferFact},
    policies::{Command, react, timers, timers::Timer},
    refund::commands::{RefundCommand, RefundFact},
    seller_account::{
        PayoutStage, SellerAccount,
        commands::SellerAccountCommand,
        events::{AccountFlags, PayoutInterval, PayoutSchedule},
    },
    tenant::commands::TenantCommand,
    vocabulary::{CommercePolicy, FactRank, LineNo},
};
use kernel::{
    Actor, ActorKind, Cause, Currency, DisputeId, FixedClock, KeyRef, Mode, Money, OrderId,
    PaymentId, PayoutId, Rate, RefundId, Sealed, SellerId, SubjectRef, TenantId, Timestamp,
};
use store::{Log, MemoryLog, Metadata, Position};

use crate::{Bus, Envelope, policies::reaction_id, testing::NOON};

pub(super) const CURRENCY: Currency = Currency::USD;
const DAY: i64 = 86_400;

/// Chance that is the same for the same seed.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(super) fn amount(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).unwrap())).unwrap()
    }
}

/// One line as the storefront has it.
pub(super) struct Sold {
    pub(super) seller: SellerId,
    pub(super) price: i64,
    pub(super) fee_bps: u16,
}

/// The whole order beside its lines.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) shipping: i64,
    pub(super) tax: i64,
    pub(super) discount: Option<Discount>,
}

pub(super) struct Story {
    pub(super) log: Arc<MemoryLog>,
    pub(super) chance: Chance,
    bus: Bus,
    clock: FixedClock,
    pub(super) now: Timestamp,
    tenant: TenantId,
    policy: CommercePolicy,
    read: Position,
    lanes: BTreeMap<String, VecDeque<(Command, Envelope)>>,
    timers: BTreeMap<(Timestamp, String), Timer>,
    told: u32,
}

impl Story {
    pub(super) async fn new(policy: CommercePolicy, seed: u64) -> Self {
        let log = Arc::new(MemoryLog::new());
        let now = Timestamp::from_millis(NOON);
        let clock = FixedClock::new(now);
        let bus = Bus::new(Arc::clone(&log) as Arc<dyn Log>, Arc::new(clock.clone()), 100);
        let tenant = TenantId::derived(&["Acorn Market"]);
        let mut story = Self {
            log,
            chance: Chance(seed),
            bus,
            clock,
            now,
            tenant,
            policy: policy.clone(),
            read: Position::START,
            lanes: BTreeMap::new(),
            timers: BTreeMap::new(),
            told: 0,
        };
        let provision = TenantCommand::Provision {
            tenant,
            name: "Acorn Market".to_owned(),
            mode: Mode::Live,
            time_zone: "UTC".to_owned(),
            policy,
        };
        story.tell(Command::Tenant(tenant, provision)).await.unwrap();
        story
    }

    /// Somebody outside says something; nobody has reacted yet.
    pub(super) async fn tell(&mut self, command: Command) -> Result<(), String> {
        self.told += 1;
        self.now = self.now.plus_seconds(1);
        self.clock.set(self.now);
        let id = format!("told/{}", self.told);
        let cause = Cause {
            actor: Actor::new(ActorKind::ApiKey, "key_wanda"),
            request: None,
            causation: None,
            correlation: id.clone(),
            webhook: None,
        };
        let sent = self.bus.dispatch(command, Envelope::new(self.tenant, id, cause)).await;
        sent.map(drop).map_err(|error| error.to_string())
    }

    /// At most so many reactions happen, those of each stream in order.
    pub(super) async fn react(&mut self, most: usize) {
        for _ in 0..most {
            self.read_new().await;
            let lanes: Vec<String> = self.lanes.keys().cloned().collect();
            if lanes.is_empty() {
                return;
            }
            let chosen = self.chance.below(u64::try_from(lanes.len()).unwrap());
            let lane = &lanes[usize::try_from(chosen).unwrap()];
            let jobs = self.lanes.get_mut(lane).unwrap();
            let (command, envelope) = jobs.pop_front().unwrap();
            if jobs.is_empty() {
                self.lanes.remove(lane);
            }
            // Some are refused: the world has moved on.
            let _refused = self.bus.dispatch(command, envelope).await;
        }
    }

    async fn read_new(&mut self) {
        let page = self.log.read_all(self.read, usize::MAX).await.unwrap();
        for recorded in page.events {
            self.read = recorded.position;
            let fact = Fact::decode(&recorded.stream.category, &recorded.payload).unwrap();
            let metadata = Metadata::from_json(&recorded.metadata).unwrap();
            for change in timers::changes(&fact, &recorded.stream.id) {
                let (key, timer) = match change {
                    timers::TimerChange::Set(timer) => (timer.key.clone(), Some(timer)),
                    timers::TimerChange::Clear(key) => (key, None),
                };
                self.timers.retain(|(_, known), _| *known != key);
                if let Some(timer) = timer {
                    self.timers.insert((timer.due, key), timer);
                }
            }
            let reactions = react(&fact, &recorded.stream.id);
            for (at, reaction) in reactions.iter().enumerate() {
                let policy = reaction.policy;
                let earlier = reactions.iter().take(at).filter(|other| other.policy == policy);
                let event = recorded.id.to_string();
                let id = reaction_id(self.tenant, &event, policy, earlier.count());
                let cause = Cause {
                    actor: Actor::new(ActorKind::Policy, policy),
                    causation: Some(event),
                    ..metadata.cause.clone()
                };
                let job = (reaction.command.clone(), Envelope::new(self.tenant, id, cause));
                self.lanes.entry(recorded.stream.to_string()).or_default().push_back(job);
            }
        }
    }

    /// Everything that follows, follows.
    pub(super) async fn rest(&mut self) {
        self.react(10_000).await;
    }

    /// So many days pass, and timers fire.
    pub(super) async fn pass(&mut self, days: i64) {
        self.now = self.now.plus_seconds(days * DAY);
        self.clock.set(self.now);
        self.rest().await;
        loop {
            let due = self.timers.first_key_value().map(|((due, _), _)| *due);
            if due.is_none_or(|due| due > self.now) {
                return;
            }
            let (_, timer) = self.timers.pop_first().unwrap();
            let Some(command) = timer.command(chrono_tz::Tz::UTC) else { continue };
            let envelope = crate::timers::envelope(self.tenant, &timer);
            let _refused = self.bus.dispatch(command, envelope).await;
            self.rest().await;
        }
    }

    /// A seller who can be paid; Stripe's own schedule pays his bank.
    pub(super) async fn seller(&mut self, name: &str, interval: PayoutInterval) -> SellerId {
        let id = SellerId::derived(&[name]);
        let daily = matches!(interval, PayoutInterval::Daily);
        let commands = [
            SellerAccountCommand::Register {
                seller: id,
                reference: name.to_owned(),
                subject: SubjectRef::derived(&[name]),
                name: Sealed {
                    v: 1,
                    key: KeyRef("subject".to_owned()),
                    nonce: "AAAAAAAAAAAAAAAA".to_owned(),
                    ciphertext: "bmFtZQ==".to_owned(),
                },
                organizer: None,
            },
            SellerAccountCommand::StartOnboarding { account: format!("acct_{name}").into() },
            SellerAccountCommand::MergeStatus {
                account: format!("acct_{name}").into(),
                flags: AccountFlags {
                    details_submitted: true,
                    charges_enabled: true,
                    payouts_enabled: true,
                    transfers_active: true,
                    ..AccountFlags::default()
                },
                rank: rank(0, 1),
            },
            SellerAccountCommand::SetPayoutSchedule {
                schedule: PayoutSchedule {
                    automatic_bank: true,
                    interval,
                    minimum: 1,
                    delay_days: None,
                    reserve_bps: None,
                    payout_after: None,
                },
                next_due: daily.then(|| self.now.plus_days(1)),
            },
        ];
        for command in commands {
            self.tell(Command::SellerAccount(id, command)).await.unwrap();
        }
        id
    }

    /// An order is placed and paid, and Stripe's balance transaction comes.
    pub(super) async fn sale(&mut self, name: &str, sold: &[Sold], extras: Extras) -> OrderId {
        let order = OrderId::derived(&[name]);
        let event = OrderEvent::Placed {
            order,
            reference: None,
            buyer: Buyer::Registered(SubjectRef::derived(&["Wanda"])),
            currency: CURRENCY,
            origin: Origin::Cart,
            lines: (0..).zip(sold).map(|(number, sold)| line(number, sold)).collect(),
            discount: extras.discount,
            tax_jurisdiction: "US-CA".to_owned(),
            ship_to: Some(SubjectRef::derived(&["Wanda"])),
            totals: Totals { shipping: extras.shipping, tax: extras.tax, ..Totals::default() },
            policy: self.policy.clone(),
            expires_at: self.now.plus_seconds(3600),
            at: self.now,
        };
        let place = placed_again(&event, self.policy.clone(), |rate| rate).unwrap().unwrap();
        let amount = Money::new(place.claimed.total, CURRENCY);
        self.tell(Command::Order(order, OrderCommand::Place(Box::new(place)))).await.unwrap();
        let (payment, charge) = (payment(name), format!("ch_{name}"));
        let link =
            LinkCommand::Establish { object: charge.clone(), subject: Subject::Payment(payment) };
        self.tell(Command::Link(charge.clone(), link)).await.unwrap();
        let fact = PaymentFact {
            object: FactObject::Charge,
            id: charge.clone(),
            rank: rank(payment_classes::charge("succeeded"), 1),
            kind: PaymentFactKind::Succeeded {
                charge: Some(charge.as_str().into()),
                intent: None,
                amount,
            },
            order: Some((order, LinkedVia::Metadata)),
            occurred_at: self.now,
        };
        let merge = PaymentCommand::MergeFact { payment, fact: Box::new(fact) };
        self.tell(Command::Payment(payment, merge)).await.unwrap();
        // Captured first: nobody looks up what came before it in this small house.
        self.rest().await;
        let fee = amount.minor() / 30;
        self.transaction(&format!("txn_{name}"), "charge", &charge, amount.minor(), fee).await;
        order
    }

    async fn transaction(&mut self, txn: &str, kind: &str, source: &str, amount: i64, fee: i64) {
        let record = TransactionRecord {
            txn: txn.into(),
            account: None,
            kind: kind.to_owned(),
            category: kind.to_owned(),
            source: Some(source.to_owned()),
            counterpart: None,
            currency: CURRENCY,
            amount,
            fee,
            net: amount - fee,
            fee_details: Vec::new(),
            exchange_rate: None,
            available_on: self.now.plus_days(2),
            occurred_at: self.now,
            provenance: Provenance::Fetched,
        };
        let record = BalanceTransactionCommand::Record(Box::new(record));
        self.tell(Command::BalanceTransaction(txn.into(), record)).await.unwrap();
    }

    /// Staff give back so much of a line, or all of it.
    pub(super) async fn refund(
        &mut self,
        name: &str,
        order: OrderId,
        line: u16,
        minor: Option<i64>,
    ) {
        let refund = RefundId::derived(&[name]);
        let reserve = OrderCommand::ReserveRefund {
            refund,
            line: LineNo(line),
            amount: minor.map(|minor| Money::new(minor, CURRENCY)),
            reason: "moth-eaten".to_owned(),
            by: "key_wanda".into(),
            approved: true,
            despite_inquiry: false,
        };
        // More than is left, or under dispute: then there is no refund.
        let _refused = self.tell(Command::Order(order, reserve)).await;
    }

    /// Somebody gives money back in Stripe's own dashboard.
    pub(super) async fn refund_at_stripe(&mut self, name: &str, sale: &str, minor: i64) {
        let refund = RefundId::derived(&[name]);
        let fact = RefundFact {
            stripe_refund: format!("re_{name}").into(),
            rank: rank(1, 1),
            status: "succeeded".to_owned(),
            reason: None,
            amount: Money::new(minor, CURRENCY),
            balance_transaction: None,
            failure_balance_transaction: None,
            occurred_at: self.now,
        };
        let observe = RefundCommand::ObserveExternal {
            refund,
            payment: payment(sale),
            charge: format!("ch_{sale}").into(),
            fact: Box::new(fact),
        };
        let _refused = self.tell(Command::Refund(refund, observe)).await;
    }

    /// The bank takes money for a dispute, and later gives some of it back or not.
    pub(super) async fn dispute(
        &mut self,
        name: &str,
        sale: &str,
        minor: i64,
        status: &str,
        back: i64,
    ) {
        let dispute = DisputeId::derived(&[name]);
        let movement = |txn: &str, amount: i64| DisputeMovement {
            txn: format!("txn_{name}_{txn}").into(),
            amount: Money::new(amount, CURRENCY),
            fee: 0,
            occurred_at: self.now,
        };
        let mut movements = vec![movement("out", -minor)];
        movements.extend((back > 0).then(|| movement("back", back)));
        let fact = DisputeFact {
            stripe_dispute: format!("dp_{name}").into(),
            charge: format!("ch_{sale}").into(),
            rank: rank(classes::class(status), if status == "needs_response" { 1 } else { 2 }),
            status: status.to_owned(),
            amount: Money::new(minor, CURRENCY),
            reason: "fraudulent".to_owned(),
            network: None,
            due_by: None,
            charge_refundable: false,
            movements,
            occurred_at: self.now,
        };
        let merge =
            DisputeCommand::MergeFact { dispute, payment: payment(sale), fact: Box::new(fact) };
        let _refused = self.tell(Command::Dispute(dispute, merge)).await;
    }

    /// A seller asks for all he has, and the transfer is made.
    pub(super) async fn pay_out(&mut self, name: &str, seller: SellerId) {
        let reserve = SellerAccountCommand::ReserveForPayout {
            payout: PayoutId::derived(&[name]),
            currency: CURRENCY,
            amount: None,
            minimum: 1,
            by: "key_wanda".into(),
        };
        let _refused = self.tell(Command::SellerAccount(seller, reserve)).await;
        self.rest().await;
        self.transfer(seller).await;
    }

    /// The transfer that a seller's payout waits for is made.
    pub(super) async fn transfer(&mut self, seller: SellerId) {
        let view = |known: &SellerAccount, _| {
            let (payout, minor, stage) = known.position(CURRENCY).lane()?;
            let committed = *stage == PayoutStage::Committed;
            known.account().cloned().filter(|_| committed).map(|account| (payout, account, minor))
        };
        let id = seller.to_string();
        let found = self.bus.inspect::<SellerAccount, _>(self.tenant, &id, view).await.unwrap();
        let Some((payout, account, minor)) = found else { return };
        let note = PayoutCommand::NoteTransfer {
            payout,
            seller: Some(seller),
            fact: TransferFact {
                transfer: format!("tr_{payout}").into(),
                account,
                amount: Money::new(minor, CURRENCY),
                txn: None,
                occurred_at: self.now,
            },
        };
        self.tell(Command::Payout(payout, note)).await.unwrap();
    }
}

fn payment(sale: &str) -> PaymentId {
    PaymentId::derived(&[sale])
}

fn rank(class: u8, created: i64) -> FactRank {
    FactRank { class, created, event: format!("evt_{created}").into() }
}

fn line(number: u16, sold: &Sold) -> Line {
    Line {
        line: LineNo(number),
        listing: format!("listing-{number}"),
        title: "A jumper".to_owned(),
        seller: sold.seller,
        organizer: sold.seller.to_string().into(),
        quantity: 1,
        unit_price: sold.price,
        shippable: true,
        taxable: true,
        fee_bps: Rate::try_from_bps(sold.fee_bps).unwrap(),
        amounts: LineAmounts::default(),
    }
}
