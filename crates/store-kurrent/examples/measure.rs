//! Measures a log on a KurrentDB server: appends with one client and with many, opening, and memory.
//!
//! The server is another process (`kurrent-fake`, or a real one), so that the memory is the log's own.

use std::{
    error::Error,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use kernel::{TenantId, Timestamp, derived_uuid};
use store::{Commit, Expected, Log, NewEvent, StreamId};
use store_kurrent::{KurrentLog, LogOptions};
use tokio::task::JoinSet;

/// How many events one commit has while the log is filled.
const FILLING_EVENTS: u64 = 500;

const MEASURING_TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut given = std::env::args().skip(1);
    let url = given.next().ok_or("usage: measure URL [EVENTS]")?;
    let events: u64 = given.next().map_or(Ok(100_000), |text| text.parse())?;
    let log = Arc::new(KurrentLog::open(&url, LogOptions::default()).await?);
    for clients in [1, 8, 32, 128] {
        println!("{clients} clients: {:.0} appends/s", appends_per_second(&log, clients).await?);
    }
    let started = Instant::now();
    for number in 0..events / FILLING_EVENTS {
        log.append(commit(&format!("filled {number}"), "fill", FILLING_EVENTS)).await?;
    }
    println!("filled with {events} events in {:.1?}", started.elapsed());
    log.close().await;
    drop(log);
    let (before, started) = (resident_kib()?, Instant::now());
    let log = KurrentLog::open(&url, LogOptions::default()).await?;
    println!("opened in {:.1?}", started.elapsed());
    println!("resident before {before} KiB and after {} KiB", resident_kib()?);
    println!("head {}", log.head().await?.position);
    Ok(())
}

async fn appends_per_second(log: &Arc<KurrentLog>, clients: usize) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for client in 0..clients {
        let log = Arc::clone(log);
        running.spawn(async move {
            let mut count = 0_u32;
            while started.elapsed() < MEASURING_TIME {
                let id = format!("{clients} {client} {count}");
                log.append(commit(&id, "place", 1)).await?;
                count += 1;
            }
            Ok::<_, store::AppendError>(count)
        });
    }
    let mut total = 0;
    while let Some(count) = running.join_next().await {
        total += count??;
    }
    Ok(f64::from(total) / started.elapsed().as_secs_f64())
}

fn commit(id: &str, command: &str, count: u64) -> Commit {
    let stream = StreamId::new("measured", TenantId::derived(&["measure"]), id);
    let command_id = format!("{command} {id}");
    let events = (0..count).map(|number| NewEvent {
        id: derived_uuid(&[&command_id, &number.to_string()]),
        event_type: "order.placed".into(),
        event_version: "1".into(),
        payload: format!("{{\"number\":{number},\"text\":\"{}\"}}", "x".repeat(200)).into(),
    });
    Commit {
        events: events.collect(),
        command_id,
        stream,
        expected: Expected::Absent,
        metadata: "{\"actor\":{\"kind\":\"timer\",\"id\":\"measure\"}}".into(),
        recorded_at: Timestamp::from_unix_seconds(1_760_000_000),
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}

/// What this process holds in memory, as Linux tells.
fn resident_kib() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
