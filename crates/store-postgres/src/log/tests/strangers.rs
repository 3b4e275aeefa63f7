//! Other programs on the same table: the stock repository of postgres-es, and whoever has a shell.

use std::sync::Arc;

use cqrs_es::persist::{PersistedEventRepository, PersistenceError, SerializedEvent};
use postgres_es::PostgresEventRepository;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use store::{Expected, Log, Position};
use tokio::task::JoinSet;

use super::{InPostgres, all, commit, first, order};

/// An aggregate type, as far as the repository needs one.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Order;

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Anything;

impl cqrs_es::DomainEvent for Anything {
    fn event_type(&self) -> String {
        "order.placed".to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl cqrs_es::Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = ();
    type Event = Anything;
    type Error = std::convert::Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        (): (),
        (): &(),
        _sink: &cqrs_es::event_sink::EventSink<Self>,
    ) -> Result<(), Self::Error> {
        Ok(())
    }

    fn apply(&mut self, _event: Anything) {}
}

async fn stock(subject: &InPostgres) -> (PgPool, PostgresEventRepository) {
    let pool = PgPoolOptions::new().max_connections(4).connect(subject.database.url());
    let pool = pool.await.unwrap();
    let tables = ("daybook_log.events", "daybook_log.snapshots");
    let repository = PostgresEventRepository::new(pool.clone()).with_tables(tables.0, tables.1);
    (pool, repository)
}

fn event(id: &str, sequence: usize, payload: Value) -> SerializedEvent {
    SerializedEvent {
        aggregate_id: order(id).aggregate_id(),
        sequence,
        aggregate_type: "order".to_owned(),
        event_type: "order.placed".to_owned(),
        event_version: "1".to_owned(),
        payload,
        metadata: json!({ "by": "a stranger" }),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stock_repository_reads_and_writes_the_same_history() {
    let subject = InPostgres::new().await;
    let (_pool, repository) = stock(&subject).await;
    subject.log.append(first("a")).await.unwrap();
    let read = repository.get_events::<Order>(&order("a").aggregate_id()).await.unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].payload, json!({ "command": "a" }));

    let theirs = [event("a", 2, json!({ "n": 2 })), event("a", 3, json!({ "n": 3 }))];
    repository.persist::<Order>(&theirs, None).await.unwrap();
    let late = repository.persist::<Order>(&[event("a", 3, json!({}))], None).await;
    assert!(matches!(late, Err(PersistenceError::OptimisticLockError)), "{late:?}");
    let ours = subject.log.append(commit(&order("a"), Expected::At(3), "b")).await.unwrap();
    assert_eq!((ours.receipt.version, ours.receipt.first), (4, Position(4)));

    let events = all(&subject.log).await;
    let told: Vec<_> = events.iter().map(|event| (event.position.0, event.version)).collect();
    assert_eq!(told, [(1, 1), (2, 2), (3, 3), (4, 4)]);
    assert_eq!(events[1].stream, order("a"));
    assert!(!events[1].id.is_nil());
    assert!(events[1].recorded_at >= events[0].recorded_at);
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_hands_out_the_stock_repository() {
    let subject = InPostgres::new().await;
    let repository = subject.log.framework_repository().unwrap();
    repository.persist::<Order>(&[event("a", 1, json!({ "n": 1 }))], None).await.unwrap();
    assert_eq!(all(&subject.log).await[0].stream, order("a"));
    let ours = subject.log.append(commit(&order("a"), Expected::At(1), "b")).await.unwrap();
    assert_eq!(ours.receipt.version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_writers_and_ours_side_by_side_leave_no_hole_and_skip_nothing() {
    const EACH: usize = 60;
    let subject = Arc::new(InPostgres::new().await);
    let reader = subject.another().await;
    let polling = tokio::spawn(async move {
        let mut after = Position::START;
        while after.0 < 4 * u64::try_from(EACH).unwrap() {
            for event in reader.read_all(after, 7).await.unwrap().events {
                assert_eq!(event.position.0, after.0 + 1, "an event was skipped");
                after = event.position;
            }
        }
    });
    let mut writers = JoinSet::new();
    for writer in 0..2 {
        let subject = Arc::clone(&subject);
        writers.spawn(async move {
            let (_pool, repository) = stock(&subject).await;
            for number in 1..=EACH {
                let theirs = event(&format!("stock {writer}"), number, json!({ "n": number }));
                repository.persist::<Order>(&[theirs], None).await.unwrap();
            }
        });
    }
    for writer in 0..2 {
        let log = Arc::clone(&subject.log);
        writers.spawn(async move {
            for number in 0..EACH {
                log.append(first(&format!("ours {writer} {number}"))).await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    polling.await.unwrap();
    assert_eq!(all(&subject.log).await.len(), 4 * EACH);
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_strangers_transaction_that_rolls_back_leaves_no_hole() {
    let subject = InPostgres::new().await;
    let (pool, _repository) = stock(&subject).await;
    const INSERT: &str = "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, \
         event_type, event_version, payload, metadata) VALUES ('order', $1, 1, 't', '1', '{}', '{}')";
    let mut abandoned = pool.begin().await.unwrap();
    let insert = sqlx::query(INSERT).bind(order("gone").aggregate_id());
    insert.execute(&mut *abandoned).await.unwrap();
    // Ours waits for the lock; the stranger goes away without a commit.
    let log = Arc::clone(&subject.log);
    let waiting = tokio::spawn(async move { log.append(first("a")).await });
    abandoned.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().receipt.first, Position(1));
    assert_eq!(all(&subject.log).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_a_stranger_brings_along_does_not_count() {
    let subject = InPostgres::new().await;
    subject.log.append(first("a")).await.unwrap();
    let id = order("b").aggregate_id();
    let placed = subject
        .psql(&format!(
            "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata, position) \
             VALUES ('order', '{id}', 1, 't', '1', '{{}}', '{{}}', 99) RETURNING position"
        ))
        .await
        .unwrap();
    assert!(placed.starts_with('2'), "{placed}");
    let skipped = subject
        .psql(&format!(
            "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata) VALUES ('order', '{id}', 7, 't', '1', '{{}}', '{{}}')"
        ))
        .await
        .unwrap_err();
    assert!(skipped.contains("should be 2"), "{skipped}");
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_or_removes_an_event() {
    let subject = InPostgres::new().await;
    subject.log.append(first("a")).await.unwrap();
    for statement in [
        "UPDATE daybook_log.events SET payload = '{}'",
        "DELETE FROM daybook_log.events",
        "TRUNCATE daybook_log.events",
    ] {
        let refused = subject.psql(statement).await.unwrap_err();
        assert!(refused.contains("never changed or removed"), "{statement}: {refused}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_keeps_the_lock_holds_up_and_breaks_nothing() {
    use std::time::Duration;

    use super::super::{PostgresLog, PostgresLogOptions};
    let subject = InPostgres::new().await;
    let (pool, _repository) = stock(&subject).await;
    let mut held = pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(1145131851, 1)").execute(&mut *held).await.unwrap();
    let options =
        PostgresLogOptions { lock_patience: Duration::from_millis(50), ..Default::default() };
    let impatient = PostgresLog::open(subject.database.url(), options).await.unwrap();
    let refused = impatient.append(first("a")).await;
    assert!(matches!(refused, Err(store::AppendError::Unavailable(_))), "{refused:?}");
    held.rollback().await.unwrap();
    assert!(!impatient.append(first("a")).await.unwrap().replayed);
}
