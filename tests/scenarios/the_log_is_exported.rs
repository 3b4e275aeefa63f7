//! The whole history as a file that anybody can check without us.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tests::{House, goods, run};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_verified_offline() {
    let (house, file) = exported().await;
    let manifest = manifest(&file);
    let count = lines(&file).len();
    assert_eq!(manifest["count"], count);
    assert_eq!((&manifest["first"], &manifest["last"]), (&1.into(), &count.into()));
    let told = verify(&file).await.fine();
    assert!(told.out.starts_with(&format!("sound: {count} events")), "{}", told.out);
    // The same events again are the same bytes; and the API hands out the same.
    let again = house.daybook.scratch("again.ndjson");
    export(&house, &again, &[]).await;
    assert_eq!(fs::read(&file).unwrap(), fs::read(&again).unwrap());
    let served = house.admin().get("/v1/export").await;
    assert_eq!(served.text, fs::read_to_string(&file).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_tampers_with_an_export_is_found_out() {
    let (_house, file) = exported().await;
    let good = lines(&file);

    let mut altered = good.clone();
    altered[9] = raise_an_amount(&altered[9]);
    assert_found(&file, &altered, "line 10 (position 10) was altered").await;

    let mut dropped = good.clone();
    dropped.remove(9);
    assert_found(&file, &dropped, "a line is missing before line 10 (position 11)").await;

    let mut swapped = good.clone();
    swapped.swap(9, 10);
    assert_found(&file, &swapped, "line 11 (position 10) is out of order").await;

    let mut shortened = good.clone();
    shortened.pop();
    assert_found(&file, &shortened, "the file ends after").await;

    let mut doubled = good.clone();
    doubled.insert(9, good[9].clone());
    assert_found(&file, &doubled, "line 11 (position 10) is out of order").await;

    let mut scrawled = good.clone();
    scrawled[9].truncate(20);
    assert_found(&file, &scrawled, "line 10 cannot be read").await;

    fs::write(&file, good.join("\n") + "\n").unwrap();
    verify(&file).await.fine();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_can_end_where_an_auditor_says() {
    let (house, _) = exported().await;
    let part = house.daybook.scratch("part.ndjson");
    export(&house, &part, &["--through", "12"]).await;
    assert_eq!(lines(&part).len(), 12);
    let told = verify(&part).await.fine();
    assert!(told.out.starts_with("sound: 12 events, positions 1 to 12"), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_exported_as_csv_with_the_figures_of_the_api() {
    let (house, _) = exported().await;
    let file = house.daybook.scratch("balances.csv");
    export(&house, &file, &["--csv", "account_balances"]).await;
    let rows = lines(&file);
    assert_eq!(rows[0], "tenant,book,account,currency,debits,credits,balance");
    let expected = house.admin().rows("/v1/accounts").await;
    assert_eq!(rows.len() - 1, expected.len());
    for row in expected {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let number = |name: &str| row[name].as_i64().unwrap();
        let line = format!(
            "{},{},{},{},{},{},{}",
            house.daybook.tenant(),
            text("book"),
            text("account"),
            text("currency"),
            number("debits"),
            number("credits"),
            number("balance"),
        );
        assert!(rows.contains(&line), "{line} is not in {rows:?}");
    }
    let unknown = ["export", file.to_str().unwrap(), "--csv", "secrets", "--data"];
    let unknown = run(&[&unknown[..], &[&house.daybook.data_text()]].concat()).await;
    assert!(unknown.refusal(2).contains("there is no table secrets"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_comes_to_what_is_stored_also_while_the_server_runs() {
    let (house, _) = exported().await;
    let data = house.daybook.data_text();
    let told = run(&["replay", "--data", &data]).await.fine();
    assert!(told.err.contains("every read model equals its live state"), "{}", told.err);
    let compared = run(&["replay", "--json", "--data", &data]).await.json();
    assert_eq!(compared["violations"], serde_json::json!([]));
    let compared = compared["read_models"].as_array().unwrap();
    assert!(compared.len() > 15, "{compared:?}");
    assert!(compared.iter().all(|one| one["equal"] == true), "{compared:?}");
}

/// A house in which a little has happened, and its export.
async fn exported() -> (House, PathBuf) {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    let file = house.daybook.scratch("log.ndjson");
    export(&house, &file, &[]).await;
    (house, file)
}

async fn export(house: &House, file: &std::path::Path, more: &[&str]) {
    let data = house.daybook.data_text();
    let arguments = [&["export", file.to_str().unwrap(), "--data", &data], more].concat();
    run(&arguments).await.fine();
}

async fn verify(file: &std::path::Path) -> tests::Said {
    run(&["verify", file.to_str().unwrap()]).await
}

async fn assert_found(file: &std::path::Path, lines: &[String], what: &str) {
    fs::write(file, lines.join("\n") + "\n").unwrap();
    let told = verify(file).await.refusal(1);
    assert!(told.contains(what), "{told}");
}

fn lines(file: &std::path::Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn manifest(file: &std::path::Path) -> Value {
    let beside = format!("{}.manifest.json", file.display());
    serde_json::from_str(&fs::read_to_string(beside).unwrap()).unwrap()
}

/// One digit of what was stored.
fn raise_an_amount(line: &str) -> String {
    let mut event: Value = serde_json::from_str(line).unwrap();
    let payload = event["payload"].as_str().unwrap();
    let place = payload.rfind(|letter: char| letter.is_ascii_digit()).unwrap();
    let digit = if &payload[place..=place] == "7" { "8" } else { "7" };
    let changed = format!("{}{digit}{}", &payload[..place], &payload[place + 1..]);
    event["payload"] = changed.into();
    event.to_string()
}
