//! How a log is opened: under which id, for reading only, in order.

use std::sync::Arc;

use kernel::KeyRef;
use kurrent_fake::AppendFault;
use store::{AppendError, Commit, Expected, Inventory, Log, LogError, LogId, Position, SealingKey};

use super::{commit, events, impatient, open, server, tenant};
use crate::{KurrentLog, LogOptions, OpenLogError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_log_gets_the_id_that_is_asked_for_and_no_other_opens_it() {
    let server = server().await;
    let named =
        |id: &str| LogOptions { log_id: Some(LogId(id.to_owned())), ..LogOptions::default() };
    let log = KurrentLog::open(&server.url(), named("log_one")).await.unwrap();
    assert_eq!(log.log_id().0, "log_one");
    assert_eq!(open(&server.url()).await.unwrap().log_id(), log.log_id());
    KurrentLog::open(&server.url(), named("log_one")).await.unwrap();
    let refused = KurrentLog::open(&server.url(), named("log_two")).await.unwrap_err();
    assert!(matches!(refused, OpenLogError::OtherLog { .. }), "{refused}");
    let line = refused.to_string();
    assert!(line.contains("the log log_one, not log_two"), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_only_read_exists_and_stays_as_it_is() {
    let server = server().await;
    let missing = KurrentLog::open(&server.url(), LogOptions::read_only()).await;
    assert!(matches!(missing, Err(OpenLogError::Missing { .. })), "{missing:?}");
    let missing = KurrentLog::open(&server.url(), LogOptions::read_only()).await;
    assert!(matches!(missing, Err(OpenLogError::Missing { .. })), "nothing was made");

    let log = open(&server.url()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    log.save_bookmark("worker", Position(7)).await.unwrap();
    let reader = KurrentLog::open(&server.url(), LogOptions::read_only()).await.unwrap();
    assert_eq!(reader.log_id(), log.log_id());
    assert_eq!(events(&reader).await, ["a"]);
    assert_eq!(reader.bookmark("worker").await, Ok(Some(Position(7))));
    assert_eq!(reader.integrity().await, Ok(Vec::new()));
    let appended = reader.append(commit("1", Expected::At(1), "b")).await;
    assert!(matches!(appended, Err(AppendError::Unavailable(_))), "{appended:?}");
    let key = SealingKey { key: KeyRef("raw/1".to_owned()), tenant: tenant(), secret: [7; 32] };
    for refused in [
        reader.save_bookmark("worker", Position(8)).await,
        reader.ensure_sealing_key(key.clone()).await.map(drop),
        reader.destroy_sealing_key(tenant(), &key.key).await,
    ] {
        assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    }
    assert_eq!(log.bookmark("worker").await, Ok(Some(Position(7))));
    assert_eq!(events(&log).await, ["a"]);
}

/// Hands over commits to as many streams at once, in this order, and says how each ended.
async fn handed_over(
    log: &Arc<KurrentLog>,
    commands: impl Iterator<Item = usize>,
) -> Vec<Result<(), AppendError>> {
    let commits = commands.map(|number| {
        let name = format!("{number:03}");
        commit(&name, Expected::Absent, &name)
    });
    let appends = commits.map(|commit: Commit| log.append(commit));
    let verdicts = futures::future::join_all(appends).await;
    verdicts.into_iter().map(|verdict| verdict.map(drop)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_that_were_handed_over_in_order_are_stored_in_order() {
    let server = server().await;
    let options = LogOptions { in_order: true, ..LogOptions::default() };
    let log = Arc::new(KurrentLog::open(&server.url(), options).await.unwrap());
    for verdict in handed_over(&log, 0..100).await {
        verdict.unwrap();
    }
    let wanted: Vec<_> = (0..100).map(|number| format!("{number:03}")).collect();
    assert_eq!(events(&log).await, wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_order_nothing_is_stored_behind_a_commit_that_was_not() {
    let server = server().await;
    let options = LogOptions { in_order: true, ..impatient() };
    let log = Arc::new(KurrentLog::open(&server.url(), options.clone()).await.unwrap());
    log.append(commit("x", Expected::Absent, "x")).await.unwrap();
    server.faults().next_append(AppendFault::DropAfterCommit);
    server.faults().refuse_connections(true);
    let verdicts = handed_over(&log, 0..5).await;
    server.faults().refuse_connections(false);
    assert!(verdicts.iter().all(Result::is_err), "{verdicts:?}");
    let late = log.append(commit("late", Expected::Absent, "late")).await;
    assert!(matches!(late, Err(AppendError::Unavailable(_))), "{late:?}");

    let again = Arc::new(KurrentLog::open(&server.url(), options).await.unwrap());
    for verdict in handed_over(&again, 0..5).await {
        verdict.unwrap();
    }
    assert_eq!(events(&again).await, ["x", "000", "001", "002", "003", "004"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_two_processes_stored_twice_is_listed_once() {
    let server = server().await;
    let (one, two) = (open(&server.url()).await.unwrap(), open(&server.url()).await.unwrap());
    // Neither has seen the other's: the server cannot compare commands of different streams.
    let (left, right) = tokio::join!(
        one.append(commit("1", Expected::Absent, "same")),
        two.append(commit("2", Expected::Absent, "same"))
    );
    left.and(right).unwrap();
    let listed = one.commands(Position::START, 10).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    let known = one.find_command(tenant(), "same").await.unwrap();
    assert_eq!(Some(listed[0].receipt), known);
    assert_eq!(one.tally().await.unwrap().commands, 1);
}
