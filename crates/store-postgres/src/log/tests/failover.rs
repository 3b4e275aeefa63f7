//! A primary with a synchronous standby: the primary killed under load, the standby promoted, and the
//! same log goes on at the new primary.

use std::{collections::HashSet, sync::Arc};

use store::{Durability, Expected, Log};
use test_postgres::Server;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
};

use super::{PostgresLog, PostgresLogOptions, all, commit, order};

const CLIENTS: usize = 8;
const COMMITS_BETWEEN: usize = 100;

/// How often the primary is lost: once in every run, and 10 times when soaking.
fn rounds() -> usize {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { 10 } else { 1 }
}

/// A pair, and the URL that names both.
struct Pair {
    primary: Server,
    standby: Server,
}

impl Pair {
    fn start() -> Self {
        let primary = Server::start();
        Self::of(primary)
    }

    /// A new standby for this primary.
    fn of(primary: Server) -> Self {
        let standby = primary.standby();
        primary.require_synchronous(&standby);
        Self { primary, standby }
    }
}

/// A log that follows whichever of these servers is the primary.
async fn open(servers: &[&Server]) -> PostgresLog {
    let first = servers[0].url_of("postgres");
    let (start, rest) = first.split_once('@').unwrap();
    let (_, path) = rest.split_once('/').unwrap();
    let hosts: Vec<String> = servers
        .iter()
        .map(|server| {
            let url = server.url_of("postgres");
            let (_, rest) = url.split_once('@').unwrap();
            rest.split_once('/').unwrap().0.to_owned()
        })
        .collect();
    let url = format!("{start}@{}/{path}", hosts.join(","));
    let options = PostgresLogOptions { high_availability: true, ..Default::default() };
    PostgresLog::open(&url, options).await.unwrap()
}

/// Appends until told to stop, and notes every acknowledgement.
async fn append(
    log: Arc<PostgresLog>,
    stream: String,
    told: Arc<Mutex<Vec<String>>>,
    stop: watch::Receiver<bool>,
) {
    for version in 0_u64.. {
        if *stop.borrow() {
            return;
        }
        let expected = if version == 0 { Expected::Absent } else { Expected::At(version) };
        let command = format!("{stream}-{version}");
        loop {
            match log.append(commit(&order(&stream), expected, &command)).await {
                Ok(_) => break,
                Err(store::AppendError::Unknown(_) | store::AppendError::Unavailable(_)) => {
                    tokio::task::yield_now().await;
                }
                // Decided before the fail-over: to be decided again, and it comes to the same.
                Err(store::AppendError::Conflict { actual }) if actual == version => {}
                Err(error) => panic!("{command}: {error}"),
            }
        }
        told.lock().await.push(command);
    }
}

async fn acknowledged(told: &Mutex<Vec<String>>, count: usize) {
    while told.lock().await.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_primary_costs_no_acknowledged_commit() {
    let mut pair = tokio::task::spawn_blocking(Pair::start).await.unwrap();
    let (mut lost, mut doubled, mut total) = (0, 0, 0);
    for round in 0..rounds() {
        let log = Arc::new(open(&[&pair.primary, &pair.standby]).await);
        let stated = log.guarantees().await.unwrap();
        assert_eq!(stated.durability, Durability::Replicated, "{stated:?}");
        assert_eq!(log.timeline(), 0);
        let told = Arc::new(Mutex::new(Vec::new()));
        let (stopper, stop) = watch::channel(false);
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let stream = format!("round {round} client {client}");
            clients.spawn(append(Arc::clone(&log), stream, Arc::clone(&told), stop.clone()));
        }
        acknowledged(&told, COMMITS_BETWEEN).await;
        pair = tokio::task::spawn_blocking(move || {
            pair.primary.kill();
            pair.standby.promote();
            // The new primary has no standby yet, and may not acknowledge for its own sake alone.
            let Pair { primary: former, standby: primary } = pair;
            drop(former);
            Pair::of(primary)
        })
        .await
        .unwrap();
        let before = told.lock().await.len();
        acknowledged(&told, before + COMMITS_BETWEEN).await;
        stopper.send_replace(true);
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
        assert!(log.timeline() > 0, "the log says that it goes on elsewhere");
        let told = told.lock().await;
        for command in told.iter() {
            let found = log.find_command(order("").tenant, command).await.unwrap();
            lost += usize::from(found.is_none());
        }
        total += told.len();
        let events = all(&log).await;
        let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
        doubled += events.len() - ids.len();
        assert_eq!(events.len(), total, "every outcome became known");
        log.ensure_durable(events.last().unwrap().position).await.unwrap();
        assert_eq!(log.integrity().await.unwrap(), Vec::<String>::new());
        log.close().await;
    }
    println!(
        "primary lost {} times: {total} acknowledged, {lost} lost, {doubled} doubled",
        rounds()
    );
    assert_eq!((lost, doubled), (0, 0));
}
