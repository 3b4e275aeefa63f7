//! How everything stands, whichever process does it, and waiting until it has come to rest.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kernel::{TenantId, Timestamp};
use serde::Serialize;
use store::{Log, LogError, LogId, Position};
use tokio::{
    sync::watch,
    time::{timeout, timeout_at},
};

use super::{BACKFILL, Engine, SWEEP};
use crate::{
    backfill::BackfillStatus,
    effects::{self, Counted, EffectStatus},
    errands::instant,
    lease::Post,
    projector::{ProjectionStatus, ProjectorError},
    station::{Reached, StationStatus},
    sweep::SweepStatus,
    timers::{self, TimersStatus},
};
/// How often it is looked at what another process does while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineStatus {
    /// Which log.
    pub log: LogId,
    /// How other processes name this one where they say who does some work.
    pub holder: String,
    /// Position of its last event.
    pub head: Position,
    /// Each projection.
    pub projections: Vec<ProjectionStatus>,
    /// Each worker that follows the log.
    pub workers: Vec<StationStatus>,
    /// The timers.
    pub timers: TimersStatus,
    /// Whether a Stripe key is configured.
    pub stripe: bool,
    /// Calls to Stripe that are still to be made, or are under way.
    pub effects_to_do: usize,
    /// Calls to Stripe whose outcome is not known.
    pub effects_unknown: usize,
    /// Stripe's messages that wait for something they are about.
    pub parked: usize,
    /// Stripe's messages that a person must look at.
    pub quarantined: usize,
    /// The backfill.
    pub backfill: BackfillStatus,
    /// The sweep of balance transactions.
    pub sweep: SweepStatus,
    /// Workers that ended although nobody told them to: a fault of ours.
    pub ended: Vec<&'static str>,
}

impl EngineStatus {
    /// Whether every projection and worker runs: what `/readyz` says.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        all_run(&self.projections, &self.ended)
    }
}

fn all_run(projections: &[ProjectionStatus], ended: &[&str]) -> bool {
    ended.is_empty()
        && !projections.is_empty()
        && projections.iter().all(|one| one.live && one.stopped.is_none())
}

/// Whether questions can be answered, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Position of the log's last event.
    pub head: Position,
    /// Each projection.
    pub projections: Vec<ProjectionStatus>,
    /// Workers that ended although nobody told them to: a fault of ours.
    pub ended: Vec<&'static str>,
}

impl Readiness {
    /// Whether every projection and worker runs.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        all_run(&self.projections, &self.ended)
    }
}

/// Not everything came to rest in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not everything came to rest at position {head}; still busy: {busy}")]
pub struct NotSettled {
    /// The head of the log at the end.
    pub head: Position,
    /// Who was still busy.
    pub busy: String,
}

#[derive(Clone)]
pub(super) struct RunningTimers {
    pub(super) status: watch::Receiver<TimersStatus>,
    /// The timeline of the log, and where nothing was due on it.
    pub(super) idle: watch::Receiver<(u64, Position)>,
    pub(super) post: Arc<Post>,
}

impl Engine {
    /// Every call to Stripe without an outcome, of one tenant or of all; as the read models and the
    /// log have it, whichever process makes the calls.
    ///
    /// # Errors
    /// [`ProjectorError`] when the outbox or the log cannot be read.
    pub async fn effects(
        &self,
        tenant: Option<TenantId>,
    ) -> Result<Vec<EffectStatus>, ProjectorError> {
        if !self.shows("outbox") {
            return Ok(Vec::new());
        }
        effects::shown(&**self.log(), &*self.parts.views, tenant).await
    }

    /// Whether there is such a projection.
    fn shows(&self, name: &str) -> bool {
        self.projector.projections().iter().any(|known| known.name() == name)
    }

