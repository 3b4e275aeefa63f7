//! Killed at random moments, again and again: whatever was acknowledged is there, once.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
};

use store::{Expected, Log, Position, contract::Subject};

use super::{OnDisk, commit, order};
use crate::{LogOptions, SqliteLog};

const ROUNDS: u64 = 8;
const CLIENTS: usize = 8;
const FILE: &str = "DAYBOOK_CRASH_TEST_FILE";
const ROUND: &str = "DAYBOOK_CRASH_TEST_ROUND";
const SELF: &str = "log::tests::crash::a_killed_writer_has_lost_nothing_it_acknowledged";

/// Runs twice: as the test, and (with `FILE` set) as the process that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_has_lost_nothing_it_acknowledged() {
    if let Ok(file) = std::env::var(FILE) {
        append_until_killed(&file, &std::env::var(ROUND).unwrap()).await;
    }
    let mut log = OnDisk::new().await;
    log.log.close().await;
    let mut random = u64::from(std::process::id());
    println!("seed {random}");
    let (mut acknowledged, mut in_flight_max) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        acknowledged.extend(kill_after((random >> 33) % 300, round, &log));
        log.reopen().await.unwrap();
        in_flight_max += CLIENTS;

        let events = log.all().await;
        let positions: Vec<u64> = events.iter().map(|event| event.position.0).collect();
        assert_eq!(positions, (1..=u64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
        let ids: HashSet<_> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), events.len(), "no event is there twice");
        for (command, position) in &acknowledged {
            let receipt = log.log.find_command(order("").tenant, command).await.unwrap();
            let receipt = receipt.unwrap_or_else(|| panic!("{command} was acknowledged and lost"));
            assert_eq!(receipt.last, *position);
            let event = events.get(usize::try_from(position.0).unwrap() - 1).unwrap();
            assert!(event.payload.contains(&format!("\"{command}\"")), "{command} is elsewhere");
        }
        let unacknowledged = events.len() - acknowledged.len();
        assert!(unacknowledged <= in_flight_max, "{unacknowledged} came from nowhere");
        assert_eq!(log.log.integrity().await.unwrap(), Vec::<String>::new());
        log.log.close().await;
    }
    assert!(acknowledged.len() > 100, "{} commits were acknowledged", acknowledged.len());
}

/// Starts the process, kills it after so many acknowledgements, and returns all it gave.
fn kill_after(lines: u64, round: u64, log: &OnDisk) -> Vec<(String, Position)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", SELF, "--nocapture"])
        .env(FILE, log.path())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // A line that the kill cut off lacks its full stop: it was not said.
        if let Some(said) = line.strip_prefix("stored ").and_then(|said| said.strip_suffix('.')) {
            let (command, position) = said.split_once(' ').unwrap();
            acknowledged.push((command.to_owned(), Position(position.parse().unwrap())));
        }
        if !killed && u64::try_from(acknowledged.len()).unwrap() >= lines {
            child.kill().unwrap();
            killed = true;
        }
    }
    let status = child.wait().unwrap();
    assert!(!status.success() && killed, "the process ended by itself: {status}");
    acknowledged
}

async fn append_until_killed(file: &str, round: &str) {
    let log = Arc::new(SqliteLog::open(file, LogOptions::default()).await.unwrap());
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (log, round) = (Arc::clone(&log), round.to_owned());
        clients.spawn(async move {
            let stream = order(&format!("{round}-{client}"));
            for version in 0_u64.. {
                let expected = if version == 0 { Expected::Absent } else { Expected::At(version) };
                let command = format!("{round}-{client}-{version}");
                let receipt =
                    log.append(commit(&stream, expected, &command)).await.unwrap().receipt;
                let line = format!("stored {command} {}.\n", receipt.last);
                // One call, so that lines of several clients cannot mix.
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    clients.join_next().await.unwrap().unwrap();
}
