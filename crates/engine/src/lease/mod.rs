//! Posts: work that one process at a time does, by a lease that it renews while it works.
//!
//! Leases spare double work and nothing more. Two workers of one name are harmless: checkpoints move
//! by compare-and-set, commands have derived ids, calls to Stripe have idempotency keys.

use std::{
    fs,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::{Lease, Log, Views};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use uuid::Uuid;

use crate::station::{Stop, Stopper};

/// For how long a lease is asked: so long nobody does the work of a process that has died.
pub(crate) const LEASE_TIME: Duration = Duration::from_secs(10);

/// A lease is renewed after this part of its time.
const RENEWED_AFTER: u32 = 3;
/// Who could not renew stops when this part of its time is left, and is cut off at its end.
const STOPS_BEFORE: u32 = 6;
/// Who waits for a lease, or could not renew it, asks again after this part of its time.
const ASKS_AFTER: u32 = 10;

/// A name for this process that no other one ever has: host and process for people, a random part
/// for the rest.
pub(crate) fn holder() -> Arc<str> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "host",
        name => name,
    };
    format!("{host}/{}/{}", std::process::id(), Uuid::new_v4().simple()).into()
}

/// Who grants a lease.
#[derive(Debug, Clone)]
pub(crate) enum Grantor {
    /// Work that is driven by a log.
    Log(Arc<dyn Log>),
    /// Work at read models: two processes may share a log and have read models of their own.
    Views(Arc<dyn Views>),
}

impl Grantor {
    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, String> {
        match self {
            Self::Log(log) => log.lease(worker, holder, time).await.map_err(|e| e.to_string()),
            Self::Views(views) => {
                views.lease(worker, holder, time).await.map_err(|e| e.to_string())
            }
        }
    }

    async fn release(&self, worker: &str, holder: &str) -> Result<(), String> {
        match self {
            Self::Log(log) => log.release(worker, holder).await.map_err(|e| e.to_string()),
            Self::Views(views) => views.release(worker, holder).await.map_err(|e| e.to_string()),
        }
    }
}

/// The place of one worker, which one process at a time holds.
#[derive(Debug)]
pub(crate) struct Post {
    worker: &'static str,
    grantor: Grantor,
    holder: Arc<str>,
    time: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    /// Nobody has said yet.
    Unknown,
    Ours {
        fence: u64,
        /// By our own clock, counted from before we asked.
        until: Instant,
    },
    Theirs(String),
}

/// Why the work ended.
enum Ended {
    /// The lease could not be renewed, or is somebody else's.
    Lost,
    /// The process shuts down.
    Told,
    /// Nobody said so: a fault of ours, which the engine's status shows.
    ByItself,
}

impl Post {
    pub(crate) fn new(
        worker: &'static str,
        grantor: Grantor,
        holder: Arc<str>,
        time: Duration,
    ) -> Arc<Self> {
        Arc::new(Self { worker, grantor, holder, time, held: Mutex::new(Held::Unknown) })
    }

