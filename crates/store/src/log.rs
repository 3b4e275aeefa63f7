//! The log: one durable, totally ordered history. What is in it is never changed or removed.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::{KeyRef, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A place in one log. Opaque and ordered; the first event is at 1, and 0 is "before everything".
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which log: positions, projections and checkpoints of one log mean nothing in another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LogId(pub String);

impl LogId {
    /// The id of a new log.
    #[must_use]
    pub fn mint() -> Self {
        Self(format!("log_{}", Uuid::new_v4().simple()))
    }
}

/// One stream: a category (`order`), whose it is, and which one.
///
/// In `cqrs_es` terms the category is the aggregate type and `{tenant}/{id}` the aggregate id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The aggregate type, such as `order`; `[a-z_]+`.
    pub category: Arc<str>,
    /// The owner.
    pub tenant: TenantId,
    /// Which one, unique within category and tenant. No control characters; at most 200 bytes.
    pub id: Arc<str>,
}

impl StreamId {
    /// Names a stream.
    #[must_use]
    pub fn new(category: &str, tenant: TenantId, id: impl AsRef<str>) -> Self {
        Self { category: category.into(), tenant, id: id.as_ref().into() }
    }

    /// The aggregate id as `cqrs_es` knows it: `{tenant}/{id}`.
    #[must_use]
    pub fn aggregate_id(&self) -> String {
        format!("{}/{}", self.tenant, self.id)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}/{}", self.category, self.tenant, self.id)
    }
}

/// Where the writer believes the stream to be. There is no "any": money never appends blind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream has no event yet.
    Absent,
    /// The stream's last event has this version (the first event has version 1).
    At(u64),
}

impl Expected {
    /// The expected version of the stream's last event, 0 for an absent stream.
    #[must_use]
    pub const fn version(self) -> u64 {
        match self {
            Self::Absent => 0,
            Self::At(version) => version,
        }
    }
}

/// One event to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its identity, minted or derived by the writer; unique in the log.
    pub id: Uuid,
    /// `order.paid`.
    pub event_type: Arc<str>,
    /// The schema version of this type, as `cqrs_es` has it: `1`.
    pub event_version: Arc<str>,
    /// JSON text, stored and returned byte for byte.
    pub payload: Box<str>,
}

/// A key that seals something in the commit it travels with; it is stored outside the log, in the
/// same transaction.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey {
    /// Its name.
    pub key: KeyRef,
    /// The owner.
    pub tenant: TenantId,
    /// 256 secret bits (AES-256-GCM).
    pub secret: [u8; 32],
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealingKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A caller's own key for a request, and what the request said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, scoped to the tenant by the store. At most 255 bytes.
    pub key: String,
    /// SHA-256 over what the request asked for; see [`fingerprint`].
    pub fingerprint: [u8; 32],
}

/// SHA-256 over the parts of a request, each preceded by its length so that parts cannot run
/// together.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// What is stored whole or not at all: one or more events of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The command's id. The same id again in the same tenant returns the first result.
    pub command_id: String,
    /// The stream.
    pub stream: StreamId,
    /// Where the writer believes the stream to be.
    pub expected: Expected,
    /// At least one event.
    pub events: Vec<NewEvent>,
    /// Metadata of all events of the commit: JSON text, stored byte for byte.
    pub metadata: Box<str>,
    /// When, by the tenant's clock. The store never records less than the stream's last event has.
    pub recorded_at: Timestamp,
    /// The caller's idempotency key, if one was given.
    pub idempotency: Option<Idempotency>,
    /// Keys that seal parts of this commit.
    pub sealing_keys: Vec<SealingKey>,
}

/// The answer to a stored commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of the commit's last event in its stream.
    pub version: u64,
    /// The position of the commit's first event.
    pub first: Position,
    /// The position of the commit's last event.
    pub last: Position,
}

/// A stored commit, now or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where it is.
    pub receipt: Receipt,
    /// Whether this very command had been stored before, and nothing was stored now.
    pub replayed: bool,
}

