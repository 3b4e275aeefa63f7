//! The server killed under load, again and again: whatever was acknowledged is there, once.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use store::{Expected, Log};
use test_postgres::Server;
use tokio::{sync::Mutex, task::JoinSet};

use super::{PostgresLog, all, commit, order};

const CLIENTS: usize = 8;

/// How often the server is killed: a few times in every run, and 25 times when soaking.
fn rounds() -> usize {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { 25 } else { 4 }
}

/// What the clients were told, and when to stop.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<Vec<String>>,
    count: AtomicUsize,
}

/// Appends until told to stop; every commit is repeated until its outcome is known.
async fn append(log: Arc<PostgresLog>, client: usize, told: Arc<Told>, end: usize) {
    let stream = order(&format!("client {client}"));
    for version in 0_u64.. {
        if told.count.load(Ordering::SeqCst) >= end {
            return;
        }
        let expected = if version == 0 { Expected::Absent } else { Expected::At(version) };
        let command = format!("{client}-{version}");
        loop {
            match log.append(commit(&stream, expected, &command)).await {
                Ok(_) => break,
                Err(store::AppendError::Unknown(_) | store::AppendError::Unavailable(_)) => {
                    tokio::task::yield_now().await
                }
                Err(error) => panic!("{command}: {error}"),
            }
        }
        told.acknowledged.lock().await.push(command);
        told.count.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_lost_nothing_that_was_acknowledged() {
    let mut server = tokio::task::spawn_blocking(Server::start).await.unwrap();
    let url = server.url_of("postgres");
    let log = Arc::new(PostgresLog::open(&url, Default::default()).await.unwrap());
    let told = Arc::new(Told::default());
    let each = 150;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(append(Arc::clone(&log), client, Arc::clone(&told), each * (rounds() + 1)));
    }
    for round in 1..=rounds() {
        while told.count.load(Ordering::SeqCst) < each * round {
            tokio::task::yield_now().await;
        }
        server = tokio::task::spawn_blocking(move || {
            server.kill();
            server.start_again();
            server
        })
        .await
        .unwrap();
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    let events = all(&log).await;
    let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), events.len(), "no event is there twice");
    let acknowledged = told.acknowledged.lock().await;
    let mut lost = 0;
    for command in acknowledged.iter() {
        lost += usize::from(log.find_command(order("").tenant, command).await.unwrap().is_none());
    }
    println!(
        "server killed {} times: {} acknowledged, {} stored, {lost} lost, {} doubled",
        rounds(),
        acknowledged.len(),
        events.len(),
        events.len() - ids.len()
    );
    assert_eq!(lost, 0);
    assert_eq!(acknowledged.len(), events.len(), "every outcome became known");
    assert_eq!(log.integrity().await.unwrap(), Vec::<String>::new());
}
