//! What the server cannot look up: where every event, command and key is, kept in memory.
//!
//! Commands, keys and streams are remembered by the first 128 bits of a SHA-256, so that what they are
//! called costs nothing; two that fall together are less likely than a fault of the memory. Only
//! sealing keys are remembered by name, because they have to be listed.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::Bound,
};

use eventstore::RecordedEvent;
use kernel::{KeyRef, TenantId, Timestamp};
use store::{Head, LogError, Position, Receipt, StreamId, Tally, fingerprint};
use uuid::Uuid;

use crate::envelope::Envelope;

type Digest = [u8; 16];

/// Where one stream ends.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StreamHead {
    pub(crate) version: u64,
    pub(crate) recorded_at: Timestamp,
}

/// Where everything is.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Of every event of ours, in order.
    positions: Vec<u64>,
    last_id: Uuid,
    by_id: HashMap<Uuid, u64>,
    streams: HashMap<Digest, StreamHead>,
    commands: HashMap<Digest, Receipt>,
    /// Position of the first event stored under a key.
    keys: HashMap<Digest, u64>,
    /// Every sealing key there ever was; which were destroyed is for their streams to say.
    sealing_keys: BTreeSet<(TenantId, KeyRef)>,
    /// Commits whose last event has not been read yet: stream and position of the first event.
    begun: HashMap<Digest, u64>,
    /// Attempts of this process that wait to be read back.
    attempts: HashMap<Uuid, Option<Receipt>>,
}

impl Index {
    /// Takes in the next event of the log.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when it does not follow what is known already.
    pub(crate) fn push(
        &mut self,
        stream: &StreamId,
        event: &RecordedEvent,
    ) -> Result<(), LogError> {
        let corrupt = |why: String| Err(LogError::Corrupt(why));
        let envelope = Envelope::of(event)?;
        let (position, version) = (event.position.commit, event.revision + 1);
        if position <= self.positions.last().copied().unwrap_or(0) {
            return corrupt(format!("position {position} comes again, or is not a position"));
        }
        let name = stream_digest(stream);
        let head = self.streams.entry(name).or_default();
        if version != head.version + 1 {
            return corrupt(format!(
                "version {version} of {stream} comes after version {}",
                head.version
            ));
        }
        let recorded_at = Timestamp::from_millis(envelope.recorded_at);
        *head = StreamHead { version, recorded_at };
        self.positions.push(position);
        self.last_id = event.id;
        self.by_id.entry(event.id).or_insert(position);
        if envelope.number == 0 {
            self.begun.insert(name, position);
            if let Some(key) = &envelope.idempotency {
                let key = digest(stream.tenant, &key.key);
                self.keys.entry(key).or_insert(position);
            }
        }
        if envelope.number + 1 == envelope.count
            && let Some(first) = self.begun.remove(&name)
        {
            let (first, last) = (Position(first), Position(position));
            let receipt = Receipt { version, first, last };
            let command = digest(stream.tenant, &envelope.command);
            self.commands.entry(command).or_insert(receipt);
            if let Some(attempt) = self.attempts.get_mut(&envelope.attempt) {
                *attempt = Some(receipt);
            }
        }
        Ok(())
    }

    /// Takes in that there is, or was, a sealing key of this name.
    pub(crate) fn push_sealing_key(&mut self, key: (TenantId, KeyRef)) {
        self.sealing_keys.insert(key);
    }

    /// The names of at most so many sealing keys behind this one, in order, destroyed ones too.
    pub(crate) fn sealing_keys_after(
        &self,
        after: Option<&(TenantId, KeyRef)>,
        count: usize,
    ) -> Vec<(TenantId, KeyRef)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.sealing_keys.range((from, Bound::Unbounded)).take(count).cloned().collect()
    }

    /// How much there is, but for sealing keys.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            events: self.positions.len() as u64,
            commands: self.commands.len() as u64,
            idempotency_keys: self.keys.len() as u64,
            sealing_keys: 0,
        }
    }

    pub(crate) fn head(&self) -> Head {
        let position = Position(self.positions.last().copied().unwrap_or(0));
        Head { position, event_id: self.last_id }
    }

    pub(crate) fn stream(&self, stream: &StreamId) -> StreamHead {
        self.streams.get(&stream_digest(stream)).copied().unwrap_or_default()
    }

    pub(crate) fn command(&self, tenant: TenantId, command_id: &str) -> Option<Receipt> {
        self.commands.get(&digest(tenant, command_id)).copied()
    }

    /// The position of the first event stored under this key.
    pub(crate) fn key(&self, tenant: TenantId, key: &str) -> Option<Position> {
        self.keys.get(&digest(tenant, key)).copied().map(Position)
    }

    pub(crate) fn event(&self, id: Uuid) -> Option<Position> {
        self.by_id.get(&id).copied().map(Position)
    }

    pub(crate) fn has_position(&self, position: Position) -> bool {
        self.positions.binary_search(&position.0).is_ok()
    }

    /// The position of the first event after this one, if any.
    pub(crate) fn next_after(&self, position: Position) -> Option<Position> {
        let place = self.positions.partition_point(|known| *known <= position.0);
        self.positions.get(place).copied().map(Position)
    }

    /// Whether these ids are new to the log and each used once.
    pub(crate) fn all_new(&self, ids: impl Iterator<Item = Uuid>) -> bool {
        let mut seen = HashSet::new();
        let mut ids = ids;
        ids.all(|id| !self.by_id.contains_key(&id) && seen.insert(id))
    }

    /// Begins to wait for an attempt to be read back.
    pub(crate) fn expect(&mut self, attempt: Uuid) {
        self.attempts.insert(attempt, None);
    }

    /// The receipt of an attempt, if it was stored and has been read back.
    pub(crate) fn attempt(&self, attempt: Uuid) -> Option<Receipt> {
        self.attempts.get(&attempt).copied().flatten()
    }

    pub(crate) fn forget(&mut self, attempt: Uuid) {
        self.attempts.remove(&attempt);
    }

    /// Forgets the log and keeps what this process waits for.
    pub(crate) fn start_over(&mut self) {
        let attempts = self.attempts.keys().map(|attempt| (*attempt, None)).collect();
        *self = Self { attempts, ..Self::default() };
    }
}

fn stream_digest(stream: &StreamId) -> Digest {
    digest(stream.tenant, &format!("{}-{}", stream.category, stream.id))
}

fn digest(tenant: TenantId, name: &str) -> Digest {
    let whole = fingerprint(&[tenant.uuid().as_bytes(), name.as_bytes()]);
    let mut half = Digest::default();
    half.copy_from_slice(whole.split_at(16).0);
    half
}
