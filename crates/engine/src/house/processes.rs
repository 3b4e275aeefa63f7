//! Several processes on one log: each work has one worker, and every process answers.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering, mpsc},
    time::Duration,
};

use aggregates::{
    refund::Refund,
    tenant::{Tenant, commands::TenantCommand},
};
use kernel::Timestamp;
use store::{Log, Views};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{
    Machine, PATIENCE, assert_live_equals_replayed,
    fake_stripe::{FakeStripe, Freeze},
    outbound::approve,
    reactions::undecided,
    toy_translator::ToyTranslator,
};
use crate::{
    Engine, EngineParts,
    ports::StripePort,
    testing::{LeaseTable, NOON, SharedViews, bus_on},
};

/// Long enough that nobody loses a lease because the machine is busy.
const LONG: Duration = Duration::from_secs(60);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(500);

/// A machine with several processes.
struct Town {
    machine: Machine,
    stripe: Arc<FakeStripe>,
    leases: LeaseTable,
    lease_time: Duration,
}

impl Town {
    async fn new(lease_time: Duration) -> Self {
        let (machine, stripe) = (Machine::new().await, Arc::default());
        Self { machine, stripe, leases: LeaseTable::default(), lease_time }
    }

    /// Another process, which is not started yet.
    fn process(&self) -> Engine {
        let log = self.machine.house.log.of_another_process(self.leases.of_another_process());
        let views = SharedViews {
            inner: Arc::clone(&self.machine.views),
            leases: self.leases.of_another_process(),
        };
        let bus = bus_on(&log, &self.machine.house.clock);
        let mut parts = EngineParts::new(bus, Arc::new(views) as Arc<dyn Views>);
        parts.translator = Some(Arc::new(ToyTranslator));
        parts.stripe = Some(Arc::clone(&self.stripe) as Arc<dyn StripePort>);
        parts.lease_time = self.lease_time;
        Engine::new(parts)
    }

    async fn start(&self) -> Engine {
        let engine = self.process();
        engine.start().await.unwrap();
        engine.settle(PATIENCE).await.unwrap();
        engine
    }

    fn made(&self) -> u32 {
        self.stripe.created.load(Ordering::SeqCst)
    }
}

/// The work that each process says another one does.
async fn left_to_others(engine: &Engine) -> BTreeSet<&'static str> {
    let status = engine.status().await.unwrap();
    let stations = status.workers.into_iter().filter_map(|one| one.held_by.map(|_| one.name));
    let projections =
        status.projections.into_iter().filter_map(|one| one.held_by.map(|_| one.name));
    let timers = status.timers.held_by.map(|_| "the timers");
    stations.chain(projections).chain(timers).collect()
}

async fn all_work(engine: &Engine) -> BTreeSet<&'static str> {
    let status = engine.status().await.unwrap();
    let stations = status.workers.into_iter().map(|one| one.name);
    stations
        .chain(status.projections.into_iter().map(|one| one.name))
        .chain(["the timers"])
        .collect()
}

#[tokio::test]
async fn each_work_has_one_worker_and_both_processes_answer() {
    let town = Town::new(LONG).await;
    let (one, other) = (town.start().await, town.start().await);
    let all = all_work(&one).await;
    assert!(all.len() > 10, "{all:?}");
    assert_eq!(left_to_others(&one).await, BTreeSet::new());
    assert_eq!(left_to_others(&other).await, all);
    let holders: BTreeSet<String> = town.leases.holders().into_values().collect();
    assert_eq!(holders, BTreeSet::from([one.status().await.unwrap().holder]));
    for n in 0..5 {
        approve(&town.machine, &format!("r{n}")).await;
        town.machine.receive(&format!("evt_{n}"), &format!("about ch_{n}")).await;
        // The one that does nothing itself says when the other has done everything.
        let head = other.settle(PATIENCE).await.unwrap();
        assert_eq!(town.made(), n + 1);
        assert_eq!(town.machine.count("refund.accepted").await, n as usize + 1);
        assert!(other.wait_for(head, Duration::ZERO).await);
        assert!(other.effects(None).await.unwrap().is_empty());
        let status = other.status().await.unwrap();
        assert_eq!((status.parked, status.effects_to_do), (n as usize + 1, 0));
        assert!(other.readiness().await.unwrap().is_ready());
    }
    one.settle(PATIENCE).await.unwrap();
    assert_live_equals_replayed(&one).await;
    assert_live_equals_replayed(&other).await;
}

#[tokio::test]
async fn a_clock_that_one_process_moves_is_seen_by_the_timers_of_the_other() {
    let town = Town::new(LONG).await;
    let (_one, other) = (town.start().await, town.start().await);
    let (refund, request) = undecided();
    let house = &town.machine.house;
    house.send::<Refund>(&refund, request, "ask").await.unwrap();
    other.settle(PATIENCE).await.unwrap();
    for (hours, expected) in [(71, 0), (72, 1)] {
        let to = Timestamp::from_millis(NOON).plus_seconds(hours * 3600);
        let envelope = house.envelope(&format!("clock {hours}"));
        let advance = TenantCommand::AdvanceClock { to };
        let tenant = house.tenant.to_string();
        other.bus().send::<Tenant>(&tenant, advance, envelope).await.unwrap();
        other.settle(PATIENCE).await.unwrap();
        assert_eq!(town.machine.count("refund.escalated").await, expected, "after {hours} hours");
    }
}

