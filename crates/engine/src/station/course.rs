//! The course of a station: from its bookmark along the log, until it is told to stop; and again from
//! its bookmark when the log goes on in a copy of itself.

use std::{sync::Arc, time::Duration};

use store::{Follow, Log, Position, Recorded, follow};
use tokio::time::{Interval, interval, sleep};

use super::{BOOKMARK_EVERY, Backoff, Lanes, Problem, Report, Routed, Station, Stop, lag};
use crate::metrics_names as names;

/// How many events a station reads at once.
const PAGE_EVENTS: usize = 1000;

/// How many jobs may wait in one lane; a full lane makes the reader wait.
const LANE_JOBS: usize = 64;

/// How often a station that waits for something looks whether the log went on elsewhere.
const TIMELINE_EVERY: Duration = Duration::from_millis(100);

/// Runs a station until it is told to stop; what is under way then is finished first.
pub(crate) async fn run<S: Station>(
    station: Arc<S>,
    log: Arc<dyn Log>,
    report: Arc<Report>,
    stop: Stop,
) {
    while !stop.is_set() {
        // Read before anything else is: what was read on another timeline counts for nothing.
        let timeline = log.timeline();
        let mut course =
            Course { station: &station, log: &log, report: &report, timeline, stop: stop.clone() };
        course.follow().await;
        if log.timeline() == timeline {
            return;
        }
        metrics::counter!(names::WORKER_RESTARTS, "worker" => station.name()).increment(1);
        tracing::warn!(worker = station.name(), "the log went on elsewhere; back to the bookmark");
    }
}

/// One way along one timeline.
struct Course<'a, S> {
    station: &'a Arc<S>,
    log: &'a Arc<dyn Log>,
    report: &'a Arc<Report>,
    timeline: u64,
    stop: Stop,
}

/// A position, and the lanes that work on what comes after it.
struct Underway<J> {
    lanes: Lanes<J>,
    reader: Follow,
    ticks: Interval,
    /// What the bookmark says.
    noted: Position,
}

impl<S: Station> Course<'_, S> {
    /// Follows the log until it is time to leave off.
    async fn follow(&mut self) {
        let Some(from) = self.begin().await else { return };
        let round = self.report.progress.start_at(from);
        let mut underway = Underway {
            lanes: Lanes::start(self.station, self.report, round, &self.stop, LANE_JOBS),
            reader: follow(Arc::clone(self.log), from).page_events(PAGE_EVENTS),
            ticks: interval(BOOKMARK_EVERY),
            noted: from,
        };
        while self.next(&mut underway).await.is_some() {}
        if self.has_moved() {
            return underway.lanes.abandon().await;
        }
        underway.lanes.finish().await;
        self.note(&mut underway.noted).await;
    }

    /// Reads a page and hands out what it asks for; `None` when it is time to leave off.
    async fn next(&mut self, underway: &mut Underway<S::Job>) -> Option<()> {
        let page = self.page(underway).await?;
        let last = page.last().map_or(underway.reader.position(), |event| event.position);
        self.until_durable(last).await?;
        let jobs = self.route(&page).await?;
        self.report.progress.read(last, jobs.iter().map(|routed| routed.position));
        let behind = self.log.watch().borrow().0.saturating_sub(last.0);
        metrics::gauge!(names::WORKER_LAG, "worker" => self.station.name()).set(lag(behind));
        let mut stop = self.stop.clone();
        let submitted = underway.lanes.submit(jobs, &mut stop);
        self.unless_over(submitted).await?.then_some(())
    }

    /// The next events, at least one.
    async fn page(&mut self, underway: &mut Underway<S::Job>) -> Option<Vec<Recorded>> {
        let mut backoff = Backoff::new();
        loop {
            if self.has_moved() {
                return None;
            }
            let page = tokio::select! {
                biased;
                () = self.stop.wait() => return None,
                _ = underway.ticks.tick() => {
                    self.note(&mut underway.noted).await;
                    continue;
                }
                page = underway.reader.next_page() => page,
            };
            match page {
                Ok(page) => return Some(page),
                // Also a log that ends before what was read of it: in a moment its timeline says why.
                Err(error) => self.try_again(&mut backoff, &error.into()).await?,
            }
        }
    }

    /// Nothing is done about an event that a fail-over could take back.
    async fn until_durable(&mut self, position: Position) -> Option<()> {
        let log = Arc::clone(self.log);
        let mut backoff = Backoff::new();
        loop {
            match self.unless_over(log.ensure_durable(position)).await? {
                // The same position on another timeline would be another event.
                Ok(()) => return (!self.has_moved()).then_some(()),
                Err(error) => self.try_again(&mut backoff, &error.into()).await?,
            }
        }
    }

    async fn route(&mut self, page: &[Recorded]) -> Option<Vec<Routed<S::Job>>> {
        let station = Arc::clone(self.station);
        let mut backoff = Backoff::new();
        loop {
            match self.unless_over(station.route(page)).await? {
                Ok(jobs) => {
                    self.report.note(None);
                    return Some(jobs);
                }
                Err(problem) => self.try_again(&mut backoff, &problem).await?,
            }
        }
    }

    /// Where it begins: after its bookmark, or at the end of a log that has less than that.
    async fn begin(&mut self) -> Option<Position> {
        let (log, station) = (Arc::clone(self.log), Arc::clone(self.station));
        let mut backoff = Backoff::new();
        loop {
            let begun = async {
                let marked = log.bookmark(station.name()).await?.unwrap_or(Position::START);
                let from = marked.min(log.head().await?.position);
                if from < marked {
                    tracing::warn!(worker = station.name(), %marked, %from, "the log is shorter");
                    log.save_bookmark(station.name(), from).await?;
                }
                station.prepare(from).await?;
                Ok::<_, Problem>(from)
            };
            match self.unless_over(begun).await? {
                Ok(from) => return Some(from),
                Err(problem) => self.try_again(&mut backoff, &problem).await?,
            }
        }
    }

    async fn note(&self, noted: &mut Position) {
        let (_, done) = self.report.progress.positions();
        if done == *noted {
            return;
        }
        let saved = async {
            self.log.save_bookmark(self.station.name(), done).await?;
            self.station.noted(done).await
        };
        match saved.await {
            Ok(()) => *noted = done,
            Err(problem) => {
                let worker = self.station.name();
                tracing::warn!(worker, %problem, "the bookmark was not written");
            }
        }
    }

    async fn try_again(&mut self, backoff: &mut Backoff, problem: &Problem) -> Option<()> {
        self.report.note(Some(problem.to_string()));
        let mut stop = self.stop.clone();
        self.unless_over(backoff.wait(&mut stop)).await?.then_some(())
    }

    fn has_moved(&self) -> bool {
        self.log.timeline() != self.timeline
    }

    /// What comes of some work, unless it is time to leave off before.
    async fn unless_over<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let (log, timeline) = (self.log, self.timeline);
        let moved = async {
            while log.timeline() == timeline {
                sleep(TIMELINE_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            () = self.stop.wait() => None,
            done = work => Some(done),
            () = moved => None,
        }
    }
}
