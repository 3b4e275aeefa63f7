//! Every statement the writer runs, prepared once per connection.

use kernel::{KeyRef, TenantId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Result, Statement, params, types::Value};
use store::{Idempotency, Position, Receipt, SealingKey, Snapshot, StreamId};
use uuid::Uuid;

use super::heads::StreamHead;

/// The writer's statements.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    data_version: Statement<'c>,
    stream_head: Statement<'c>,
    stream: Statement<'c>,
    event_type: Statement<'c>,
    command: Statement<'c>,
    idempotency_key: Statement<'c>,
    sealing_key: Statement<'c>,
    insert_stream: Statement<'c>,
    insert_event_type: Statement<'c>,
    insert_event: Statement<'c>,
    insert_command: Statement<'c>,
    insert_idempotency_key: Statement<'c>,
    insert_sealing_key: Statement<'c>,
    save_snapshot: Statement<'c>,
    save_bookmark: Statement<'c>,
}

/// One event as a row.
pub(super) struct EventRow<'a> {
    pub(super) position: u64,
    pub(super) stream: i64,
    pub(super) version: u64,
    pub(super) event_type: i64,
    pub(super) id: Uuid,
    pub(super) recorded_at: Timestamp,
    pub(super) payload: &'a str,
    pub(super) metadata: &'a str,
}

impl<'c> Statements<'c> {
    #[rustfmt::skip]
    pub(super) fn prepare(connection: &'c Connection) -> Result<Self> {
        let prepare = |sql: &str| connection.prepare(sql);
        Ok(Self {
            connection,
            // Immediate: a stranger's lock is met here, where nothing has been promised yet.
            begin: prepare("BEGIN IMMEDIATE")?,
            commit: prepare("COMMIT")?,
            data_version: prepare("PRAGMA data_version")?,
            stream: prepare(
                "SELECT stream FROM streams WHERE tenant = ?1 AND category = ?2 AND id = ?3")?,
            stream_head: prepare(
                "SELECT version, recorded_at FROM log_events WHERE stream = ?1 \
                 ORDER BY version DESC LIMIT 1")?,
            event_type: prepare(
                "SELECT type FROM event_types WHERE name = ?1 AND version = ?2")?,
            command: prepare(
                "SELECT version, first_position, last_position FROM commands \
                 WHERE tenant = ?1 AND command_id = ?2")?,
            idempotency_key: prepare(
                "SELECT fingerprint, command_id FROM idempotency_keys \
                 WHERE tenant = ?1 AND key = ?2")?,
            sealing_key: prepare(
                "SELECT secret FROM sealing_keys WHERE tenant = ?1 AND key = ?2")?,
            insert_stream: prepare(
                "INSERT INTO streams (tenant, category, id) VALUES (?1, ?2, ?3)")?,
            insert_event_type: prepare(
                "INSERT INTO event_types (name, version) VALUES (?1, ?2)")?,
            insert_event: prepare(
                "INSERT INTO log_events (position, stream, version, type, event_id, recorded_at, \
                 payload, metadata) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
            insert_command: prepare(
                "INSERT INTO commands (tenant, command_id, version, first_position, last_position) \
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING")?,
            insert_idempotency_key: prepare(
                "INSERT INTO idempotency_keys (tenant, key, fingerprint, command_id) \
                 VALUES (?1, ?2, ?3, ?4)")?,
            insert_sealing_key: prepare(
                "INSERT INTO sealing_keys (tenant, key, secret) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO NOTHING")?,
            save_snapshot: prepare(
                "INSERT INTO snapshots (tenant, category, id, version, schema, state) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET \
                 version = excluded.version, schema = excluded.schema, state = excluded.state \
                 WHERE excluded.version >= version")?,
            save_bookmark: prepare(
                "INSERT INTO bookmarks (worker, position) VALUES (?1, ?2) \
                 ON CONFLICT DO UPDATE SET position = excluded.position")?,
        })
    }

    pub(super) fn begin(&mut self) -> Result<()> {
        self.begin.execute([]).map(drop)
    }

    pub(super) fn commit(&mut self) -> Result<()> {
        self.commit.execute([]).map(drop)
    }

    /// Undoes everything since `begin`. SQLite may have done so itself after a grave error.
    pub(super) fn rollback(&self) -> Result<()> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.connection.execute_batch("ROLLBACK")
    }

    /// A number that changes when another connection has written.
    pub(super) fn data_version(&mut self) -> Result<i64> {
        self.data_version.query_row([], |row| row.get(0))
    }

    pub(super) fn last_position(&self) -> Result<u64> {
        self.connection
            .query_row("SELECT coalesce(max(position), 0) FROM log_events", [], |row| row.get(0))
    }

    /// What the settings really are, whatever was asked for.
    pub(super) fn settings(&self) -> Result<Vec<(String, String)>> {
        settings(self.connection)
    }

