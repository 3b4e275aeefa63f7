//! The demo month, however it is delivered, interrupted or configured, ends in the same books.
//!
//! A tenth of the month here; the whole of it, and fifty kills, under `make soak`. The demo itself
//! fails if the books differ from Stripe's balances, from the calculation made from the scenario, or
//! if something is open that is not listed as open.

use std::{path::Path, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tempfile::TempDir;
use tests::{Said, daybook_command, run};
use tokio::time::{Instant, sleep_until};

#[tokio::test(flavor = "multi_thread")]
async fn in_order_shuffled_and_twice_end_in_the_same_books() {
    let mut hashes = Vec::new();
    for delivery in ["in-order", "shuffled", "twice"] {
        let folder = TempDir::new().unwrap();
        let said = play(folder.path(), &["--delivery", delivery]).await.fine();
        assert!(said.err.contains("no difference"), "{}", said.err);
        assert!(!said.err.contains("refused"), "{}", said.err);
        replays(folder.path()).await;
        hashes.push(balance_hash(&said));
    }
    assert_eq!(hashes[0], hashes[1], "shuffled webhooks change the books");
    assert_eq!(hashes[0], hashes[2], "repeated webhooks change the books");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_and_with_statements_imported_the_books_are_the_same() {
    let (with, without) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let with_key = play(with.path(), &[]).await.fine();
    let without_key = play(without.path(), &["--without-key"]).await.fine();
    assert!(without_key.err.contains("no difference"), "{}", without_key.err);
    assert_eq!(balance_hash(&with_key), balance_hash(&without_key));
    replays(without.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_ends_in_the_same_books() {
    let undisturbed = TempDir::new().unwrap();
    let started = Instant::now();
    let expected = balance_hash(&play(undisturbed.path(), &[]).await.fine());
    let took = started.elapsed();

    let kills = if soak() { 50 } else { 4 };
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = TempDir::new().unwrap();
    for _ in 0..kills {
        // Somewhere in what is left of the month, start-up included.
        let wait = took.mul_f64(random.random_range(0.02..0.6));
        kill_after(folder.path(), wait).await;
    }
    let said = play(folder.path(), &[]).await.fine();
    assert_eq!(balance_hash(&said), expected, "seed {seed}");
    replays(folder.path()).await;

    // A second run finds everything there and changes nothing; nor does losing the read models.
    let again = play(folder.path(), &[]).await.fine();
    assert!(again.err.contains("nothing is loaded"), "{}", again.err);
    for name in ["views.db", "views.db-wal", "views.db-shm"] {
        // The last two are there only if the server was killed.
        let _gone = std::fs::remove_file(folder.path().join(name));
    }
    let rebuilt = play(folder.path(), &[]).await.fine();
    assert_eq!(balance_hash(&rebuilt), expected);
    replays(folder.path()).await;
}

fn soak() -> bool {
    std::env::var_os("DAYBOOK_SOAK").is_some()
}

fn arguments<'a>(data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let percent = if soak() { "100" } else { "10" };
    let mut all =
        vec!["demo", "--data", data, "--listen", "127.0.0.1:0", "--percent", percent, "--no-serve"];
    all.extend_from_slice(more);
    all
}

async fn play(folder: &Path, more: &[&str]) -> Said {
    run(&arguments(folder.to_str().unwrap(), more)).await
}

async fn kill_after(folder: &Path, wait: Duration) {
    let mut child = daybook_command(&arguments(folder.to_str().unwrap(), &[]))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    tokio::select! {
        () = sleep_until(Instant::now() + wait) => child.kill().await.unwrap(),
        ended = child.wait() => assert!(ended.unwrap().success()),
    }
}

async fn replays(folder: &Path) {
    let said = run(&["replay", "--data", folder.to_str().unwrap()]).await.fine();
    assert!(said.err.contains("the invariants held after every event"), "{}", said.err);
}

pub(super) fn balance_hash(said: &Said) -> String {
    let line = said.out.lines().find_map(|line| line.strip_prefix("balance hash "));
    line.expect("the demo prints its balance hash").to_owned()
}
