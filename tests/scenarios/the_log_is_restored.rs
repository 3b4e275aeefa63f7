//! The drill: a backup is made while the server takes writes, restored somewhere else, and gives the
//! same state as the original had at that position.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;
use tempfile::TempDir;
use tests::{House, goods, run};
use tokio::sync::watch;

use super::the_log_is_copied::states;

#[tokio::test(flavor = "multi_thread")]
async fn from_a_backup_that_was_made_while_it_was_written() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;

    let (stop, stopped) = watch::channel(false);
    let (admin, order) = (house.admin(), goods::order(&seller.id, &[5_000]));
    let writer = tokio::spawn(async move {
        let mut placed = 0;
        while !*stopped.borrow() {
            admin.post("/v1/orders", order.clone()).await.json();
            placed += 1;
        }
        placed
    });
    let file = house.daybook.scratch("backup.db");
    let backup = ["backup", "--to", file.to_str().unwrap(), "--json"];
    let manifest = house.daybook.run(&backup).await.json();
    stop.send_replace(true);
    assert!(writer.await.unwrap() > 0, "it was written to meanwhile");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // It is the log as it was at that position, to the last byte.
    let position = manifest["last"].to_string();
    let export = house.daybook.scratch("export.ndjson");
    let export = ["export", export.to_str().unwrap(), "--through", &position, "--json"];
    assert_eq!(house.daybook.run(&export).await.json()["root"], manifest["root"]);
    let replay = ["replay", "--through", &position, "--json"];
    let original = states(&house.daybook.run(&replay).await.json());

    let folder = TempDir::new().unwrap();
    let data = folder.path().join("restored");
    let data = data.to_str().unwrap();
    let told = run(&["restore", file.to_str().unwrap(), "--data", data, "--json"]).await.json();
    assert_eq!(told, manifest);
    run(&["doctor", "--data", data]).await.fine();
    run(&["rebuild", "--data", data]).await.fine();
    let restored = states(&run(&["replay", "--data", data, "--json"]).await.json());
    assert_eq!(restored, original);
}

#[tokio::test(flavor = "multi_thread")]
async fn and_nothing_is_ever_overwritten() {
    let mut house = House::open().await;
    let file = house.daybook.scratch("backup.db");
    let backup = ["backup", "--to", file.to_str().unwrap()];
    let said = house.daybook.run(&backup).await.fine();
    assert!(said.out.contains("positions 1 to"), "{}", said.out);
    assert!(said.err.contains("it holds the sealing keys"), "{}", said.err);
    let before = fs::read(&file).unwrap();
    let line = house.daybook.run(&backup).await.refusal(2);
    assert!(line.contains("is there already, and nothing is overwritten"), "{line}");
    assert_eq!(fs::read(&file).unwrap(), before);

    house.daybook.stop().await;
    let restore = ["restore", file.to_str().unwrap()];
    let line = house.daybook.run(&restore).await.refusal(2);
    assert!(line.contains("log.db is there already"), "{line}");
    // A write-ahead log that was left behind would be mixed into what is restored.
    fs::remove_file(house.daybook.data().join("log.db")).unwrap();
    fs::write(house.daybook.data().join("log.db-wal"), "frames").unwrap();
    let line = house.daybook.run(&restore).await.refusal(2);
    assert!(line.contains("log.db-wal is there already"), "{line}");
    fs::remove_file(house.daybook.data().join("log.db-wal")).unwrap();
    house.daybook.run(&restore).await.fine();
    house.daybook.restart().await;
    house.settle().await;
    house.admin().post("/v1/sellers", json!({ "reference": "ash", "name": "Ash" })).await.json();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_damaged_is_not_restored() {
    let house = House::open().await;
    let file = house.daybook.scratch("backup.db");
    house.daybook.run(&["backup", "--to", file.to_str().unwrap()]).await.fine();
    let mut bytes = fs::read(&file).unwrap();
    // The root page of a table or an index: its cells no longer agree with its header.
    bytes[4096 * 3..4096 * 4].fill(0xA5);
    fs::write(&file, &bytes).unwrap();
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("restored");
    let restore = ["restore", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let said = run(&restore).await;
    assert!(matches!(said.code, Some(1 | 3)), "{said:?}");
    assert!(!data.join("log.db").exists() && !data.join("log.db.part").exists());

    let letter = house.daybook.scratch("letter.txt");
    fs::write(&letter, "Dear diary,\n".repeat(1000)).unwrap();
    let restore = ["restore", letter.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let line = run(&restore).await.refusal(3);
    assert!(line.contains("is not a Daybook log"), "{line}");
}
