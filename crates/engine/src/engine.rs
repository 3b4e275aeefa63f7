//! The whole machine: the bus, the projections and every worker, started and stopped together.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kernel::{Clock, TenantId, Timestamp};
use projections::Projection;
use serde::Serialize;
use store::{Log, LogError, LogId, Position, Views};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{timeout, timeout_at},
};

use crate::{
    backfill::{self, BackfillStatus},
    bus::Bus,
    effects::{self, Counted, EffectStatus, Effects},
    errands::{Errand, instant},
    fetches::{Fetcher, Fetches},
    lease::{self, Grantor, LEASE_TIME, Post},
    policies::Policies,
    ports::{Backfill, StripePort},
    projector::{ProjectionStatus, Projector, ProjectorError, ReplayError, Replayed, replay},
    sealing::Sealer,
    snapshots::Snapshots,
    station::{self, Reached, Report, Station, StationStatus, Stopper},
    sweep::{SweepError, SweepReport, SweepStatus, Sweeper},
    timers::{self, Timers, TimersStatus},
    transaction_index::{Index, TransactionSources},
    translator::Translator,
    webhooks::Webhooks,
};

/// What is asked of Stripe every so often: names of workers and of bookmarks.
const BACKFILL: &str = "backfill";
const SWEEP: &str = "sweep";
/// How often it is looked at what another process does while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What an engine is made of.
pub struct EngineParts {
    /// Sends commands; it has the log and the clock.
    pub bus: Bus,
    /// Where the answers are kept.
    pub views: Arc<dyn Views>,
    /// Reads Stripe's messages; without it they are stored and wait.
    pub translator: Option<Arc<dyn Translator>>,
    /// Asks Stripe; without it effects stay to-do and are done by hand.
    pub stripe: Option<Arc<dyn StripePort>>,
    /// Fetches undelivered events.
    pub backfill: Option<Arc<dyn Backfill>>,
    /// How often undelivered events are fetched, and balances swept; hourly unless told otherwise.
    pub backfill_every: Duration,
    /// For how long this process takes over work that one process at a time does, before it renews
    /// that; ten seconds unless told otherwise.
    pub lease_time: Duration,
}

impl std::fmt::Debug for EngineParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineParts").field("bus", &self.bus).finish_non_exhaustive()
    }
}

impl EngineParts {
    /// Without anything of Stripe's.
    #[must_use]
    pub fn new(bus: Bus, views: Arc<dyn Views>) -> Self {
        let backfill_every = Duration::from_secs(3600);
        Self {
            bus,
            views,
            translator: None,
            stripe: None,
            backfill: None,
            backfill_every,
            lease_time: LEASE_TIME,
        }
    }
}

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

struct Worker {
    name: &'static str,
    handle: JoinHandle<()>,
}

#[derive(Default)]
struct Running {
    workers: Vec<Worker>,
    stations: Vec<Reached>,
    timers: Option<RunningTimers>,
    errands: Vec<Arc<Post>>,
}

#[derive(Clone)]
struct RunningTimers {
    status: watch::Receiver<TimersStatus>,
    /// The timeline of the log, and where nothing was due on it.
    idle: watch::Receiver<(u64, Position)>,
    post: Arc<Post>,
}

/// The engine. Share it in an `Arc`.
pub struct Engine {
    parts: EngineParts,
    holder: Arc<str>,
    sealer: Sealer,
    projector: Arc<Projector>,
    stopper: Stopper,
    pub(crate) backfill: watch::Sender<BackfillStatus>,
    sweeper: Option<Arc<Sweeper>>,
    pub(crate) sweep: watch::Sender<SweepStatus>,
    running: Mutex<Running>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("parts", &self.parts).finish_non_exhaustive()
    }
}

/// Every projection: those of the `projections` crate, and the engine's own.
#[must_use]
pub fn all_projections() -> Vec<Arc<dyn Projection>> {
    let mut all: Vec<Arc<dyn Projection>> = projections::all().into_iter().map(Arc::from).collect();
    all.push(Arc::new(TransactionSources));
    all
}

impl Engine {
    /// Puts it together with every projection. Nothing runs yet.
    #[must_use]
    pub fn new(parts: EngineParts) -> Self {
        Self::with_projections(parts, all_projections())
    }

