//! The log in PostgreSQL keeps the contract, and its own promises about faults.

mod crash;
mod failover;
mod faults;
mod isolation;
mod processes;
mod skipping;
mod strangers;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use kernel::{TenantId, Timestamp, derived_uuid};
use store::{
    Commit, Expected, Idempotency, Log, NewEvent, Position, Recorded, StreamId,
    contract::{Outcome, Subject, Verdict, all_in_order},
};
use test_postgres::{Database, Server};
use tokio::sync::watch;

use super::{Hook, Moment, PostgresLog, PostgresLogOptions};

/// Stops the committer at one moment, and breaks it where it is told to.
#[derive(Debug, Clone)]
struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    closed_at: watch::Sender<Option<Moment>>,
    /// What to answer at these moments, once each, in this order.
    faults: Mutex<Vec<Moment>>,
}

impl Gate {
    fn new() -> Self {
        Self(Arc::new(Shared { closed_at: watch::Sender::new(None), faults: Mutex::default() }))
    }

    fn close_at(&self, moment: Moment) {
        self.0.closed_at.send_replace(Some(moment));
    }

    fn open(&self) {
        self.0.closed_at.send_replace(None);
    }

    fn fail_at(&self, moments: &[Moment]) {
        self.0.faults.lock().unwrap().extend_from_slice(moments);
    }

    async fn pass(self, moment: Moment) -> Result<(), String> {
        let mut closed_at = self.0.closed_at.subscribe();
        closed_at.wait_for(|closed| *closed != Some(moment)).await.unwrap();
        let mut faults = self.0.faults.lock().unwrap();
        if faults.first() == Some(&moment) {
            faults.remove(0);
            return Err(format!("a fault {moment:?}"));
        }
        Ok(())
    }

    fn options(&self) -> PostgresLogOptions {
        let gate = self.clone();
        let hook: Hook = Arc::new(move |moment| Box::pin(gate.clone().pass(moment)));
        PostgresLogOptions { hook: Some(hook), ..Default::default() }
    }
}

/// A log in a database of its own.
struct InPostgres {
    database: Database,
    gate: Gate,
    log: Arc<PostgresLog>,
}

impl InPostgres {
    async fn new() -> Self {
        let database = tokio::task::spawn_blocking(|| Server::shared().database()).await.unwrap();
        let gate = Gate::new();
        let log = PostgresLog::open(database.url(), gate.options()).await.unwrap();
        Self { database, gate, log: Arc::new(log) }
    }

    /// The same log as another process would open it.
    async fn another(&self) -> Arc<PostgresLog> {
        let opened = PostgresLog::open(self.database.url(), PostgresLogOptions::default()).await;
        Arc::new(opened.unwrap())
    }

    /// What another program may do to the database.
    async fn psql(&self, sql: &str) -> Result<String, String> {
        let (name, sql) = (self.database.name().to_owned(), sql.to_owned());
        tokio::task::spawn_blocking(move || Server::shared().try_psql(&name, &sql)).await.unwrap()
    }
}

async fn all(log: &PostgresLog) -> Vec<Recorded> {
    let (mut events, mut after) = (Vec::new(), Position::START);
    loop {
        let page = log.read_all(after, 10_000).await.unwrap();
        let Some(last) = page.events.last() else { return events };
        after = last.position;
        events.extend(page.events);
    }
}

#[async_trait]
impl Subject for InPostgres {
    async fn fresh() -> Result<Self, String> {
        Ok(Self::new().await)
    }

    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    async fn reopen(&mut self) -> Outcome {
        self.log.close().await;
        let opened = PostgresLog::open(self.database.url(), self.gate.options()).await;
        self.log = Arc::new(opened.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The committer has the first commit and stands before the gate until all others wait.
    async fn append_together(&self, commits: Vec<Commit>) -> Vec<Verdict> {
        self.gate.close_at(Moment::BeforeGroup);
        let appends = commits.into_iter().map(|commit| self.log.append(commit)).collect();
        let (verdicts, ()) =
            tokio::join!(biased; all_in_order(appends), async { self.gate.open() });
        verdicts
    }
}

store::log_contract_tests!(InPostgres);

#[tokio::test(flavor = "multi_thread")]
async fn its_inventory_lists_everything() {
    let log = InPostgres::new().await;
    store::contract::an_inventory_lists_everything(&*log.log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_usual_needs_no_function() {
    let subject = InPostgres::new().await;
    subject.psql("DROP FUNCTION daybook_log.append").await.unwrap();
    let mut asked = first("b");
    asked.idempotency = Some(Idempotency { key: "key".to_owned(), fingerprint: [7; 32] });
    let together = vec![first("a"), asked, commit(&order("a"), Expected::At(1), "c")];
    for (place, verdict) in (1..).zip(subject.append_together(together).await) {
        assert_eq!(verdict.unwrap().receipt.last, Position(place));
    }
    let alone = subject.log.append(commit(&order("b"), Expected::At(1), "d")).await.unwrap();
    assert_eq!((alone.receipt.first, alone.receipt.version), (Position(4), 2));
    let head = subject.log.head().await.unwrap();
    assert_eq!(head.event_id, all(&subject.log).await[3].id);
    let found = subject.log.find_idempotency_key(order("b").tenant, "key").await.unwrap();
    assert_eq!(found.map(|(_, command, _)| command), Some("b".to_owned()));
}

fn order(id: &str) -> StreamId {
    StreamId::new("order", TenantId::derived(&["acme"]), id)
}

/// A commit of one event to a stream of its own.
fn first(command: &str) -> Commit {
    commit(&order(command), Expected::Absent, command)
}

fn commit(stream: &StreamId, expected: Expected, command: &str) -> Commit {
    Commit {
        command_id: command.to_owned(),
        stream: stream.clone(),
        expected,
        events: vec![NewEvent {
            id: derived_uuid(&[command]),
            event_type: "order.placed".into(),
            event_version: "1".into(),
            payload: format!("{{\"command\":\"{command}\"}}").into(),
        }],
        metadata: "{}".into(),
        recorded_at: Timestamp::from_unix_seconds(1_760_000_000),
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}