    /// What is to be done and what waits; nothing while the answers are not there.
    async fn counted(&self) -> Counted {
        if !(self.shows("outbox") && self.shows("webhooks")) {
            return Counted::default();
        }
        effects::counted(&*self.parts.views).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "what is to be done could not be counted");
            Counted::default()
        })
    }

    /// Whether questions can be answered.
    ///
    /// # Errors
    /// [`LogError`] when the head of the log cannot be read.
    pub async fn readiness(&self) -> Result<Readiness, LogError> {
        let head = self.log().head().await?.position;
        Ok(Readiness { head, projections: self.projector.status(head), ended: self.ended() })
    }

    /// How everything stands, whichever process does it.
    ///
    /// # Errors
    /// [`LogError`] when the log cannot be read.
    pub async fn status(&self) -> Result<EngineStatus, LogError> {
        let Readiness { head, projections, ended } = self.readiness().await?;
        let (stations, timers) = self.workers();
        let mut workers = Vec::with_capacity(stations.len());
        for station in stations {
            workers.push(station.status(head).await?);
        }
        let timers = match timers {
            Some(RunningTimers { status, post, .. }) => {
                TimersStatus { held_by: post.held_by(), ..status.borrow().clone() }
            }
            None => TimersStatus::default(),
        };
        let counted = self.counted().await;
        let (mut backfill, mut sweep) =
            (self.backfill.borrow().clone(), self.sweep.borrow().clone());
        backfill.last = self.last(BACKFILL, backfill.last).await?;
        sweep.last = self.last(SWEEP, sweep.last).await?;
        Ok(EngineStatus {
            log: self.log().log_id().clone(),
            holder: self.holder.to_string(),
            head,
            projections,
            workers,
            timers,
            stripe: self.parts.stripe.is_some(),
            effects_to_do: counted.effects_to_do,
            effects_unknown: counted.effects_unknown,
            parked: counted.parked,
            quarantined: counted.quarantined,
            backfill,
            sweep,
            ended,
        })
    }

    /// When an errand was last done, also by another process.
    async fn last(
        &self,
        errand: &str,
        known: Option<Timestamp>,
    ) -> Result<Option<Timestamp>, LogError> {
        let elsewhere = {
            let running = self.running();
            running.errands.iter().any(|post| post.worker() == errand && post.held_by().is_some())
        };
        if !elsewhere {
            return Ok(known);
        }
        Ok(known.max(self.log().bookmark(errand).await?.and_then(instant)))
    }

    fn ended(&self) -> Vec<&'static str> {
        let running = self.running();
        let ended = running.workers.iter().filter(|worker| worker.handle.is_finished());
        ended.map(|worker| worker.name).collect()
    }

    fn workers(&self) -> (Vec<Reached>, Option<RunningTimers>) {
        let running = self.running();
        (running.stations.clone(), running.timers.clone())
    }

    /// Waits until everything has come to rest: every message worked on, every policy has reacted,
    /// every due timer fired, every call to Stripe made, every answer up to date, and nothing new.
    /// Returns the head of the log at that moment.
    ///
    /// # Errors
    /// [`NotSettled`] when that does not happen in time.
    pub async fn settle(&self, patience: Duration) -> Result<Position, NotSettled> {
        let deadline = tokio::time::Instant::from_std(Instant::now() + patience);
        let mut head = *self.log().watch().borrow();
        loop {
            if let Ok(found) = self.log().head().await {
                head = found.position;
            }
            let reached = timeout_at(deadline, self.everybody_at(head)).await.is_ok();
            let grown = self.log().head().await.is_ok_and(|now| now.position != head);
            if reached && !grown {
                return Ok(head);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(NotSettled { head, busy: self.busy(head).await });
            }
        }
    }

    async fn everybody_at(&self, head: Position) {
        let (stations, timers) = self.workers();
        for station in stations {
            station.wait(head).await;
        }
        while self.projector.wait_for(head, Duration::from_secs(3600)).await.is_err() {}
        if let Some(timers) = timers {
            timers.wait(head, &**self.log()).await;
        }
    }

    async fn busy(&self, head: Position) -> String {
        let Ok(status) = self.status().await else {
            return "the log cannot be read".to_owned();
        };
        let mut busy: Vec<String> = status
            .workers
            .into_iter()
            .filter(|status| status.lag > 0)
            .map(|status| match status.problem {
                Some(problem) => format!("{} at {} ({problem})", status.name, status.done),
                None => format!("{} at {}", status.name, status.done),
            })
            .collect();
        busy.extend(
            status
                .projections
                .iter()
                .filter(|one| one.lag > 0 && one.stopped.is_none())
                .map(|one| format!("{} at {}", one.name, one.position)),
        );
        if let (_, Some(timers)) = self.workers()
            && timeout(2 * LOOK_EVERY, timers.wait(head, &**self.log())).await.is_err()
        {
            busy.push("timers".to_owned());
        }
        if busy.is_empty() { "the log keeps growing".to_owned() } else { busy.join(", ") }
    }
}

impl RunningTimers {
    /// Returns when nothing was due at `position`, by whoever fires them.
    async fn wait(&self, position: Position, log: &dyn Log) {
        let mut idle = self.idle.clone();
        loop {
            let idle = idle.wait_for(|(timeline, idle_at)| {
                *timeline == log.timeline() && *idle_at >= position
            });
            // A worker that is gone never gets there; the caller's patience decides.
            if let Ok(Ok(_)) = timeout(LOOK_EVERY, idle).await {
                return;
            }
            if !self.post.is_ours()
                && let Ok(Some(idle_at)) = log.bookmark(timers::BOOKMARK).await
                && idle_at >= position
            {
                return;
            }
        }
    }
}
