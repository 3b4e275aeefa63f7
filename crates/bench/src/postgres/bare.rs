//! The least that a group commit can do: whatever waits goes into one `INSERT ... UNNEST`, and nothing
//! is checked, remembered, ordered or told to anybody.

use async_trait::async_trait;
use sqlx::{Connection, PgConnection};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::log::sample;
use crate::{
    commands::check_stored,
    fault::{Doing, Outcome},
    load::{Client, Driven, Window, drive},
};

/// With the columns and keys of our table of events.
const TABLE: &str = "CREATE TABLE bare (
    position bigserial PRIMARY KEY, aggregate_type text NOT NULL, aggregate_id text NOT NULL,
    sequence bigint NOT NULL, event_type text NOT NULL, event_version text NOT NULL,
    payload json NOT NULL, metadata json NOT NULL, event_id uuid NOT NULL UNIQUE,
    UNIQUE (aggregate_type, aggregate_id, sequence)
)";

const INSERT: &str = "INSERT INTO bare (aggregate_type, aggregate_id, sequence, event_type, \
     event_version, payload, metadata, event_id) SELECT t, a, s, n, v, p::json, m::json, i \
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], \
     $7::text[], $8::uuid[]) AS e (t, a, s, n, v, p, m, i)";

/// As many as our committer takes at once.
const GROUP_MAX: usize = 512;

struct Row {
    commit: store::Commit,
    done: oneshot::Sender<Result<(), String>>,
}

struct Sender {
    client: usize,
    number: u64,
    queue: mpsc::Sender<Row>,
}

#[async_trait]
impl Client for Sender {
    async fn step(&mut self) -> Result<(), String> {
        self.number += 1;
        let commit = sample(self.client, self.number);
        let (done, answer) = oneshot::channel();
        self.queue.send(Row { commit, done }).await.map_err(|error| error.to_string())?;
        answer.await.map_err(|error| error.to_string())?
    }
}

/// Measures on a database of its own.
pub(super) async fn measure(url: &str, clients: usize, window: Window) -> Outcome<Driven> {
    let mut connection = PgConnection::connect(url).await.doing("open the bare database")?;
    sqlx::query(TABLE).execute(&mut connection).await.doing("make the bare table")?;
    let (queue, rows) = mpsc::channel(GROUP_MAX);
    let committing = tokio::spawn(commit(connection, rows));
    let sender = |client| -> Box<dyn Client> {
        Box::new(Sender { client, number: 0, queue: queue.clone() })
    };
    let driven = drive((0..clients).map(sender).collect(), window).await?;
    drop(queue);
    let mut connection = committing.await.doing("end the bare group commit")?;
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bare")
        .fetch_one(&mut connection)
        .await
        .doing("count the bare rows")?;
    check_stored(driven, u64::try_from(stored).unwrap_or_default())
}

async fn commit(mut connection: PgConnection, mut rows: mpsc::Receiver<Row>) -> PgConnection {
    let mut group = Vec::new();
    while rows.recv_many(&mut group, GROUP_MAX).await > 0 {
        let inserted = insert(&mut connection, &group).await.map_err(|error| error.to_string());
        for row in group.drain(..) {
            row.done.send(inserted.clone()).ok();
        }
    }
    connection
}

async fn insert(connection: &mut PgConnection, group: &[Row]) -> Result<(), sqlx::Error> {
    let commits = || group.iter().map(|row| &row.commit);
    let events = || commits().filter_map(|commit| commit.events.first());
    let types: Vec<&str> = commits().map(|commit| &*commit.stream.category).collect();
    let ids: Vec<String> = commits().map(|commit| commit.stream.aggregate_id()).collect();
    let versions: Vec<i64> = commits()
        .map(|commit| i64::try_from(commit.expected.version() + 1).unwrap_or(i64::MAX))
        .collect();
    let names: Vec<&str> = events().map(|event| &*event.event_type).collect();
    let schemas: Vec<&str> = events().map(|event| &*event.event_version).collect();
    let payloads: Vec<&str> = events().map(|event| &*event.payload).collect();
    let metadata: Vec<&str> = commits().map(|commit| &*commit.metadata).collect();
    let identities: Vec<Uuid> = events().map(|event| event.id).collect();
    sqlx::query(INSERT)
        .bind(types)
        .bind(ids)
        .bind(versions)
        .bind(names)
        .bind(schemas)
        .bind(payloads)
        .bind(metadata)
        .bind(identities)
        .execute(connection)
        .await
        .map(drop)
}
