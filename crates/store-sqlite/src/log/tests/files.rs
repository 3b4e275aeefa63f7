//! Which files are opened as a log, by whom, and what other programs see of them.

use std::{fs, sync::Arc};

use rusqlite::Connection;
use store::{AppendError, Expected, Log, LogError, LogId, Position, contract::Subject, follow};

use super::{OnDisk, commit, first, order};
use crate::{LogOptions, OpenLogError, SqliteLog, Synchronous};

#[tokio::test]
async fn a_second_opener_is_refused_and_told_which_file() {
    let log = OnDisk::new().await;
    let refused = SqliteLog::open(log.path(), LogOptions::default()).await.unwrap_err();
    let path = fs::canonicalize(log.path()).unwrap();
    let lock = path.with_file_name("daybook.log.lock");
    assert_eq!(refused, OpenLogError::Locked { path, lock });
    assert!(refused.to_string().contains("daybook.log.lock"));
    log.log.append(first("a")).await.unwrap();
    log.log.close().await;
    let next = SqliteLog::open(log.path(), LogOptions::default()).await.unwrap();
    assert_eq!(next.head().await.unwrap().position, Position(1));
}

#[cfg(unix)]
#[tokio::test]
async fn however_a_log_is_spelled_it_has_one_lock_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let log = OnDisk::new().await;
    let other_name = log.folder.path().join("another-name");
    std::os::unix::fs::symlink(log.path(), &other_name).unwrap();
    let refused = SqliteLog::open(other_name, LogOptions::default()).await;
    assert!(matches!(refused, Err(OpenLogError::Locked { .. })), "{refused:?}");
    for name in ["daybook.log", "daybook.log-wal"] {
        let mode = fs::metadata(log.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name} holds secrets");
    }
}

