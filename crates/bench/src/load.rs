//! Many clients at once, each sending its next command when the one before was answered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::future::join_all;
use tokio::time::sleep;

use crate::{
    fault::{Doing, Outcome},
    report::Rate,
};

/// One client with its own piece of work.
#[async_trait]
pub(crate) trait Client: Send {
    /// Sends one command and waits for its answer.
    async fn step(&mut self) -> Result<(), String>;
}

/// How long to warm up, and how long to measure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Not counted: caches, prepared statements and connections come to be.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) measured: Duration,
}

#[derive(Debug, Default)]
struct Tally {
    done: AtomicU64,
    failed: AtomicU64,
    first_failure: Mutex<Option<String>>,
    stop: AtomicBool,
}

/// What a run of many clients came to.
#[derive(Debug)]
pub(crate) struct Driven {
    /// Commands answered within the measured time.
    pub(crate) rate: Rate,
    /// Commands answered with success from the first to the last moment, warm-up included.
    pub(crate) acknowledged: u64,
    /// Commands answered with an error, and the first such error.
    pub(crate) failures: Option<(u64, String)>,
}

/// Lets all clients work at once and counts what is answered in the measured window.
pub(crate) async fn drive(clients: Vec<Box<dyn Client>>, window: Window) -> Outcome<Driven> {
    let tally = Arc::new(Tally::default());
    let tasks: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(work(client, Arc::clone(&tally)))).collect();
    sleep(window.warm_up).await;
    let (started, before) = (Instant::now(), tally.done.load(Ordering::Relaxed));
    sleep(window.measured).await;
    let (elapsed, after) = (started.elapsed(), tally.done.load(Ordering::Relaxed));
    tally.stop.store(true, Ordering::Relaxed);
    for ended in join_all(tasks).await {
        ended.doing("let a client finish")?;
    }
    let failed = tally.failed.load(Ordering::Relaxed);
    let first = tally.first_failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok(Driven {
        rate: Rate::new(after - before, elapsed),
        acknowledged: tally.done.load(Ordering::Relaxed),
        failures: first.map(|first| (failed, first)),
    })
}

async fn work(mut client: Box<dyn Client>, tally: Arc<Tally>) {
    while !tally.stop.load(Ordering::Relaxed) {
        match client.step().await {
            Ok(()) => {
                tally.done.fetch_add(1, Ordering::Relaxed);
            }
            Err(problem) => {
                tally.failed.fetch_add(1, Ordering::Relaxed);
                let mut first = tally.first_failure.lock().unwrap_or_else(PoisonError::into_inner);
                first.get_or_insert(problem);
            }
        }
    }
}
