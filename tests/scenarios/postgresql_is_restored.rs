//! The drill on PostgreSQL: a dump, and a base backup with archived WAL, are restored and give the
//! same state as the original had at that position.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use test_postgres::{Options, Server, StopMode};
use tests::{
    Engine, House, Seller, goods,
    postgres::{self, finish, program},
    run_in,
};

use super::the_log_is_copied::states;

#[tokio::test(flavor = "multi_thread")]
async fn from_a_dump_of_one_moment() {
    let database = postgres::database().await;
    let (house, seller) = busy(database.url()).await;
    let server = Server::shared();
    let file = house.daybook.scratch("books.dump");
    let mut dump = program(server, "pg_dump");
    dump.args(["--format=custom", "--schema=daybook_log", "--file"]).arg(&file).arg(database.url());
    finish(dump);
    house.paid(goods::order(&seller.id, &[7_000])).await;

    let restored = postgres::database().await;
    let mut restore = program(server, "pg_restore");
    restore.args(["--exit-on-error", "--dbname", restored.url()]).arg(&file);
    finish(restore);
    let events = "SELECT position FROM daybook_log.head";
    let position = server.psql_in(restored.name(), events);
    let original = at(&house, &position).await;
    assert_eq!(rebuilt(restored.url()).await, original);
    assert_ne!(server.psql_in(database.name(), events), position, "the original went on");
}

/// Everybody's role may make a dump, if he says that he is content with what he may see; the
/// owner's policy shows him everything.
#[tokio::test(flavor = "multi_thread")]
async fn and_the_owner_of_the_log_can_dump_it_too() {
    let server = Server::shared();
    let database = postgres::database().await;
    server.psql("DROP ROLE IF EXISTS bookkeeper");
    server.psql("CREATE ROLE bookkeeper LOGIN CREATEROLE");
    server.psql(&format!("ALTER DATABASE {} OWNER TO bookkeeper", database.name()));
    let url = database.url().replace("postgres@", "bookkeeper@");
    let (house, _) = busy(&url).await;
    let file = house.daybook.scratch("books.dump");
    let dump = || {
        let mut dump = program(server, "pg_dump");
        dump.args(["--format=custom", "--schema=daybook_log", "--file"]).arg(&file).arg(&url);
        dump
    };
    let refused = dump().output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("row-level security"), "{said}");
    let mut content = dump();
    content.arg("--enable-row-security");
    finish(content);
    let restored = postgres::database().await;
    let mut restore = program(server, "pg_restore");
    restore.args(["--exit-on-error", "--dbname", restored.url()]).arg(&file);
    finish(restore);
    let head = "SELECT position FROM daybook_log.head";
    let position = server.psql_in(restored.name(), head);
    assert_eq!(rebuilt(restored.url()).await, at(&house, &position).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_base_backup_to_a_named_point() {
    let mut server = tokio::task::spawn_blocking(|| {
        Server::start_with(&Options::new().setting("archive_mode = on"))
    })
    .await
    .unwrap();
    let archive = server.folder().join("archive");
    fs::create_dir(&archive).unwrap();
    give_to_the_server(&server, &archive);
    server.set(&format!("archive_command = 'test ! -f {0}/%f && cp %p {0}/%f'", archive.display()));
    let database = server.database();
    let (mut house, seller) = busy(database.url()).await;

    let base = server.folder().join("base");
    let mut backup = program(&server, "pg_basebackup");
    backup.args(["--checkpoint=fast", "--wal-method=none", "--dbname", &server.url_of("postgres")]);
    backup.arg("--pgdata").arg(&base);
    finish(backup);
    house.paid(goods::order(&seller.id, &[7_000])).await;
    server.psql("SELECT pg_create_restore_point('before_the_upgrade')");
    let position = server.psql_in(database.name(), "SELECT position FROM daybook_log.head");
    let original = at(&house, &position).await;
    house.paid(goods::order(&seller.id, &[8_000])).await;
    house.daybook.stop().await;
    archived(&server);

    server.stop(StopMode::Fast);
    let data = server.folder().join("data");
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&base, &data).unwrap();
    let mut settings = fs::read_to_string(data.join("postgresql.conf")).unwrap();
    settings.push_str(&format!(
        "restore_command = 'cp {}/%f %p'\nrecovery_target_name = 'before_the_upgrade'\n\
         recovery_target_action = 'promote'\n",
        archive.display()
    ));
    fs::write(data.join("postgresql.conf"), settings).unwrap();
    fs::write(data.join("recovery.signal"), "").unwrap();
    give_to_the_server(&server, &data);
    server.start_again();
    until("it is promoted", &server, || server.psql("SELECT pg_is_in_recovery()") == "f");

    let head = server.psql_in(database.name(), "SELECT position FROM daybook_log.head");
    assert_eq!(head, position, "what came after the point is gone");
    // The server notices by itself that its read models are of another time, or builds them anew.
    assert_eq!(rebuilt(database.url()).await, original);
    house.daybook.restart().await;
    house.settle().await;
    house.paid(goods::order(&seller.id, &[9_000])).await;
}

/// A house with an order or two.
async fn busy(url: &str) -> (House, Seller) {
    let house = House::open_on(Engine::Postgres(url.to_owned())).await;
    let seller = house.seller("walnut").await;
    house.paid(goods::order(&seller.id, &[10_000])).await;
    (house, seller)
}

/// The state of every read model at a position of the original.
async fn at(house: &House, position: &str) -> Vec<(String, u64, String)> {
    let replay = ["replay", "--through", position, "--json"];
    states(&house.daybook.run(&replay).await.json())
}

/// The same after the restored log was checked and its read models were built anew.
async fn rebuilt(url: &str) -> Vec<(String, u64, String)> {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    let environment = [("DAYBOOK_LOG", url)];
    run_in(&environment, &["rebuild", "--data", data]).await.fine();
    run_in(&environment, &["doctor", "--data", data]).await.fine();
    states(&run_in(&environment, &["replay", "--json", "--data", data]).await.json())
}

/// Makes the server's user the owner, who may be another than the test's.
fn give_to_the_server(server: &Server, path: &Path) {
    let mut chown = Command::new("chown");
    chown.args(["--recursive", "--reference"]).arg(server.folder()).arg(path);
    finish(chown);
}

/// Waits until everything written so far is in the archive.
fn archived(server: &Server) {
    let last = server.psql("SELECT pg_walfile_name(pg_switch_wal())");
    let archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver";
    until("everything is archived", server, || server.psql(archived) >= last);
}

fn until(what: &str, server: &Server, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not true in time: {what}: {}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}
