//! Whatever stands in the way of a start is told in one clear line with a fitting exit code, and
//! nothing is touched.

use std::{fs, net::TcpListener, path::Path};

use tempfile::TempDir;
use tests::{Daybook, Said, Settings, run_in};

/// Something it needs is not there.
const UNAVAILABLE: i32 = 3;
/// The command or the configuration is not right.
const USAGE: i32 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn while_another_server_writes_the_same_log() {
    let first = Daybook::start(Settings::default()).await;
    let line = serve(&first.data(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("is open in another process"), "{line}");
    let data = first.data_text();
    let keys = ["keys", "--data", &data, "create", "--name", "x", "--role", "auditor"];
    let line = tests::run(&keys).await.refusal(UNAVAILABLE);
    assert!(line.contains("is open in another process"), "{line}");
    first.admin().read("/v1/status").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_else_listens_already() {
    let data = TempDir::new().unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let line = serve_at(&address, data.path(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains(&format!("cannot listen on {address}")), "{line}");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0, "nothing was touched");
    let line = serve_at("nowhere", data.path(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("cannot listen on nowhere"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_log_that_is_damaged() {
    let (_server, log) = used_log().await;
    let size = usize::try_from(fs::metadata(&log).unwrap().len()).unwrap();
    assert!(size > 3 * 4096);
    // The first page still says that this is a log; what it leads to is rubbish.
    let mut bytes = fs::read(&log).unwrap();
    bytes[4096..].fill(0xA5);
    fs::write(&log, &bytes).unwrap();
    let line = serve(log.parent().unwrap(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("is damaged"), "{line}");
    assert_eq!(fs::read(&log).unwrap(), bytes, "it was left as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_file_that_is_no_log() {
    let data = TempDir::new().unwrap();
    let log = data.path().join("log.db");
    fs::write(&log, "Dear diary,\n".repeat(1000)).unwrap();
    let line = serve(data.path(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("is not a Daybook log"), "{line}");
    assert!(fs::read_to_string(&log).unwrap().starts_with("Dear diary"));

    fs::remove_file(&log).unwrap();
    let other = rusqlite::Connection::open(&log).unwrap();
    other.execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    drop(other);
    let line = serve(data.path(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("is not a Daybook log"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_log_of_a_newer_version() {
    let (_server, log) = used_log().await;
    let connection = rusqlite::Connection::open(&log).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let line = serve(log.parent().unwrap(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("has schema 99") && line.contains("use a newer daybook"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_read_models_that_are_something_else() {
    let (_server, log) = used_log().await;
    let views = log.with_file_name("views.db");
    fs::write(&views, "Dear diary,\n".repeat(1000)).unwrap();
    let line = serve(log.parent().unwrap(), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("views.db is damaged or not a database"), "{line}");
    assert!(fs::read_to_string(&views).unwrap().starts_with("Dear diary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_may_not_write() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let line = serve(&file.join("data"), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("cannot be created"), "{line}");
    let line = serve(Path::new("/proc/daybook"), &[], &[]).await.refusal(UNAVAILABLE);
    assert!(line.contains("cannot be created"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_settings_that_cannot_be_right() {
    let data = TempDir::new().unwrap();
    let folder = data.path();
    let key = [("DAYBOOK_STRIPE_KEY", "hunter2")];
    let line = serve(folder, &key, &[]).await.refusal(USAGE);
    assert!(line.contains("the Stripe key must begin with sk_ or rk_"), "{line}");
    assert!(!line.contains("hunter2"), "a secret is never shown: {line}");

    let key = [("DAYBOOK_STRIPE_KEY", "sk_test_1")];
    let line = serve(folder, &key, &["--stripe-url", "stripe"]).await.refusal(USAGE);
    assert!(line.contains("\"stripe\" is not a URL"), "{line}");

    let missing = [("DAYBOOK_STRIPE_KEY_FILE", "/nowhere/key")];
    let line = serve(folder, &missing, &[]).await.refusal(USAGE);
    assert!(line.contains("/nowhere/key, which cannot be read"), "{line}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing was touched");

    let line = serve(folder, &[], &["--time-zone", "Mars/Olympus"]).await.refusal(USAGE);
    assert!(line.contains("Mars/Olympus"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_address_that_is_none_or_shows_its_password() {
    let data = TempDir::new().unwrap();
    let folder = data.path();
    let url = "mysql://ann:hunter2@db.example/books";
    for (environment, arguments) in
        [(vec![("DAYBOOK_LOG", url)], vec![]), (vec![], vec!["--log", url])]
    {
        let line = serve(folder, &environment, &arguments).await.refusal(USAGE);
        let right = "use sqlite:PATH, postgres://HOST/DATABASE, esdb://HOST or kurrentdb://HOST";
        assert!(line.contains(right) && !line.contains("hunter2"), "{line}");
    }
    let views = [("DAYBOOK_VIEWS", "esdb://localhost")];
    let line = serve(folder, &views, &[]).await.refusal(USAGE);
    assert!(line.contains("use sqlite:PATH or postgres://HOST/DATABASE"), "{line}");

    let url = "postgres://ann:hunter2@db.example/books";
    for flag in ["--log", "--views"] {
        let line = serve(folder, &[], &[flag, url]).await.refusal(USAGE);
        assert!(line.contains("list of processes") && !line.contains("hunter2"), "{line}");
    }
    let missing = [("DAYBOOK_LOG_FILE", "/nowhere/log-url")];
    let line = serve(folder, &missing, &[]).await.refusal(USAGE);
    assert!(line.contains("/nowhere/log-url, which cannot be read"), "{line}");

    let line = serve(folder, &[], &["--high-availability"]).await.refusal(USAGE);
    assert!(line.contains("SQLite keeps the log on one machine"), "{line}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn and_after_a_refusal_the_same_folder_is_as_good_as_new() {
    let data = TempDir::new().unwrap();
    let wrong = serve(data.path(), &[], &["--time-zone", "Mars/Olympus"]).await;
    assert_eq!(wrong.code, Some(USAGE));
    let key_file = data.path().join("first-key");
    let arguments = ["--first-key-file", key_file.to_str().unwrap()];
    let mut command = tests::daybook_command(&["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--data").arg(data.path()).args(arguments);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut out = tokio::io::BufReader::new(child.stdout.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut out, &mut line).await.unwrap();
    assert!(line.contains("url"), "it starts: {line}");
    assert!(fs::read_to_string(key_file).unwrap().starts_with("dbk_sandbox_"));
    child.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_nothing_say_what_is_missing() {
    let data = TempDir::new().unwrap();
    let folder = data.path().to_str().unwrap();
    for command in [
        vec!["replay", "--data", folder],
        vec!["balance", "--data", folder],
        vec!["doctor", "--data", folder],
        vec!["export", "/tmp/never-written", "--data", folder],
    ] {
        let said = tests::run(&command).await;
        assert!(matches!(said.code, Some(USAGE | UNAVAILABLE)), "{command:?}: {said:?}");
        let code = said.code.unwrap();
        let line = said.refusal(code);
        assert!(line.starts_with("daybook: there is no log at"), "{command:?}: {line}");
    }
    let verify = tests::run(&["verify", "/nowhere/export"]).await.refusal(USAGE);
    assert!(verify.contains("cannot be read"), "{verify}");
}

async fn serve(data: &Path, environment: &[(&str, &str)], more: &[&str]) -> Said {
    serve_at("127.0.0.1:0", data, environment, more).await
}

async fn serve_at(address: &str, data: &Path, environment: &[(&str, &str)], more: &[&str]) -> Said {
    let fixed = ["serve", "--listen", address, "--data", data.to_str().unwrap()];
    run_in(environment, &[&fixed[..], more].concat()).await
}

/// A log that was used and closed.
async fn used_log() -> (Daybook, std::path::PathBuf) {
    let mut server = Daybook::start(Settings::default()).await;
    server.stop().await;
    let log = server.data().join("log.db");
    (server, log)
}
