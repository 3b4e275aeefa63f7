//! The log on disk keeps the contract, and its own promises about files, faults and crashes.

mod copies;
mod crash;
mod faults;
mod files;
mod skipping;

use std::{
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{TenantId, Timestamp, derived_uuid};
use store::{
    Commit, Expected, Log, NewEvent, Position, Recorded, StreamId,
    contract::{Outcome, Subject, Verdict, all_in_order},
};
use tempfile::TempDir;

use super::{LogOptions, Moment, SqliteLog};

/// Stops the writer at one moment, and counts how often it passed each.
#[derive(Debug, Clone, Default)]
struct Gate(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<GateState>,
    changed: Condvar,
    commits: AtomicUsize,
}

#[derive(Debug, Default)]
struct GateState {
    closed_at: Option<Moment>,
    /// Whether the writer stands at the closed gate.
    waiting: bool,
    /// What to answer at these moments, once each, in this order.
    faults: Vec<Moment>,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.0.state.lock().unwrap()
    }

    fn close_at(&self, moment: Moment) {
        self.state().closed_at = Some(moment);
    }

    fn open(&self) {
        self.state().closed_at = None;
        self.0.changed.notify_all();
    }

    /// Waits, off the async threads, until the writer stands at the closed gate.
    async fn reached(&self) {
        let gate = self.clone();
        tokio::task::spawn_blocking(move || {
            let mut state = gate.state();
            while !state.waiting {
                state = gate.0.changed.wait(state).unwrap();
            }
        })
        .await
        .unwrap();
    }

    fn fail_at(&self, moments: &[Moment]) {
        self.state().faults.extend_from_slice(moments);
    }

    fn commits(&self) -> usize {
        self.0.commits.load(Ordering::SeqCst)
    }

    fn pass(&self, moment: Moment) -> Result<(), String> {
        let mut state = self.state();
        while state.closed_at == Some(moment) {
            state.waiting = true;
            self.0.changed.notify_all();
            state = self.0.changed.wait(state).unwrap();
        }
        state.waiting = false;
        if moment == Moment::BeforeCommit {
            self.0.commits.fetch_add(1, Ordering::SeqCst);
        }
        if state.faults.first() == Some(&moment) {
            state.faults.remove(0);
            return Err(format!("a fault {moment:?}"));
        }
        Ok(())
    }

    fn options(&self) -> LogOptions {
        let gate = self.clone();
        LogOptions { hook: Some(Arc::new(move |moment| gate.pass(moment))), ..Default::default() }
    }
}

/// A log in a folder of its own.
struct OnDisk {
    folder: TempDir,
    gate: Gate,
    log: Arc<SqliteLog>,
}

impl OnDisk {
    async fn new() -> Self {
        Self::with(|options| options).await
    }

    async fn with(change: impl FnOnce(LogOptions) -> LogOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::default();
        let options = change(gate.options());
        let log = SqliteLog::open(folder.path().join("daybook.log"), options).await.unwrap();
        Self { folder, gate, log: Arc::new(log) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("daybook.log")
    }

    async fn all(&self) -> Vec<Recorded> {
        self.log.read_all(Position::START, 100_000).await.unwrap().events
    }
}

#[async_trait]
impl Subject for OnDisk {
    async fn fresh() -> Result<Self, String> {
        Ok(Self::new().await)
    }

    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    async fn reopen(&mut self) -> Outcome {
        self.log.close().await;
        let opened = SqliteLog::open(self.path(), self.gate.options()).await;
        self.log = Arc::new(opened.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The writer has the first commit and stands before the gate until all others wait.
    async fn append_together(&self, commits: Vec<Commit>) -> Vec<Verdict> {
        self.gate.close_at(Moment::BeforeGroup);
        let appends = commits.into_iter().map(|commit| self.log.append(commit)).collect();
        let (verdicts, ()) =
            tokio::join!(biased; all_in_order(appends), async { self.gate.open() });
        verdicts
    }
}

store::log_contract_tests!(OnDisk);

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
