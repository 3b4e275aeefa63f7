//! That the servers are real, survive what they should, and leave nothing behind.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use crate::{Options, Server, StopMode, supervisor, until};

const CHILD: &str = "DAYBOOK_CRASH_TEST_POSTGRES";
const SELF: &str = "tests::a_server_ends_with_the_process_that_was_killed";

#[test]
fn databases_are_empty_and_apart() {
    let server = Server::shared();
    let (left, right) = (server.database(), server.database());
    assert_ne!(left, right);
    server.psql_in(left.name(), "CREATE TABLE seen (n bigint)");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(server.psql_in(left.name(), tables), "1");
    assert_eq!(server.psql_in(right.name(), tables), "0");
    assert!(server.try_psql(left.name(), "SELECT wrong").unwrap_err().contains("wrong"));
}

#[test]
fn a_server_is_durable_and_takes_settings() {
    let server = Server::start_with(&Options::new().setting("work_mem = '7MB'"));
    let shown = |name: &str| server.psql(&format!("SHOW {name}"));
    assert_eq!(shown("fsync"), "on");
    assert_eq!(shown("data_checksums"), "on");
    assert_eq!(shown("server_encoding"), "UTF8");
    assert_eq!(shown("work_mem"), "7MB");
    server.set("work_mem = '8MB'");
    let applied = until(|| (shown("work_mem") == "8MB").then_some(()));
    assert!(applied.is_some());
    let mut psql = server.programs.client("psql");
    psql.args(["-X", "-A", "-t", "-c", "SELECT 1", &server.url_of("postgres")]);
    assert_eq!(crate::programs::run(psql), "1");
}

#[test]
fn a_killed_server_recovers_what_was_committed() {
    let mut server = Server::start();
    server.psql("CREATE TABLE kept (n bigint)");
    for round in 1..=3 {
        server.psql("INSERT INTO kept VALUES (1)");
        let (before, port) = (server.pid(), server.port());
        server.kill();
        assert!(server.try_psql("postgres", "SELECT 1").is_err());
        server.start_again();
        assert_ne!(server.pid(), before);
        assert_eq!(server.port(), port);
        assert_eq!(server.psql("SELECT count(*) FROM kept"), round.to_string());
    }
    assert!(server.log().contains("automatic recovery in progress"));
    server.stop(StopMode::Fast);
    server.start_again();
    assert_eq!(server.psql("SELECT count(*) FROM kept"), "3");
}

#[test]
fn a_synchronous_standby_takes_over_and_gets_a_standby_of_its_own() {
    let mut primary = Server::start();
    let standby = primary.standby();
    primary.require_synchronous(&standby);
    primary.psql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
    primary.kill();
    assert!(standby.try_psql("postgres", "INSERT INTO kept VALUES (0)").is_err());
    standby.promote();
    assert_eq!(standby.psql("SELECT count(*) FROM kept"), "1000");
    standby.psql("INSERT INTO kept VALUES (0)");

    let next = standby.standby();
    standby.require_synchronous(&next);
    standby.psql("INSERT INTO kept VALUES (-1)");
    let caught_up = until(|| (next.psql("SELECT count(*) FROM kept") == "1002").then_some(()));
    assert!(caught_up.is_some());
}

#[test]
fn a_dropped_server_leaves_nothing() {
    let server = Server::start();
    let (process, folder) = (server.pid(), server.folder().to_owned());
    assert!(folder.exists() && supervisor::runs(process));
    drop(server);
    assert!(!supervisor::runs(process) && !folder.exists());
}

/// Runs twice: as the test, and (with `CHILD` set) as the process that is killed.
#[test]
fn a_server_ends_with_the_process_that_was_killed() {
    if env::var_os(CHILD).is_some() {
        let server = Server::start();
        // Someone is connected and busy when the end comes.
        let mut busy = server.programs.client("psql");
        busy.args(["-X", "-c", "SELECT pg_sleep(1000)", &server.url_of("postgres")]);
        let mut busy = busy.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let line = format!("server {} {}\n", server.pid(), server.folder().display());
        std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
        busy.kill().and_then(|()| busy.wait()).unwrap();
        return;
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", SELF, "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (process, folder) = lines
        .map_while(Result::ok)
        .find_map(|line| {
            let (process, folder) = line.split_once("server ")?.1.split_once(' ')?;
            Some((process.parse::<u32>().ok()?, folder.to_owned()))
        })
        .unwrap();
    assert!(supervisor::runs(process));
    child.kill().unwrap();
    child.wait().unwrap();
    supervisor::wait_until_gone(&[process]);
    let removed = until(|| (!Path::new(&folder).exists()).then_some(()));
    assert!(removed.is_some(), "{folder} was left behind");
}
