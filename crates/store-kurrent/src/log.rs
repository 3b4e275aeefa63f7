//! The log: every promise of `store::Log`, kept by the parts of this crate.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use eventstore::{
    Client, ReadStreamOptions, StreamPosition,
    operations::{Client as Operations, VNodeState},
};
use kernel::{KeyRef, TenantId};
use store::{
    AppendError, Appended, Commit, Durability, Guarantees, Head, Log, LogError, LogId, Page,
    Position, Receipt, Recorded, SealingKey, Snapshot, StreamId,
};
use tokio::sync::{RwLock, watch};
use uuid::Uuid;

use crate::{
    LogOptions, OpenLogError,
    address::Address,
    bookkeeping::{Bookkeeping, Limited},
    connection::Connection,
    envelope,
    keys::Keys,
    names::Names,
    options::COMMIT_BYTES_LIMIT,
    tail::{Tail, unavailable},
    tls,
    turns::{Thing, Turns, things_of},
};

/// How much one page of the log holds unless a single event is larger, in bytes of payload.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How many events of a page are read at once.
pub(crate) const READ_EVENTS_MAX: usize = 256;

/// Revisions are signed on the server.
const VERSION_MAX: u64 = i64::MAX as u64;

/// The members a cluster needs so that the loss of one loses nothing.
const REPLICAS_MIN: usize = 3;

/// A log on KurrentDB.
#[derive(Debug)]
pub struct KurrentLog {
    id: LogId,
    bytes_max: usize,
    read_only: bool,
    /// Where commits are stored in order: whether one was not.
    broken_off: Option<Arc<AtomicBool>>,
    pub(crate) tail: Arc<Tail>,
    turns: Turns,
    limited: Limited,
    closed: Arc<AtomicBool>,
    /// Held for reading by every append under way.
    under_way: Arc<RwLock<()>>,
}

impl KurrentLog {
    /// Opens the log at this connection string, reading all of it into the index.
    ///
    /// # Errors
    /// [`OpenLogError`]; nothing panics in the background once this has returned.
    pub async fn open(url: &str, options: LogOptions) -> Result<Self, OpenLogError> {
        let address = Address::parse(url).map_err(OpenLogError::Address)?;
        tls::check_certificates(&address)?;
        tls::prepare_tls().await?;
        let prefix = address.prefix.clone().or_else(|| options.prefix.clone());
        let names = Names::new(prefix.as_deref()).map_err(OpenLogError::Address)?;
        let tail = Arc::new(Tail::new(Connection::new(address, &options), names));
        let limited = Limited::default();
        let id = identity(&tail, &limited, &options).await?;
        tail.catch_up().await?;
        let closed = Arc::new(AtomicBool::new(false));
        tokio::spawn(look(Arc::downgrade(&tail), Arc::clone(&closed), options.look_every));
        Ok(Self {
            id,
            bytes_max: options.commit_bytes_max.min(COMMIT_BYTES_LIMIT),
            read_only: options.read_only,
            broken_off: options.in_order.then(Arc::default),
            tail,
            turns: Turns::default(),
            limited,
            closed,
            under_way: Arc::default(),
        })
    }

    /// Destroys a sealing key, and with it everything it sealed. It reads as absent at once; its
    /// bytes are gone from the server's disks after the next scavenge.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn destroy_sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<(), LogError> {
        self.open_to_write()?;
        let mut turn = self.turns.take(vec![Thing::SealingKey(tenant, key.clone())]);
        turn.begin().await;
        self.keys().destroy(tenant, key).await
    }

    pub(crate) fn open_or_closed(&self) -> Result<(), LogError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(LogError::Unavailable(CLOSED.to_owned()));
        }
        Ok(())
    }

    fn open_to_write(&self) -> Result<(), LogError> {
        if self.read_only {
            return Err(LogError::Unavailable(READ_ONLY.to_owned()));
        }
        self.open_or_closed()
    }

    pub(crate) fn keys(&self) -> Keys<'_> {
        Keys { connection: &self.tail.connection, names: &self.tail.names }
    }

    fn bookkeeping(&self) -> Bookkeeping<'_> {
        bookkeeping(&self.tail, &self.limited)
    }

    /// The event of ours at a position that is known to be one.
    async fn known_event(&self, position: Position) -> Result<Recorded, LogError> {
        let before = Position(position.0.saturating_sub(1));
        let mut events = self.tail.next_events(before, position, 1).await?;
        let missing = || LogError::Corrupt(format!("nothing is at position {position} any more"));
        let (stream, event) = events.pop().ok_or_else(missing)?;
        envelope::unwrap(stream, &event)
    }
}