    /// Puts it together with these projections only; the engine's own is always there.
    #[must_use]
    pub fn with_projections(parts: EngineParts, mut projections: Vec<Arc<dyn Projection>>) -> Self {
        let own = TransactionSources;
        if !projections.iter().any(|known| known.name() == own.name()) {
            projections.push(Arc::new(own));
        }
        let log = Arc::clone(parts.bus.log());
        let views = Arc::clone(&parts.views);
        let projector = Arc::new(Projector::new(Arc::clone(&log), views, projections));
        let index = Index { projector: Arc::clone(&projector), views: Arc::clone(&parts.views) };
        parts.bus.set_transaction_index(Arc::new(index));
        let sweeper = parts.stripe.as_ref().map(|port| {
            let fetcher = Fetcher { bus: parts.bus.clone(), port: Arc::clone(port) };
            let views = Arc::clone(&parts.views);
            Arc::new(Sweeper::new(Arc::new(fetcher), Arc::clone(&projector), views))
        });
        Self {
            holder: lease::holder(),
            sealer: Sealer::new(log),
            parts,
            projector,
            stopper: Stopper::new(),
            backfill: watch::Sender::default(),
            sweeper,
            sweep: watch::Sender::default(),
            running: Mutex::default(),
        }
    }

    /// Starts every worker. Starting twice does nothing. What another process does already, this one
    /// does when that one has stopped.
    ///
    /// # Errors
    /// [`LogError`] when the head of the log cannot be read.
    pub async fn start(&self) -> Result<(), LogError> {
        self.log().head().await?;
        let mut running = self.running();
        if !running.workers.is_empty() {
            return Ok(());
        }
        self.run_projections(&mut running);
        let bus = &self.parts.bus;
        let policies = Arc::new(Policies { bus: bus.clone() });
        let policies = self.run_station(&mut running, self.post("policies"), policies);
        let snapshots = Arc::new(Snapshots { bus: bus.clone() });
        self.run_station(&mut running, self.post("snapshots"), snapshots);
        let fetcher = self.sweeper.as_ref().map(|sweeper| Arc::clone(&sweeper.fetcher));
        if let Some(fetcher) = &fetcher {
            let fetches = Arc::new(Fetches { fetcher: Arc::clone(fetcher) });
            self.run_station(&mut running, self.post("fetches"), fetches);
        }
        if let Some(translator) = &self.parts.translator {
            let webhooks = Webhooks::new(bus.clone(), Arc::clone(translator), fetcher);
            self.run_station(&mut running, self.post("webhooks"), Arc::new(webhooks));
        }
        if let Some(stripe) = &self.parts.stripe {
            let post = self.post("effects");
            let effects = Effects::new(bus.clone(), Arc::clone(stripe), Arc::clone(&post));
            self.run_station(&mut running, post, Arc::new(effects));
        }
        self.run_timers(&mut running, policies);
        self.run_errands(&mut running);
        Ok(())
    }

    fn run_timers(&self, running: &mut Running, policies: Reached) {
        let (views, projector) = (Arc::clone(&self.parts.views), Arc::clone(&self.projector));
        let Some(timers) = Timers::new(self.parts.bus.clone(), views, projector, policies) else {
            return;
        };
        let (status, idle, post) = (timers.watch(), timers.idle(), self.post("timers"));
        running.timers = Some(RunningTimers { status, idle, post: Arc::clone(&post) });
        let stop = self.stopper.listener();
        spawn(running, "timers", async move {
            post.keep(stop, |stop| timers.run(stop), pending).await;
        });
    }

    /// What is asked of Stripe every so often.
    fn run_errands(&self, running: &mut Running) {
        let errand = |name| Errand {
            name,
            every: self.parts.backfill_every,
            log: Arc::clone(self.log()),
            clock: Arc::clone(self.clock()),
        };
        if let Some(backfill) = self.parts.backfill.clone() {
            let (errand, status) = (errand(BACKFILL), self.backfill.clone());
            let (post, stop) = (self.post(BACKFILL), self.stopper.listener());
            running.errands.push(Arc::clone(&post));
            spawn(running, BACKFILL, async move {
                let work = |stop| backfill::run(&*backfill, &errand, &status, stop);
                post.keep(stop, work, pending).await;
            });
        }
        if let Some(sweeper) = self.sweeper.clone() {
            let (errand, status) = (errand(SWEEP), self.sweep.clone());
            let (post, stop) = (self.post(SWEEP), self.stopper.listener());
            running.errands.push(Arc::clone(&post));
            spawn(running, SWEEP, async move {
                let work = |stop| sweeper.run(&errand, &status, stop);
                post.keep(stop, work, pending).await;
            });
        }
    }