    /// The name of the work.
    pub(crate) const fn worker(&self) -> &'static str {
        self.worker
    }

    /// Whether the work is certainly this process's now.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(*self.held(), Held::Ours { until, .. } if Instant::now() < until)
    }

    /// The other process that does the work, if one does.
    pub(crate) fn held_by(&self) -> Option<String> {
        match &*self.held() {
            Held::Theirs(by) => Some(by.clone()),
            Held::Unknown | Held::Ours { .. } => None,
        }
    }

    /// Works whenever, and as long as, the lease is ours, and otherwise does something else; until
    /// told to stop. The work is given a signal of its own to stop by, and some time for what is
    /// under way; then it is dropped, wherever it stands.
    pub(crate) async fn keep<W, M>(
        &self,
        mut stop: Stop,
        mut work: impl FnMut(Stop) -> W,
        mut meanwhile: impl FnMut() -> M,
    ) where
        W: Future<Output = ()>,
        M: Future<Output = ()>,
    {
        while self.take(&mut stop, &mut meanwhile).await {
            let shift = Stopper::new();
            let mut working = pin!(work(shift.listener()));
            // Who was frozen past its lease finds that out before it does anything else.
            let ended = tokio::select! {
                biased;
                () = self.renew() => Ended::Lost,
                () = stop.wait() => Ended::Told,
                () = &mut working => Ended::ByItself,
            };
            shift.stop();
            match ended {
                Ended::Lost => {
                    tracing::warn!(worker = self.worker, "the lease is lost; the work stops");
                    let grace = self.time / STOPS_BEFORE;
                    if timeout(grace, working).await.is_err() {
                        tracing::warn!(worker = self.worker, "what was under way is cut off");
                    }
                }
                Ended::Told => {
                    tokio::select! {
                        () = working => {}
                        () = self.renew() => {}
                    }
                    return self.release().await;
                }
                Ended::ByItself => return self.release().await,
            }
        }
    }

    /// Waits until the lease is ours; `false` when told to stop before.
    async fn take<M>(&self, stop: &mut Stop, meanwhile: &mut impl FnMut() -> M) -> bool
    where
        M: Future<Output = ()>,
    {
        if stop.is_set() {
            return false;
        }
        let pause = self.time / ASKS_AFTER;
        if let Ok(true) = timeout(pause, self.ask()).await {
            return true;
        }
        if let Some(by) = self.held_by() {
            tracing::info!(worker = self.worker, by, "another process does this work");
        }
        let asking = async {
            loop {
                sleep(pause).await;
                if self.ask().await {
                    return;
                }
            }
        };
        let waiting = async {
            meanwhile().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = stop.wait() => return false,
            () = asking => {}
            () = waiting => {}
        }
        tracing::info!(worker = self.worker, "this process does this work now");
        true
    }

    /// Asks once. What cannot be asked changes nothing.
    async fn ask(&self) -> bool {
        let asked = Instant::now();
        match self.grantor.lease(self.worker, &self.holder, self.time).await {
            Ok(Lease::Granted { fence }) => {
                *self.held() = Held::Ours { fence, until: asked + self.time };
                true
            }
            Ok(Lease::Held { by }) => {
                *self.held() = Held::Theirs(by);
                false
            }
            Err(problem) => {
                tracing::debug!(worker = self.worker, problem, "the lease cannot be asked for");
                false
            }
        }
    }

    /// Renews the lease again and again; returns when it is not ours any more, or soon will not be.
    async fn renew(&self) {
        loop {
            let Held::Ours { fence, until } = self.held().clone() else { return };
            sleep_until(until - self.time + self.time / RENEWED_AFTER).await;
            let last_call = (until - self.time / STOPS_BEFORE).max(Instant::now() + self.grace());
            while timeout_at(last_call, self.ask()).await != Ok(true) {
                let theirs = matches!(*self.held(), Held::Theirs(_));
                if theirs || Instant::now() + self.grace() >= last_call {
                    self.forget();
                    return;
                }
                sleep(self.time / ASKS_AFTER).await;
            }
            if !matches!(*self.held(), Held::Ours { fence: now, .. } if now == fence) {
                // Somebody had it in between, so this shift is over.
                self.forget();
                return;
            }
        }
    }

    /// How long one question may take that is asked too late.
    fn grace(&self) -> Duration {
        self.time / (2 * ASKS_AFTER)
    }

    /// It cannot be ours any more; whose it is, we shall see.
    fn forget(&self) {
        let mut held = self.held();
        if matches!(*held, Held::Ours { .. }) {
            *held = Held::Unknown;
        }
    }

    /// Gives the lease back, so that a successor need not wait for its end.
    async fn release(&self) {
        self.forget();
        let released = self.grantor.release(self.worker, &self.holder);
        match timeout(self.time / ASKS_AFTER, released).await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => {
                tracing::warn!(worker = self.worker, problem, "the lease was not given back");
            }
            Err(_) => tracing::warn!(worker = self.worker, "the lease was not given back in time"),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Every change is one assignment, so a poisoned lock hides no half.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
