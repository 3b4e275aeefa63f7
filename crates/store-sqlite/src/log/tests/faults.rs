//! A commit that fails, an answer that gets lost, a full disk, a disk that is gone.

use std::{sync::Arc, task::Poll, time::Duration};

use store::{AppendError, Appended, Expected, Log, LogError, Position, contract::Subject};

use super::{Moment, OnDisk, commit, first, order};
use crate::{LogOptions, SqliteLog};

#[tokio::test]
async fn what_waits_together_is_one_transaction() {
    let log = OnDisk::new().await;
    let group = (0..50).map(|number| first(&format!("c{number}"))).collect();
    let verdicts = log.append_together(group).await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 50);
    assert_eq!(log.gate.commits(), 1);
    let positions: Vec<_> =
        verdicts.iter().map(|verdict| verdict.as_ref().unwrap().receipt.first.0).collect();
    assert_eq!(positions, (1..=50).collect::<Vec<_>>(), "the order of arrival is kept");
}

#[tokio::test]
async fn more_requests_than_the_queue_holds_are_all_stored() {
    let log = OnDisk::new().await;
    log.gate.close_at(Moment::BeforeGroup);
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..2000 {
        let log = Arc::clone(&log.log);
        clients.spawn(async move { log.append(first(&format!("c{number}"))).await });
    }
    log.gate.reached().await;
    log.gate.open();
    while let Some(verdict) = clients.join_next().await {
        verdict.unwrap().unwrap();
    }
    assert_eq!(log.all().await.len(), 2000);
    assert!(log.gate.commits() >= 4, "a group has its bounds");
}

#[tokio::test]
async fn a_verdict_leaves_only_after_the_commit() {
    let log = OnDisk::new().await;
    log.gate.close_at(Moment::BeforeCommit);
    let mut append = std::pin::pin!(log.log.append(first("a")));
    let mut poll =
        async || std::future::poll_fn(|context| Poll::Ready(append.as_mut().poll(context))).await;
    assert!(poll().await.is_pending());
    log.gate.reached().await;
    // Everything is written and nothing is committed.
    assert!(poll().await.is_pending());
    assert_eq!(log.log.head().await.unwrap().position, Position::START);
    assert_eq!(*log.log.watch().borrow(), Position::START);
    log.gate.open();
    let appended = append.await.unwrap();
    assert_eq!(appended.receipt.last, Position(1));
    assert_eq!(log.log.head().await.unwrap().position, Position(1));
}

#[tokio::test]
async fn a_commit_that_fails_leaves_every_verdict_of_the_group_open() {
    let log = OnDisk::new().await;
    log.log.append(first("before")).await.unwrap();
    log.gate.fail_at(&[Moment::BeforeCommit]);
    let group = vec![first("a"), first("b"), commit(&order("before"), Expected::Absent, "late")];
    for verdict in log.append_together(group.clone()).await {
        assert!(matches!(verdict, Err(AppendError::Unknown(_))), "{verdict:?}");
    }
    assert_eq!(log.all().await.len(), 1, "it was not committed");
    let again = log.append_together(group).await;
    assert!(matches!(again[0], Ok(Appended { replayed: false, .. })));
    assert_eq!(again[1].as_ref().unwrap().receipt.first, Position(3));
    assert_eq!(again[2], Err(AppendError::Conflict { actual: 1 }));
}

#[tokio::test]
async fn a_commit_whose_answer_got_lost_is_recognized_when_it_comes_again() {
    let log = OnDisk::new().await;
    let mut signal = log.log.watch();
    log.gate.fail_at(&[Moment::AfterCommit]);
    let group = vec![first("a"), commit(&order("a"), Expected::At(1), "b")];
    for verdict in log.append_together(group.clone()).await {
        assert!(matches!(verdict, Err(AppendError::Unknown(_))), "{verdict:?}");
    }
    // Found by reading the heads again, before anything else is acknowledged.
    signal.wait_for(|head| *head == Position(2)).await.unwrap();
    let again = log.append_together(group).await;
    for (verdict, position) in again.iter().zip([1, 2]) {
        let appended = verdict.as_ref().unwrap();
        assert!(appended.replayed);
        assert_eq!(appended.receipt.last, Position(position));
    }
    let next = log.log.append(commit(&order("a"), Expected::At(2), "c")).await.unwrap();
    assert_eq!(next.receipt.last, Position(3));
    assert_eq!(log.all().await.len(), 3);
}

