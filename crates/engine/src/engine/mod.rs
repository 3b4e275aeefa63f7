//! The whole machine: the bus, the projections and every worker, started and stopped together.

mod standing;

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kernel::{Clock, TenantId};
use projections::Projection;
use store::{Log, LogError, Position, Views};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

pub use standing::{EngineStatus, NotSettled, Readiness};

use crate::{
    backfill::{self, BackfillStatus},
    bus::Bus,
    effects::Effects,
    errands::Errand,
    fetches::{Fetcher, Fetches},
    lease::{self, Grantor, LEASE_TIME, Post},
    policies::Policies,
    ports::{Backfill, StripePort},
    projector::{Projector, ReplayError, Replayed, replay},
    sealing::Sealer,
    snapshots::Snapshots,
    station::{self, Reached, Report, Station, Stopper},
    sweep::{SweepError, SweepReport, SweepStatus, Sweeper},
    timers::Timers,
    transaction_index::{Index, TransactionSources},
    translator::Translator,
    webhooks::Webhooks,
};
use standing::RunningTimers;

/// What is asked of Stripe every so often: names of workers and of bookmarks.
const BACKFILL: &str = "backfill";
const SWEEP: &str = "sweep";
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
