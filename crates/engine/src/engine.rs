//! The whole machine: the bus, the projections and every worker, started and stopped together.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kernel::{Clock, TenantId};
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
    effects::{EffectState, EffectStatus, Effects},
    errands::Errand,
    fetches::{Fetcher, Fetches},
    policies::Policies,
    ports::{Backfill, StripePort},
    projector::{ProjectionStatus, Projector, ReplayError, Replayed, replay},
    sealing::Sealer,
    snapshots::Snapshots,
    station::{self, Report, Station, StationStatus, Stop, Stopper},
    sweep::{SweepError, SweepReport, SweepStatus, Sweeper},
    timers::{Timers, TimersStatus},
    transaction_index::{Index, TransactionSources},
    translator::Translator,
    webhooks::Webhooks,
};

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
        Self { bus, views, translator: None, stripe: None, backfill: None, backfill_every }
    }
}

/// How everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EngineStatus {
    /// Which log.
    pub log: LogId,
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
    /// Stripe's messages that a person must look at, of those this process has met.
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
        self.ended.is_empty()
            && !self.projections.is_empty()
            && self.projections.iter().all(|one| one.live && one.stopped.is_none())
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
    stations: Vec<(&'static str, Arc<Report>)>,
    timers: Option<watch::Receiver<TimersStatus>>,
    webhooks: Option<Arc<Webhooks>>,
    effects: Option<Arc<Effects>>,
}

/// The engine. Share it in an `Arc`.
pub struct Engine {
    parts: EngineParts,
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

    /// Starts every worker. Starting twice does nothing.
    ///
    /// # Errors
    /// [`LogError`] when the head of the log cannot be read.
    pub async fn start(&self) -> Result<(), LogError> {
        let head = self.log().head().await?.position;
        let mut running = self.running();
        if !running.workers.is_empty() {
            return Ok(());
        }
        self.run_projections(&mut running);
        let bus = &self.parts.bus;
        let policies = self.run_station(&mut running, Arc::new(Policies { bus: bus.clone() }));
        self.run_station(&mut running, Arc::new(Snapshots { bus: bus.clone() }));
        let fetcher = self.sweeper.as_ref().map(|sweeper| Arc::clone(&sweeper.fetcher));
        if let Some(fetcher) = &fetcher {
            let fetches = Arc::new(Fetches { fetcher: Arc::clone(fetcher) });
            self.run_station(&mut running, fetches);
        }
        if let Some(translator) = &self.parts.translator {
            let webhooks = Webhooks::new(bus.clone(), Arc::clone(translator), fetcher);
            let webhooks = Arc::new(webhooks);
            self.run_station(&mut running, Arc::clone(&webhooks));
            running.webhooks = Some(webhooks);
        }
        let effects = Effects::new(bus.clone(), self.parts.stripe.clone(), head);
        let effects = Arc::new(effects);
        self.run_station(&mut running, Arc::clone(&effects));
        running.effects = Some(effects);
        let views = Arc::clone(&self.parts.views);
        let projector = Arc::clone(&self.projector);
        if let Some(timers) = Timers::new(bus.clone(), views, projector, policies.done()) {
            running.timers = Some(timers.watch());
            let stop = self.stopper.listener();
            spawn(&mut running, "timers", async move { timers.run(stop).await });
        }
        self.run_errands(&mut running);
        Ok(())
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
            let (status, stop) = (self.backfill.clone(), self.stopper.listener());
            let work = backfill::run(backfill, errand("backfill"), status, stop);
            spawn(running, "backfill", work);
        }
        if let Some(sweeper) = self.sweeper.clone() {
            let (errand, status) = (errand("sweep"), self.sweep.clone());
            let stop = self.stopper.listener();
            spawn(running, "sweep", async move { sweeper.run(errand, status, stop).await });
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
        spawn(running, "projections", async move { projector.run(stop).await });
    }

    fn run_station<S: Station>(&self, running: &mut Running, station: Arc<S>) -> Arc<Report> {
        let name = station.name();
        let report = Report::new(name);
        let (log, stop): (_, Stop) = (Arc::clone(self.log()), self.stopper.listener());
        spawn(running, name, station::run(station, log, Arc::clone(&report), stop));
        running.stations.push((name, Arc::clone(&report)));
        report
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

    /// Every call to Stripe without an outcome.
    #[must_use]
    pub fn effects(&self) -> Vec<EffectStatus> {
        let effects = self.running().effects.clone();
        effects.map(|effects| effects.status()).unwrap_or_default()
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

    /// How everything stands.
    ///
    /// # Errors
    /// [`LogError`] when the head of the log cannot be read.
    pub async fn status(&self) -> Result<EngineStatus, LogError> {
        let head = self.log().head().await?.position;
        let running = self.running();
        let effects = running.effects.as_ref().map(|effects| effects.status()).unwrap_or_default();
        let unknown = effects.iter().filter(|effect| effect.state == EffectState::Unknown).count();
        let (parked, quarantined) =
            running.webhooks.as_ref().map_or((0, 0), |webhooks| webhooks.counts());
        let timers = running.timers.as_ref().map(|timers| timers.borrow().clone());
        Ok(EngineStatus {
            log: self.log().log_id().clone(),
            head,
            projections: self.projector.status(head),
            workers: running.stations.iter().map(|(_, report)| report.status(head)).collect(),
            timers: timers.unwrap_or_default(),
            stripe: self.parts.stripe.is_some(),
            effects_to_do: effects.len() - unknown,
            effects_unknown: unknown,
            parked,
            quarantined,
            backfill: self.backfill.borrow().clone(),
            sweep: self.sweep.borrow().clone(),
            ended: running
                .workers
                .iter()
                .filter(|worker| worker.handle.is_finished())
                .map(|worker| worker.name)
                .collect(),
        })
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
                return Err(NotSettled { head, busy: self.busy(head) });
            }
        }
    }

    async fn everybody_at(&self, head: Position) {
        let (stations, timers) = {
            let running = self.running();
            let stations: Vec<_> =
                running.stations.iter().map(|(_, report)| report.done()).collect();
            (stations, running.timers.clone())
        };
        for mut done in stations {
            // A worker that is gone never gets there; the deadline decides.
            if done.wait_for(|done| *done >= head).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        while self.projector.wait_for(head, Duration::from_secs(3600)).await.is_err() {}
        if let Some(mut timers) = timers
            && timers.wait_for(|timers| timers.idle_at >= head).await.is_err()
        {
            std::future::pending::<()>().await;
        }
    }

    fn busy(&self, head: Position) -> String {
        let running = self.running();
        let mut busy: Vec<String> = running
            .stations
            .iter()
            .map(|(_, report)| report.status(head))
            .filter(|status| status.lag > 0)
            .map(|status| match status.problem {
                Some(problem) => format!("{} at {} ({problem})", status.name, status.done),
                None => format!("{} at {}", status.name, status.done),
            })
            .collect();
        let projections = self.projector.status(head);
        busy.extend(
            projections
                .iter()
                .filter(|one| one.lag > 0 && one.stopped.is_none())
                .map(|one| format!("{} at {}", one.name, one.position)),
        );
        if let Some(timers) = &running.timers
            && timers.borrow().idle_at < head
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