const CLOSED: &str = "it is closed";
const READ_ONLY: &str = "it is opened for reading only";
const BROKEN_OFF: &str = "a commit before it was not stored";

fn bookkeeping<'a>(tail: &'a Tail, limited: &'a Limited) -> Bookkeeping<'a> {
    Bookkeeping { connection: &tail.connection, names: &tail.names, limited }
}

/// Stores a commit unless one before it was not stored. Its turn has come.
async fn store_in_order(
    tail: &Tail,
    commit: &Commit,
    broken_off: &AtomicBool,
) -> Result<Appended, AppendError> {
    if broken_off.load(Ordering::SeqCst) {
        return Err(AppendError::Unavailable(BROKEN_OFF.to_owned()));
    }
    let verdict = tail.store(commit).await;
    if verdict.is_err() {
        broken_off.store(true, Ordering::SeqCst);
    }
    verdict
}

/// Which log it is; a new one is begun unless it is only to be read.
async fn identity(
    tail: &Tail,
    limited: &Limited,
    options: &LogOptions,
) -> Result<LogId, OpenLogError> {
    let server = || tail.connection.address.to_string();
    let (kept, wanted) = (bookkeeping(tail, limited), options.log_id.as_ref());
    let found = if options.read_only {
        kept.log_id().await?.ok_or_else(|| OpenLogError::Missing { server: server() })?
    } else {
        kept.ensure_log_id(wanted).await?
    };
    match wanted {
        Some(wanted) if *wanted != found => {
            Err(OpenLogError::OtherLog { server: server(), found, wanted: wanted.clone() })
        }
        _ => Ok(found),
    }
}

/// Looks now and then for what other processes have written, for as long as there is an open log.
async fn look(tail: Weak<Tail>, closed: Arc<AtomicBool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(tail) = tail.upgrade().filter(|_| !closed.load(Ordering::SeqCst)) else { return };
        if let Err(error) = tail.catch_up().await {
            tracing::debug!(%error, "the end of the log cannot be read");
        }
    }
}

#[async_trait]
impl Log for KurrentLog {
    fn log_id(&self) -> &LogId {
        &self.id
    }

    async fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        if self.read_only {
            return Err(AppendError::Unavailable(READ_ONLY.to_owned()));
        }
        commit.check(self.bytes_max)?;
        // Everything up to the spawn happens at the first poll: the place in the queue is the
        // caller's, and whoever is gone afterwards has handed the commit over.
        let closed = || AppendError::Unavailable(CLOSED.to_owned());
        let under_way = Arc::clone(&self.under_way).try_read_owned().map_err(|_| closed())?;
        self.open_or_closed().map_err(|_| closed())?;
        let mut things = things_of(&commit);
        things.extend(self.broken_off.as_ref().map(|_| Thing::Log));
        let mut turn = self.turns.take(things);
        let (tail, broken_off) = (Arc::clone(&self.tail), self.broken_off.clone());
        let storing = tokio::spawn(async move {
            turn.begin().await;
            let verdict = match broken_off {
                None => tail.store(&commit).await,
                Some(broken_off) => store_in_order(&tail, &commit, &broken_off).await,
            };
            drop((turn, under_way));
            verdict
        });
        storing.await.map_err(|error| AppendError::Unknown(error.to_string()))?
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        self.open_or_closed()?;
        if limit == 0 || after >= VERSION_MAX {
            return Ok(Vec::new());
        }
        let name = self.tail.names.events(stream);
        // Versions count from 1 and revisions from 0, so what comes after one is at the other.
        let options = ReadStreamOptions::default()
            .forwards()
            .position(StreamPosition::Position(after))
            .max_count(limit);
        let events = self.tail.read_stream(&name, &options).await?;
        events.iter().map(|event| envelope::unwrap(stream.clone(), event)).collect()
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError> {
        self.open_or_closed()?;
        let head = self.tail.catch_up().await?.position;
        let mut page = Page { events: Vec::new(), head };
        let (mut after, mut bytes) = (after, 0);
        while page.events.len() < limit && bytes < PAGE_BYTES_MAX {
            let wanted = (limit - page.events.len()).min(READ_EVENTS_MAX);
            for (stream, event) in self.tail.next_events(after, head, wanted).await? {
                bytes += event.data.len() + event.custom_metadata.len();
                page.events.push(envelope::unwrap(stream, &event)?);
            }
            match page.events.last() {
                Some(last) if last.position > after => after = last.position,
                _ => break,
            }
        }
        Ok(page)
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.open_or_closed()?;
        self.tail.catch_up().await
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.tail.watch()
    }

