//! Work done in order, side by side, and again after a failure.

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use store::{Commit, Expected, Log, MemoryLog, NewEvent, StreamId};

use super::*;

/// Notes down what it was given, and fails at first where it is told to.
#[derive(Default)]
struct Notebook {
    seen: Mutex<HashMap<String, Vec<u64>>>,
    failures_left: AtomicU32,
}

#[async_trait]
impl Station for Notebook {
    type Job = (String, u64);

    fn name(&self) -> &'static str {
        "notebook"
    }

    fn lanes(&self) -> usize {
        3
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Self::Job>>, Problem> {
        Ok(page
            .iter()
            .map(|event| Routed {
                position: event.position,
                lane: event.stream.id.to_string(),
                job: (event.stream.id.to_string(), event.version),
            })
            .collect())
    }

    async fn work(&self, (stream, version): &Self::Job, _: u32) -> Result<(), Problem> {
        tokio::task::yield_now().await;
        let left = self.failures_left.load(Ordering::SeqCst);
        if left > 0 && *version == 2 {
            self.failures_left.store(left - 1, Ordering::SeqCst);
            return Err(Problem("the pen is dry".to_owned()));
        }
        self.seen.lock().unwrap().entry(stream.clone()).or_default().push(*version);
        Ok(())
    }
}

async fn log_of(streams: u64, events: u64) -> Arc<dyn Log> {
    let log = MemoryLog::new();
    let tenant = kernel::TenantId::derived(&["acorn"]);
    for version in 1..=events {
        for stream in 0..streams {
            let name = format!("s{stream}");
            log.append(Commit {
                command_id: format!("{name}/{version}"),
                stream: StreamId::new("note", tenant, &name),
                expected: if version == 1 { Expected::Absent } else { Expected::At(version - 1) },
                events: vec![NewEvent {
                    id: kernel::derived_uuid(&[&name, &version.to_string()]),
                    event_type: "note.taken".into(),
                    event_version: "1".into(),
                    payload: "{}".into(),
                }],
                metadata: "{}".into(),
                recorded_at: kernel::Timestamp::EPOCH,
                idempotency: None,
                sealing_keys: Vec::new(),
            })
            .await
            .unwrap();
        }
    }
    Arc::new(log)
}

async fn run_to_the_end(station: &Arc<Notebook>, log: &Arc<dyn Log>) {
    let (stopper, report) = (Stopper::new(), Report::new("notebook"));
    let running = tokio::spawn(run(
        Arc::clone(station),
        Arc::clone(log),
        Arc::clone(&report),
        stopper.listener(),
    ));
    let head = log.head().await.unwrap().position;
    report.done().wait_for(|done| *done >= head).await.unwrap();
    stopper.stop();
    running.await.unwrap();
}

#[tokio::test]
async fn every_lane_keeps_its_order_and_nothing_is_left_out() {
    let (station, log) = (Arc::new(Notebook::default()), log_of(7, 40).await);
    station.failures_left.store(3, Ordering::SeqCst);
    run_to_the_end(&station, &log).await;
    let seen = station.seen.lock().unwrap();
    assert_eq!(seen.len(), 7);
    assert!(seen.values().all(|versions| versions.iter().copied().eq(1..=40)), "{seen:?}");
}

#[tokio::test]
async fn the_bookmark_stands_before_whatever_is_not_finished() {
    let progress = Progress::new();
    progress.read(Position(10), [3, 3, 7].into_iter().map(Position));
    assert_eq!(progress.positions(), (Position(10), Position(2)));
    progress.finished(0, Position(3));
    assert_eq!(progress.positions().1, Position(2));
    progress.finished(0, Position(3));
    assert_eq!(progress.positions().1, Position(6));
    progress.finished(0, Position(7));
    assert_eq!(progress.positions().1, Position(10));
}

#[tokio::test]
async fn a_station_goes_on_after_its_bookmark() {
    let (station, log) = (Arc::new(Notebook::default()), log_of(2, 3).await);
    run_to_the_end(&station, &log).await;
    assert_eq!(log.bookmark("notebook").await.unwrap(), Some(Position(6)));
    let again = Arc::new(Notebook::default());
    run_to_the_end(&again, &log).await;
    assert!(again.seen.lock().unwrap().is_empty());
}
