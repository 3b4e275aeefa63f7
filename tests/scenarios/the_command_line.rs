//! The small commands say what is so: the doctor about the writer, the list of keys, and no command
//! complains when it is done.

use std::fs;

use tests::{Daybook, House, Settings, goods, run, run_in};

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_checks_the_settings_of_the_writer() {
    let mut server = Daybook::start(Settings::default()).await;
    let data = server.data_text();
    let doctor = ["doctor", "--data", &data];
    let beside = run(&doctor).await.fine();
    assert!(
        beside.out.contains("log writer: not checked: a server holds the log"),
        "{}",
        beside.out
    );
    assert!(!beside.out.contains("secure_delete"), "a reader's settings say nothing");

    let admin = server.admin();
    let key = [("DAYBOOK_KEY", admin.secret().unwrap())];
    let url = server.url().to_owned();
    let asked = run_in(&key, &[&doctor[..], &["--server", &url]].concat()).await.fine();
    for promise in ["synchronous: 2", "journal_mode: wal", "secure_delete: 1"] {
        assert!(asked.out.contains(&format!("log writer's {promise}")), "{}", asked.out);
    }

    let other = Daybook::start(Settings::default()).await;
    let holder = other.admin();
    let key = [("DAYBOOK_KEY", holder.secret().unwrap())];
    let wrong = run_in(&key, &[&doctor[..], &["--server", other.url()]].concat()).await;
    assert!(wrong.out.contains("WRONG log writer: the server writes another log"), "{}", wrong.out);
    assert!(wrong.refusal(1).contains("1 things are wrong"));

    server.stop().await;
    let alone = run(&doctor).await.fine();
    assert!(alone.out.contains("log writer's synchronous: 2"), "{}", alone.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_log_that_is_not_in_wal_mode() {
    let mut server = Daybook::start(Settings::default()).await;
    server.stop().await;
    let log = rusqlite::Connection::open(server.data().join("log.db")).unwrap();
    let mode = log.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
    assert_eq!(mode.unwrap(), "delete");
    drop(log);
    let said = run(&["doctor", "--data", &server.data_text()]).await;
    assert!(said.out.contains("WRONG log promise: journal_mode is delete"), "{}", said.out);
    said.refusal(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_revoked_is_listed_so() {
    let server = Daybook::start(Settings::default()).await;
    let admin = server.admin();
    let environment = [("DAYBOOK_KEY", admin.secret().unwrap()), ("DAYBOOK_SERVER", server.url())];
    let create = ["keys", "create", "--name", "till", "--role", "auditor"];
    run_in(&environment, &create).await.fine();
    let list = || async { run_in(&environment, &["keys", "list"]).await.fine().out };
    let keys = run_in(&environment, &["keys", "list", "--json"]).await.json();
    let till = keys.as_array().unwrap().iter().find(|key| key["name"] == "till").unwrap();
    let till = till["key"].as_str().unwrap();
    let line = |text: &str| text.lines().find(|line| line.contains(till)).unwrap().to_owned();
    assert!(line(&list().await).contains("active"));
    run_in(&environment, &["keys", "revoke", till, "--reason", "lost"]).await.fine();
    assert!(line(&list().await).contains("revoked"));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_read_end_without_a_complaint() {
    let house = House::open().await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    let data = house.daybook.data_text();
    let file = house.daybook.scratch("orders.csv");
    let explained = run(&["explain", &seller.id, "--data", &data]).await.fine();
    let export = ["export", file.to_str().unwrap(), "--csv", "orders", "--data", &data];
    let exported = run(&export).await.fine();
    for said in [explained, exported] {
        let complaint = said.err.contains("WARN") || said.err.contains("cancelled");
        assert!(!complaint, "{}", said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn read_models_that_cannot_be_used_are_said_to_be_replaceable() {
    let mut server = Daybook::start(Settings::default()).await;
    server.stop().await;
    server.delete_views();
    let data = server.data_text();
    let missing = run(&["replay", "--data", &data]).await.refusal(3);
    assert!(missing.contains("they are built when the server starts"), "{missing}");

    let views = server.data().join("views.db");
    fs::create_dir(&views).unwrap();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    for command in [&serve[..], &["replay", "--data", &data]] {
        let line = run(command).await.refusal(3);
        assert!(line.contains("may be deleted, they are rebuilt from the log"), "{line}");
    }

    fs::remove_dir(&views).unwrap();
    fs::write(&views, "Dear diary,\n".repeat(1000)).unwrap();
    let line = run(&serve).await.refusal(3);
    assert!(line.contains("delete it to have them rebuilt from the log"), "{line}");
    let line = run(&["replay", "--data", &data]).await.refusal(3);
    assert!(line.contains("may be deleted, they are rebuilt from the log"), "{line}");
    let said = run(&["doctor", "--data", &data]).await;
    assert!(said.out.contains("WRONG read models"), "{}", said.out);
    said.refusal(1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_is_not_writable_is_named() {
    // Nobody may make files in there, not even the superuser.
    let said = run(&["serve", "--listen", "127.0.0.1:0", "--data", "/sys/kernel"]).await;
    let line = said.refusal(3);
    assert!(line.contains("must be able to write in its data folder"), "{line}");
}
