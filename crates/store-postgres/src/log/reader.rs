//! Reading: each question is one statement on a connection of the pool, and sees whole commits only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use kernel::{KeyRef, TenantId, Timestamp};
use sqlx::{PgPool, Row, postgres::PgRow};
use store::{Head, LogError, Page, Position, Receipt, Recorded, Snapshot, StreamId};
use uuid::Uuid;

use super::statements::receipt;

/// A page of the log ends early once it holds this much, so that a page always fits in memory.
const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How many names are remembered, so that events of one type share one text.
const NAMES_MAX: usize = 4096;

// The head and the events in one statement, so that both are of the same moment.
const READ_ALL: &str = "SELECT h.position AS head, e.aggregate_type, e.aggregate_id, e.sequence, \
     e.event_type, e.event_version, e.payload::text AS payload, e.metadata::text AS metadata, \
     e.position, e.event_id, e.recorded_at FROM daybook_log.head h LEFT JOIN LATERAL \
     (SELECT * FROM daybook_log.events WHERE position > $1 ORDER BY position LIMIT $2) e ON true \
     ORDER BY e.position";

const READ_STREAM: &str = "SELECT aggregate_type, aggregate_id, sequence, event_type, \
     event_version, payload::text AS payload, metadata::text AS metadata, position, event_id, \
     recorded_at FROM daybook_log.events WHERE aggregate_type = $1 AND aggregate_id = $2 \
     AND sequence > $3 ORDER BY sequence LIMIT $4";

const EVENT_AT: &str = "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload::text AS payload, metadata::text AS metadata, position, event_id, recorded_at \
     FROM daybook_log.events WHERE position = $1";

const EVENT_BY_ID: &str = "SELECT aggregate_type, aggregate_id, sequence, event_type, \
     event_version, payload::text AS payload, metadata::text AS metadata, position, event_id, \
     recorded_at FROM daybook_log.events WHERE event_id = $1";

const HEAD: &str = "SELECT position, event_id FROM daybook_log.head";

const COMMAND: &str = "SELECT version, first_position, last_position FROM daybook_log.commands \
     WHERE tenant = $1 AND command_id = $2";

const IDEMPOTENCY_KEY: &str = "SELECT k.fingerprint, k.command_id, c.version, c.first_position, \
     c.last_position FROM daybook_log.idempotency_keys k \
     JOIN daybook_log.commands c ON c.tenant = k.tenant AND c.command_id = k.command_id \
     WHERE k.tenant = $1 AND k.key = $2";

const SEALING_KEY: &str =
    "SELECT secret FROM daybook_log.sealing_keys WHERE tenant = $1 AND key = $2";

const SNAPSHOT: &str = "SELECT version, schema, state FROM daybook_log.stream_snapshots \
     WHERE aggregate_type = $1 AND aggregate_id = $2";

const BOOKMARK: &str = "SELECT position FROM daybook_log.bookmarks WHERE worker = $1";

/// PostgreSQL's integers end at 2^63 - 1, and so do versions and positions: a larger one is beyond
/// every event, and so is the largest.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn length(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// What an error of a question means.
pub(super) fn read_error(error: sqlx::Error) -> LogError {
    match &error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            LogError::Corrupt(error.to_string())
        }
        // data_corrupted and index_corrupted.
        sqlx::Error::Database(reported)
            if matches!(reported.code().as_deref(), Some("XX001" | "XX002")) =>
        {
            LogError::Corrupt(reported.message().to_owned())
        }
        _ => LogError::Unavailable(error.to_string()),
    }
}

/// The texts that many events share.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<Box<str>, Arc<str>>>);