#[tokio::test]
async fn a_disk_that_is_gone_refuses_commits_and_still_answers_questions() {
    let log = OnDisk::new().await;
    log.log.append(first("a")).await.unwrap();
    log.gate.fail_at(&[Moment::BeforeCommit, Moment::BeforeReopen, Moment::BeforeReopen]);
    let open = log.log.append(first("b")).await;
    assert!(matches!(open, Err(AppendError::Unknown(_))), "{open:?}");
    for _ in 0..2 {
        let refused = log.log.append(first("b")).await;
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
        assert_eq!(log.all().await.len(), 1);
    }
    let appended = log.log.append(first("b")).await.unwrap();
    assert!(!appended.replayed);
    assert_eq!(appended.receipt.last, Position(2));
}

#[tokio::test]
async fn a_log_that_is_closed_while_its_disk_is_gone_still_closes() {
    let log = OnDisk::new().await;
    log.gate.fail_at(&[Moment::BeforeCommit, Moment::BeforeReopen]);
    log.log.append(first("a")).await.unwrap_err();
    log.log.close().await;
    SqliteLog::open(log.path(), LogOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_commits_keeps_what_is_there_and_recovers() {
    let log = OnDisk::with(|options| LogOptions { pages_max: Some(200), ..options }).await;
    let large = |number: usize| {
        let mut commit = first(&format!("c{number}"));
        commit.events[0].payload = format!("\"{}\"", "x".repeat(20_000)).into();
        commit
    };
    let mut stored = 0;
    let refused = loop {
        match log.log.append(large(stored)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(stored > 10, "{stored} fitted");
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    let again = log.log.append(large(stored)).await;
    assert!(matches!(again, Err(AppendError::Unavailable(_))), "{again:?}");
    assert_eq!(log.all().await.len(), stored);
    assert_eq!(log.log.integrity().await.unwrap(), Vec::<String>::new());

    log.log.close().await;
    let roomier = SqliteLog::open(log.path(), LogOptions::default()).await.unwrap();
    let appended = roomier.append(large(stored)).await.unwrap();
    assert_eq!(appended.receipt.last.0, u64::try_from(stored).unwrap() + 1);
}

#[tokio::test]
async fn a_stranger_who_writes_is_noticed_and_nothing_is_overwritten() {
    let log = OnDisk::new().await;
    log.log.append(first("a")).await.unwrap();
    let stranger = rusqlite::Connection::open(log.path()).unwrap();
    let rows = stranger.execute(
        "INSERT INTO log_events SELECT 2, stream, 2, type, randomblob(16), recorded_at, '{}', '{}' \
         FROM log_events",
        [],
    );
    assert_eq!(rows, Ok(1));
    let late = log.log.append(commit(&order("a"), Expected::At(1), "b")).await;
    assert_eq!(late, Err(AppendError::Conflict { actual: 2 }));
    let next = log.log.append(commit(&order("a"), Expected::At(2), "b")).await.unwrap();
    assert_eq!(next.receipt.last, Position(3));
}

#[tokio::test]
async fn a_lock_held_by_a_stranger_is_answered_with_unavailable() {
    let busy_timeout = Duration::from_millis(1);
    let log = OnDisk::with(|options| LogOptions { busy_timeout, ..options }).await;
    let stranger = rusqlite::Connection::open(log.path()).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = log.log.append(first("a")).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    let bookmark = log.log.save_bookmark("policies", Position(1)).await;
    assert!(matches!(bookmark, Err(LogError::Unavailable(_))), "{bookmark:?}");
    stranger.execute_batch("ROLLBACK").unwrap();
    log.log.append(first("a")).await.unwrap();
}
