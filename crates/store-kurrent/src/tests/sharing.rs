//! One server for several: strangers, other logs, other processes, and a server with a past.

use std::{sync::Arc, time::Instant};

use eventstore::{AppendToStreamOptions, Client, EventData};
use kernel::KeyRef;
use kurrent_fake::{FakeOptions, FakeServer};
use store::{
    AppendError, Expected, Idempotency, Inventory, Log, LogError, Position, SealingKey, fingerprint,
};

use super::{PATIENCE, commit, events, open, order, server, tenant};
use crate::{KurrentLog, LogOptions};

async fn stranger(server: &FakeServer, stream: &str) {
    let settings = format!("{}&maxDiscoverAttempts=3", server.url()).parse().unwrap();
    let client = Client::new(settings).unwrap();
    let event = EventData::json("hello", &"world").unwrap();
    client.append_to_stream(stream, &AppendToStreamOptions::default(), event).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_events_are_skipped_and_cost_no_page() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    let mut wanted = Vec::new();
    for number in 0..6 {
        stranger(&server, &format!("order-{number}")).await;
        stranger(&server, "Somebody").await;
        let command = format!("c{number}");
        log.append(commit(&number.to_string(), Expected::Absent, &command)).await.unwrap();
        wanted.push(command);
    }
    stranger(&server, "at-the-end").await;
    assert_eq!(events(&log).await, wanted);
    let head = log.head().await.unwrap();
    assert_eq!(log.read_all(head.position, 10).await.unwrap().events, []);
    let page = log.read_all(Position::START, 4).await.unwrap();
    assert_eq!(page.events.len(), 4, "a page is as full as if nobody else were there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_in_one_of_our_streams_is_said_out_loud() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    stranger(&server, &order("1").to_string()).await;
    let read = log.read_all(Position::START, 10).await;
    assert!(matches!(read, Err(LogError::Corrupt(_))), "{read:?}");
    let problems = log.integrity().await;
    assert!(matches!(problems, Err(LogError::Corrupt(_))), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_with_other_prefixes_share_a_server_and_nothing_else() {
    let server = server().await;
    let one = open(&server.url()).await.unwrap();
    let two = open(&format!("{}&prefix=two", server.url())).await.unwrap();
    let options = LogOptions { prefix: Some("three".to_owned()), ..LogOptions::default() };
    let three = Arc::new(KurrentLog::open(&server.url(), options).await.unwrap());
    for (log, name) in [(&one, "one"), (&two, "two"), (&three, "three")] {
        log.append(commit("1", Expected::Absent, name)).await.unwrap();
        log.save_bookmark("worker", Position(7)).await.unwrap();
    }
    assert_eq!(events(&one).await, ["one"]);
    assert_eq!(events(&two).await, ["two"]);
    assert_eq!(events(&three).await, ["three"]);
    assert_ne!(one.log_id(), two.log_id());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_one_log() {
    let server = server().await;
    let (one, two) = (open(&server.url()).await.unwrap(), open(&server.url()).await.unwrap());
    assert_eq!(one.log_id(), two.log_id());
    let keyed = |id: &str, command: &str, body: &[u8]| {
        let mut given = commit(id, Expected::Absent, command);
        given.idempotency =
            Some(Idempotency { key: "key".to_owned(), fingerprint: fingerprint(&[body]) });
        given
    };
    let first = one.append(keyed("1", "a", b"buy")).await.unwrap();
    assert!(!first.replayed);
    let again = two.append(keyed("1", "a", b"buy")).await.unwrap();
    assert!(again.replayed, "the other process knows the command");
    assert_eq!(again.receipt, first.receipt);
    let other = two.append(keyed("2", "b", b"buy")).await;
    assert_eq!(other, Err(AppendError::AlreadyStored(first.receipt)));
    let other = two.append(keyed("2", "b", b"sell")).await;
    assert_eq!(other, Err(AppendError::IdempotencyKeyReused));
    let mut signal = two.watch();
    signal.borrow_and_update();
    let appended = one.append(commit("1", Expected::At(1), "c")).await.unwrap();
    tokio::time::timeout(PATIENCE, signal.changed()).await.unwrap().unwrap();
    assert_eq!(*signal.borrow(), appended.receipt.last, "what others write wakes up too");
    let late = two.append(commit("1", Expected::At(1), "d")).await;
    assert_eq!(late, Err(AppendError::Conflict { actual: 2 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_command_from_two_processes_at_once_is_stored_once() {
    let server = server().await;
    let (one, two) = (open(&server.url()).await.unwrap(), open(&server.url()).await.unwrap());
    for number in 0..20 {
        let given = commit(&number.to_string(), Expected::Absent, &format!("c{number}"));
        let (left, right) = tokio::join!(one.append(given.clone()), two.append(given));
        let (left, right) = (left.unwrap(), right.unwrap());
        assert_eq!(left.receipt, right.receipt);
        assert_ne!(left.replayed, right.replayed, "one of them has stored it");
    }
    assert_eq!(events(&one).await.len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_goes_on_after_its_server_was_restarted_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        FakeOptions { file: Some(folder.path().join("history")), ..FakeOptions::default() };
    let server = FakeServer::start(options.clone()).await.unwrap();
    let log = open(&server.url()).await.unwrap();
    log.append(commit("1", Expected::Absent, "a")).await.unwrap();
    let listen = server.addresses();
    server.kill(0).await;
    drop(server);
    let _server = FakeServer::start(FakeOptions { listen, ..options }).await.unwrap();
    log.append(commit("1", Expected::At(1), "b")).await.unwrap();
    assert_eq!(events(&log).await, ["a", "b"]);
    assert_eq!(log.timeline(), 0, "it is the same history");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_gone_back_begins_a_new_timeline() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    for (number, command) in (0..).zip(["a", "b", "c"]) {
        let expected = if number == 0 { Expected::Absent } else { Expected::At(number) };
        log.append(commit("1", expected, command)).await.unwrap();
    }
    // Nobody cuts the connection: what is read has to tell.
    server.forget_last(2);
    let since = Instant::now();
    while log.timeline() == 0 {
        assert!(since.elapsed() < PATIENCE, "it was never noticed");
        log.head().await.ok();
    }
    let stored = events(&log).await;
    assert!(stored.len() < 3, "{stored:?}");
    let expected = Expected::At(stored.len() as u64);
    log.append(commit("1", expected, "d")).await.unwrap();
    assert_eq!(events(&log).await.last().map(String::as_str), Some("d"));
}

fn with_key(command: &str, secret: u8) -> store::Commit {
    let key =
        SealingKey { key: KeyRef("raw/1".to_owned()), tenant: tenant(), secret: [secret; 32] };
    store::Commit { sealing_keys: vec![key], ..commit("1", Expected::Absent, command) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destroyed_sealing_key_is_gone() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    log.append(with_key("a", 7)).await.unwrap();
    let key = KeyRef("raw/1".to_owned());
    assert_eq!(log.sealing_key(tenant(), &key).await, Ok(Some([7; 32])));
    assert_eq!(log.sealing_keys(None, 10).await.unwrap().len(), 1);
    log.destroy_sealing_key(tenant(), &key).await.unwrap();
    log.destroy_sealing_key(tenant(), &key).await.unwrap();
    assert_eq!(log.sealing_key(tenant(), &key).await, Ok(None));
    assert_eq!(log.sealing_keys(None, 10).await, Ok(Vec::new()), "nor is it listed");
    assert_eq!(log.tally().await.unwrap().sealing_keys, 0);
    assert_eq!(events(&log).await, ["a"], "what it sealed is still there, and unreadable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_whose_commit_never_came_does_not_stand_in_the_way() {
    let server = server().await;
    let log = open(&server.url()).await.unwrap();
    let key = KeyRef("raw/1".to_owned());
    // A process that died between the key and the commit has left this behind.
    log.keys().place(&with_key("a", 1)).await.unwrap();
    log.append(with_key("a", 2)).await.unwrap();
    assert_eq!(log.sealing_key(tenant(), &key).await, Ok(Some([2; 32])));
    let other = log.append(store::Commit { stream: order("2"), ..with_key("b", 3) }).await;
    assert!(matches!(other, Err(AppendError::Invalid(_))), "{other:?}");
}
