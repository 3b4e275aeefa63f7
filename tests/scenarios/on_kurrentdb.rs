//! The same house on KurrentDB: the stories in which the engine matters, the command line beside a
//! running server, and the same books and the same state as on SQLite.

use std::path::Path;

use tempfile::TempDir;
use tests::{Daybook, House, Settings, kurrent::Kurrent, run, run_in};

use super::{
    an_order_is_paid::{an_order_is_paid, balances_at_the_command_line},
    it_is_killed::{rounds, the_power_fails},
    on_postgresql::{self, copied_twice, demo},
    the_demo_month::balance_hash,
    webhooks_misbehave::an_event_delivered_again,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_becomes_two_sellers_pending_money() {
    let server = Kurrent::start().await;
    an_order_is_paid(House::open_on(server.engine()).await).await;
    balances_at_the_command_line(House::open_on(server.engine()).await).await;
    let settings = Settings { engine: server.engine(), ..Settings::default() };
    an_event_delivered_again(Daybook::start(settings).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_it_loses_and_doubles_nothing() {
    let server = Kurrent::start().await;
    the_power_fails(House::open_on(server.engine()).await, rounds(2, 25)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_only_read_run_beside_a_server() {
    let kurrent = Kurrent::start().await;
    let settings = Settings { engine: kurrent.engine(), ..Settings::default() };
    let server = Daybook::start(settings).await;
    let said = server.run(&["doctor"]).await.fine();
    for line in ["ok    log: KurrentDB", "log's replicas: 1", "log integrity: sound", "read model "]
    {
        assert!(said.out.contains(line), "{}", said.out);
    }
    server.run(&["replay"]).await.fine();
    let file = server.scratch("events.ndjson");
    let file = file.to_str().unwrap();
    server.run(&["export", file]).await.fine();
    let said = run(&["verify", file]).await.fine();
    assert!(said.out.starts_with("sound: "), "{}", said.out);

    // One node is not three.
    let serve = ["serve", "--listen", "127.0.0.1:0", "--high-availability"];
    let line = server.run(&serve).await.refusal(3);
    assert!(line.contains("high availability"), "{line}");
    let backup = ["backup", "--to", "/nowhere/backup.db"];
    let line = server.run(&backup).await.refusal(2);
    assert!(line.contains("its engine's own tools"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_without_the_password() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let nowhere = [("DAYBOOK_LOG", "kurrentdb://ann:hunter2@127.0.0.1:1?tls=false")];
    let line = run_in(&nowhere, &serve).await.refusal(3);
    assert!(line.contains("127.0.0.1:1") && !line.contains("hunter2"), "{line}");
    let wrong = [("DAYBOOK_LOG", "esdb://127.0.0.1?tls=perhaps")];
    run_in(&wrong, &serve).await.refusal(2);
    let server = Kurrent::start().await;
    let log = server.log();
    let empty = [("DAYBOOK_LOG", log.as_str())];
    for command in ["replay", "balance", "doctor", "rebuild"] {
        let line = run_in(&empty, &[command, "--data", data.to_str().unwrap()]).await.refusal(3);
        assert!(line.contains("there is no log at"), "{command}: {line}");
    }
    assert!(!data.exists(), "nothing is made where nothing is needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_month_ends_in_the_same_books_and_a_copy_in_the_same_state() {
    let (file, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = Kurrent::start().await;
    let played = server.log().replacen("esdb://", "kurrentdb://", 1);
    let environment = [("DAYBOOK_LOG", played.as_str())];
    let on_sqlite = run(&demo(file.path())).await.fine();
    let on_kurrent = run_in(&environment, &demo(folder.path())).await.fine();
    println!("balance hash: {} on SQLite", balance_hash(&on_sqlite));
    println!("              {} on KurrentDB", balance_hash(&on_kurrent));
    assert_eq!(balance_hash(&on_sqlite), balance_hash(&on_kurrent));
    assert!(on_kurrent.err.contains("no difference"), "{}", on_kurrent.err);
    replayed(&environment, folder.path()).await;

    // The log of the one moves into the other, and gives the same state.
    let target = server.log();
    let source = format!("sqlite:{}", file.path().join("log.db").display());
    let told = copied_twice(&source, &target).await;
    println!("both hold {told}");
    let original = replayed(&[], file.path()).await;
    let environment = [("DAYBOOK_LOG", target.as_str())];
    let empty = TempDir::new().unwrap();
    let data = empty.path().to_str().unwrap();
    let doctor = run_in(&environment, &["doctor", "--data", data]).await.fine();
    assert!(doctor.out.contains("read models: not there"), "{}", doctor.out);
    run_in(&environment, &["rebuild", "--data", data]).await.fine();
    let copy = replayed(&environment, empty.path()).await;
    for ((name, hash), (_, other)) in original.iter().zip(&copy) {
        println!("{name}: {hash} on SQLite, {other} rebuilt from KurrentDB");
    }
    assert_eq!(copy, original);
    run_in(&environment, &["doctor", "--data", data]).await.fine();

    // And back again.
    let back = format!("sqlite:{}", empty.path().join("back.db").display());
    let returned = copied_twice(&target, &back).await;
    assert_eq!(returned, told);
}

/// The state of every read model, as a replay has it. Positions are the engine's own.
async fn replayed(environment: &[(&str, &str)], data: &Path) -> Vec<(String, String)> {
    let states = on_postgresql::replayed(environment, data).await;
    states.into_iter().map(|(name, _, hash)| (name, hash)).collect()
}