#[tokio::test]
async fn what_a_tenant_does_through_one_process_binds_the_other() {
    let town = Town::new(LONG).await;
    let (one, other) = (town.start().await, town.start().await);
    let (house, id) = (&town.machine.house, town.machine.house.tenant);
    let is_stopped = async || {
        let info = other.bus().directory().tenant(id).await.unwrap().unwrap();
        info.stopped.is_some()
    };
    assert!(!is_stopped().await);
    let suspend = TenantCommand::Suspend { reason: "a test".to_owned() };
    one.bus().send::<Tenant>(&id.to_string(), suspend, house.envelope("stop")).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !is_stopped().await {
        assert!(Instant::now() < deadline, "the other process never noticed");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_shuts_down_hands_over_at_once_and_who_dies_after_his_lease() {
    let town = Town::new(Duration::from_secs(3)).await;
    let (one, other) = (town.start().await, town.start().await);
    let before = Instant::now();
    one.shutdown(PATIENCE).await;
    approve(&town.machine, "r1").await;
    other.settle(PATIENCE).await.unwrap();
    assert!(before.elapsed() < town.lease_time, "{:?}", before.elapsed());
    assert_eq!(town.made(), 1);
    let third = town.start().await;
    assert_eq!(left_to_others(&third).await, all_work(&third).await);
    drop(other);
    approve(&town.machine, "r2").await;
    third.settle(PATIENCE).await.unwrap();
    assert_eq!(left_to_others(&third).await, BTreeSet::new());
    assert_eq!(town.made(), 2);
    assert_live_equals_replayed(&third).await;
}

#[tokio::test]
async fn a_rebuild_is_asked_of_any_process() {
    let town = Town::new(LONG).await;
    let (one, other) = (town.start().await, town.start().await);
    approve(&town.machine, "r1").await;
    other.settle(PATIENCE).await.unwrap();
    let unknown = other.projector().rebuild(&["refunds".to_owned()]);
    assert!(unknown.is_empty());
    let deadline = Instant::now() + PATIENCE;
    let built = || town.machine.views.checkpoint("refunds@1");
    while built().await.unwrap().is_some() {
        assert!(Instant::now() < deadline, "it was never discarded");
        sleep(Duration::from_millis(1)).await;
    }
    while built().await.unwrap().is_none() {
        assert!(Instant::now() < deadline, "it was never built anew");
        sleep(Duration::from_millis(5)).await;
    }
    other.settle(PATIENCE).await.unwrap();
    assert_live_equals_replayed(&one).await;
    assert_live_equals_replayed(&other).await;
}

/// A process in a thread of its own, so that it can be frozen as a whole.
fn in_a_thread(town: &Town) -> (Arc<Engine>, oneshot::Sender<()>, std::thread::JoinHandle<()>) {
    let engine = Arc::new(town.process());
    let (stop, stopped) = oneshot::channel();
    let running = Arc::clone(&engine);
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            running.start().await.unwrap();
            let _gone = stopped.await;
            running.shutdown(PATIENCE).await;
        });
    });
    (engine, stop, thread)
}

#[tokio::test]
async fn a_process_that_was_frozen_past_its_lease_does_no_harm_when_it_goes_on() {
    let town = Town::new(SHORT).await;
    let ((frozen, is_frozen), (thaw, thawed)) = (oneshot::channel(), mpsc::channel());
    *town.stripe.freeze.lock().unwrap() = Some(Freeze { frozen, thaw: thawed });
    let (one, stop, thread) = in_a_thread(&town);
    one.settle(PATIENCE).await.unwrap();
    approve(&town.machine, "r1").await;
    // It has announced the refund and is just about to ask Stripe for it.
    is_frozen.await.unwrap();
    let other = town.start().await;
    assert_eq!(town.machine.count("refund.accepted").await, 1);
    assert_eq!(left_to_others(&other).await, BTreeSet::new());
    let asked = town.stripe.asked.load(Ordering::SeqCst);
    assert!(asked > 0, "it was sent again without having been looked for");
    thaw.send(()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while left_to_others(&one).await != all_work(&one).await {
        assert!(Instant::now() < deadline, "it still thinks that it works");
        sleep(Duration::from_millis(10)).await;
    }
    for n in 2..5 {
        approve(&town.machine, &format!("r{n}")).await;
        one.settle(PATIENCE).await.unwrap();
    }
    other.settle(PATIENCE).await.unwrap();
    assert_eq!(town.made(), 4);
    let counts = town.machine.counts().await;
    assert_eq!((counts["refund.submitted"], counts["refund.accepted"]), (4, 4));
    let keys = town.stripe.keys.lock().unwrap().clone();
    let different: BTreeSet<&String> = keys.iter().collect();
    assert_eq!((keys.len(), different.len()), (5, 4), "{keys:?}");
    assert_live_equals_replayed(&one).await;
    assert_live_equals_replayed(&other).await;
    stop.send(()).unwrap();
    thread.join().unwrap();
    let head = town.machine.house.log.head().await.unwrap().position;
    assert_eq!(other.settle(PATIENCE).await.unwrap(), head);
}
