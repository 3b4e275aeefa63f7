//! Commands through the stock framework: `CqrsFramework` on `sqlite-es`, made as durable as ours.

use std::{collections::HashMap, path::Path, sync::Arc};

use aggregates::link::Link;
use async_trait::async_trait;
use kernel::{Actor, ActorKind, Cause, Clock, Context, Mode, RequestId, SystemClock, TenantId};
use sqlite_es::{SqliteCqrs, sqlite_cqrs};
use sqlx::{
    Pool, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tempfile::TempDir;

use super::{Life, Next, check_stored};
use crate::{
    fault::{Doing, Outcome},
    load::{Client, Driven, Window, drive},
};

/// As in `sqlite_es::default_sqlite_pool`.
const CONNECTIONS: u32 = 10;

/// The table that `sqlite-es` 0.5.0 writes to, from its own migration.
const EVENTS: &str = "CREATE TABLE events (
    aggregate_type text                          NOT NULL,
    aggregate_id   text                          NOT NULL,
    sequence       integer CHECK (sequence >= 0) NOT NULL,
    event_type     text                          NOT NULL,
    event_version  text                          NOT NULL,
    payload        text                          NOT NULL,
    metadata       text                          NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
) STRICT";

struct Sender {
    framework: Arc<SqliteCqrs<Link>>,
    life: Life,
}

#[async_trait]
impl Client for Sender {
    async fn step(&mut self) -> Result<(), String> {
        let Next { stream, command, .. } = self.life.next();
        let metadata = metadata(&RequestId::mint());
        let executed = self.framework.execute_with_metadata(&stream, command, metadata).await;
        executed.map_err(|error| error.to_string())
    }
}

/// What our events say about their cause, so that both sides store as much.
pub(crate) fn metadata(request: &RequestId) -> HashMap<String, String> {
    let request = request.to_string();
    [
        ("actor_kind", "api_key"),
        ("actor_id", "key_bench"),
        ("request", &request),
        ("correlation", &request),
        ("mode", "sandbox"),
        ("command", &request),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Measures on a database of its own.
pub(super) async fn measure(folder: &TempDir, clients: usize, window: Window) -> Outcome<Driven> {
    let pool = open(folder.path()).await?;
    let framework: Arc<SqliteCqrs<Link>> =
        Arc::new(sqlite_cqrs(pool.clone(), Vec::new(), context()));
    let sender = |client| -> Box<dyn Client> {
        Box::new(Sender { framework: Arc::clone(&framework), life: Life::of(client) })
    };
    let driven = drive((0..clients).map(sender).collect(), window).await?;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&pool)
        .await
        .doing("count the stock framework's events")?;
    pool.close().await;
    check_stored(driven, u64::try_from(stored).unwrap_or_default())
}

/// The stock pool, except that an acknowledged event survives a power cut.
async fn open(folder: &Path) -> Outcome<Pool<Sqlite>> {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("stock.sqlite"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(options)
        .await
        .doing("open the stock framework's database")?;
    sqlx::query(EVENTS).execute(&pool).await.doing("make the stock framework's table")?;
    Ok(pool)
}

/// What the aggregate is told of the world.
pub(crate) fn context() -> Context {
    Context {
        tenant: TenantId::mint(),
        mode: Mode::Sandbox,
        now: SystemClock.now(),
        cause: Cause {
            actor: Actor::new(ActorKind::ApiKey, "key_bench"),
            request: None,
            causation: None,
            correlation: "bench".to_owned(),
            webhook: None,
        },
    }
}