impl Names {
    fn shared(&self, name: &str) -> Arc<str> {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Arc::clone(known);
        }
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        let shared: Arc<str> = name.into();
        names.insert(name.into(), Arc::clone(&shared));
        shared
    }

    fn event(&self, row: &PgRow) -> Result<Recorded, sqlx::Error> {
        let aggregate: &str = row.try_get("aggregate_id")?;
        let time: DateTime<Utc> = row.try_get("recorded_at")?;
        let (tenant, id) = aggregate.split_once('/').ok_or_else(|| odd(aggregate))?;
        let tenant: TenantId = tenant.parse().map_err(|_| odd(aggregate))?;
        let category = self.shared(row.try_get("aggregate_type")?);
        Ok(Recorded {
            position: Position(whole(row, "position")?),
            stream: StreamId { category, tenant, id: id.into() },
            version: whole(row, "sequence")?,
            id: row.try_get("event_id")?,
            event_type: self.shared(row.try_get("event_type")?),
            event_version: self.shared(row.try_get("event_version")?),
            payload: row.try_get::<&str, _>("payload")?.into(),
            metadata: row.try_get::<&str, _>("metadata")?.into(),
            recorded_at: Timestamp::from(time),
        })
    }

    pub(super) async fn read_all(
        &self,
        pool: &PgPool,
        after: Position,
        limit: usize,
    ) -> Result<Page, LogError> {
        let mut rows = sqlx::query(READ_ALL).bind(integer(after.0)).bind(length(limit)).fetch(pool);
        let mut events = Vec::with_capacity(limit.min(1024));
        let (mut head, mut bytes, mut expected) = (0, 0, after.0);
        while let Some(row) = rows.try_next().await.map_err(read_error)? {
            head = whole(&row, "head").map_err(read_error)?;
            if row.try_get::<Option<i64>, _>("position").map_err(read_error)?.is_none() {
                break;
            }
            let event = self.event(&row).map_err(read_error)?;
            expected = expected.saturating_add(1);
            if event.position.0 != expected {
                return Err(LogError::Corrupt(format!(
                    "position {expected} is missing; {} follows",
                    event.position
                )));
            }
            bytes += event.payload.len() + event.metadata.len();
            events.push(event);
            if bytes >= PAGE_BYTES_MAX {
                break;
            }
        }
        Ok(Page { events, head: Position(head) })
    }

    pub(super) async fn read_stream(
        &self,
        pool: &PgPool,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let mut rows = sqlx::query(READ_STREAM)
            .bind(&*stream.category)
            .bind(stream.aggregate_id())
            .bind(integer(after))
            .bind(length(limit))
            .fetch(pool);
        let (mut events, mut expected) = (Vec::new(), after);
        while let Some(row) = rows.try_next().await.map_err(read_error)? {
            let event = self.event(&row).map_err(read_error)?;
            expected = expected.saturating_add(1);
            if event.version != expected {
                return Err(LogError::Corrupt(format!(
                    "version {expected} of {stream} is missing; {} follows",
                    event.version
                )));
            }
            events.push(event);
        }
        Ok(events)
    }

    pub(super) async fn event_at(
        &self,
        pool: &PgPool,
        position: Position,
    ) -> Result<Option<Recorded>, LogError> {
        let asked = sqlx::query(EVENT_AT).bind(integer(position.0)).fetch_optional(pool);
        self.one(asked.await)
    }

    pub(super) async fn event_by_id(
        &self,
        pool: &PgPool,
        id: Uuid,
    ) -> Result<Option<Recorded>, LogError> {
        self.one(sqlx::query(EVENT_BY_ID).bind(id).fetch_optional(pool).await)
    }

    fn one(&self, row: Result<Option<PgRow>, sqlx::Error>) -> Result<Option<Recorded>, LogError> {
        row.and_then(|row| row.map(|row| self.event(&row)).transpose()).map_err(read_error)
    }
}

fn odd(aggregate: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("the aggregate id \"{aggregate}\" has no tenant").into())
}

fn whole(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) async fn head(pool: &PgPool) -> Result<Head, sqlx::Error> {
    let row = sqlx::query(HEAD).fetch_one(pool).await?;
    let position = Position(whole(&row, "position")?);
    Ok(Head { position, event_id: row.try_get("event_id")? })
}

pub(super) async fn command(
    pool: &PgPool,
    tenant: TenantId,
    id: &str,
) -> Result<Option<Receipt>, sqlx::Error> {
    let row = sqlx::query(COMMAND).bind(tenant.uuid()).bind(id).fetch_optional(pool).await?;
    row.map(|row| receipt(&row)).transpose()
}

pub(super) async fn idempotency_key(
    pool: &PgPool,
    tenant: TenantId,
    key: &str,
) -> Result<Option<([u8; 32], String, Receipt)>, sqlx::Error> {
    let asked = sqlx::query(IDEMPOTENCY_KEY).bind(tenant.uuid()).bind(key);
    let Some(row) = asked.fetch_optional(pool).await? else { return Ok(None) };
    let fingerprint = secret(row.try_get("fingerprint")?)?;
    Ok(Some((fingerprint, row.try_get("command_id")?, receipt(&row)?)))
}

pub(super) async fn sealing_key(
    pool: &PgPool,
    tenant: TenantId,
    key: &KeyRef,
) -> Result<Option<[u8; 32]>, sqlx::Error> {
    let asked = sqlx::query_scalar::<_, Vec<u8>>(SEALING_KEY).bind(tenant.uuid()).bind(&key.0);
    asked.fetch_optional(pool).await?.map(secret).transpose()
}

/// 32 bytes.
pub(super) fn secret(bytes: Vec<u8>) -> Result<[u8; 32], sqlx::Error> {
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        sqlx::Error::Decode(format!("{} bytes where 32 should be", bytes.len()).into())
    })
}

pub(super) async fn snapshot(
    pool: &PgPool,
    stream: &StreamId,
) -> Result<Option<Snapshot>, sqlx::Error> {
    let asked = sqlx::query(SNAPSHOT).bind(&*stream.category).bind(stream.aggregate_id());
    let Some(row) = asked.fetch_optional(pool).await? else { return Ok(None) };
    Ok(Some(Snapshot {
        stream: stream.clone(),
        version: whole(&row, "version")?,
        schema: row.try_get("schema")?,
        state: row.try_get::<&str, _>("state")?.into(),
    }))
}

pub(super) async fn bookmark(pool: &PgPool, worker: &str) -> Result<Option<Position>, sqlx::Error> {
    let found: Option<i64> = sqlx::query_scalar(BOOKMARK).bind(worker).fetch_optional(pool).await?;
    Ok(found.map(|position| Position(u64::try_from(position).unwrap_or_default())))
}
