//! Leaders that change and nodes that die.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kurrent_fake::{FakeOptions, FakeServer};
use store::{AppendError, Durability, Expected, Log};
use tokio::task::JoinSet;

use super::{PATIENCE, commit, events, open};
use crate::KurrentLog;

async fn three_nodes() -> FakeServer {
    FakeServer::start(FakeOptions { nodes: 3, ..FakeOptions::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_named_is_followed() {
    let server = three_nodes().await;
    // Only one node is known, so nobody can be asked for gossip.
    let [first, ..] = server.addresses()[..] else { panic!("there are three") };
    let log = open(&format!("kurrentdb://{first}?tls=false")).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    server.elect(2);
    log.append(commit("1", Expected::At(1), "b")).await.unwrap();
    server.elect(0);
    assert_eq!(events(&log).await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_leader_is_left_for_the_next() {
    let server = three_nodes().await;
    let log = open(&server.url()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    server.kill(0).await;
    server.elect(1);
    log.append(commit("1", Expected::At(1), "b")).await.unwrap();
    server.kill(1).await;
    server.elect(2);
    assert_eq!(events(&log).await, ["a", "b"]);
}

/// Appends until it is certain, as the engine does.
async fn append_for_certain(log: &KurrentLog, given: store::Commit) {
    let since = Instant::now();
    loop {
        assert!(since.elapsed() < PATIENCE, "the cluster was never found again");
        match log.append(given.clone()).await {
            Ok(_) => return,
            Err(AppendError::Unknown(_) | AppendError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fail_overs_under_load_lose_nothing_and_double_nothing() {
    const WRITERS: usize = 4;
    const COMMITS: u64 = 40;
    let server = three_nodes().await;
    let log = open(&server.url()).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            for number in 0..COMMITS {
                let expected = if number == 0 { Expected::Absent } else { Expected::At(number) };
                let given = commit(&writer.to_string(), expected, &format!("{writer}.{number}"));
                append_for_certain(&log, given).await;
            }
        });
    }
    // Each round waits until the writers have come further, so none is over before they feel it.
    for round in 0..6 {
        let (old, new) = (round % 3, (round + 1) % 3);
        let before = server.appends();
        while server.appends() < before + 10 && !writers.is_empty() {
            if writers.try_join_next().is_none() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if round % 2 == 0 {
            server.kill(old).await;
            server.elect(new);
        } else {
            server.elect(new);
            server.cut(old);
            server.revive(round % 3).await.ok();
        }
        for node in 0..3 {
            if node != old {
                server.revive(node).await.ok();
            }
        }
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let mut stored = events(&log).await;
    assert_eq!(stored.len() as u64, WRITERS as u64 * COMMITS);
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len() as u64, WRITERS as u64 * COMMITS, "none is there twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_cluster_is_called_replicated() {
    let server = three_nodes().await;
    let log = open(&server.url()).await.unwrap();
    let stated = log.guarantees().await.unwrap();
    assert_eq!(stated.durability, Durability::Replicated, "{stated:?}");
    assert!(stated.engine.contains("23.10"), "{stated:?}");
    server.kill(2).await;
    let stated = log.guarantees().await.unwrap();
    assert_eq!(stated.durability, Durability::Disk, "two of three are no majority to spare");
}
