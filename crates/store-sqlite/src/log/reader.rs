//! Reading: a few connections that can neither write nor checkpoint, lent out for one question each.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kernel::{KeyRef, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Params, params};
use store::{Head, LogError, Page, Position, Receipt, Recorded, Snapshot, StreamId};
use tokio::{sync::Semaphore, task};
use uuid::Uuid;

use super::{
    file,
    options::LogOptions,
    statements::{bytes, integer, receipt},
};

/// A page of the log ends early once it holds this much, so that a page always fits in memory.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many streams' names one connection remembers.
const NAMES_MAX: usize = 65_536;

const EVENT_COLUMNS: &str =
    "position, stream, version, type, event_id, recorded_at, payload, metadata";

/// Why a question was not answered.
pub(super) enum ReadError {
    Sql(rusqlite::Error),
    Corrupt(String),
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<ReadError> for LogError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt(why) => Self::Corrupt(why),
            ReadError::Sql(error) if file::is_corrupt(&error) => {
                Self::Corrupt(file::describe(&error))
            }
            ReadError::Sql(error) => Self::Unavailable(file::describe(&error)),
        }
    }
}

/// The connections that read.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    idle: Mutex<Vec<Reader>>,
    permits: Arc<Semaphore>,
    closed: AtomicBool,
}

impl Readers {
    pub(super) fn new(path: PathBuf, options: &LogOptions) -> Arc<Self> {
        Arc::new(Self {
            path,
            busy_timeout: options.busy_timeout,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(options.readers.max(1))),
            closed: AtomicBool::new(false),
        })
    }

    /// Asks a question on one of the connections, off the async threads.
    pub(super) async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&mut Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, LogError> {
        let closed = || LogError::Unavailable("it is closed".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let answer = task::spawn_blocking(move || {
            let answer = readers.answer(question);
            // Given back here and not by the caller, who may have gone away long before.
            drop(permit);
            answer
        });
        answer.await.map_err(|error| LogError::Unavailable(error.to_string()))?
    }

    /// The position of the last event, without an async runtime: for opening.
    pub(super) fn last_position(&self) -> Result<Position, LogError> {
        self.answer(|reader| Ok(reader.head()?.position))
    }

    fn answer<T>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, ReadError>,
    ) -> Result<T, LogError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => Reader::open(&self.path, self.busy_timeout).map_err(ReadError::Sql)?,
        };
        // A connection that met an error is not used again.
        let answer = question(&mut reader)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.closed.load(Ordering::Acquire) {
            idle.push(reader);
        }
        Ok(answer)
    }

    /// The file, and how long to wait for whoever has locked it.
    pub(super) fn file(&self) -> (PathBuf, Duration) {
        (self.path.clone(), self.busy_timeout)
    }

    /// Answers no more questions and closes the connections that are not in use.
    pub(super) fn close(&self) {
        self.permits.close();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Release);
        idle.clear();
    }
}

/// One connection that reads, and the names it has met.
#[derive(Debug)]
pub(super) struct Reader {
    connection: Connection,
    names: Names,
}

