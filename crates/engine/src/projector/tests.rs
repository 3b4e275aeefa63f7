//! Read models built, broken, rebuilt and compared.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU32, Ordering},
};

use aggregates::link::{Link, LinkCommand, Subject};
use kernel::{Mode, PaymentId, TenantId};
use projections::{FoldError, Occurrence, Rows, Wanted};
use store::{Field, MemoryViews, Query, TableDef, Value, ViewsExt};

use super::*;
use crate::{
    station::Stopper,
    testing::{FlakyLog, House},
};

store::table! {
    /// How many events of a type a tenant has.
    struct Tally as "tallies" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The event type.
            event_type: String,
        }
        /// How many.
        count: i64,
    }
}

store::table! {
    /// The last event of a tenant.
    struct Latest as "latest" {
        key {
            /// Owner.
            tenant: TenantId,
        }
        /// Its type.
        event_type: String,
    }
}

/// Counts events; cannot bear one type, if told so.
struct Tallies {
    version: u32,
    unbearable: Option<&'static str>,
}

fn key(occurrence: &Occurrence<'_>) -> Vec<Value> {
    vec![occurrence.tenant().to_value(), Value::text(&*occurrence.recorded.event_type)]
}

impl Projection for Tallies {
    fn name(&self) -> &'static str {
        "tallies"
    }
    fn version(&self) -> u32 {
        self.version
    }
    fn tables(&self) -> &'static [TableDef] {
        const { &[<Tally as store::Table>::TABLE] }
    }
    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        wanted.row::<Tally>(key(occurrence));
    }
    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let event_type = occurrence.recorded.event_type.to_string();
        let tenant = occurrence.tenant();
        let row = rows.upsert(key(occurrence), || Tally { tenant, event_type, count: 0 })?;
        row.count += i64::from(self.version);
        if self.unbearable == Some(&*occurrence.recorded.event_type) {
            // After the row was touched, so that a half folded batch would show.
            return Err(FoldError::Overflow("tally"));
        }
        Ok(())
    }
}

struct LatestOnes;

impl Projection for LatestOnes {
    fn name(&self) -> &'static str {
        "latest_ones"
    }
    fn version(&self) -> u32 {
        1
    }
    fn tables(&self) -> &'static [TableDef] {
        const { &[<Latest as store::Table>::TABLE] }
    }
    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        wanted.row::<Latest>(vec![occurrence.tenant().to_value()]);
    }
    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let event_type = occurrence.recorded.event_type.to_string();
        rows.put(Latest { tenant: occurrence.tenant(), event_type })
    }
}

fn projector(
    house: &House,
    views: &Arc<MemoryViews>,
    tallies: Tallies,
) -> (Arc<Projector>, Stopper) {
    let views = Arc::clone(views) as Arc<dyn Views>;
    let projections: Vec<Arc<dyn Projection>> = vec![Arc::new(tallies), Arc::new(LatestOnes)];
    (Arc::new(Projector::new(house.dyn_log(), views, projections)), Stopper::new())
}

const fn plain() -> Tallies {
    Tallies { version: 1, unbearable: None }
}

async fn run_until(
    (projector, stopper): (Arc<Projector>, Stopper),
    position: Position,
) -> Vec<ProjectionStatus> {
    let running = Arc::clone(&projector);
    let stop = stopper.listener();
    let task = tokio::spawn(async move { running.run(stop).await });
    projector.wait_for(position, Duration::from_secs(60)).await.unwrap();
    stopper.stop();
    task.await.unwrap();
    projector.status(position)
}

async fn link(house: &House, n: u32) {
    let object = format!("ch_{n}");
    let subject = Subject::Payment(PaymentId::derived(&[&object]));
    let command = LinkCommand::Establish { object: object.clone(), subject };
    house.send::<Link>(&object, command, &object).await.unwrap();
}

async fn head(house: &House) -> Position {
    house.log.head().await.unwrap().position
}

fn hashes(status: &[ProjectionStatus]) -> BTreeMap<&'static str, (u64, String)> {
    status.iter().map(|one| (one.name, (one.rows, one.state_hash.clone()))).collect()
}

async fn replayed(house: &House) -> BTreeMap<&'static str, (u64, String)> {
    let all: Vec<Arc<dyn Projection>> = vec![Arc::new(plain()), Arc::new(LatestOnes)];
    let declared = head(house).await;
    replay(&*house.log, &all, declared, |_| {})
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.projection, (one.rows, one.state_hash)))
        .collect()
}

async fn count(views: &MemoryViews, house: &House, event_type: &str) -> Option<i64> {
    let query = Query::of(house.tenant).eq("event_type", event_type);
    views.rows::<Tally>(query).await.unwrap().pop().map(|row| row.count)
}

