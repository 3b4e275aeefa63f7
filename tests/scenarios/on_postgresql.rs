//! The same house on PostgreSQL: the stories in which the engine matters, the command line beside a
//! running server, and the same books as on SQLite.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_postgres::Server;
use tests::{Daybook, Engine, House, Settings, goods, postgres, run, run_in};

use super::{
    a_dispute_is_lost_in_part::a_dispute_out_of_order,
    an_order_is_paid::{an_order_is_paid, balances_at_the_command_line, figures_are_explained},
    the_demo_month::balance_hash,
    the_log_is_copied::states,
    webhooks_misbehave::an_event_delivered_again,
};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_becomes_two_sellers_pending_money() {
    an_order_is_paid(House::open_on(postgres::engine().await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_explained_and_shown_at_the_command_line() {
    figures_are_explained(House::open_on(postgres::engine().await).await).await;
    balances_at_the_command_line(House::open_on(postgres::engine().await).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_may_come_in_any_order_and_twice() {
    a_dispute_out_of_order(House::open_on(postgres::engine().await).await).await;
    let settings = Settings { engine: postgres::engine().await, ..Settings::default() };
    an_event_delivered_again(Daybook::start(settings).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_write_run_beside_a_server() {
    let settings = Settings { engine: postgres::engine().await, ..Settings::default() };
    let server = Daybook::start(settings).await;
    let create = ["keys", "create", "--name", "till", "--role", "auditor"];
    let secret = server.run(&create).await.fine().out;
    let auditor = server.holder(secret.trim());
    // The server learns of the key from the log, like of everything.
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let keys = server.admin().rows("/v1/keys").await;
        if keys.iter().any(|key| key["name"] == "till") {
            break;
        }
        assert!(Instant::now() < deadline, "{keys:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    auditor.read("/v1/status").await;
    server.run(&["replay"]).await.fine();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_the_server_promises() {
    let database = postgres::database().await;
    let engine = Engine::Postgres(database.url().to_owned());
    let server = Daybook::start(Settings { engine, ..Settings::default() }).await;
    let said = server.run(&["doctor"]).await.fine();
    for line in ["ok    log: PostgreSQL", "log's fsync: on", "log integrity: sound", "read model "]
    {
        assert!(said.out.contains(line), "{}", said.out);
    }

    // Nobody has a copy of this server's commits.
    let said = server.run(&["doctor", "--high-availability"]).await;
    let wrong = "WRONG log promise: high availability was asked for";
    assert!(said.out.contains(wrong), "{}", said.out);
    assert!(said.out.contains("synchronous_standby_names is empty"), "{}", said.out);
    said.refusal(1);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--high-availability"];
    let line = server.run(&serve).await.refusal(3);
    assert!(line.contains("high availability"), "{line}");

    // Read models that were made from another log are not this log's.
    let other = Daybook::start(Settings::default()).await;
    let views = [("DAYBOOK_VIEWS", database.url())];
    let said = run_in(&views, &["doctor", "--data", &other.data_text()]).await;
    assert!(said.out.contains("made from another log"), "{}", said.out);
    said.refusal(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_without_the_password() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let nowhere = [("DAYBOOK_LOG", "postgres://ann:hunter2@127.0.0.1:1/books")];
    let line = run_in(&nowhere, &serve).await.refusal(3);
    assert!(line.contains("books") && !line.contains("hunter2"), "{line}");
    let database = postgres::database().await;
    let empty = [("DAYBOOK_LOG", database.url())];
    for command in ["replay", "balance", "doctor", "rebuild"] {
        let line = run_in(&empty, &[command, "--data", data.to_str().unwrap()]).await.refusal(3);
        assert!(line.contains("there is no log in the database"), "{command}: {line}");
    }
    assert!(!data.exists(), "nothing is made where nothing is needed");
    let backup = ["backup", "--to", "/nowhere/backup.db", "--data", data.to_str().unwrap()];
    let line = run_in(&empty, &backup).await.refusal(2);
    assert!(line.contains("pg_dump"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_month_ends_in_the_same_books_and_a_copy_in_the_same_state() {
    let (file, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let played = postgres::database().await;
    let on_sqlite = run(&demo(file.path())).await.fine();
    let on_postgres = run_in(&[("DAYBOOK_LOG", played.url())], &demo(folder.path())).await.fine();
    assert_eq!(balance_hash(&on_sqlite), balance_hash(&on_postgres));
    assert!(on_postgres.err.contains("no difference"), "{}", on_postgres.err);
    let replay = ["replay", "--data", folder.path().to_str().unwrap()];
    run_in(&[("DAYBOOK_LOG", played.url())], &replay).await.fine();

    // The log of the one moves into the other, and gives the same state.
    let target = postgres::database().await;
    let source = format!("sqlite:{}", file.path().join("log.db").display());
    let told = copied_twice(&source, target.url()).await;
    assert_eq!(told["same_positions"], true, "{told}");
    let original = replayed(&[], file.path()).await;
    let environment = [("DAYBOOK_LOG", target.url())];
    let empty = TempDir::new().unwrap();
    let data = empty.path().to_str().unwrap();
    let doctor = run_in(&environment, &["doctor", "--data", data]).await.fine();
    assert!(doctor.out.contains("read models: not there"), "{}", doctor.out);
    run_in(&environment, &["rebuild", "--data", data]).await.fine();
    assert_eq!(replayed(&environment, empty.path()).await, original);
    run_in(&environment, &["doctor", "--data", data]).await.fine();

    // And back again.
    let back = format!("sqlite:{}", empty.path().join("back.db").display());
    let returned = copied_twice(target.url(), &back).await;
    assert_eq!(returned, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_wrote_is_copied_too() {
    let database = postgres::database().await;
    let engine = Engine::Postgres(database.url().to_owned());
    let mut server = Daybook::start(Settings { engine, ..Settings::default() }).await;
    let tenant = server.tenant().to_owned();
    server.stop().await;
    // As a stock writer of cqrs_es would: without a position, an id or a command.
    Server::shared().psql_in(
        database.name(),
        &format!(
            "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type, \
             event_version, payload, metadata) VALUES ('song', '{tenant}/1', 1, 'song.sung', '1', \
             '{{\"loud\" : true}}', '{{}}'), ('song', '{tenant}/1', 2, 'song.ended', '1', '{{}}', \
             '{{}}')"
        ),
    );
    let folder = TempDir::new().unwrap();
    let to = format!("sqlite:{}", folder.path().join("log.db").display());
    let told = copied_twice(database.url(), &to).await;
    let events = told["events"].as_u64().unwrap();
    let copied = rusqlite::Connection::open(folder.path().join("log.db")).unwrap();
    let payload: String = copied
        .query_row("SELECT payload FROM events WHERE event_type = 'song.sung'", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!((payload.as_str(), events > 2), ("{\"loud\" : true}", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_of_a_sqlite_log_may_be_in_postgresql() {
    let database = postgres::database().await;
    let mut house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    let hashes = house.admin().read("/v1/hashes").await;
    house.daybook.stop().await;
    let data = house.daybook.data_text();
    let views = [("DAYBOOK_VIEWS", database.url())];
    run_in(&views, &["rebuild", "--data", &data]).await.fine();
    run_in(&views, &["replay", "--data", &data]).await.fine();
    let rows = Server::shared().psql_in(database.name(), "SELECT count(*) FROM daybook.orders");
    assert_eq!((rows.as_str(), hashes.is_object()), ("1", true));
}

/// What both logs hold after a copy, and after another that finds nothing to do.
pub(super) async fn copied_twice(from: &str, to: &str) -> Value {
    let copy = [("DAYBOOK_COPY_FROM", from), ("DAYBOOK_COPY_TO", to)];
    let told = run_in(&copy, &["copy", "--json"]).await.json();
    assert_eq!(told["copied"], told["both_hold"]["events"], "{told}");
    let again = run_in(&copy, &["copy", "--json"]).await.json();
    assert_eq!((&again["copied"], &again["both_hold"]), (&json!(0), &told["both_hold"]));
    told["both_hold"].clone()
}

/// A hundredth of the month, and all of it under `make soak`: every step waits for a real server.
pub(super) fn demo(data: &Path) -> Vec<&str> {
    let percent = if std::env::var_os("DAYBOOK_SOAK").is_some() { "100" } else { "1" };
    let data = data.to_str().unwrap();
    vec!["demo", "--data", data, "--listen", "127.0.0.1:0", "--percent", percent, "--no-serve"]
}

/// The state of every read model, as a replay has it.
pub(super) async fn replayed(
    environment: &[(&str, &str)],
    data: &Path,
) -> Vec<(String, u64, String)> {
    let replay = ["replay", "--json", "--data", data.to_str().unwrap()];
    let told: Value = run_in(environment, &replay).await.json();
    states(&told)
}