impl Reader {
    fn open(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Self> {
        Ok(Self {
            connection: file::reading_connection(path, busy_timeout)?,
            names: Names::default(),
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn head(&mut self) -> Result<Head, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT position, event_id FROM log_events ORDER BY position DESC LIMIT 1",
        )?;
        let last = statement
            .query_row([], |row| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?))))
            .optional()?;
        let (position, event_id) = last.unwrap_or((0, Uuid::nil()));
        Ok(Head { position: Position(position), event_id })
    }

    pub(super) fn read_all(&mut self, after: Position, limit: usize) -> Result<Page, ReadError> {
        // The head comes first: what a page does not show of it, the next one will.
        let head = self.head()?.position;
        let mut events = Vec::with_capacity(limit.min(1024));
        let mut bytes = 0;
        let sql = "WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ?3";
        let parameters = params![integer(after.0), integer(head.0), length(limit)];
        self.events(sql, parameters, |event: Recorded| {
            bytes += event.payload.len() + event.metadata.len();
            events.push(event);
            bytes < PAGE_BYTES_MAX
        })?;
        let mut expected = after.0;
        for event in &events {
            expected = expected.saturating_add(1);
            if event.position.0 != expected {
                return Err(ReadError::Corrupt(format!(
                    "position {expected} is missing; {} follows",
                    event.position
                )));
            }
        }
        Ok(Page { events, head })
    }

    pub(super) fn read_stream(
        &mut self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let number = self
            .connection
            .prepare_cached(
                "SELECT stream FROM streams WHERE tenant = ?1 AND category = ?2 AND id = ?3",
            )?
            .query_row(params![bytes(stream.tenant), &*stream.category, &*stream.id], |row| {
                row.get::<_, i64>(0)
            })
            .optional()?;
        let Some(number) = number else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        let sql = "WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3";
        self.events(sql, params![number, integer(after), length(limit)], |event| {
            events.push(event);
            true
        })?;
        let mut expected = after;
        for event in &events {
            expected = expected.saturating_add(1);
            if event.version != expected {
                return Err(ReadError::Corrupt(format!(
                    "version {expected} of {stream} is missing; {} follows",
                    event.version
                )));
            }
        }
        Ok(events)
    }

    pub(super) fn event_at(&mut self, position: Position) -> Result<Option<Recorded>, ReadError> {
        let mut found = None;
        self.events("WHERE position = ?1", [integer(position.0)], |event| {
            found = Some(event);
            false
        })?;
        Ok(found)
    }

    pub(super) fn event_by_id(&mut self, id: Uuid) -> Result<Option<Recorded>, ReadError> {
        let mut found = None;
        self.events("WHERE event_id = ?1", [id.as_bytes()], |event| {
            found = Some(event);
            false
        })?;
        Ok(found)
    }

    /// Hands out events until there are no more, or enough.
    fn events(
        &mut self,
        condition: &str,
        parameters: impl Params,
        mut take: impl FnMut(Recorded) -> bool,
    ) -> Result<(), ReadError> {
        let Self { connection, names } = self;
        let sql = format!("SELECT {EVENT_COLUMNS} FROM log_events {condition}");
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            let (event_type, event_version) = names.event_type(connection, row.get(3)?)?;
            let event = Recorded {
                position: Position(row.get(0)?),
                stream: names.stream(connection, row.get(1)?)?,
                version: row.get(2)?,
                id: Uuid::from_bytes(row.get(4)?),
                event_type,
                event_version,
                recorded_at: Timestamp::from_millis(row.get(5)?),
                payload: row.get(6)?,
                metadata: row.get(7)?,
            };
            if !take(event) {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn command(
        &mut self,
        tenant: TenantId,
        id: &str,
    ) -> Result<Option<Receipt>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT version, first_position, last_position FROM commands \
             WHERE tenant = ?1 AND command_id = ?2",
        )?;
        Ok(statement.query_row(params![bytes(tenant), id], receipt).optional()?)
    }

    pub(super) fn idempotency_key(
        &mut self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT c.version, c.first_position, c.last_position, k.fingerprint, k.command_id \
             FROM idempotency_keys k \
             JOIN commands c ON c.tenant = k.tenant AND c.command_id = k.command_id \
             WHERE k.tenant = ?1 AND k.key = ?2",
        )?;
        let found = statement.query_row(params![bytes(tenant), key], |row| {
            Ok((row.get(3)?, row.get(4)?, receipt(row)?))
        });
        Ok(found.optional()?)
    }

    pub(super) fn sealing_key(
        &mut self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT secret FROM sealing_keys WHERE tenant = ?1 AND key = ?2")?;
        Ok(statement.query_row(params![bytes(tenant), key.0], |row| row.get(0)).optional()?)
    }

    pub(super) fn snapshot(&mut self, stream: &StreamId) -> Result<Option<Snapshot>, ReadError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT version, schema, state FROM snapshots \
             WHERE tenant = ?1 AND category = ?2 AND id = ?3",
        )?;
        let key = params![bytes(stream.tenant), &*stream.category, &*stream.id];
        let found = statement.query_row(key, |row| {
            Ok(Snapshot {
                stream: stream.clone(),
                version: row.get(0)?,
                schema: row.get(1)?,
                state: row.get(2)?,
            })
        });
        Ok(found.optional()?)
    }

    pub(super) fn bookmark(&mut self, worker: &str) -> Result<Option<Position>, ReadError> {
        let mut statement =
            self.connection.prepare_cached("SELECT position FROM bookmarks WHERE worker = ?1")?;
        Ok(statement.query_row([worker], |row| row.get(0)).optional()?.map(Position))
    }
}

/// The names behind the numbers: they never change, so they are read once per connection.
#[derive(Debug, Default)]
struct Names {
    streams: HashMap<i64, StreamId>,
    event_types: HashMap<i64, (Arc<str>, Arc<str>)>,
    categories: HashMap<Box<str>, Arc<str>>,
}

impl Names {
    fn stream(&mut self, connection: &Connection, number: i64) -> Result<StreamId, ReadError> {
        if let Some(stream) = self.streams.get(&number) {
            return Ok(stream.clone());
        }
        let mut statement = connection
            .prepare_cached("SELECT tenant, category, id FROM streams WHERE stream = ?1")?;
        let found: Option<([u8; 16], Box<str>, Arc<str>)> = statement
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((tenant, category, id)) = found else {
            return Err(ReadError::Corrupt(format!("stream {number} has no name")));
        };
        let tenant = tenant_of(tenant)?;
        let category = Arc::clone(
            self.categories.entry(category).or_insert_with_key(|name| Arc::from(&**name)),
        );
        let stream = StreamId { category, tenant, id };
        if self.streams.len() >= NAMES_MAX {
            self.streams.clear();
        }
        self.streams.insert(number, stream.clone());
        Ok(stream)
    }

    fn event_type(
        &mut self,
        connection: &Connection,
        number: i64,
    ) -> Result<(Arc<str>, Arc<str>), ReadError> {
        if let Some((name, version)) = self.event_types.get(&number) {
            return Ok((Arc::clone(name), Arc::clone(version)));
        }
        let mut statement =
            connection.prepare_cached("SELECT name, version FROM event_types WHERE type = ?1")?;
        let found: Option<(Arc<str>, Arc<str>)> =
            statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((name, version)) = found else {
            return Err(ReadError::Corrupt(format!("event type {number} has no name")));
        };
        self.event_types.insert(number, (Arc::clone(&name), Arc::clone(&version)));
        Ok((name, version))
    }
}

/// A tenant from how it is stored.
pub(super) fn tenant_of(bytes: [u8; 16]) -> Result<TenantId, ReadError> {
    let id = Uuid::from_bytes(bytes).simple();
    format!("{}_{id}", TenantId::PREFIX)
        .parse()
        .map_err(|_| ReadError::Corrupt(format!("{id} is no tenant")))
}

/// A limit as SQLite takes it.
pub(super) fn length(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
