//! A log in memory, for unit tests: the verdicts of the real ones, and nothing survives the process.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    AppendError, Appended, COMMIT_BYTES_MAX, Commit, Durability, Guarantees, Head, Idempotency,
    Inventory, Log, LogError, LogId, Page, Position, Receipt, Recorded, SealingKey, Snapshot,
    StoredCommand, StreamId, Tally,
};

/// A log in memory.
#[derive(Debug)]
pub struct MemoryLog {
    history: Arc<History>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct History {
    id: LogId,
    state: Mutex<State>,
    head: watch::Sender<Position>,
    timeline: AtomicU64,
    /// How much larger a position is than the one before.
    stride: u64,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Recorded>,
    streams: HashMap<StreamId, Vec<usize>>,
    by_id: HashMap<Uuid, usize>,
    commands: HashMap<(TenantId, String), Receipt>,
    idempotency: HashMap<(TenantId, String), ([u8; 32], String)>,
    sealing_keys: HashMap<(TenantId, KeyRef), [u8; 32]>,
    snapshots: HashMap<StreamId, Snapshot>,
    bookmarks: HashMap<String, Position>,
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryLog {
    /// An empty log with an id of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::with_id(LogId::mint())
    }

    /// An empty log with this id.
    #[must_use]
    pub fn with_id(id: LogId) -> Self {
        Self::with_stride(id, 1)
    }

    /// An empty log whose positions have holes, as those of a server do that counts bytes.
    #[must_use]
    pub fn with_holes() -> Self {
        Self::with_stride(LogId::mint(), 100)
    }

    fn with_stride(id: LogId, stride: u64) -> Self {
        let history = History {
            id,
            state: Mutex::default(),
            head: watch::Sender::default(),
            timeline: AtomicU64::new(0),
            stride,
        };
        Self { history: Arc::new(history), closed: AtomicBool::new(false) }
    }

    /// The same history behind a new handle, as if a closed log had been opened again.
    #[must_use]
    pub fn reopen(&self) -> Self {
        Self { history: Arc::clone(&self.history), closed: AtomicBool::new(false) }
    }

    /// Goes on in a copy of itself that had come no further than `position`, on a timeline of its
    /// own: what a fail-over to a standby that lagged does. Bookmarks and sealing keys stay.
    pub fn lose_after(&self, position: Position) {
        let mut state = self.history.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lose_after(position);
        self.history.timeline.fetch_add(1, Ordering::AcqRel);
        self.history.head.send_replace(state.head().position);
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, LogError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(LogError::Unavailable("it is closed".to_owned()));
        }
        // Every change below is made of steps that cannot fail, so a poisoned lock hides no half.
        Ok(self.history.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn idempotency_of(&self, tenant: TenantId, command: &str) -> Option<Idempotency> {
        let mut keys = self.idempotency.iter();
        keys.find(|((owner, _), (_, first))| *owner == tenant && first == command).map(
            |((_, key), (fingerprint, _))| Idempotency {
                key: key.clone(),
                fingerprint: *fingerprint,
            },
        )
    }

    fn head(&self) -> Head {
        self.events.last().map_or(
            Head { position: Position::START, event_id: Uuid::nil() },
            |event| Head { position: event.position, event_id: event.id },
        )
    }

    fn lose_after(&mut self, position: Position) {
        self.events.retain(|event| event.position <= position);
        let left = self.events.len();
        self.by_id.retain(|_, at| *at < left);
        for places in self.streams.values_mut() {
            places.retain(|at| *at < left);
        }
        self.commands.retain(|_, receipt| receipt.last <= position);
        let commands = &self.commands;
        self.idempotency
            .retain(|(tenant, _), (_, command)| commands.contains_key(&(*tenant, command.clone())));
        let streams = &self.streams;
        self.snapshots.retain(|stream, snapshot| {
            let events = streams.get(stream).map_or(0, Vec::len);
            usize::try_from(snapshot.version).is_ok_and(|version| version <= events)
        });
    }

    fn append(&mut self, commit: Commit, stride: u64) -> Result<Appended, AppendError> {
        let tenant = commit.stream.tenant;
        let command = (tenant, commit.command_id);
        if let Some(receipt) = self.commands.get(&command) {
            return Ok(Appended { receipt: *receipt, replayed: true });
        }
        if let Some(asked) = &commit.idempotency
            && let Some((fingerprint, first)) = self.idempotency.get(&(tenant, asked.key.clone()))
        {
            let known = self.commands.get(&(tenant, first.clone())).copied();
            return Err(match known {
                Some(receipt) if *fingerprint == asked.fingerprint => {
                    AppendError::AlreadyStored(receipt)
                }
                Some(_) => AppendError::IdempotencyKeyReused,
                None => AppendError::Corrupt("an idempotency key without its command".to_owned()),
            });
        }
        let stream = self.streams.get(&commit.stream);
        let last = stream.and_then(|places| places.last()).and_then(|at| self.events.get(*at));
        let actual = last.map_or(0, |event| event.version);
        if actual != commit.expected.version() {
            return Err(AppendError::Conflict { actual });
        }
        let recorded_at =
            last.map_or(commit.recorded_at, |event| event.recorded_at.max(commit.recorded_at));
        let mut ids = HashSet::new();
        if !commit.events.iter().all(|new| !self.by_id.contains_key(&new.id) && ids.insert(new.id))
        {
            return Err(AppendError::Invalid("an event has an id that is taken".to_owned()));
        }
        for key in &commit.sealing_keys {
            let known = self.sealing_keys.get(&(tenant, key.key.clone()));
            if known.is_some_and(|secret| *secret != key.secret) {
                return Err(AppendError::Invalid(format!(
                    "the sealing key {} exists with another secret",
                    key.key.0
                )));
            }
        }

        for key in commit.sealing_keys {
            self.sealing_keys.insert((tenant, key.key), key.secret);
        }
        let before = self.head().position.0;
        let places = self.streams.entry(commit.stream.clone()).or_default();
        let (mut position, mut version) = (before, actual);
        for event in commit.events {
            position += stride;
            version += 1;
            places.push(self.events.len());
            self.by_id.insert(event.id, self.events.len());
            self.events.push(Recorded {
                position: Position(position),
                stream: commit.stream.clone(),
                version,
                id: event.id,
                event_type: event.event_type,
                event_version: event.event_version,
                payload: event.payload,
                metadata: commit.metadata.clone(),
                recorded_at,
            });
        }
        let receipt =
            Receipt { version, first: Position(before + stride), last: Position(position) };
        if let Some(asked) = commit.idempotency {
            self.idempotency.insert((tenant, asked.key), (asked.fingerprint, command.1.clone()));
        }
        self.commands.insert(command, receipt);
        Ok(Appended { receipt, replayed: false })
    }
}

#[async_trait]
impl Log for MemoryLog {
    fn log_id(&self) -> &LogId {
        &self.history.id
    }

    async fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        commit.check(COMMIT_BYTES_MAX)?;
        let mut state =
            self.state().map_err(|error| AppendError::Unavailable(error.to_string()))?;
        let appended = state.append(commit, self.history.stride)?;
        // Sent under the lock, so that the signal never goes back.
        self.history.head.send_replace(state.head().position);
        Ok(appended)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let state = self.state()?;
        let places = state.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(places
            .iter()
            .skip(skipped)
            .take(limit)
            .filter_map(|at| state.events.get(*at))
            .cloned()
            .collect())
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError> {
        let state = self.state()?;
        let skipped = state.events.partition_point(|event| event.position <= after);
        let events = state.events.iter().skip(skipped).take(limit).cloned().collect();
        Ok(Page { events, head: state.head().position })
    }

    async fn head(&self) -> Result<Head, LogError> {
        Ok(self.state()?.head())
    }

    fn has_contiguous_positions(&self) -> bool {
        self.history.stride == 1
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.history.head.subscribe()
    }

    async fn find_command(
        &self,
        tenant: TenantId,
        command_id: &str,
    ) -> Result<Option<Receipt>, LogError> {
        Ok(self.state()?.commands.get(&(tenant, command_id.to_owned())).copied())
    }

    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        let state = self.state()?;
        let Some((fingerprint, command)) = state.idempotency.get(&(tenant, key.to_owned())) else {
            return Ok(None);
        };
        let receipt = state.commands.get(&(tenant, command.clone())).ok_or_else(|| {
            LogError::Corrupt("an idempotency key without its command".to_owned())
        })?;
        Ok(Some((*fingerprint, command.clone(), *receipt)))
    }

    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        let state = self.state()?;
        let at = state.events.binary_search_by_key(&position, |event| event.position).ok();
        Ok(at.and_then(|at| state.events.get(at)).cloned())
    }

    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError> {
        let state = self.state()?;
        Ok(state.by_id.get(&id).and_then(|at| state.events.get(*at)).cloned())
    }

    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        Ok(self.state()?.sealing_keys.get(&(tenant, key.clone())).copied())
    }

    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError> {
        Ok(*self.state()?.sealing_keys.entry((key.tenant, key.key)).or_insert(key.secret))
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        Ok(self.state()?.snapshots.get(stream).cloned())
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        match self.state()?.snapshots.entry(snapshot.stream.clone()) {
            Entry::Occupied(mut stored) if stored.get().version <= snapshot.version => {
                stored.insert(snapshot);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(empty) => {
                empty.insert(snapshot);
            }
        }
        Ok(())
    }

    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        Ok(self.state()?.bookmarks.get(worker).copied())
    }

    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError> {
        self.state()?.bookmarks.insert(worker.to_owned(), position);
        Ok(())
    }

    fn timeline(&self) -> u64 {
        self.history.timeline.load(Ordering::Acquire)
    }

    async fn guarantees(&self) -> Result<Guarantees, LogError> {
        Ok(Guarantees {
            engine: "memory".to_owned(),
            durability: Durability::Memory,
            settings: Vec::new(),
            broken: Vec::new(),
        })
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

#[async_trait]
impl Inventory for MemoryLog {
    async fn commands(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredCommand>, LogError> {
        let state = self.state()?;
        let mut commands: Vec<StoredCommand> = state
            .commands
            .iter()
            .filter(|(_, receipt)| receipt.first > after)
            .map(|((tenant, command_id), receipt)| StoredCommand {
                tenant: *tenant,
                command_id: command_id.clone(),
                receipt: *receipt,
                idempotency: state.idempotency_of(*tenant, command_id),
            })
            .collect();
        commands.sort_by_key(|command| command.receipt.first);
        commands.truncate(limit);
        Ok(commands)
    }

    async fn sealing_keys(
        &self,
        after: Option<(TenantId, KeyRef)>,
        limit: usize,
    ) -> Result<Vec<SealingKey>, LogError> {
        let state = self.state()?;
        let mut keys: Vec<_> = state
            .sealing_keys
            .iter()
            .filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after))
            .map(|((tenant, key), secret)| SealingKey {
                key: key.clone(),
                tenant: *tenant,
                secret: *secret,
            })
            .collect();
        keys.sort_by(|a, b| (a.tenant, &a.key).cmp(&(b.tenant, &b.key)));
        keys.truncate(limit);
        Ok(keys)
    }

    async fn tally(&self) -> Result<Tally, LogError> {
        let state = self.state()?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(Tally {
            events: count(state.events.len()),
            commands: count(state.commands.len()),
            idempotency_keys: count(state.idempotency.len()),
            sealing_keys: count(state.sealing_keys.len()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::MemoryLog;
    use crate::{
        Log,
        contract::{Outcome, Subject},
    };

    struct InMemory(Arc<MemoryLog>);

    #[async_trait]
    impl Subject for InMemory {
        async fn fresh() -> Result<Self, String> {
            Ok(Self(Arc::new(MemoryLog::new())))
        }

        fn log(&self) -> Arc<dyn Log> {
            Arc::clone(&self.0) as Arc<dyn Log>
        }

        async fn reopen(&mut self) -> Outcome {
            self.0.close().await;
            self.0 = Arc::new(self.0.reopen());
            Ok(())
        }
    }

    crate::log_contract_tests!(InMemory);

    mod with_holes {
        use super::*;

        struct WithHoles(InMemory);

        #[async_trait]
        impl Subject for WithHoles {
            const CONTIGUOUS: bool = false;

            async fn fresh() -> Result<Self, String> {
                Ok(Self(InMemory(Arc::new(MemoryLog::with_holes()))))
            }

            fn log(&self) -> Arc<dyn Log> {
                self.0.log()
            }

            async fn reopen(&mut self) -> Outcome {
                self.0.reopen().await
            }
        }

        crate::log_contract_tests!(WithHoles);
    }

    #[tokio::test]
    async fn its_inventory_lists_everything() {
        let kept = crate::contract::an_inventory_lists_everything(&MemoryLog::new()).await;
        kept.unwrap();
    }
}