/// Why a commit was not acknowledged. Callers act differently on each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Certain: nothing was stored, because the stream is elsewhere. Reload and decide again.
    #[error("the stream is at version {actual}, not where the writer believed it to be")]
    Conflict {
        /// The version of the stream's last event, 0 if it has none.
        actual: u64,
    },
    /// Certain: nothing was stored; this idempotency key was used for another request.
    #[error("this idempotency key was already used for another request; use a new key")]
    IdempotencyKeyReused,
    /// Certain: nothing was stored; the key belongs to a request that was stored under another
    /// command id. The receipt is that request's.
    #[error("this request was already stored")]
    AlreadyStored(Receipt),
    /// The outcome is not known. Retry the *same* commit: the engine recognizes it.
    #[error("the outcome of the append is unknown: {0}")]
    Unknown(String),
    /// Certain: nothing was sent.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// Certain: nothing was stored; the commit is larger than this log takes.
    #[error("the commit has {size} bytes; this log takes at most {limit}")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Certain: nothing was stored; the commit breaks a rule of the log (no events, a payload that
    /// is not JSON, an id that is too long).
    #[error("the commit is not well formed: {0}")]
    Invalid(String),
    /// The log contradicts itself.
    #[error("the log is corrupt: {0}")]
    Corrupt(String),
}

/// Why the log could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// It cannot be reached or is closed; the same question may succeed later.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The log contradicts itself.
    #[error("the log is corrupt: {0}")]
    Corrupt(String),
}

/// One stored event, exactly as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream; the first event has version 1.
    pub version: u64,
    /// Its identity.
    pub id: Uuid,
    /// `order.paid`.
    pub event_type: Arc<str>,
    /// Schema version of the type.
    pub event_version: Arc<str>,
    /// JSON text, byte for byte as appended.
    pub payload: Box<str>,
    /// JSON text, byte for byte as appended; see [`crate::Metadata`].
    pub metadata: Box<str>,
    /// When it was recorded, by the tenant's clock. Never a business date.
    pub recorded_at: Timestamp,
}

/// Some consecutive events and whether there were more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The events, in order.
    pub events: Vec<Recorded>,
    /// The position of the log's last event when the page was read.
    pub head: Position,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last event; 0 for an empty log.
    pub position: Position,
    /// Identity of the last event, nil for an empty log.
    pub event_id: Uuid,
}

/// What survives what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Nothing survives the process.
    Memory,
    /// Acknowledged commits survive the process and a power cut on this machine.
    Disk,
    /// Acknowledged commits survive the loss of one machine.
    Replicated,
}

/// What this log promises, in words `daybook doctor` can show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarantees {
    /// The engine and its version.
    pub engine: String,
    /// What acknowledged commits survive.
    pub durability: Durability,
    /// The settings this rests on, as name and value.
    pub settings: Vec<(String, String)>,
    /// What is wrong with them; empty when the promise can be kept.
    pub broken: Vec<String>,
}

/// The answer to a worker that wants to be the only one of its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lease {
    /// It is, until the time it asked for has passed; asking again renews it.
    Granted {
        /// Grows whenever the lease goes to somebody else: what a holder with a lower number still
        /// writes is refused.
        fence: u64,
    },
    /// Somebody else is.
    Held {
        /// Who.
        by: String,
    },
}

/// A remembered state of one stream: a shortcut for loading, never the truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamId,
    /// The version of the last event in it.
    pub version: u64,
    /// Which shape the state has; another shape is ignored.
    pub schema: String,
    /// The state, JSON text.
    pub state: Box<str>,
}

/// The log. Every engine keeps the same promises; the contract suite checks them.
///
/// **A reader can never miss a committed event**: an event becomes visible only after every event
/// with a lower position.
#[async_trait]
pub trait Log: Send + Sync + fmt::Debug {
    /// Which log this is.
    fn log_id(&self) -> &LogId;

    /// Stores a commit whole or not at all. Dropping the future does not undo it.
    ///
    /// # Errors
    /// [`AppendError`]; only `Unknown` leaves the outcome open.
    async fn append(&self, commit: Commit) -> Result<Appended, AppendError>;