#[tokio::test]
async fn a_file_that_is_something_else_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    fs::write(&text, "Dear Ada, the accounts are in the drawer. ".repeat(100)).unwrap();
    let database = folder.path().join("shop.db");
    Connection::open(&database).unwrap().execute_batch("CREATE TABLE customers (id)").unwrap();
    for path in [text, database] {
        let before = fs::read(&path).unwrap();
        for options in [LogOptions::default(), LogOptions::read_only()] {
            let refused = SqliteLog::open(&path, options).await;
            assert!(matches!(refused, Err(OpenLogError::NotALog { .. })), "{refused:?}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_not_touched() {
    let log = OnDisk::new().await;
    log.log.close().await;
    Connection::open(log.path()).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(log.path()).unwrap();
    for options in [LogOptions::default(), LogOptions::read_only()] {
        let refused = SqliteLog::open(log.path(), options).await.unwrap_err();
        assert!(matches!(refused, OpenLogError::NewerSchema { found: 99, known: 1, .. }));
        assert!(refused.to_string().contains("use a newer daybook"));
    }
    assert_eq!(fs::read(log.path()).unwrap(), before);
}

#[tokio::test]
async fn a_truncated_file_is_damaged() {
    let log = OnDisk::new().await;
    for number in 0..200 {
        log.log.append(first(&format!("c{number}"))).await.unwrap();
    }
    log.log.close().await;
    let whole = fs::read(log.path()).unwrap();
    for length in [whole.len() / 2, 4096, 600] {
        fs::write(log.path(), &whole[..length]).unwrap();
        for options in [LogOptions::default(), LogOptions::read_only()] {
            let refused = SqliteLog::open(log.path(), options).await;
            assert!(matches!(refused, Err(OpenLogError::Corrupt { .. })), "{length}: {refused:?}");
        }
    }
    fs::write(log.path(), &whole).unwrap();
    SqliteLog::open(log.path(), LogOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_damaged_page_is_an_error_and_never_a_panic() {
    let log = OnDisk::new().await;
    for number in 0..500 {
        log.log.append(first(&format!("c{number}"))).await.unwrap();
    }
    log.log.close().await;
    let whole = fs::read(log.path()).unwrap();
    let mut noticed = 0;
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..(page + 1) * 4096].fill(0xfe);
        fs::write(log.path(), &damaged).unwrap();
        let opened = match SqliteLog::open(log.path(), LogOptions::default()).await {
            Ok(opened) => opened,
            Err(OpenLogError::Corrupt { .. }) => {
                noticed += 1;
                continue;
            }
            Err(other) => panic!("page {page}: {other}"),
        };
        let wrong = opened.integrity().await.unwrap();
        assert!(!wrong.is_empty(), "page {page} is damaged and nobody says so");
        noticed += 1;
        match opened.read_all(Position::START, 1000).await {
            Ok(page) => assert_eq!(page.events.len(), 500, "it is whole or refused"),
            Err(LogError::Corrupt(_)) => {}
            Err(other) => panic!("page {page}: {other}"),
        }
        let verdict = opened.append(first("new")).await;
        assert!(
            matches!(verdict, Ok(_) | Err(AppendError::Corrupt(_))),
            "page {page}: {verdict:?}"
        );
        opened.close().await;
    }
    assert!(noticed > 20, "{noticed} pages were damaged");
}

#[tokio::test]
async fn a_log_keeps_its_id_and_is_not_taken_for_another() {
    let named =
        |id: &str| LogOptions { log_id: Some(LogId(id.to_owned())), ..LogOptions::default() };
    let log =
        OnDisk::with(|options| LogOptions { log_id: Some(LogId("log_one".into())), ..options });
    let log = log.await;
    assert_eq!(log.log.log_id().0, "log_one");
    log.log.close().await;
    let refused = SqliteLog::open(log.path(), named("log_two")).await;
    assert!(matches!(refused, Err(OpenLogError::OtherLog { .. })), "{refused:?}");
    SqliteLog::open(log.path(), named("log_one")).await.unwrap().close().await;

    let minted = (OnDisk::new().await, OnDisk::new().await);
    assert_ne!(minted.0.log.log_id(), minted.1.log.log_id());
}

#[tokio::test]
async fn a_log_can_be_read_beside_its_writer_without_the_lock() {
    let log = OnDisk::new().await;
    log.log.append(first("a")).await.unwrap();
    let beside = SqliteLog::open(log.path(), LogOptions::read_only()).await.unwrap();
    assert_eq!(beside.log_id(), log.log.log_id());
    assert_eq!(beside.head().await.unwrap(), log.log.head().await.unwrap());
    let refused = beside.append(first("b")).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    let refused = beside.save_bookmark("policies", Position(1)).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    assert_eq!(beside.guarantees().await.unwrap().broken, Vec::<String>::new());
    assert_eq!(beside.integrity().await.unwrap(), Vec::<String>::new());

    let mut follower = follow(Arc::new(beside), Position(1));
    let (event, appended) = tokio::join!(follower.next(), log.log.append(first("b")));
    assert_eq!(event.unwrap().position, appended.unwrap().receipt.last);
}

#[tokio::test]
async fn a_stopped_log_is_one_file_that_can_be_read() {
    let log = OnDisk::new().await;
    log.log.append(first("a")).await.unwrap();
    log.log.close().await;
    assert!(!log.folder.path().join("daybook.log-wal").exists());
    let copied = log.folder.path().join("copy");
    fs::copy(log.path(), &copied).unwrap();
    let copy = SqliteLog::open(&copied, LogOptions::read_only()).await.unwrap();
    assert_eq!(copy.read_all(Position::START, 10).await.unwrap().events.len(), 1);
}

#[tokio::test]
async fn a_log_that_is_not_there_cannot_be_read_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/daybook.log");
    let refused = SqliteLog::open(&path, LogOptions::read_only()).await;
    assert!(matches!(refused, Err(OpenLogError::Missing { .. })), "{refused:?}");
    assert!(!path.exists());
    SqliteLog::open(&path, LogOptions::default()).await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn weaker_settings_are_admitted() {
    let log = OnDisk::new().await;
    let stated = log.log.guarantees().await.unwrap();
    for (name, value) in [("journal_mode", "wal"), ("synchronous", "2"), ("secure_delete", "1")] {
        assert!(stated.settings.contains(&(name.to_owned(), value.to_owned())), "{stated:?}");
    }
    assert_eq!(stated.broken, Vec::<String>::new());
    let weak = |options| LogOptions { synchronous: Synchronous::Normal, ..options };
    let stated = OnDisk::with(weak).await.log.guarantees().await.unwrap();
    assert_eq!(stated.broken.len(), 1);
    assert!(stated.broken[0].contains("synchronous"), "{stated:?}");
}

#[tokio::test]
async fn a_shell_shows_the_log_in_the_columns_of_cqrs_es() {
    let log = OnDisk::new().await;
    log.append_together(vec![first("a"), commit(&order("a"), Expected::At(1), "b")]).await;
    let shell = Connection::open(log.path()).unwrap();
    let row = shell
        .query_row(
            "SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
             metadata, event_id, recorded_at FROM events WHERE position = 2",
            [],
            |row| (0..9).map(|at| row.get::<_, rusqlite::types::Value>(at)).collect(),
        )
        .map(|values: Vec<_>| format!("{values:?}"))
        .unwrap();
    let event = log.log.event_at(Position(2)).await.unwrap().unwrap();
    let wanted = format!(
        "[Text(\"order\"), Text({:?}), Integer(2), Text(\"order.placed\"), Text(\"1\"), \
         Text({:?}), Text(\"{{}}\"), Text(\"{}\"), Text(\"2025-10-09T08:53:20.000Z\")]",
        event.stream.aggregate_id(),
        event.payload,
        event.id,
    );
    assert_eq!(row, wanted);
}

#[tokio::test]
async fn what_is_in_the_log_cannot_be_changed_from_a_shell() {
    let log = OnDisk::new().await;
    log.log.append(first("a")).await.unwrap();
    let shell = Connection::open(log.path()).unwrap();
    for statement in ["UPDATE log_events SET payload = '{}'", "DELETE FROM log_events"] {
        let refused = shell.execute(statement, []).unwrap_err().to_string();
        assert!(refused.contains("what is in the log is never"), "{refused}");
    }
    assert_eq!(log.all().await.len(), 1);
}
