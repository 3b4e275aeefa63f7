//! Keeps the answers up to date: one shared reading of the log, many projections, and each one's
//! rows and checkpoint written in one transaction.

mod decoded;
mod replay;
mod running;
#[cfg(test)]
mod tests;
mod watching;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use projections::Projection;
use serde::Serialize;
use store::{Checkpoint, Log, LogError, Position, RowHash, Views, ViewsError};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub use replay::{ReplayError, Replayed, replay};

use crate::{
    metrics_names as names,
    station::{Backoff, Stop, lag},
};
use decoded::{Dating, Decoded};
use running::Running;

/// Events read and folded at once while far behind: a row that changes often is written once.
const BATCH_EVENTS: usize = 16_384;

/// Events read and folded at once while catching up.
const CATCH_UP_EVENTS: usize = 4096;

/// While closer than twice this to the head, batches are small so that answers are fresh.
const LIVE_EVENTS: usize = 512;

/// How many events to read at once when so many are waiting.
const fn batch(waiting: u64) -> usize {
    if waiting > BATCH_EVENTS as u64 {
        BATCH_EVENTS
    } else if waiting > 2 * LIVE_EVENTS as u64 {
        CATCH_UP_EVENTS
    } else {
        LIVE_EVENTS
    }
}

/// A wake-up of the log may get lost when another process writes; look by itself after so long.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How a projection stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// The last position folded.
    pub position: Position,
    /// Events between the head of the log and there.
    pub lag: u64,
    /// How many rows it has.
    pub rows: u64,
    /// The order-independent hash of its rows.
    pub state_hash: String,
    /// Whether questions are answered from it; not while it is built for the first time or anew.
    pub live: bool,
    /// Why it stands still, if it met a fact that it cannot fold.
    pub stopped: Option<String>,
    /// What it is trying again because of, if it is.
    pub problem: Option<String>,
    /// The other process that keeps it up to date, if it is not this one.
    pub held_by: Option<String>,
}

/// Why the answers are not there yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// The position was not reached in time.
    #[error("the answers are at position {at}, not yet at {wanted}; ask again")]
    Late {
        /// What was asked for.
        wanted: Position,
        /// Where the slowest projection is.
        at: Position,
    },
    /// The projector is not running.
    #[error("the projections are not running")]
    NotRunning,
}

/// Why a projection could not be kept up to date, other than by its facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProjectorError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The rows cannot be read or written.
    #[error(transparent)]
    Views(#[from] ViewsError),
}

/// Keeps projections up to date.
pub struct Projector {
    log: Arc<dyn Log>,
    views: Arc<dyn Views>,
    projections: Vec<Arc<dyn Projection>>,
    /// Which periods were closed, for the events that are read.
    dating: Arc<tokio::sync::Mutex<Dating>>,
    status: watch::Sender<Vec<ProjectionStatus>>,
    /// The timeline of the log with which all checkpoints were compared last.
    verified: watch::Sender<Option<u64>>,
    rebuild: Mutex<BTreeSet<String>>,
    rebuild_asked: watch::Sender<u64>,
}

impl std::fmt::Debug for Projector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Projector").field("projections", &self.projections.len()).finish()
    }
}

type Page = Vec<Decoded>;
type Prefetch = JoinHandle<Result<(Page, Position), LogError>>;

impl Projector {
    /// Of these projections of this log into these views. Nothing happens until it runs.
    #[must_use]
    pub fn new(
        log: Arc<dyn Log>,
        views: Arc<dyn Views>,
        projections: Vec<Arc<dyn Projection>>,
    ) -> Self {
        Self {
            log,
            views,
            projections,
            dating: Arc::default(),
            status: watch::Sender::default(),
            verified: watch::Sender::default(),
            rebuild: Mutex::default(),
            rebuild_asked: watch::Sender::default(),
        }
    }

    /// The projections.
    #[must_use]
    pub fn projections(&self) -> &[Arc<dyn Projection>] {
        &self.projections
    }

    /// How each projection stands, with the lag behind this head.
    #[must_use]
    pub fn status(&self, head: Position) -> Vec<ProjectionStatus> {
        let mut all = self.status.borrow().clone();
        for one in &mut all {
            one.lag = head.0.saturating_sub(one.position.0);
        }
        all
    }

