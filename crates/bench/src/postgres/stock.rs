//! Commands through the stock framework: `CqrsFramework` on `postgres-es`, as its guide sets it up.

use std::sync::Arc;

use aggregates::link::Link;
use async_trait::async_trait;
use kernel::RequestId;
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::PgPoolOptions;

use crate::{
    commands::{Life, Next, check_stored, stock},
    fault::{Doing, Outcome},
    load::{Client, Driven, Window, drive},
};

/// As in `postgres_es::default_postgress_pool`.
const CONNECTIONS: u32 = 10;

/// The table that `postgres-es` 0.5.0 writes to, from its own `init.sql`.
const EVENTS: &str = "CREATE TABLE events (
    aggregate_type text                         NOT NULL,
    aggregate_id   text                         NOT NULL,
    sequence       bigint CHECK (sequence >= 0) NOT NULL,
    event_type     text                         NOT NULL,
    event_version  text                         NOT NULL,
    payload        json                         NOT NULL,
    metadata       json                         NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

struct Sender {
    framework: Arc<PostgresCqrs<Link>>,
    life: Life,
}

#[async_trait]
impl Client for Sender {
    async fn step(&mut self) -> Result<(), String> {
        let Next { stream, command, .. } = self.life.next();
        let metadata = stock::metadata(&RequestId::mint());
        let executed = self.framework.execute_with_metadata(&stream, command, metadata).await;
        executed.map_err(|error| error.to_string())
    }
}

/// Measures on a database of its own.
pub(super) async fn measure(url: &str, clients: usize, window: Window) -> Outcome<Driven> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await;
    let pool = pool.doing("open the stock framework's database")?;
    sqlx::query(EVENTS).execute(&pool).await.doing("make the stock framework's table")?;
    let framework: Arc<PostgresCqrs<Link>> =
        Arc::new(postgres_cqrs(pool.clone(), Vec::new(), stock::context()));
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
