//! What the contract cannot see: several processes, people with a SQL shell, tenants, and faults.

mod faults;
mod leases;
mod people;
mod processes;
mod tenants;

use kernel::{TenantId, Timestamp};
use store::{
    Checkpoint, LogId, Position, Query, RowWrite, Table, TableDef, Views, ViewsExt,
    ViewsTransaction,
};
use test_postgres::{Database, Server};
use uuid::Uuid;

use super::PostgresViews;

mod contract {
    use super::{Database, PostgresViews, Server};

    async fn open() -> (PostgresViews, Database) {
        let database = Server::shared().database();
        (PostgresViews::open(database.url()).await.unwrap(), database)
    }

    store::views_contract!(open);
}

store::table! {
    /// Tickets left for an event.
    pub(super) struct Stall as "stalls" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Which event, or which "stall" of it; it's free text.
            event: String,
        }
        /// Tickets not sold; whole tickets.
        left: i64,
        /// When the sale ends.
        closes_at: Option<Timestamp>,
        /// What the organizer wrote about it.
        note: Option<String>,
    }
    indexes [["tenant", "left"], ["tenant", "note"]]
}

const TABLES: &[TableDef] = &[Stall::TABLE];
const FIRST: &str = "stalls@1";
const SECOND: &str = "stalls@2";

fn tenant(name: &str) -> TenantId {
    TenantId::derived(&[name])
}

fn stall(event: &str, left: i64) -> Stall {
    Stall {
        tenant: tenant("fair"),
        event: event.to_owned(),
        left,
        closes_at: Some(Timestamp::from_millis(1_772_366_400_000)),
        note: None,
    }
}

fn event_at(position: u64) -> Uuid {
    Uuid::from_u128(u128::from(position))
}

fn step(projection: &str, from: u64, rows: &[Stall]) -> ViewsTransaction {
    ViewsTransaction {
        expected: (from > 0).then(|| (Position(from), event_at(from))),
        checkpoint: Checkpoint {
            projection: projection.to_owned(),
            log: LogId("main".to_owned()),
            position: Position(from + 1),
            event_id: event_at(from + 1),
            state_hash: "0".repeat(64),
            rows: 1,
            stopped: None,
        },
        writes: [(
            Stall::TABLE.name,
            rows.iter().map(|row| RowWrite::Put(row.to_values())).collect(),
        )]
        .into(),
    }
}

async fn open(database: &Database) -> PostgresViews {
    PostgresViews::open(database.url()).await.unwrap()
}

/// A live store with one row.
async fn stocked(database: &Database) -> PostgresViews {
    let views = open(database).await;
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 0, &[stall("spring", 10)])).await.unwrap();
    views.make_live(FIRST, TABLES).await.unwrap();
    views
}

async fn events(views: &PostgresViews) -> Vec<String> {
    let rows: Vec<Stall> = views.rows(Query::of(tenant("fair"))).await.unwrap();
    rows.into_iter().map(|row| row.event).collect()
}
