//! Lost connections and lost answers: nothing is acknowledged that is not there, nothing is stored
//! twice, and what cannot be known is called unknown.

use std::{sync::Arc, time::Duration};

use store::{AppendError, Expected, Log, LogError, Position, contract::Subject};

use super::{InPostgres, Moment, PostgresLog, PostgresLogOptions, all, commit, first, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_got_lost_is_looked_for_and_found() {
    let subject = InPostgres::new().await;
    subject.gate.fail_at(&[Moment::AfterCommit]);
    let appended = subject.log.append(first("a")).await.unwrap();
    assert!(appended.replayed, "it was stored by the attempt whose answer got lost");
    assert_eq!(all(&subject.log).await.len(), 1);
    let next = subject.log.append(commit(&order("a"), Expected::At(1), "b")).await.unwrap();
    assert_eq!(next.receipt.version, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_never_arrived_is_sent_again() {
    let subject = InPostgres::new().await;
    subject.gate.fail_at(&[Moment::BeforeCommit]);
    let appended = subject.log.append(first("a")).await.unwrap();
    assert!(!appended.replayed);
    assert_eq!(all(&subject.log).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_whose_answer_got_lost_keeps_every_verdict() {
    let subject = InPostgres::new().await;
    subject.log.append(first("x")).await.unwrap();
    subject.gate.fail_at(&[Moment::AfterCommit]);
    let commits = vec![
        first("a"),
        commit(&order("a"), Expected::At(1), "b"),
        commit(&order("x"), Expected::Absent, "late"),
        first("c"),
    ];
    let verdicts = subject.append_together(commits).await;
    let versions: Vec<_> =
        verdicts.iter().map(|verdict| verdict.as_ref().map(|it| it.receipt.version)).collect();
    assert_eq!(versions[0], Ok(1));
    assert_eq!(versions[1], Ok(2));
    assert_eq!(versions[2], Err(&AppendError::Conflict { actual: 1 }));
    assert_eq!(versions[3], Ok(1));
    assert_eq!(all(&subject.log).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_server_the_outcome_of_a_sent_commit_is_unknown() {
    let subject = InPostgres::new().await;
    let gate = subject.gate.clone();
    let options = PostgresLogOptions { reconnect_patience: Duration::ZERO, ..gate.options() };
    let log = PostgresLog::open(subject.database.url(), options).await.unwrap();
    gate.fail_at(&[Moment::AfterCommit, Moment::BeforeConnect]);
    let unknown = log.append(first("a")).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    let again = log.append(first("a")).await.unwrap();
    assert!(again.replayed, "the same commit again is recognized");
    assert_eq!(all(&log).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_was_never_sent_is_certainly_not_there() {
    let subject = InPostgres::new().await;
    let gate = subject.gate.clone();
    let options = PostgresLogOptions { reconnect_patience: Duration::ZERO, ..gate.options() };
    let log = PostgresLog::open(subject.database.url(), options).await.unwrap();
    gate.fail_at(&[Moment::BeforeCommit, Moment::BeforeConnect, Moment::BeforeConnect]);
    let unknown = log.append(first("a")).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    let refused = log.append(first("b")).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert_eq!(all(&log).await.len(), 0);
    assert!(!log.append(first("b")).await.unwrap().replayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_too_long_is_told_that_the_outcome_is_unknown() {
    let subject = InPostgres::new().await;
    let gate = subject.gate.clone();
    let options =
        PostgresLogOptions { commit_patience: Duration::from_millis(50), ..gate.options() };
    let log = PostgresLog::open(subject.database.url(), options).await.unwrap();
    gate.close_at(Moment::AfterCommit);
    let unknown = log.append(first("a")).await;
    assert!(matches!(unknown, Err(AppendError::Unknown(_))), "{unknown:?}");
    gate.open();
    let later = PostgresLog::open(subject.database.url(), Default::default()).await.unwrap();
    assert!(later.append(first("a")).await.unwrap().replayed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminated_backend_costs_nothing_but_time() {
    let subject = InPostgres::new().await;
    let mut appended = Vec::new();
    for round in 0..5 {
        let log = Arc::clone(&subject.log);
        let writing = tokio::spawn(async move {
            for number in 0..40 {
                log.append(first(&format!("{round}-{number}"))).await.unwrap();
            }
        });
        let ended = subject
            .psql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                 WHERE datname = current_database() AND application_name LIKE 'daybook%'",
            )
            .await;
        assert!(ended.is_ok(), "{ended:?}");
        writing.await.unwrap();
        appended.push(round);
    }
    assert_eq!(all(&subject.log).await.len(), 200);
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_only_read_takes_nothing() {
    let subject = InPostgres::new().await;
    subject.log.append(first("a")).await.unwrap();
    let reading =
        PostgresLog::open(subject.database.url(), PostgresLogOptions::read_only()).await.unwrap();
    assert_eq!(all(&reading).await.len(), 1);
    let refused = reading.append(first("b")).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    let refused = reading.save_bookmark("policies", Position(1)).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_knows_its_identity() {
    use super::super::OpenLogError;
    let subject = InPostgres::new().await;
    let wanted = store::LogId("log_other".to_owned());
    let options = PostgresLogOptions { log_id: Some(wanted.clone()), ..Default::default() };
    let refused = PostgresLog::open(subject.database.url(), options).await.unwrap_err();
    assert!(matches!(refused, OpenLogError::OtherLog { .. }), "{refused}");
    let empty = tokio::task::spawn_blocking(|| test_postgres::Server::shared().database());
    let empty = empty.await.unwrap();
    let missing = PostgresLog::open(empty.url(), PostgresLogOptions::read_only()).await;
    assert!(matches!(missing, Err(OpenLogError::Missing { .. })));
    let options = PostgresLogOptions { log_id: Some(wanted.clone()), ..Default::default() };
    let made = PostgresLog::open(empty.url(), options).await.unwrap();
    assert_eq!(*made.log_id(), wanted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn high_availability_is_refused_without_a_standby() {
    let subject = InPostgres::new().await;
    let options = PostgresLogOptions { high_availability: true, ..Default::default() };
    let refused = PostgresLog::open(subject.database.url(), options).await.unwrap_err();
    assert!(refused.to_string().contains("synchronous_standby_names is empty"), "{refused}");
}