    pub(super) fn stream_head(&mut self, stream: &StreamId) -> Result<Option<StreamHead>> {
        let key = params![bytes(stream.tenant), &*stream.category, &*stream.id];
        let Some(number) = self.stream.query_row(key, |row| row.get::<_, i64>(0)).optional()?
        else {
            return Ok(None);
        };
        let head = self.stream_head.query_row([number], |row| {
            Ok(StreamHead {
                stream: number,
                version: row.get(0)?,
                recorded_at: Timestamp::from_millis(row.get(1)?),
            })
        });
        head.map(Some)
    }

    pub(super) fn command(&mut self, tenant: TenantId, id: &str) -> Result<Option<Receipt>> {
        self.command.query_row(params![bytes(tenant), id], receipt).optional()
    }

    /// What was asked for under a key, and by which command.
    pub(super) fn idempotency_key(
        &mut self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String)>> {
        self.idempotency_key
            .query_row(params![bytes(tenant), key], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
    }

    pub(super) fn sealing_key(
        &mut self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>> {
        self.sealing_key.query_row(params![bytes(tenant), key.0], |row| row.get(0)).optional()
    }

    /// The number of a new stream.
    pub(super) fn insert_stream(&mut self, stream: &StreamId) -> Result<i64> {
        let key = params![bytes(stream.tenant), &*stream.category, &*stream.id];
        self.insert_stream.insert(key)
    }

    /// The number of an event type, new or known.
    pub(super) fn event_type(&mut self, name: &str, version: &str) -> Result<i64> {
        let known = self.event_type.query_row([name, version], |row| row.get(0)).optional()?;
        match known {
            Some(number) => Ok(number),
            None => self.insert_event_type.insert([name, version]),
        }
    }

    pub(super) fn insert_event(&mut self, event: &EventRow<'_>) -> Result<()> {
        self.insert_event
            .execute(params![
                event.position,
                event.stream,
                event.version,
                event.event_type,
                event.id.as_bytes(),
                event.recorded_at.millis(),
                event.payload,
                event.metadata,
            ])
            .map(drop)
    }

    /// Whether the command is new.
    pub(super) fn insert_command(
        &mut self,
        tenant: TenantId,
        id: &str,
        receipt: Receipt,
    ) -> Result<bool> {
        let Receipt { version, first, last } = receipt;
        let rows =
            self.insert_command.execute(params![bytes(tenant), id, version, first.0, last.0])?;
        Ok(rows == 1)
    }

    pub(super) fn insert_idempotency_key(
        &mut self,
        tenant: TenantId,
        asked: &Idempotency,
        command_id: &str,
    ) -> Result<()> {
        self.insert_idempotency_key
            .execute(params![bytes(tenant), asked.key, asked.fingerprint, command_id])
            .map(drop)
    }

    pub(super) fn insert_sealing_key(&mut self, key: &SealingKey) -> Result<()> {
        self.insert_sealing_key.execute(params![bytes(key.tenant), key.key.0, key.secret]).map(drop)
    }

    pub(super) fn save_snapshot(&mut self, snapshot: &Snapshot) -> Result<()> {
        let StreamId { category, tenant, id } = &snapshot.stream;
        let version = integer(snapshot.version);
        let (schema, state) = (&snapshot.schema, &*snapshot.state);
        self.save_snapshot
            .execute(params![bytes(*tenant), &**category, &**id, version, schema, state])
            .map(drop)
    }

    pub(super) fn save_bookmark(&mut self, worker: &str, position: Position) -> Result<()> {
        self.save_bookmark.execute(params![worker, integer(position.0)]).map(drop)
    }
}

/// The settings of a connection, as name and value.
pub(super) fn settings(connection: &Connection) -> Result<Vec<(String, String)>> {
    const NAMES: [&str; 7] = [
        "journal_mode",
        "synchronous",
        "wal_autocheckpoint",
        "secure_delete",
        "mmap_size",
        "page_size",
        "user_version",
    ];
    let mut settings = Vec::with_capacity(NAMES.len());
    for name in NAMES {
        let value = connection.pragma_query_value(None, name, |row| {
            Ok(match row.get::<_, Value>(0)? {
                Value::Text(text) => text,
                Value::Integer(number) => number.to_string(),
                Value::Null | Value::Real(_) | Value::Blob(_) => "?".to_owned(),
            })
        });
        // A build without memory mapping answers that question with no row at all.
        if let Some(value) = value.optional()? {
            settings.push((name.to_owned(), value));
        }
    }
    Ok(settings)
}

/// A tenant as it is stored.
pub(super) fn bytes(tenant: TenantId) -> [u8; 16] {
    *tenant.uuid().as_bytes()
}

/// SQLite's integers end at 2^63 - 1, and so do versions and positions: a larger one is beyond
/// every event, and so is the largest.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A receipt, from the columns version, `first_position` and `last_position`.
pub(super) fn receipt(row: &rusqlite::Row<'_>) -> Result<Receipt> {
    Ok(Receipt { version: row.get(0)?, first: Position(row.get(1)?), last: Position(row.get(2)?) })
}