    /// Changes whenever a projection has moved.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Vec<ProjectionStatus>> {
        self.status.subscribe()
    }

    /// Waits until every projection that is not stopped has folded everything up to `position`: so a
    /// client reads its own writes.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn wait_for(&self, position: Position, patience: Duration) -> Result<(), WaitError> {
        self.wait(position, patience, |_| true).await
    }

    /// The same for one projection.
    ///
    /// # Errors
    /// [`WaitError`].
    pub async fn wait_for_one(
        &self,
        name: &str,
        position: Position,
        patience: Duration,
    ) -> Result<(), WaitError> {
        self.wait(position, patience, |status| status.name == name).await
    }

    async fn wait(
        &self,
        position: Position,
        patience: Duration,
        concerned: impl Fn(&ProjectionStatus) -> bool,
    ) -> Result<(), WaitError> {
        let mut status = self.status.subscribe();
        let slowest = |all: &[ProjectionStatus]| {
            let moving = all.iter().filter(|one| one.stopped.is_none() && concerned(one));
            moving.map(|one| if one.live { one.position } else { Position::START }).min()
        };
        let mut verified = self.verified.subscribe();
        // A position on another timeline of the log says nothing about this one.
        let current = |verified: &Option<u64>| *verified == Some(self.log.timeline());
        let there = async {
            loop {
                verified.wait_for(current).await?;
                let all = status.wait_for(|all| {
                    !all.is_empty() && slowest(all).is_none_or(|slowest| slowest >= position)
                });
                drop(all.await?);
                if current(&self.verified.borrow()) {
                    return Ok::<_, watch::error::RecvError>(());
                }
            }
        };
        match timeout(patience, there).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(WaitError::NotRunning),
            Err(_) => {
                let all = self.status.borrow();
                if all.is_empty() {
                    return Err(WaitError::NotRunning);
                }
                let at = slowest(&all).unwrap_or(Position::START);
                Err(WaitError::Late { wanted: position, at })
            }
        }
    }

    /// Asks for projections to be discarded and built anew from the first event; an empty list means
    /// all. Unknown names are returned. While one is rebuilt, it answers nothing.
    pub fn rebuild(&self, names: &[String]) -> Vec<String> {
        let known = |name: &String| self.projections.iter().any(|known| known.name() == name);
        let unknown = names.iter().filter(|name| !known(name)).cloned().collect();
        let mut asked = self.rebuild.lock().unwrap_or_else(PoisonError::into_inner);
        if names.is_empty() {
            asked.extend(self.projections.iter().map(|known| known.name().to_owned()));
        } else {
            asked.extend(names.iter().filter(|name| known(name)).cloned());
        }
        drop(asked);
        self.rebuild_asked.send_modify(|count| *count += 1);
        unknown
    }

    /// Keeps them up to date until told to stop. A batch that is being written then is finished
    /// first. While another process does so, [`Self::watch_others`] runs instead.
    pub(crate) async fn run(&self, mut stop: Stop) {
        let mut running = Vec::new();
        for projection in &self.projections {
            running.push(Running::new(Arc::clone(projection)));
        }
        let mut backoff = Backoff::new();
        let mut prefetch: Option<(Position, Prefetch)> = None;
        let mut grown = self.log.watch();
        let mut asked = self.rebuild_asked.subscribe();
        let mut timeline = self.log.timeline();
        while !stop.is_set() {
            grown.borrow_and_update();
            asked.borrow_and_update();
            let now = self.log.timeline();
            if now != timeline {
                // Nobody is told that he can read his writes before that was found out again.
                tracing::warn!("the log went on elsewhere; every checkpoint is compared with it");
                timeline = now;
                prefetch = None;
                running.iter_mut().for_each(Running::close);
                self.announce(&running, None);
            }
            match self.round(&mut running, &mut prefetch, timeline).await {
                Ok(more) => {
                    self.announce(&running, None);
                    self.verified.send_replace(Some(timeline));
                    backoff = Backoff::new();
                    if more {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the projections will try again");
                    prefetch = None;
                    self.announce(&running, Some(error.to_string()));
                    if !backoff.wait(&mut stop).await {
                        break;
                    }
                    continue;
                }
            }
            let quiet = tokio::select! {
                () = stop.wait() => break,
                grown = timeout(LOOK_AGAIN_AFTER, grown.changed()) => grown.is_err(),
                _ = asked.changed() => false,
            };
            if quiet {
                self.close_where_changed(&mut running).await;
            }
        }
    }

    /// Another process may have discarded a read model, so that it is built anew. While events come,
    /// the compare-and-set tells; while none come, somebody has to look.
    async fn close_where_changed(&self, running: &mut [Running]) {
        match self.views.checkpoints().await {
            Ok(stored) => {
                for one in running.iter_mut().filter(|one| one.differs(&stored)) {
                    tracing::info!(projection = one.name(), "somebody else has changed it");
                    one.close();
                }
            }
            Err(error) => tracing::debug!(%error, "the checkpoints could not be looked at"),
        }
    }

    /// Brings every projection one batch further. `true` when there is more to do at once.
    async fn round(
        &self,
        running: &mut Vec<Running>,
        prefetch: &mut Option<(Position, Prefetch)>,
        timeline: u64,
    ) -> Result<bool, ProjectorError> {
        let asked =
            std::mem::take(&mut *self.rebuild.lock().unwrap_or_else(PoisonError::into_inner));
        for one in running.iter_mut() {
            if asked.contains(one.name()) {
                one.discard(&*self.views).await?;
            }
            if !one.is_open() {
                one.open(&*self.log, &*self.views).await?;
            }
        }
        let Some(from) = running.iter().filter_map(Running::next_after).min() else {
            return Ok(false);
        };
        let known_head = *self.log.watch().borrow();
        let events = batch(known_head.0.saturating_sub(from.0));
        let (page, head) = match prefetch.take() {
            Some((after, fetched)) if after == from => match fetched.await {
                Ok(page) => page?,
                Err(_) => self.read(from, events).await?,
            },
            _ => self.read(from, events).await?,
        };
        let last = page.last().map_or(from, |event| event.recorded.position);
        if last < head {
            // The next page is read and decoded while this one is folded and written.
            let events = batch(head.0 - last.0);
            let (log, dating) = (Arc::clone(&self.log), Arc::clone(&self.dating));
            let reading = tokio::spawn(async move {
                decoded::read(&*log, &mut *dating.lock().await, last, events).await
            });
            *prefetch = Some((last, reading));
        }
        if self.log.timeline() != timeline {
            return Ok(true);
        }
        let more = last < head || !page.is_empty();
        self.step_all(running, from, Arc::new(page), head).await?;
        Ok(more)
    }

    async fn read(&self, from: Position, events: usize) -> Result<(Page, Position), LogError> {
        decoded::read(&*self.log, &mut *self.dating.lock().await, from, events).await
    }

    /// Every projection takes the page on a task of its own: folding is work for the processor, and
    /// there may be several of those.
    async fn step_all(
        &self,
        running: &mut Vec<Running>,
        from: Position,
        page: Arc<Page>,
        head: Position,
    ) -> Result<(), ProjectorError> {
        let mut steps = JoinSet::new();
        for (place, mut one) in running.drain(..).enumerate() {
            let (log, views) = (Arc::clone(&self.log), Arc::clone(&self.views));
            let page = Arc::clone(&page);
            steps.spawn(async move {
                let outcome = one.step(&*log, &*views, from, &page, head).await;
                (place, one, outcome)
            });
        }
        let mut stepped = steps.join_all().await;
        stepped.sort_by_key(|(place, _, _)| *place);
        let mut outcome = Ok(());
        for (_, one, result) in stepped {
            running.push(one);
            outcome = outcome.and(result);
        }
        outcome
    }

    fn announce(&self, running: &[Running], problem: Option<String>) {
        let head = *self.log.watch().borrow();
        self.publish(running.iter().map(|one| one.status(head, problem.clone())).collect());
    }

    fn publish(&self, all: Vec<ProjectionStatus>) {
        for one in &all {
            metrics::gauge!(names::PROJECTION_LAG, "projection" => one.name).set(lag(one.lag));
            metrics::gauge!(names::PROJECTION_STOPPED, "projection" => one.name)
                .set(if one.stopped.is_some() { 1.0 } else { 0.0 });
        }
        self.status.send_if_modified(|known| {
            let changed = *known != all;
            *known = all;
            changed
        });
    }
}

/// The checkpoint of a projection that has folded nothing.
fn first_checkpoint(projection: &str, log: &dyn Log) -> Checkpoint {
    Checkpoint {
        projection: projection.to_owned(),
        log: log.log_id().clone(),
        position: Position::START,
        event_id: uuid::Uuid::nil(),
        state_hash: RowHash::ZERO.to_string(),
        rows: 0,
        stopped: None,
    }
}
