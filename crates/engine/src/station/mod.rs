//! A station: a worker that follows the log from a bookmark and does something about its events, in
//! ordered lanes, so that many things are under way at once and each thing stays in order.

mod lanes;
mod stop;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde::Serialize;
use store::{Log, LogError, Position, Recorded, follow};
use tokio::{
    sync::watch,
    time::{interval, sleep},
};

pub(crate) use lanes::{Lanes, Progress};
pub(crate) use stop::{Stop, Stopper};

use crate::metrics_names as names;

/// How many events a station reads at once.
const PAGE_EVENTS: usize = 1000;

/// How many jobs may wait in one lane; a full lane makes the reader wait.
const LANE_JOBS: usize = 64;

/// How often the bookmark is written. It only spares work: everything after it is done again after
/// a crash, and doing it again changes nothing.
const BOOKMARK_EVERY: Duration = Duration::from_millis(250);

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

    /// Whether it goes on after its bookmark, or reads everything at each start.
    fn keeps_bookmark(&self) -> bool {
        true
    }

    /// Called once, before the first page.
    async fn prepare(&self, _from: Position) -> Result<(), Problem> {
        Ok(())
    }

    /// What is to be done about these events. Called in order of the log; called again with the same
    /// page after a problem.
    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<Self::Job>>, Problem>;

    /// Does it; called again after a problem, with the number of attempts before.
    async fn work(&self, job: &Self::Job, attempt: u32) -> Result<(), Problem>;

    /// The bookmark was written.
    async fn noted(&self, _done: Position) -> Result<(), Problem> {
        Ok(())
    }
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
        StationStatus { name: self.name, read, done, lag, problem }
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

/// Runs a station until it is told to stop; what is under way then is finished first.
pub(crate) async fn run<S: Station>(
    station: Arc<S>,
    log: Arc<dyn Log>,
    report: Arc<Report>,
    mut stop: Stop,
) {
    let Some(from) = begin(&*station, &*log, &report, &mut stop).await else { return };
    report.progress.start_at(from);
    let mut lanes = Lanes::start(&station, &report, &stop, LANE_JOBS);
    let mut reader = follow(Arc::clone(&log), from).page_events(PAGE_EVENTS);
    let mut ticks = interval(BOOKMARK_EVERY);
    let mut noted = from;
    let mut backoff = Backoff::new();
    loop {
        let page = tokio::select! {
            biased;
            () = stop.wait() => break,
            _ = ticks.tick() => {
                note(&*station, &*log, &report, &mut noted).await;
                continue;
            }
            page = reader.next_page() => page,
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                report.note(Some(error.to_string()));
                if backoff.wait(&mut stop).await {
                    continue;
                }
                break;
            }
        };
        backoff = Backoff::new();
        let Some(jobs) = route(&*station, &page, &report, &mut stop).await else { break };
        let last = page.last().map_or(from, |event| event.position);
        report.progress.read(last, jobs.iter().map(|routed| routed.position));
        metrics::gauge!(names::WORKER_LAG, "worker" => station.name()).set(lag(log
            .watch()
            .borrow()
            .0
            .saturating_sub(last.0)));
        if !lanes.submit(jobs, &mut stop).await {
            break;
        }
    }
    lanes.finish().await;
    note(&*station, &*log, &report, &mut noted).await;
}

/// Gauges are floating-point numbers; a lag beyond 2^32 events is shown as that.
pub(crate) fn lag(events: u64) -> f64 {
    f64::from(u32::try_from(events).unwrap_or(u32::MAX))
}

async fn begin<S: Station>(
    station: &S,
    log: &dyn Log,
    report: &Report,
    stop: &mut Stop,
) -> Option<Position> {
    let mut backoff = Backoff::new();
    loop {
        let begun = async {
            let from = if station.keeps_bookmark() {
                log.bookmark(station.name()).await?.unwrap_or(Position::START)
            } else {
                Position::START
            };
            station.prepare(from).await?;
            Ok::<_, Problem>(from)
        };
        match begun.await {
            Ok(from) => return Some(from),
            Err(problem) => report.note(Some(problem.to_string())),
        }
        if !backoff.wait(stop).await {
            return None;
        }
    }
}

async fn route<S: Station>(
    station: &S,
    page: &[Recorded],
    report: &Report,
    stop: &mut Stop,
) -> Option<Vec<Routed<S::Job>>> {
    let mut backoff = Backoff::new();
    loop {
        match station.route(page).await {
            Ok(jobs) => {
                report.note(None);
                return Some(jobs);
            }
            Err(problem) => report.note(Some(problem.to_string())),
        }
        if !backoff.wait(stop).await {
            return None;
        }
    }
}

async fn note<S: Station>(station: &S, log: &dyn Log, report: &Report, noted: &mut Position) {
    let (_, done) = report.progress.positions();
    if done == *noted {
        return;
    }
    let saved = async {
        if station.keeps_bookmark() {
            log.save_bookmark(station.name(), done).await?;
        }
        station.noted(done).await
    };
    match saved.await {
        Ok(()) => *noted = done,
        Err(problem) => {
            tracing::warn!(worker = station.name(), %problem, "the bookmark was not written");
        }
    }
}

#[cfg(test)]
mod tests;