    /// Starts the projections and nothing else: for `rebuild` and reading commands.
    pub fn start_projections(&self) {
        let mut running = self.running();
        if running.workers.is_empty() {
            self.run_projections(&mut running);
        }
    }

    fn run_projections(&self, running: &mut Running) {
        let (projector, stop) = (Arc::clone(&self.projector), self.stopper.listener());
        let views = Grantor::Views(Arc::clone(&self.parts.views));
        let post = self.post_of("projections", views);
        spawn(running, "projections", async move {
            let others = || projector.watch_others(&post);
            post.keep(stop, |stop| projector.run(stop), others).await;
        });
    }

    fn run_station<S: Station>(
        &self,
        running: &mut Running,
        post: Arc<Post>,
        station: Arc<S>,
    ) -> Reached {
        let (name, log) = (station.name(), Arc::clone(self.log()));
        let report = Report::new(name);
        let reached = Reached { name, report, post, log };
        let (worker, stop) = (reached.clone(), self.stopper.listener());
        spawn(running, name, async move {
            let Reached { report, post, log, .. } = worker;
            let work = |stop| {
                let (station, log) = (Arc::clone(&station), Arc::clone(&log));
                station::run(station, log, Arc::clone(&report), stop)
            };
            post.keep(stop, work, || station.meanwhile()).await;
        });
        running.stations.push(reached.clone());
        reached
    }

    /// The post of a worker that is driven by the log.
    fn post(&self, worker: &'static str) -> Arc<Post> {
        self.post_of(worker, Grantor::Log(Arc::clone(self.log())))
    }

    fn post_of(&self, worker: &'static str, grantor: Grantor) -> Arc<Post> {
        Post::new(worker, grantor, Arc::clone(&self.holder), self.parts.lease_time)
    }

    /// Sends commands.
    #[must_use]
    pub const fn bus(&self) -> &Bus {
        &self.parts.bus
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn Log> {
        self.parts.bus.log()
    }

    /// The answers.
    #[must_use]
    pub const fn views(&self) -> &Arc<dyn Views> {
        &self.parts.views
    }

    /// Seals and opens personal data.
    #[must_use]
    pub const fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    /// The machine's clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        self.parts.bus.directory().clock()
    }

    /// The projections.
    #[must_use]
    pub const fn projector(&self) -> &Arc<Projector> {
        &self.projector
    }

    /// Waits until the answers know everything up to `position`. `false` when they do not in time.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> bool {
        self.projector.wait_for(position, patience).await.is_ok()
    }

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

    /// Whose platform account the Stripe key is for, if one is configured.
    #[must_use]
    pub fn stripe_tenant(&self) -> Option<TenantId> {
        self.sweeper.as_ref().map(|sweeper| sweeper.tenant())
    }

    /// Reads from Stripe which balance transactions there are since the last time, of the platform
    /// and of every connected account, and records those that are missing. It does so by itself
    /// every hour; the projections must be running.
    ///
    /// # Errors
    /// [`SweepError`]. What was recorded until then stays recorded.
    pub async fn sweep(&self) -> Result<SweepReport, SweepError> {
        let sweeper = self.sweeper.as_ref().ok_or(SweepError::NoKey)?;
        sweeper.sweep_and_tell(&self.sweep).await
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

    /// Computes every answer again from the first event up to `declared`, touching nothing that is
    /// stored. Compare with [`Engine::status`] at the same position.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn replay(
        &self,
        declared: Position,
        progress: impl FnMut(Position) + Send,
    ) -> Result<Vec<Replayed>, ReplayError> {
        replay(&**self.log(), self.projector.projections(), declared, progress).await
    }

    /// Stops every worker after what is under way, waits for them at most so long, and closes
    /// nothing: log and views belong to the caller.
    pub async fn shutdown(&self, patience: Duration) {
        self.stopper.stop();
        let workers = std::mem::take(&mut self.running().workers);
        let deadline = Instant::now() + patience;
        for Worker { name, mut handle } in workers {
            let left = deadline.saturating_duration_since(Instant::now());
            match timeout(left, &mut handle).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(worker = name, %error, "a worker failed"),
                Err(_) => {
                    // Everything it does can be cut off at any point and is done again.
                    tracing::warn!(worker = name, "a worker did not stop in time; it is cut off");
                    handle.abort();
                }
            }
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
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

impl Drop for Engine {
    fn drop(&mut self) {
        for worker in &self.running().workers {
            worker.handle.abort();
        }
    }
}

fn spawn(
    running: &mut Running,
    name: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
) {
    running.workers.push(Worker { name, handle: tokio::spawn(work) });
}
