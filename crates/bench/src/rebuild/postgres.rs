//! Part E: the same rebuild on PostgreSQL, log and read models in one database.
//!
//! The peer reads and decodes the same log by `SELECT`, then loads the very rows the projections come to
//! by `COPY` into bare tables with the same primary keys.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, postgres::PgPoolCopyExt};
use store::{Log, Views};
use store_postgres::PostgresViews;
use test_postgres::Server;

use super::{AIM, built, fill, peers};
use crate::{
    Plan,
    fault::{Doing, Fault, Outcome},
    house,
    report::{Comparison, Rate, Round, Subject},
};

/// The physical tables of the live read models, with their primary keys alone.
const TABLES: &str = "SELECT c.relname::text, pg_get_indexdef(i.indexrelid) \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
     WHERE n.nspname = 'daybook_versions' AND c.relkind = 'r' AND c.relname LIKE '%\\_\\_%' \
     ORDER BY 1";

/// Fills a log in PostgreSQL with the life of a marketplace and rebuilds its projections.
pub(crate) async fn compare(plan: &Plan, folder: &Path) -> Outcome<Vec<Comparison>> {
    let server = tokio::task::spawn_blocking(Server::start).await.doing("start PostgreSQL")?;
    let database = server.database();
    let folder = tempfile::Builder::new()
        .prefix("rebuild-postgres-")
        .tempdir_in(folder)
        .doing("make a folder for the rebuild")?;
    let log = house::open_postgres_log(database.url()).await?;
    fill::fill(&log, folder.path(), plan.events).await?;
    let log = house::open_postgres_log(database.url()).await?;
    let events = log.head().await.doing("read the head of the log")?.position.0;

    // The first rebuild is not counted: it makes the rows the peer will load.
    let example = rebuild(&log, database.url()).await?;
    let rows = Rows::of(database.url()).await?;
    let mut rounds = Vec::new();
    for number in 1..=plan.rounds {
        eprintln!("e: {events} events, {} rows, round {number} of {}", rows.count, plan.rounds);
        let scanned = peers::scan_and_decode(&log).await?;
        let loaded = rows.load(database.url()).await?;
        let ours = rebuild(&log, database.url()).await?;
        if ours.hashes != example.hashes {
            return Err(Fault::new("trust the rebuild", "two rebuilds have different hashes"));
        }
        let rate = |elapsed| Rate::new(events, elapsed);
        rounds.push(Round { peer: rate(scanned + loaded), ours: rate(ours.elapsed) });
    }
    log.close().await;
    let subject = Subject {
        part: "e",
        what: "rebuild of all projections on PostgreSQL".to_owned(),
        unit: "events",
        peer: "SELECT, decode, COPY of the same rows",
        aim: Some(AIM),
    };
    let note =
        format!("e: {events} events become {} rows in {} tables", rows.count, rows.tables.len());
    Ok(vec![Comparison::of(subject, &rounds, vec![note])])
}

/// Builds every projection from the first event to the last into read models that were dropped before.
async fn rebuild(log: &Arc<dyn Log>, url: &str) -> Outcome<built::Rebuilt> {
    let mut connection = PgConnection::connect(url).await.doing("connect to PostgreSQL")?;
    sqlx::raw_sql(
        "DROP SCHEMA IF EXISTS daybook CASCADE; DROP SCHEMA IF EXISTS daybook_versions CASCADE",
    )
    .execute(&mut connection)
    .await
    .doing("drop the read models")?;
    let views: Arc<dyn Views> =
        Arc::new(PostgresViews::open(url).await.doing("open the read models")?);
    built::rebuild(log, views).await
}

/// Every row of every projection, in memory, as `COPY` writes it.
struct Rows {
    tables: Vec<Table>,
    count: u64,
}

struct Table {
    name: String,
    primary_key: String,
    data: Vec<u8>,
}

impl Rows {
    async fn of(url: &str) -> Outcome<Self> {
        let reading = "read the rows of the projections";
        let pool = sqlx::PgPool::connect(url).await.doing(reading)?;
        let named: Vec<(String, String)> =
            sqlx::query_as(TABLES).fetch_all(&pool).await.doing(reading)?;
        let (mut tables, mut count) = (Vec::new(), 0);
        for (name, definition) in named {
            let primary_key = definition
                .rsplit_once('(')
                .map(|(_, columns)| format!("({columns}"))
                .ok_or_else(|| Fault::new(reading, "a primary key without columns"))?;
            let copy = format!("COPY daybook_versions.\"{name}\" TO STDOUT");
            let mut stream = pool.copy_out_raw(&copy).await.doing(reading)?;
            let mut data = Vec::new();
            while let Some(bytes) = stream.try_next().await.doing(reading)? {
                data.extend_from_slice(&bytes);
            }
            drop(stream);
            let lines = data.iter().filter(|byte| **byte == b'\n').count();
            count += u64::try_from(lines).unwrap_or_default();
            tables.push(Table { name, primary_key, data });
        }
        pool.close().await;
        if count == 0 {
            return Err(Fault::new(reading, "there are none"));
        }
        Ok(Self { tables, count })
    }

    /// Loads them into bare tables, each in one transaction.
    async fn load(&self, url: &str) -> Outcome<Duration> {
        let loading = "load the rows into bare tables";
        let mut connection = PgConnection::connect(url).await.doing(loading)?;
        sqlx::raw_sql("DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare")
            .execute(&mut connection)
            .await
            .doing(loading)?;
        let started = Instant::now();
        for Table { name, primary_key, data } in &self.tables {
            let make = format!(
                "CREATE TABLE bare.\"{name}\" (LIKE daybook_versions.\"{name}\", \
                 PRIMARY KEY {primary_key})"
            );
            sqlx::raw_sql(&make).execute(&mut connection).await.doing(loading)?;
            let copy = format!("COPY bare.\"{name}\" FROM STDIN");
            let mut into = connection.copy_in_raw(&copy).await.doing(loading)?;
            into.send(data.as_slice()).await.doing(loading)?;
            into.finish().await.doing(loading)?;
        }
        Ok(started.elapsed())
    }
}
