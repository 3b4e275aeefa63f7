//! A log moves into another file: the copy is the same log, goes on where it was cut off, and never
//! overwrites what is something else.

use std::{path::Path, process::Stdio, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tempfile::TempDir;
use tests::{Daybook, House, Said, Settings, daybook_command, goods, run, run_in};
use tokio::time::{Instant, sleep_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_serves_the_same_books_and_opens_what_is_sealed() {
    let mut house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    let hashes = house.admin().read("/v1/hashes").await;
    let name = house.admin().read(&format!("/v1/sellers/{}", seller.id)).await["name"].clone();
    assert_eq!(name, "walnut & Daughters");

    // Beside the running server, which is only read from.
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("log.db");
    let told = copied(&house.daybook.data().join("log.db"), &copy).await.json();
    assert_eq!(told["both_hold"]["same_positions"], true);
    assert!(told["both_hold"]["sealing_keys"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["copied"], told["both_hold"]["events"]);

    house.daybook.stop().await;
    let log = format!("sqlite:{}", copy.display());
    let data = folder.path().to_str().unwrap();
    run(&["rebuild", "--data", data, "--log", &log]).await.fine();
    let replayed = run(&["replay", "--data", data, "--log", &log]).await.fine();
    assert!(replayed.err.contains("every read model equals its live state"));
    std::fs::remove_file(house.daybook.data().join("log.db")).unwrap();
    house.daybook.delete_views();
    std::fs::copy(&copy, house.daybook.data().join("log.db")).unwrap();
    house.daybook.restart().await;
    house.settle().await;
    assert_eq!(house.admin().read("/v1/hashes").await, hashes);
    let read = house.admin().read(&format!("/v1/sellers/{}", seller.id)).await;
    assert_eq!(read["name"], name, "the keys came along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_killed_goes_on_where_it_stood() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let source = data.join("log.db");
    let demo = ["demo", "--listen", "127.0.0.1:0", "--percent", "1", "--no-serve", "--data"];
    run(&[&demo[..], &[data.to_str().unwrap()]].concat()).await.fine();
    let target = folder.path().join("undisturbed.db");
    let started = Instant::now();
    let undisturbed = copied(&source, &target).await.json();
    let took = started.elapsed();

    let target = folder.path().join("disturbed.db");
    for _ in 0..6 {
        let wait = took.mul_f64(random.random_range(0.1..0.9));
        kill_after(&source, &target, wait).await;
    }
    let told = copied(&source, &target).await.json();
    assert_eq!(told["both_hold"], undisturbed["both_hold"], "seed {seed}");
    let again = copied(&source, &target).await.json();
    assert_eq!(again["copied"], 0);
    let data = folder.path().join("nothing there");
    let log = format!("sqlite:{}", target.display());
    let doctor = run(&["doctor", "--data", data.to_str().unwrap(), "--log", &log]).await.fine();
    assert!(doctor.out.contains("log integrity: sound"), "{}", doctor.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_something_else_is_refused_and_not_touched() {
    let mut one = Daybook::start(Settings::default()).await;
    let mut other = Daybook::start(Settings::default()).await;
    one.stop().await;
    other.stop().await;
    let source = one.data().join("log.db");
    let line = copied(&source, &other.data().join("log.db")).await.refusal(3);
    assert!(line.contains("is the log log_") && line.contains(", not log_"), "{line}");

    let target = one.scratch("changed.db");
    copied(&source, &target).await.fine();
    let changed = rusqlite::Connection::open(&target).unwrap();
    changed
        .execute_batch(
            "DROP TRIGGER log_events_are_never_changed; \
             UPDATE log_events SET recorded_at = recorded_at + 1 WHERE position = 2",
        )
        .unwrap();
    drop(changed);
    let line = copied(&source, &target).await.refusal(2);
    let first = "the first difference is at position 2, another time of recording";
    assert!(line.contains(first), "{line}");

    let same = format!("sqlite:{}", source.display());
    let line = run(&["copy", "--from", &same, "--to", &same]).await.refusal(2);
    assert!(line.contains("are the same log"), "{line}");
    let line = run(&["copy", "--to", &same]).await.refusal(2);
    assert!(line.contains("--from URL (or DAYBOOK_COPY_FROM) is missing"), "{line}");
}

async fn copied(from: &Path, to: &Path) -> Said {
    run_in(&variables(from, to), &["copy", "--json"]).await
}

fn variables(from: &Path, to: &Path) -> Vec<(&'static str, &'static str)> {
    // A test's paths live as long as the test.
    let text = |path: &Path| &*format!("sqlite:{}", path.display()).leak();
    vec![("DAYBOOK_COPY_FROM", text(from)), ("DAYBOOK_COPY_TO", text(to))]
}

async fn kill_after(from: &Path, to: &Path, wait: Duration) {
    let mut child = daybook_command(&["copy"])
        .envs(variables(from, to))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    tokio::select! {
        () = sleep_until(Instant::now() + wait) => child.kill().await.unwrap(),
        ended = child.wait() => assert!(ended.unwrap().success()),
    }
}

/// What a `replay --json` says of each read model: its name, position and hash.
pub(super) fn states(replayed: &Value) -> Vec<(String, u64, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let read_models = replayed["read_models"].as_array().unwrap().iter();
    read_models
        .map(|one| {
            (text(one, "projection"), one["position"].as_u64().unwrap(), text(one, "replayed"))
        })
        .collect()
}