#[tokio::test]
async fn what_is_kept_up_to_date_bit_by_bit_equals_what_is_computed_anew() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    for n in 0..30 {
        link(&house, n).await;
        if n % 7 == 0 {
            run_until(projector(&house, &views, plain()), head(&house).await).await;
        }
    }
    let live = run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
    assert_eq!(count(&views, &house, "link.established").await, Some(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_and_started_again_it_ends_the_same() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    let dice = AtomicU32::new(20_261_121);
    let roll = || {
        let mut state = dice.load(Ordering::SeqCst);
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        dice.store(state, Ordering::SeqCst);
        state
    };
    for n in 0..60 {
        link(&house, n).await;
        let (projector, stopper) = projector(&house, &views, plain());
        let stop = stopper.listener();
        let task = tokio::spawn(async move { projector.run(stop).await });
        for _ in 0..roll() % 40 {
            tokio::task::yield_now().await;
        }
        task.abort();
        let _cut_off = task.await;
    }
    let live = run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
    assert_eq!(count(&views, &house, "link.established").await, Some(60));
}

#[tokio::test]
async fn a_fact_that_cannot_be_folded_stops_one_projection_at_that_fact_and_no_other() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    for n in 0..5 {
        link(&house, n).await;
    }
    let unbearable = Tallies { version: 1, unbearable: Some("link.established") };
    let status = run_until(projector(&house, &views, unbearable), head(&house).await).await;
    let stopped = status[0].stopped.clone().unwrap();
    assert!(stopped.contains("link.established"), "{stopped}");
    assert_eq!(status[1].stopped, None);
    assert_eq!(status[1].position, head(&house).await);
    assert_eq!(count(&views, &house, "link.established").await, None, "half a batch was written");
    assert_eq!(count(&views, &house, "tenant.provisioned").await, Some(1));
    let checkpoint = views.checkpoint("tallies@1").await.unwrap().unwrap();
    assert!(checkpoint.stopped.is_some());
    // A release that can bear it goes on where the other stopped.
    let live = run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
}

#[tokio::test]
async fn views_of_another_log_are_worth_nothing() {
    let views = Arc::new(MemoryViews::new());
    let other = House::new().await;
    for n in 0..9 {
        link(&other, n).await;
    }
    run_until(projector(&other, &views, plain()), head(&other).await).await;
    let house = House::new().await;
    link(&house, 0).await;
    let live = run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
    assert_eq!(count(&views, &house, "link.established").await, Some(1));
}

#[tokio::test]
async fn a_new_version_is_built_and_takes_over() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    for n in 0..4 {
        link(&house, n).await;
    }
    run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(views.live("tallies").await.unwrap().as_deref(), Some("tallies@1"));
    let next = Tallies { version: 10, unbearable: None };
    let status = run_until(projector(&house, &views, next), head(&house).await).await;
    assert!(status[0].live);
    assert_eq!(views.live("tallies").await.unwrap().as_deref(), Some("tallies@10"));
    assert_eq!(count(&views, &house, "link.established").await, Some(40));
}

#[tokio::test]
async fn a_rebuild_ends_where_it_was() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    for n in 0..4 {
        link(&house, n).await;
    }
    let (projector, stopper) = projector(&house, &views, plain());
    let unknown = projector.rebuild(&["tallies".to_owned(), "tallys".to_owned()]);
    assert_eq!(unknown, ["tallys"]);
    let live = run_until((projector, stopper), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
}

#[tokio::test]
async fn positions_with_holes_are_folded_and_replayed() {
    let house = House::on(FlakyLog::with_holes(), Mode::Sandbox).await;
    let views = Arc::new(MemoryViews::new());
    let mut live = Vec::new();
    for n in 0..30 {
        link(&house, n).await;
        if n % 7 == 0 {
            live = run_until(projector(&house, &views, plain()), head(&house).await).await;
        }
    }
    assert_ne!(hashes(&live), replayed(&house).await);
    live = run_until(projector(&house, &views, plain()), head(&house).await).await;
    assert_eq!(hashes(&live), replayed(&house).await);
    assert_eq!(count(&views, &house, "link.established").await, Some(30));

    // A replay may be asked to end where nothing is, but not behind the end.
    let all: Vec<Arc<dyn Projection>> = vec![Arc::new(plain())];
    let end = head(&house).await;
    let whole = replay(&*house.log, &all, end, |_| {}).await.unwrap();
    let shorter = replay(&*house.log, &all, Position(end.0 - 1), |_| {}).await.unwrap();
    assert_ne!(whole[0].state_hash, shorter[0].state_hash);
    let longer = replay(&*house.log, &all, Position(end.0 + 1), |_| {}).await.unwrap_err();
    assert!(matches!(longer, ReplayError::TooShort { .. }), "{longer:?}");
}

#[tokio::test]
async fn a_hole_in_a_log_that_has_none_is_a_loss() {
    let house = House::on(FlakyLog::with_holes(), Mode::Sandbox).await;
    link(&house, 1).await;
    house.log.hides_holes.store(true, Ordering::SeqCst);
    let all: Vec<Arc<dyn Projection>> = vec![Arc::new(plain())];
    let refused = replay(&*house.log, &all, head(&house).await, |_| {}).await.unwrap_err();
    assert!(matches!(refused, ReplayError::Log(LogError::Corrupt(_))), "{refused:?}");
}

#[tokio::test]
async fn a_replay_that_does_not_get_there_is_an_error() {
    let house = House::new().await;
    let declared = Position(head(&house).await.0 + 1);
    let all: Vec<Arc<dyn Projection>> = vec![Arc::new(plain())];
    let outcome = replay(&*house.log, &all, declared, |_| {}).await;
    assert!(matches!(outcome, Err(ReplayError::TooShort { .. })), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_answers_that_do_not_come_is_told_so() {
    let (house, views) = (House::new().await, Arc::new(MemoryViews::new()));
    let (projector, stopper) = projector(&house, &views, plain());
    let patience = Duration::from_millis(100);
    assert_eq!(projector.wait_for(Position(1), patience).await, Err(WaitError::NotRunning));
    let running = Arc::clone(&projector);
    let stop = stopper.listener();
    let task = tokio::spawn(async move { running.run(stop).await });
    let there = head(&house).await;
    projector.wait_for(there, patience).await.unwrap();
    let wanted = Position(there.0 + 1);
    let late = projector.wait_for(wanted, patience).await;
    assert_eq!(late, Err(WaitError::Late { wanted, at: there }));
    stopper.stop();
    task.await.unwrap();
}
