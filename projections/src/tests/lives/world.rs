//! A world in memory: the real aggregates, the real policies, the real timers, and no store.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    future::Future,
    pin::pin,
    task::{Context as Polled, Poll, Waker},
};

use aggregates::{
    balance_transaction::{BalanceTransaction, BalanceTransactionCommand, TransactionRecord},
    dispute::Dispute,
    fact::Fact,
    link::Subject,
    order::Order,
    payment::{Payment, commands::PaymentCommand, events::FactObject},
    payout::Payout,
    policies::{
        Command, Settled, fee_of, react, settlement_of,
        timers::{Timer, TimerChange, changes},
    },
    refund::{Refund, commands::RefundCommand},
    seller_account::SellerAccount,
    topup::Topup,
};
use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Actor, ActorKind, Cause, Context, Mode, TenantId, Timestamp, derived_uuid};
use store::{Metadata, Position, Recorded, StreamId};

use crate::{Occurrence, postings::Entry};

/// An event, and what it does to the books.
#[derive(Debug)]
pub(crate) struct Lived {
    pub(crate) recorded: Recorded,
    pub(crate) fact: Fact,
    pub(crate) metadata: Metadata,
    pub(crate) entries: Vec<Entry>,
}

impl Lived {
    pub(crate) fn occurrence<'a>(&'a self, entries: &'a [Entry]) -> Occurrence<'a> {
        let Self { recorded, fact, metadata, .. } = self;
        Occurrence { recorded, fact, metadata, entries }
    }
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) told: Vec<Lived>,
    /// What was refused, in words.
    pub(super) refused: Vec<String>,
    orders: HashMap<String, Order>,
    payments: HashMap<String, Payment>,
    refunds: HashMap<String, Refund>,
    disputes: HashMap<String, Dispute>,
    sellers: HashMap<String, SellerAccount>,
    payouts: HashMap<String, Payout>,
    topups: HashMap<String, Topup>,
    transactions: HashMap<String, BalanceTransaction>,
    records: BTreeMap<String, TransactionRecord>,
    sources: BTreeMap<String, String>,
    links: BTreeMap<String, Subject>,
    timers: BTreeMap<String, Timer>,
}

/// Polls once: nothing here ever waits.
fn done<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Polled::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("an aggregate waits for nothing"),
    }
}

