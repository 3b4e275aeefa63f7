//! A station: a worker that follows the log from a bookmark and does something about its events, in
//! ordered lanes, so that many things are under way at once and each thing stays in order.

mod course;
mod lanes;
mod reached;
mod stop;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use store::{LogError, Position, Recorded};
use tokio::{sync::watch, time::sleep};

pub(crate) use course::run;
pub(crate) use lanes::{Lanes, Progress};
pub(crate) use reached::Reached;
pub(crate) use stop::{Stop, Stopper};

use crate::metrics_names as names;

/// How often the bookmark is written. It only spares work: everything after it is done again after
/// a crash, and doing it again changes nothing.
pub(crate) const BOOKMARK_EVERY: Duration = Duration::from_millis(250);

const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LONGEST: Duration = Duration::from_secs(10);

/// Why something has to be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Problem(pub(crate) String);

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        Self(error.to_string())
    }
}

/// A job and the lane it belongs to.
#[derive(Debug)]
pub(crate) struct Routed<J> {
    /// The event it is about; the bookmark does not pass it before the job is done.
    pub(crate) position: Position,
    /// Jobs with the same lane are done one after the other, in order.
    pub(crate) lane: String,
    pub(crate) job: J,
}

/// What a station does.
#[async_trait]
pub(crate) trait Station: Send + Sync + 'static {
    type Job: Send + Sync + 'static;

    /// Its name, also the bookmark's.
    fn name(&self) -> &'static str;

    /// How many jobs may be under way at once.
    fn lanes(&self) -> usize {
        32
    }

    /// Called before the first page, whenever it begins: at the start, when it takes over from
    /// another process, and when the log went on in a copy of itself.
    async fn prepare(&self, _from: Position) -> Result<(), Problem> {
        Ok(())
    }

    /// What is to be done about these events, which no fail-over can take back. Called in order of
    /// the log; called again with the same page after a problem.
    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Self::Job>>, Problem>;

    /// Does it; called again after a problem, with the number of attempts before.
    async fn work(&self, job: &Self::Job, attempt: u32) -> Result<(), Problem>;

    /// The bookmark was written.
    async fn noted(&self, _done: Position) -> Result<(), Problem> {
        Ok(())
    }

    /// What this process does while another one does the work. Dropped when it takes over.
    async fn meanwhile(&self) {}
}

/// How a station stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StationStatus {
    /// Its name.
    pub name: &'static str,
    /// The last position it has read.
    pub read: Position,
    /// Everything up to here is done.
    pub done: Position,
    /// Events between the head of the log and `done`.
    pub lag: u64,
    /// What it is trying again because of, if it is.
    pub problem: Option<String>,
    /// The other process that does this work, if it is not this one.
    pub held_by: Option<String>,
}

/// What others can see of a running station.
#[derive(Debug)]
pub(crate) struct Report {
    name: &'static str,
    progress: Arc<Progress>,
    problem: Mutex<Option<String>>,
}

impl Report {
    pub(crate) fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, progress: Arc::new(Progress::new()), problem: Mutex::default() })
    }

    pub(crate) fn done(&self) -> watch::Receiver<Position> {
        self.progress.subscribe()
    }

    pub(crate) fn status(&self, head: Position) -> StationStatus {
        let (read, done) = self.progress.positions();
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lag = head.0.saturating_sub(done.0);
        StationStatus { name: self.name, read, done, lag, problem, held_by: None }
    }

    fn note(&self, problem: Option<String>) {
        if let Some(problem) = &problem {
            metrics::counter!(names::WORKER_RETRIES, "worker" => self.name).increment(1);
            tracing::warn!(worker = self.name, %problem, "will try again");
        }
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }
}

/// Waits between attempts: exponentially longer, with jitter, and not at all when stopping.
pub(crate) struct Backoff {
    delay: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { delay: RETRY_FIRST }
    }

    /// `false` when it is time to stop instead.
    pub(crate) async fn wait(&mut self, stop: &mut Stop) -> bool {
        let half = self.delay / 2;
        let jitter = u64::try_from(half.as_millis()).unwrap_or(u64::MAX).max(1);
        let delay = half + Duration::from_millis(rand::random::<u64>() % jitter);
        self.delay = (self.delay * 2).min(RETRY_LONGEST);
        tokio::select! {
            () = stop.wait() => false,
            () = sleep(delay) => true,
        }
    }
}

/// Gauges are floating-point numbers; a lag beyond 2^32 events is shown as that.
pub(crate) fn lag(events: u64) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
