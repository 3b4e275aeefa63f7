//! What the contract cannot see: the file itself, and people with a SQL shell.

use std::{fs, path::Path};

use kernel::TenantId;
use rusqlite::Connection;
use store::{
    Checkpoint, LogId, Position, Query, RowWrite, Table, TableDef, Value, Views, ViewsError,
    ViewsExt, ViewsTransaction,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{OpenViewsError, SqliteViews};

mod contract {
    use tempfile::TempDir;

    use super::SqliteViews;

    async fn open() -> (SqliteViews, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (SqliteViews::open(folder.path().join("views.db")).await.unwrap(), folder)
    }

    store::views_contract!(open);
}

store::table! {
    /// Tickets left for an event.
    pub(super) struct Stall as "stalls" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Which event, or which "stall" of it.
            event: String,
        }
        /// Tickets not sold; whole tickets.
        left: i64,
    }
    indexes [["tenant", "left"]]
}

const TABLES: &[TableDef] = &[Stall::TABLE];
const NAME: &str = "stalls@1";

fn stall(event: &str, left: i64) -> Stall {
    Stall { tenant: TenantId::derived(&["fair"]), event: event.to_owned(), left }
}

fn step(projection: &str, from: u64, rows: &[Stall]) -> ViewsTransaction {
    let event_at = |position: u64| Uuid::from_u128(u128::from(position));
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

async fn everything(views: &SqliteViews) -> Vec<Stall> {
    views.rows(Query::of(TenantId::derived(&["fair"]))).await.unwrap()
}

async fn stocked(path: &Path) -> SqliteViews {
    let views = SqliteViews::open(path).await.unwrap();
    views.prepare(NAME, TABLES).await.unwrap();
    views.apply(step(NAME, 0, &[stall("spring", 10)])).await.unwrap();
    views.make_live(NAME, TABLES).await.unwrap();
    views
}

fn somewhere() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new folder").join("views.db");
    (folder, path)
}

#[tokio::test]
async fn what_was_applied_is_there_after_reopening() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    views.close().await;
    assert!(!path.with_extension("db-wal").exists(), "closing leaves one file");

    let views = SqliteViews::open(&path).await.unwrap();
    assert_eq!(everything(&views).await, [stall("spring", 10)]);
    assert_eq!(views.live("stalls").await.unwrap().as_deref(), Some(NAME));
    // Writing needs the declaration, which the program gives when it prepares.
    let early = views.apply(step(NAME, 1, &[stall("autumn", 5)])).await;
    assert_eq!(early, Err(ViewsError::UnknownName(NAME.to_owned())));
    views.prepare(NAME, TABLES).await.unwrap();
    views.apply(step(NAME, 1, &[stall("autumn", 5)])).await.unwrap();
    assert_eq!(everything(&views).await, [stall("autumn", 5), stall("spring", 10)]);
}

#[tokio::test]
async fn steps_survive_a_process_that_never_closed() {
    let (folder, path) = somewhere();
    let views = stocked(&path).await;
    // A copy of the files as a crash would leave them: the last steps are only in the WAL.
    let copy = folder.path().join("crashed.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let recovered = SqliteViews::open(&copy).await.unwrap();
    assert_eq!(everything(&recovered).await, everything(&views).await);
}

#[tokio::test]
async fn a_second_writer_is_refused_until_the_first_closes() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    let refused = SqliteViews::open(&path).await.unwrap_err();
    assert_eq!(refused, OpenViewsError::InUse { path: path.clone() });
    assert!(refused.to_string().contains("another process"));
    views.close().await;
    assert_eq!(everything(&SqliteViews::open(&path).await.unwrap()).await.len(), 1);
}