fn run<A: Aggregate<Services = Context>>(
    states: &mut HashMap<String, A>,
    id: &str,
    command: A::Command,
    context: &Context,
) -> Result<Vec<A::Event>, String> {
    let state = states.entry(id.to_owned()).or_default();
    let sink = EventSink::default();
    done(state.handle(command, context, &sink)).map_err(|error| error.to_string())?;
    Ok(done(sink.collect()))
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: Timestamp::from_unix_seconds(1_772_366_400),
            told: Vec::new(),
            refused: Vec::new(),
            orders: HashMap::new(),
            payments: HashMap::new(),
            refunds: HashMap::new(),
            disputes: HashMap::new(),
            sellers: HashMap::new(),
            payouts: HashMap::new(),
            topups: HashMap::new(),
            transactions: HashMap::new(),
            records: BTreeMap::new(),
            sources: BTreeMap::new(),
            links: BTreeMap::new(),
            timers: BTreeMap::new(),
        }
    }

    pub(super) fn tenant() -> TenantId {
        TenantId::derived(&["a small market"])
    }

    /// A command and all that policies make follow from it.
    pub(super) fn send(&mut self, command: Command) {
        self.link(&command);
        let mut queue = VecDeque::from([command]);
        while let Some(command) = queue.pop_front() {
            let Some(command) = self.addressed(command) else { continue };
            let said = format!("{command:?}");
            match self.handle(command) {
                Ok(reactions) => queue.extend(reactions),
                Err(refusal) => self.refused.push(format!("{refusal}: {said}")),
            }
        }
    }

    /// Lets time pass; what is due by then happens at its own time.
    pub(super) fn wait(&mut self, seconds: i64) {
        let until = self.now.plus_seconds(seconds);
        loop {
            let due = self.timers.values().filter(|timer| timer.due <= until);
            let Some(timer) = due.min_by_key(|timer| (timer.due, timer.key.clone())).cloned()
            else {
                break;
            };
            self.timers.remove(&timer.key);
            self.now = self.now.max(timer.due);
            if let Some(command) = timer.command(chrono_tz::Tz::UTC) {
                self.send(command);
            }
        }
        self.now = until;
    }

    /// As the translator does: a Stripe object is linked when it is first heard of.
    fn link(&mut self, command: &Command) {
        match command {
            Command::Payment(payment, PaymentCommand::MergeFact { fact, .. })
                if fact.object == FactObject::Charge =>
            {
                self.links.entry(fact.id.clone()).or_insert(Subject::Payment(*payment));
            }
            Command::Refund(
                refund,
                RefundCommand::MergeFact(fact) | RefundCommand::ObserveExternal { fact, .. },
            ) => {
                let object = fact.stripe_refund.0.clone();
                self.links.entry(object).or_insert(Subject::Refund(*refund));
            }
            _ => {}
        }
    }

    /// As the bus does: finds who is meant, or that nobody is.
    fn addressed(&self, command: Command) -> Option<Command> {
        match command {
            Command::PaymentOf(charge, command) => match self.links.get(charge.as_str())? {
                Subject::Payment(payment) => Some(Command::Payment(*payment, command)),
                _ => None,
            },
            Command::RefundOf(refund, command) => match self.links.get(refund.as_str())? {
                Subject::Refund(refund) => Some(Command::Refund(*refund, command)),
                _ => None,
            },
            Command::FeeOf { payment, charge } => {
                let record = self.records.get(self.sources.get(charge.as_str())?)?;
                let (_, command) = fee_of(record)?;
                Some(Command::Payment(payment, command))
            }
            Command::SettlementOf { settled, txn } => {
                let settlement = settlement_of(self.records.get(txn.as_str())?);
                Some(match settled {
                    Settled::Payment(payment) => {
                        Command::Payment(payment, PaymentCommand::RecordSettlement(settlement))
                    }
                    Settled::Refund(refund) => {
                        Command::Refund(refund, RefundCommand::RecordSettlement(settlement))
                    }
                })
            }
            other => Some(other),
        }
    }

    fn handle(&mut self, command: Command) -> Result<Vec<Command>, String> {
        let context =
            Context { tenant: Self::tenant(), mode: Mode::Sandbox, now: self.now, cause: cause() };
        macro_rules! of {
            ($states:ident, $aggregate:ty, $fact:path, $id:expr, $command:expr) => {{
                let id = $id.to_string();
                let events = run(&mut self.$states, &id, $command, &context)?;
                let facts: Vec<Fact> = events.into_iter().map($fact).collect();
                Ok(self.tell(<$aggregate>::TYPE, &id, facts))
            }};
        }
        match command {
            Command::Order(id, command) => of!(orders, Order, Fact::Order, id, command),
            Command::Payment(id, command) => of!(payments, Payment, Fact::Payment, id, command),
            Command::Refund(id, command) => of!(refunds, Refund, Fact::Refund, id, command),
            Command::Dispute(id, command) => of!(disputes, Dispute, Fact::Dispute, id, command),
            Command::SellerAccount(id, command) => {
                of!(sellers, SellerAccount, Fact::SellerAccount, id, command)
            }
            Command::Payout(id, command) => of!(payouts, Payout, Fact::Payout, id, command),
            Command::Topup(id, command) => of!(topups, Topup, Fact::Topup, id, command),
            Command::BalanceTransaction(id, command) => {
                let BalanceTransactionCommand::Record(record) = &command;
                let record = (**record).clone();
                let result =
                    of!(transactions, BalanceTransaction, Fact::BalanceTransaction, id, command);
                if matches!(record.kind.as_str(), "charge" | "payment")
                    && let (None, Some(source)) = (&record.account, &record.source)
                {
                    self.sources.entry(source.clone()).or_insert(record.txn.0.clone());
                }
                self.records.entry(record.txn.0.clone()).or_insert(record);
                result
            }
            other => Err(format!("nobody takes {other:?}")),
        }
    }

    /// Writes the facts down, and answers what policies want done about them.
    fn tell(&mut self, category: &'static str, id: &str, facts: Vec<Fact>) -> Vec<Command> {
        let mut reactions = Vec::new();
        for fact in facts {
            let stream = StreamId::new(category, Self::tenant(), id);
            for change in changes(&fact, id) {
                match change {
                    TimerChange::Set(timer) => {
                        self.timers.insert(timer.key.clone(), timer);
                    }
                    TimerChange::Clear(key) => {
                        self.timers.remove(&key);
                    }
                }
            }
            reactions.extend(react(&fact, id).into_iter().map(|reaction| reaction.command));
            let place = self.told.len() + 1;
            let metadata = Metadata {
                cause: cause(),
                mode: Mode::Sandbox,
                command: format!("command {place}"),
            };
            let recorded = Recorded {
                position: Position(u64::try_from(place).unwrap()),
                version: 1,
                id: derived_uuid(&[&place.to_string()]),
                event_type: fact.event_type().into(),
                event_version: "1".into(),
                payload: "{}".into(),
                metadata: metadata.to_json().unwrap(),
                recorded_at: self.now,
                stream,
            };
            self.told.push(Lived { recorded, fact, metadata, entries: Vec::new() });
        }
        reactions
    }
}

fn cause() -> Cause {
    Cause {
        actor: Actor::new(ActorKind::Stripe, "evt_test"),
        request: None,
        causation: None,
        correlation: "life".to_owned(),
        webhook: None,
    }
}
