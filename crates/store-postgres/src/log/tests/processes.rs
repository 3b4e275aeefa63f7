//! Several processes on one log: each with a committer, connections and signals of its own.

use std::{sync::Arc, time::Duration};

use store::{AppendError, Expected, Lease, Log, LogError, Position};
use tokio::task::JoinSet;

use super::{InPostgres, PostgresLog, all, commit, first, order};

const PROCESSES: usize = 3;
const COMMITS_EACH: usize = 80;

/// Writes to a stream of its own and to one that everybody writes to, deciding again on conflict.
async fn write(log: Arc<PostgresLog>, process: usize) {
    for number in 0..COMMITS_EACH {
        let shared = number % 4 == 0;
        let stream = if shared { order("shared") } else { order(&format!("own {process}")) };
        let command = format!("process {process} commit {number}");
        let mut known = 0;
        loop {
            let expected = if known == 0 { Expected::Absent } else { Expected::At(known) };
            match log.append(commit(&stream, expected, &command)).await {
                Ok(_) => break,
                Err(AppendError::Conflict { actual }) if actual > known => known = actual,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_share_one_order_without_a_gap() {
    let subject = InPostgres::new().await;
    let mut writers = JoinSet::new();
    for process in 0..PROCESSES {
        writers.spawn(write(subject.another().await, process));
    }
    let mut after = Position::START;
    let total = u64::try_from(PROCESSES * COMMITS_EACH).unwrap();
    let mut follower = store::follow(Arc::clone(&subject.log) as Arc<dyn Log>, after);
    while after.0 < total {
        let event = follower.next().await.unwrap();
        assert_eq!(event.position.0, after.0 + 1, "a follower in another process skips nothing");
        after = event.position;
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(all(&subject.log).await.len(), PROCESSES * COMMITS_EACH);
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_command_sent_by_two_processes_is_stored_once() {
    let subject = InPostgres::new().await;
    let other = subject.another().await;
    for round in 0..30 {
        let command = format!("c{round}");
        let (one, two) =
            tokio::join!(subject.log.append(first(&command)), other.append(first(&command)));
        let (one, two) = (one.unwrap(), two.unwrap());
        assert_eq!(one.receipt, two.receipt);
        assert!(one.replayed != two.replayed, "one of them stored it");
    }
    assert_eq!(all(&subject.log).await.len(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_writes_wakes_up_another() {
    let subject = InPostgres::new().await;
    let other = subject.another().await;
    let mut signal = other.watch();
    let receipt = subject.log.append(first("a")).await.unwrap().receipt;
    let woken = tokio::time::timeout(
        Duration::from_secs(30),
        signal.wait_for(|position| *position >= receipt.last),
    );
    woken.await.unwrap().unwrap();
    assert_eq!(other.event_at(receipt.last).await.unwrap().unwrap().stream, order("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_has_one_holder_and_goes_on_when_its_time_is_over() {
    let subject = InPostgres::new().await;
    let other = subject.another().await;
    let long = Duration::from_secs(600);
    assert_eq!(subject.log.lease("w", "one", long).await, Ok(Lease::Granted { fence: 1 }));
    assert_eq!(subject.log.lease("w", "one", long).await, Ok(Lease::Granted { fence: 1 }));
    let held = Lease::Held { by: "one".to_owned() };
    assert_eq!(other.lease("w", "two", long).await, Ok(held.clone()));
    assert_eq!(other.lease("v", "two", long).await, Ok(Lease::Granted { fence: 1 }));

    subject.log.release("w", "two").await.unwrap();
    assert_eq!(other.lease("w", "two", long).await, Ok(held), "only its holder gives it back");
    subject.log.release("w", "one").await.unwrap();
    assert_eq!(other.lease("w", "two", Duration::ZERO).await, Ok(Lease::Granted { fence: 2 }));
    // Its time is over at once, so the next one who asks gets it.
    let mut again = subject.log.lease("w", "one", long).await.unwrap();
    while matches!(again, Lease::Held { .. }) {
        again = subject.log.lease("w", "one", long).await.unwrap();
    }
    assert_eq!(again, Lease::Granted { fence: 3 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_lost_its_lease_cannot_move_the_bookmark() {
    let subject = InPostgres::new().await;
    let other = subject.another().await;
    subject.log.lease("w", "one", Duration::from_secs(600)).await.unwrap();
    subject.log.save_bookmark("w", Position(5)).await.unwrap();
    subject.log.release("w", "one").await.unwrap();
    other.lease("w", "two", Duration::from_secs(600)).await.unwrap();
    other.save_bookmark("w", Position(8)).await.unwrap();
    // The first one was frozen all the while and goes on.
    let refused = subject.log.save_bookmark("w", Position(6)).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    assert_eq!(subject.log.bookmark("w").await, Ok(Some(Position(8))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_wrote_is_made_sure_of() {
    let subject = InPostgres::new().await;
    let other = subject.another().await;
    let receipt = other.append(first("a")).await.unwrap().receipt;
    subject.log.ensure_durable(receipt.last).await.unwrap();
    let beyond = subject.log.ensure_durable(Position(99)).await;
    assert!(matches!(beyond, Err(LogError::Corrupt(_))), "{beyond:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_may_make_the_log_at_the_same_time() {
    let database = tokio::task::spawn_blocking(|| test_postgres::Server::shared().database());
    let database = database.await.unwrap();
    let (one, two) = tokio::join!(
        PostgresLog::open(database.url(), Default::default()),
        PostgresLog::open(database.url(), Default::default())
    );
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.log_id(), two.log_id());
}
