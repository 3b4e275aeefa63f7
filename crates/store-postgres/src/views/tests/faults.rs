//! Faults: servers that die, strangers who write, databases that will not do.

use store::{Position, RowWrite, Table, Value, Views, ViewsError, ViewsExt};
use test_postgres::{Options, Server};

use super::{FIRST, Stall, TABLES, event_at, events, open, stall, step, stocked, tenant};
use crate::views::{OpenViewsError, PostgresViews};

#[tokio::test]
async fn a_lost_server_is_told_and_found_again() {
    let mut server = Server::start();
    let database = server.database();
    let views = stocked(&database).await;
    // As many connections as the store will ever have.
    let many = futures::future::join_all((0..8).map(|_| events(&views))).await;
    assert_eq!(many.len(), 8);
    server.kill();
    let refused = views.rows::<Stall>(store::Query::of(tenant("fair"))).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    let refused = views.apply(step(FIRST, 1, &[])).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    let refused = PostgresViews::open(database.url()).await;
    assert!(matches!(refused, Err(OpenViewsError::Unreachable(_))), "{refused:?}");
    server.start_again();
    assert_eq!(events(&views).await, ["spring"]);
    views.apply(step(FIRST, 1, &[stall("autumn", 5)])).await.unwrap();
}

#[tokio::test]
async fn after_a_crash_rows_and_checkpoint_are_of_the_same_step() {
    // A writer that sleeps: what was committed last is not on disk when the end comes.
    let mut server = Server::start_with(&Options::new().setting("wal_writer_delay = 10s"));
    let database = server.database();
    let views = stocked(&database).await;
    let mut at: u64 = 1;
    for _ in 0..3 {
        for _ in 0..40 {
            let left = i64::try_from(at).unwrap() + 1;
            views.apply(step(FIRST, at, &[stall("spring", left)])).await.unwrap();
            at += 1;
        }
        server.kill();
        server.start_again();
        let checkpoint = views.checkpoint(FIRST).await.unwrap().unwrap();
        let key = stall("spring", 0).key_values();
        let rows = views.load(FIRST, &TABLES[0], vec![key]).await.unwrap();
        let Position(found) = checkpoint.position;
        println!("at step {found} of {at} after the crash");
        let expected = if found == 1 { 10 } else { i64::try_from(found).unwrap() };
        assert_eq!(rows[0][2], Value::Int(expected));
        assert_eq!(checkpoint.event_id, event_at(found));
        at = found;
    }
}

#[tokio::test]
async fn a_text_with_a_zero_byte_is_refused_and_nothing_written() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let poisoned = Stall { note: Some("zero\0byte".to_owned()), ..stall("winter", 1) };
    let refused = views.apply(step(FIRST, 1, &[stall("autumn", 5), poisoned])).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
    let asked = store::Query::of(tenant("fair")).eq("event", "zero\0byte");
    let refused = views.rows::<Stall>(asked).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
    assert_eq!(events(&views).await, ["spring"]);
    // Why a projection stands still is never lost, whatever the fact contains.
    let mut stop = step(FIRST, 1, &[]);
    stop.checkpoint.stopped = Some("cannot fold \"\0\"".to_owned());
    views.apply(stop).await.unwrap();
    let stopped = views.checkpoint(FIRST).await.unwrap().unwrap().stopped.unwrap();
    assert_eq!(stopped, "cannot fold \"\u{FFFD}\"");
}

#[tokio::test]
async fn a_key_too_long_for_an_index_is_refused() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    // Not compressible: an index entry is squeezed before it is measured.
    let long: String = (0..4_000_u32)
        .filter_map(|n| char::from_u32(0x4E00 + n.wrapping_mul(2_654_435_761) % 20_000))
        .collect();
    let refused = views.apply(step(FIRST, 1, &[stall(&long, 5)])).await;
    assert!(matches!(refused, Err(ViewsError::Invalid(_))), "{refused:?}");
    assert_eq!(events(&views).await, ["spring"]);
}

#[tokio::test]
async fn values_of_a_stranger_are_not_believed() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let key = || vec![stall("spring", 0).key_values()];
    for strange in ["'infinity'", "'-infinity'", "'2026-03-01 12:00:00.000001Z'", "'10000-01-01'"] {
        Server::shared().psql_in(
            database.name(),
            &format!("UPDATE daybook_versions.stalls__1 SET closes_at = {strange}"),
        );
        let refused = views.load(FIRST, &TABLES[0], key()).await;
        assert!(matches!(refused, Err(ViewsError::Corrupt(_))), "{strange}: {refused:?}");
    }
    let wrong = "UPDATE daybook_versions.daybook_checkpoints SET position = -1";
    Server::shared().psql_in(database.name(), wrong);
    let refused = views.checkpoint(FIRST).await;
    assert!(matches!(refused, Err(ViewsError::Corrupt(_))), "{refused:?}");
}

#[tokio::test]
async fn many_rows_go_in_and_out_in_one_step() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let many: Vec<Stall> = (0..25_000).map(|n| stall(&format!("event {n:05}"), n)).collect();
    views.apply(step(FIRST, 1, &many)).await.unwrap();
    let keys: Vec<_> = many.iter().map(Table::key_values).collect();
    assert_eq!(views.load(FIRST, &TABLES[0], keys.clone()).await.unwrap().len(), 25_000);
    let mut removal = step(FIRST, 2, &[]);
    let gone = keys.into_iter().map(RowWrite::Delete).collect();
    removal.writes = [(Stall::TABLE.name, gone)].into();
    views.apply(removal).await.unwrap();
    assert_eq!(events(&views).await, ["spring"]);
}

#[tokio::test]
async fn a_database_that_will_not_do_is_named() {
    let server = Server::shared();
    let name = format!("latin_{}", std::process::id());
    server.psql(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"));
    let refused = PostgresViews::open(&server.url_of(&name)).await.unwrap_err();
    assert!(refused.to_string().contains("LATIN1"), "{refused}");
    let refused = PostgresViews::open(&server.url_of("nowhere")).await.unwrap_err();
    assert!(matches!(refused, OpenViewsError::Unreachable(_)), "{refused:?}");

    let database = server.database();
    open(&database).await.close().await;
    server.psql_in(
        database.name(),
        "INSERT INTO daybook_versions._sqlx_migrations \
         (version, description, success, checksum, execution_time) VALUES (99, 'later', true, '', 0)",
    );
    let refused = PostgresViews::open(database.url()).await.unwrap_err();
    let newer = OpenViewsError::Newer { schema: "daybook_versions".to_owned(), migration: 99 };
    assert_eq!(refused, newer);
}

#[tokio::test]
async fn a_row_that_would_not_change_is_not_written() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let place = || {
        Server::shared().psql_in(
            database.name(),
            "SELECT xmin, ctid FROM daybook_versions.stalls__1 WHERE event = 'spring'",
        )
    };
    let before = place();
    views.apply(step(FIRST, 1, &[stall("spring", 10), stall("autumn", 5)])).await.unwrap();
    assert_eq!(place(), before);
    views.apply(step(FIRST, 2, &[stall("spring", 9)])).await.unwrap();
    assert_ne!(place(), before);
}
