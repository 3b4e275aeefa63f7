//! Answers that are lost, late or slow, and servers that are away.

use std::time::{Duration, Instant};

use kurrent_fake::{AppendFault, FakeOptions, FakeServer};
use store::{AppendError, Expected, Log, LogError, Position};

use super::{PATIENCE, commit, events, impatient, open, order, server};
use crate::{KurrentLog, LogOptions, OpenLogError};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_after_the_commit_is_found_again() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    server.faults().next_append(AppendFault::DropAfterCommit);
    let appended = log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    assert!(!appended.replayed, "this call stored it, if only at its first attempt");
    assert_eq!(events(&log).await, ["a"]);
    let again = log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.receipt, appended.receipt);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_lost_before_the_commit_is_sent_again() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    for fault in [AppendFault::DropBeforeCommit; 3] {
        server.faults().next_append(fault);
    }
    let appended = log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    assert!(!appended.replayed);
    assert_eq!(events(&log).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_lands_after_it_was_sent_again_is_stored_once() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    server.faults().next_append(AppendFault::CommitLate(Duration::from_millis(300)));
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    log.append(commit("1", Expected::At(1), "b")).await.unwrap();
    let since = Instant::now();
    while server.late_commits() == 0 {
        assert!(since.elapsed() < PATIENCE, "the late commit never came");
        tokio::task::yield_now().await;
    }
    assert_eq!(events(&log).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let server = server().await;
    let log = KurrentLog::open(&server.url(), impatient()).await.unwrap();
    server.faults().next_append(AppendFault::NeverAnswer);
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    assert_eq!(events(&log).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_commit_is_recognized_after_its_outcome_was_unknown() {
    let server = server().await;
    let log = KurrentLog::open(&server.url(), impatient()).await.unwrap();
    server.faults().next_append(AppendFault::DropAfterCommit);
    server.faults().refuse_connections(true);
    let verdict = log.append(commit("1", Expected::Absent, "a")).await;
    assert!(matches!(verdict, Err(AppendError::Unknown(_))), "{verdict:?}");
    server.faults().refuse_connections(false);
    let again = log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    assert!(again.replayed, "it had been stored");
    assert_eq!(events(&log).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_lives_on_after_its_server_was_away() {
    let server = server().await;
    let log = KurrentLog::open(&server.url(), impatient()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    server.kill(0).await;
    let read = log.read_all(Position::START, 10).await;
    assert!(matches!(read, Err(LogError::Unavailable(_))), "{read:?}");
    let verdict = log.append(commit("1", Expected::At(1), "b")).await;
    assert!(
        matches!(verdict, Err(AppendError::Unavailable(_) | AppendError::Unknown(_))),
        "{verdict:?}"
    );
    server.revive(0).await.unwrap();
    log.append(commit("1", Expected::At(1), "b")).await.unwrap();
    assert_eq!(events(&log).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_at_first_can_be_opened_later() {
    let server = server().await;
    server.faults().refuse_connections(true);
    let opened = KurrentLog::open(&server.url(), impatient()).await;
    assert!(matches!(opened, Err(OpenLogError::Log(LogError::Unavailable(_)))), "{opened:?}");
    server.faults().refuse_connections(false);
    let log = KurrentLog::open(&server.url(), impatient()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_server_is_an_unavailable_one_until_it_is_fast_again() {
    let server = server().await;
    let log = KurrentLog::open(&server.url(), impatient()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    server.faults().slow_reads(Duration::from_secs(30));
    let since = Instant::now();
    let read = log.read_stream(&order("1"), 0, 10).await;
    assert!(matches!(read, Err(LogError::Unavailable(_))), "{read:?}");
    assert!(since.elapsed() < Duration::from_secs(10), "it is not waited for");
    server.faults().slow_reads(Duration::ZERO);
    assert_eq!(events(&log).await, ["a"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_finds_too_large_is_too_large() {
    let options = FakeOptions { append_bytes_max: 1024 * 1024, ..FakeOptions::default() };
    let server = FakeServer::start(options).await.unwrap();
    let log = open(&server.url()).await.unwrap();
    let mut large = commit("1", Expected::Absent, "a");
    for event in &mut large.events {
        event.payload = format!("\"{}\"", "x".repeat(1024 * 1024)).into();
    }
    let verdict = log.append(large).await;
    let Err(AppendError::TooLarge { size, limit }) = verdict else {
        panic!("it was {verdict:?}");
    };
    assert!(size > limit);
    assert_eq!(limit, 1024 * 1024);
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_connection_string_is_refused() {
    for url in ["postgres://localhost/x", "esdb://localhost?prefix=not.a.word&tls=false"] {
        let opened = KurrentLog::open(url, LogOptions::default()).await;
        assert!(matches!(opened, Err(OpenLogError::Address(_))), "{url}: {opened:?}");
    }
}
