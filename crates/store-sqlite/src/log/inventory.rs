//! Listing what the log holds beside its events. There is no index for it, because every append
//! would pay: a page is found by one look at all commands.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};
use rusqlite::{Connection, params};
use store::{Idempotency, Inventory, LogError, Position, SealingKey, StoredCommand, Tally};

use super::{
    SqliteLog,
    reader::{ReadError, length, tenant_of},
    statements::{bytes, integer, receipt},
};

#[async_trait]
impl Inventory for SqliteLog {
    async fn commands(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredCommand>, LogError> {
        self.readers.ask(move |reader| commands(reader.connection(), after, limit)).await
    }

    async fn sealing_keys(
        &self,
        after: Option<(TenantId, KeyRef)>,
        limit: usize,
    ) -> Result<Vec<SealingKey>, LogError> {
        self.readers
            .ask(move |reader| sealing_keys(reader.connection(), after.as_ref(), limit))
            .await
    }

    async fn tally(&self) -> Result<Tally, LogError> {
        self.readers.ask(|reader| Ok(tally(reader.connection())?)).await
    }
}

fn commands(
    connection: &Connection,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredCommand>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT version, first_position, last_position, tenant, command_id FROM commands \
         WHERE first_position > ?1 ORDER BY first_position LIMIT ?2",
    )?;
    let mut rows = statement.query(params![integer(after.0), length(limit)])?;
    let mut commands = Vec::new();
    while let Some(row) = rows.next()? {
        commands.push(StoredCommand {
            tenant: tenant_of(row.get(3)?)?,
            command_id: row.get(4)?,
            receipt: receipt(row)?,
            idempotency: None,
        });
    }
    let Some(end) = commands.last().map(|last| last.receipt.first) else { return Ok(commands) };
    let mut keys = idempotency_keys(connection, after, end)?;
    for command in &mut commands {
        command.idempotency = keys.remove(&command.receipt.first);
    }
    Ok(commands)
}

/// The keys of commands whose first event is behind one position and not behind another.
fn idempotency_keys(
    connection: &Connection,
    after: Position,
    through: Position,
) -> Result<HashMap<Position, Idempotency>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT c.first_position, k.key, k.fingerprint FROM idempotency_keys k \
         JOIN commands c ON c.tenant = k.tenant AND c.command_id = k.command_id \
         WHERE c.first_position > ?1 AND c.first_position <= ?2",
    )?;
    let found = statement.query_map(params![integer(after.0), integer(through.0)], |row| {
        let asked = Idempotency { key: row.get(1)?, fingerprint: row.get(2)? };
        Ok((Position(row.get(0)?), asked))
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn sealing_keys(
    connection: &Connection,
    after: Option<&(TenantId, KeyRef)>,
    limit: usize,
) -> Result<Vec<SealingKey>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT tenant, key, secret FROM sealing_keys WHERE (tenant, key) > (?1, ?2) \
         ORDER BY tenant, key LIMIT ?3",
    )?;
    // No key is empty, so nothing precedes the empty key of the lowest tenant.
    let (tenant, key) = match after {
        Some((tenant, key)) => (bytes(*tenant), key.0.as_str()),
        None => ([0; 16], ""),
    };
    let mut rows = statement.query(params![tenant, key, length(limit)])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(SealingKey {
            tenant: tenant_of(row.get(0)?)?,
            key: KeyRef(row.get(1)?),
            secret: row.get(2)?,
        });
    }
    Ok(keys)
}

fn tally(connection: &Connection) -> rusqlite::Result<Tally> {
    connection.query_row(
        "SELECT (SELECT count(*) FROM log_events), (SELECT count(*) FROM commands), \
         (SELECT count(*) FROM idempotency_keys), (SELECT count(*) FROM sealing_keys)",
        [],
        |row| {
            Ok(Tally {
                events: row.get(0)?,
                commands: row.get(1)?,
                idempotency_keys: row.get(2)?,
                sealing_keys: row.get(3)?,
            })
        },
    )
}