    /// Events of one stream with a version above `after`, at most `limit`, in order.
    ///
    /// # Errors
    /// [`LogError`].
    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError>;

    /// Events of all streams with a position above `after`, at most `limit`, in order. A page may
    /// be shorter than `limit` before the end of the log (large events); only its `head` tells.
    ///
    /// # Errors
    /// [`LogError`].
    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError>;

    /// The end of the log.
    ///
    /// # Errors
    /// [`LogError`].
    async fn head(&self) -> Result<Head, LogError>;

    /// A signal that changes whenever the log has grown: catch up with `read_all`, then wait here.
    /// It is a wake-up, never the source of truth.
    fn watch(&self) -> tokio::sync::watch::Receiver<Position>;

    /// The receipt of a command stored earlier.
    ///
    /// # Errors
    /// [`LogError`].
    async fn find_command(
        &self,
        tenant: TenantId,
        command_id: &str,
    ) -> Result<Option<Receipt>, LogError>;

    /// What was stored under an idempotency key: the fingerprint, the command id and the receipt.
    ///
    /// # Errors
    /// [`LogError`].
    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError>;

    /// The event at exactly this position.
    ///
    /// # Errors
    /// [`LogError`].
    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError>;

    /// The event with this identity.
    ///
    /// # Errors
    /// [`LogError`].
    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError>;

    /// The secret of a sealing key, unless it was destroyed.
    ///
    /// # Errors
    /// [`LogError`].
    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError>;

    /// Stores a sealing key that seals something of several commits (a person's). Storing it again
    /// keeps the first; returns the secret that is stored.
    ///
    /// # Errors
    /// [`LogError`].
    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError>;

    /// The latest snapshot of a stream.
    ///
    /// # Errors
    /// [`LogError`].
    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError>;

    /// Replaces a stream's snapshot; an older version than the stored one changes nothing.
    ///
    /// # Errors
    /// [`LogError`].
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError>;

    /// How far a named worker (a policy, an effect) had come; a hint that spares work, never the
    /// truth: workers must be harmless when run again from the start.
    ///
    /// # Errors
    /// [`LogError`].
    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError>;

    /// Moves a worker's bookmark.
    ///
    /// # Errors
    /// [`LogError`].
    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError>;

    /// Asks to be, or to stay, the only worker of this name for so long. Leases spare double work
    /// and nothing more: workers are harmless when two of them run. A log that only one process can
    /// write grants every lease.
    ///
    /// # Errors
    /// [`LogError`].
    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, LogError> {
        let _one_process = (worker, holder, time);
        Ok(Lease::Granted { fence: 0 })
    }

    /// Gives a lease back before its time, if it is still this holder's.
    ///
    /// # Errors
    /// [`LogError`].
    async fn release(&self, worker: &str, holder: &str) -> Result<(), LogError> {
        let _one_process = (worker, holder);
        Ok(())
    }

    /// Changes when the log went on in a copy of itself (a fail-over, a restored backup). Whatever
    /// was read before and not acknowledged may be gone then, so everything remembered of the log is
    /// to be checked against it.
    fn timeline(&self) -> u64 {
        0
    }

    /// Returns when everything up to `position` is as durable as this log promises. An event can
    /// be visible a little earlier: after a crash, before the standby has caught up. What leaves
    /// the house because of an event starts only after this.
    ///
    /// # Errors
    /// [`LogError`]; the same question may be asked again.
    async fn ensure_durable(&self, position: Position) -> Result<(), LogError> {
        let _visible_is_durable = position;
        Ok(())
    }

    /// Whether positions are 1, 2, 3 and so on, so that a hole is a loss. Where they are not, they
    /// still grow, and the log itself has to see that nothing is passed over.
    fn has_contiguous_positions(&self) -> bool {
        true
    }

    /// What this log promises with its present settings.
    ///
    /// # Errors
    /// [`LogError`].
    async fn guarantees(&self) -> Result<Guarantees, LogError>;

    /// Stops taking commits, finishes those under way, and releases the log.
    async fn close(&self);
}