    async fn find_command(
        &self,
        tenant: TenantId,
        command_id: &str,
    ) -> Result<Option<Receipt>, LogError> {
        self.open_or_closed()?;
        let known = self.tail.index().command(tenant, command_id);
        if known.is_some() {
            return Ok(known);
        }
        self.tail.catch_up().await?;
        Ok(self.tail.index().command(tenant, command_id))
    }

    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        self.open_or_closed()?;
        self.tail.catch_up().await?;
        self.tail.find_key(tenant, key).await
    }

    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        self.open_or_closed()?;
        if position > self.tail.index().head().position {
            self.tail.catch_up().await?;
        }
        if !self.tail.index().has_position(position) {
            return Ok(None);
        }
        self.known_event(position).await.map(Some)
    }

    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError> {
        self.open_or_closed()?;
        let mut known = self.tail.index().event(id);
        if known.is_none() {
            self.tail.catch_up().await?;
            known = self.tail.index().event(id);
        }
        let Some(position) = known else { return Ok(None) };
        self.known_event(position).await.map(Some)
    }

    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        self.open_or_closed()?;
        self.keys().secret(tenant, key).await
    }

    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError> {
        self.open_to_write()?;
        let mut turn = self.turns.take(vec![Thing::SealingKey(key.tenant, key.key.clone())]);
        turn.begin().await;
        self.keys().ensure(&key).await
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        self.open_or_closed()?;
        self.bookkeeping().snapshot(stream).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        self.open_to_write()?;
        self.bookkeeping().save_snapshot(snapshot).await
    }

    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        self.open_or_closed()?;
        self.bookkeeping().bookmark(worker).await
    }

    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError> {
        self.open_to_write()?;
        self.bookkeeping().save_bookmark(worker, position).await
    }

    /// Grows when a new connection shows another history than the one that was read.
    fn timeline(&self) -> u64 {
        self.tail.timeline()
    }

    /// They are the server's commit positions.
    fn has_contiguous_positions(&self) -> bool {
        false
    }

    async fn guarantees(&self) -> Result<Guarantees, LogError> {
        self.open_or_closed()?;
        let connection = &self.tail.connection;
        let asking = |client: Client| async move { client.server_info().await };
        let info = connection.ask_again(asking).await.map_err(|fault| unavailable(&fault))?;
        let members = connection
            .ask(|client| async move { Operations::from(client).read_gossip().await })
            .await;
        let mut settings = vec![
            ("server".to_owned(), connection.address.to_string()),
            ("client".to_owned(), "eventstore 4.0.0".to_owned()),
        ];
        let replicas = match members {
            Ok(members) => members
                .iter()
                .filter(|member| member.is_alive)
                .filter(|member| matches!(member.state, VNodeState::Leader | VNodeState::Follower))
                .count(),
            Err(fault) => {
                settings.push(("gossip".to_owned(), format!("not readable: {fault}")));
                1
            }
        };
        settings.push(("replicas".to_owned(), replicas.to_string()));
        let secure = connection.address.is_secure();
        settings.push(("tls".to_owned(), secure.to_string()));
        let mut broken = Vec::new();
        if !secure && !connection.address.is_local() {
            broken.push(format!(
                "the connection to {} is not encrypted (tls=false): payloads, passwords and \
                 sealing keys cross the network in the clear",
                connection.address
            ));
        }
        let replicated = replicas >= REPLICAS_MIN;
        Ok(Guarantees {
            engine: format!("KurrentDB {}", info.version()),
            durability: if replicated { Durability::Replicated } else { Durability::Disk },
            settings,
            broken,
        })
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        // Whoever holds it for reading is an append under way; none begins any more.
        drop(self.under_way.write().await);
    }
}