#[tokio::test]
async fn the_database_of_another_program_is_left_alone() {
    let (folder, _) = somewhere();
    let path = folder.path().join("theirs.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    let refused = SqliteViews::open(&path).await.unwrap_err();
    assert_eq!(refused, OpenViewsError::Foreign { path: path.clone() });
    assert!(!refused.to_string().contains("delete"), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_for_the_operator() {
    let (folder, _) = somewhere();
    let path = folder.path().join("views.db");
    fs::write(&path, "Dear diary, ".repeat(1000)).unwrap();
    let refused = SqliteViews::open(&path).await.unwrap_err();
    assert!(matches!(refused, OpenViewsError::Corrupt { .. }), "{refused:?}");
    assert!(refused.to_string().contains("delete it"), "{refused}");
    assert!(fs::read_to_string(&path).unwrap().starts_with("Dear diary"));
}

#[tokio::test]
async fn the_file_of_a_newer_daybook_is_refused() {
    let (_folder, path) = somewhere();
    stocked(&path).await.close().await;
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = SqliteViews::open(&path).await.unwrap_err();
    assert_eq!(refused, OpenViewsError::Newer { path: path.clone(), found: 99, known: 1 });
}

#[tokio::test]
async fn a_damaged_table_is_told_as_corrupt() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    let many: Vec<Stall> = (0..5_000).map(|n| stall(&format!("event {n:05}"), n)).collect();
    views.apply(step(NAME, 1, &many)).await.unwrap();
    views.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let from = bytes.len() / 4;
    bytes[from..].fill(0xAA);
    fs::write(&path, bytes).unwrap();
    let views = SqliteViews::open(&path).await.unwrap();
    let refused = views.rows::<Stall>(Query::across_tenants().limit(10_000)).await;
    assert!(matches!(refused, Err(ViewsError::Corrupt(_))), "{refused:?}");
}

#[tokio::test]
async fn people_find_the_live_version_and_what_it_means() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    let shell = Connection::open(&path).unwrap();
    let ask = |sql: &str| shell.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ask("SELECT event FROM stalls"), "spring");
    assert_eq!(
        ask("SELECT comment FROM tables WHERE \"table\" = 'stalls'"),
        "Tickets left for an event."
    );
    let comment = "SELECT comment FROM columns WHERE \"table\" = 'stalls' AND \"column\" = 'event'";
    assert_eq!(ask(comment), "Which event, or which \"stall\" of it.");

    views.prepare("stalls@2", TABLES).await.unwrap();
    views.apply(step("stalls@2", 0, &[stall("summer", 7)])).await.unwrap();
    assert_eq!(ask("SELECT event FROM stalls"), "spring");
    views.make_live("stalls@2", TABLES).await.unwrap();
    assert_eq!(ask("SELECT event FROM stalls"), "summer");
    assert_eq!(ask("SELECT projection FROM tables"), "stalls@2");
    let left_over = "SELECT coalesce(group_concat(name), '') FROM sqlite_schema \
         WHERE name GLOB 'stalls__1*'";
    assert_eq!(ask(left_over), "");
    views.discard("stalls@2", TABLES).await.unwrap();
    let any = "SELECT coalesce(group_concat(name), '') FROM sqlite_schema WHERE name LIKE 'stall%'";
    assert_eq!(ask(any), "");
}

#[tokio::test]
async fn indexes_follow_the_declaration_within_a_version() {
    const REINDEXED: &[TableDef] =
        &[TableDef { indexes: &[&["tenant", "event", "left"], &["left"]], ..Stall::TABLE }];
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    let shell = Connection::open(&path).unwrap();
    let indexes = || -> Vec<String> {
        shell
            .prepare(
                "SELECT name FROM sqlite_schema WHERE tbl_name = 'stalls__1' \
                 AND type = 'index' AND sql IS NOT NULL ORDER BY name",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    assert_eq!(indexes(), ["stalls__1__tenant__left"]);
    let plan: String = shell
        .query_row(
            "EXPLAIN QUERY PLAN SELECT * FROM stalls WHERE tenant = 'x' AND left >= 3",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(plan.contains("stalls__1__tenant__left"), "{plan}");
    views.prepare(NAME, REINDEXED).await.unwrap();
    assert_eq!(indexes(), ["stalls__1__left", "stalls__1__tenant__event__left"]);
    assert_eq!(everything(&views).await, [stall("spring", 10)]);
}

#[tokio::test]
async fn a_step_whose_caller_went_away_is_whole_or_absent() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    // One poll hands the step over; then the caller is gone.
    let abandoned = views.apply(step(NAME, 1, &[stall("autumn", 5)]));
    assert!(polled_once(abandoned).await.is_none_or(|applied| applied.is_ok()));
    // The next job of the writer comes after it.
    views.prepare(NAME, TABLES).await.unwrap();
    let rows = everything(&views).await;
    let at = views.checkpoint(NAME).await.unwrap().unwrap().position;
    assert_eq!((rows.len(), at), (2, Position(2)));
}

/// Polls once and drops the future.
async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => Some(answer),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn values_of_a_stranger_are_not_believed() {
    let (_folder, path) = somewhere();
    let views = stocked(&path).await;
    views.close().await;
    let shell = Connection::open(&path).unwrap();
    shell.execute("UPDATE daybook_checkpoints SET event_id = 'yesterday'", []).unwrap();
    drop(shell);
    let views = SqliteViews::open(&path).await.unwrap();
    let refused = views.checkpoint(NAME).await;
    assert!(matches!(refused, Err(ViewsError::Corrupt(_))), "{refused:?}");
    let wrong = Value::text("x");
    assert!(views.load(NAME, &TABLES[0], vec![vec![wrong]]).await.is_err());
}
