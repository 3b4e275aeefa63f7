//! Listing what the log holds beside its events. There is no index for it, because every append
//! would pay: a page is found by one look at all commands.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};
use sqlx::{PgPool, Row, postgres::PgRow};
use store::{Idempotency, Inventory, LogError, Position, SealingKey, StoredCommand, Tally};
use uuid::Uuid;

use super::{
    PostgresLog,
    reader::{integer, read_error, secret},
    statements::receipt,
};

const COMMANDS: &str = "SELECT tenant, command_id, version, first_position, last_position \
     FROM daybook_log.commands WHERE first_position > $1 ORDER BY first_position LIMIT $2";

const IDEMPOTENCY_KEYS: &str = "SELECT c.first_position, k.key, k.fingerprint \
     FROM daybook_log.idempotency_keys k \
     JOIN daybook_log.commands c ON c.tenant = k.tenant AND c.command_id = k.command_id \
     WHERE c.first_position > $1 AND c.first_position <= $2";

// No key is empty, so nothing precedes the empty key of the lowest tenant.
const SEALING_KEYS: &str = "SELECT tenant, key, secret FROM daybook_log.sealing_keys \
     WHERE (tenant, key) > ($1, $2) ORDER BY tenant, key LIMIT $3";

const TALLY: &str = "SELECT (SELECT count(*) FROM daybook_log.events) AS events, \
     (SELECT count(*) FROM daybook_log.commands) AS commands, \
     (SELECT count(*) FROM daybook_log.idempotency_keys) AS idempotency_keys, \
     (SELECT count(*) FROM daybook_log.sealing_keys) AS sealing_keys";

#[async_trait]
impl Inventory for PostgresLog {
    async fn commands(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<StoredCommand>, LogError> {
        commands(&self.pool()?, after, limit).await.map_err(read_error)
    }

    async fn sealing_keys(
        &self,
        after: Option<(TenantId, KeyRef)>,
        limit: usize,
    ) -> Result<Vec<SealingKey>, LogError> {
        let (tenant, key) = match after {
            Some((tenant, key)) => (tenant.uuid(), key.0),
            None => (Uuid::nil(), String::new()),
        };
        let asked = sqlx::query(SEALING_KEYS).bind(tenant).bind(key).bind(length(limit));
        let rows = asked.fetch_all(&self.pool()?).await;
        let keys = rows.and_then(|rows| rows.iter().map(sealing_key).collect());
        keys.map_err(read_error)
    }

    async fn tally(&self) -> Result<Tally, LogError> {
        let row = sqlx::query(TALLY).fetch_one(&self.pool()?).await;
        row.and_then(|row| {
            Ok(Tally {
                events: number(&row, "events")?,
                commands: number(&row, "commands")?,
                idempotency_keys: number(&row, "idempotency_keys")?,
                sealing_keys: number(&row, "sealing_keys")?,
            })
        })
        .map_err(read_error)
    }
}

async fn commands(
    pool: &PgPool,
    after: Position,
    limit: usize,
) -> Result<Vec<StoredCommand>, sqlx::Error> {
    let asked = sqlx::query(COMMANDS).bind(integer(after.0)).bind(length(limit));
    let rows = asked.fetch_all(pool).await?;
    let mut commands = Vec::with_capacity(rows.len());
    for row in &rows {
        commands.push(StoredCommand {
            tenant: tenant(row)?,
            command_id: row.try_get("command_id")?,
            receipt: receipt(row)?,
            idempotency: None,
        });
    }
    let Some(end) = commands.last().map(|last| last.receipt.first) else { return Ok(commands) };
    let mut keys = idempotency_keys(pool, after, end).await?;
    for command in &mut commands {
        command.idempotency = keys.remove(&command.receipt.first);
    }
    Ok(commands)
}

/// The keys of commands whose first event is behind one position and not behind another.
async fn idempotency_keys(
    pool: &PgPool,
    after: Position,
    through: Position,
) -> Result<HashMap<Position, Idempotency>, sqlx::Error> {
    let asked = sqlx::query(IDEMPOTENCY_KEYS).bind(integer(after.0)).bind(integer(through.0));
    let rows = asked.fetch_all(pool).await?;
    let key = |row: &PgRow| {
        let asked = Idempotency {
            key: row.try_get("key")?,
            fingerprint: secret(row.try_get("fingerprint")?)?,
        };
        Ok((Position(number(row, "first_position")?), asked))
    };
    rows.iter().map(key).collect()
}

fn sealing_key(row: &PgRow) -> Result<SealingKey, sqlx::Error> {
    Ok(SealingKey {
        tenant: tenant(row)?,
        key: KeyRef(row.try_get("key")?),
        secret: secret(row.try_get("secret")?)?,
    })
}

fn tenant(row: &PgRow) -> Result<TenantId, sqlx::Error> {
    let id: Uuid = row.try_get("tenant")?;
    format!("{}_{}", TenantId::PREFIX, id.simple())
        .parse()
        .map_err(|_| sqlx::Error::Decode(format!("{id} is no tenant").into()))
}

fn number(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn length(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
