//! Ordered lanes: jobs of one lane run one after the other, lanes run side by side.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use store::Position;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{Backoff, Report, Routed, Station, Stop};

/// What was read, what is not finished, and up to where everything is.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    done: watch::Sender<Position>,
}

#[derive(Debug, Default)]
struct State {
    /// Which start this is: what earlier ones left unfinished does not count any more.
    round: u64,
    read: Position,
    /// Jobs that are not finished, counted by position.
    unfinished: BTreeMap<Position, usize>,
}

impl State {
    fn done(&self) -> Position {
        self.unfinished
            .first_key_value()
            .map_or(self.read, |(first, _)| Position(first.0.saturating_sub(1)))
    }
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), done: watch::Sender::default() }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<Position> {
        self.done.subscribe()
    }

    pub(crate) fn positions(&self) -> (Position, Position) {
        let state = self.lock();
        (state.read, state.done())
    }

    /// Begins after a position, and says which start this is.
    pub(crate) fn start_at(&self, from: Position) -> u64 {
        let mut state = self.lock();
        state.round += 1;
        state.read = from;
        state.unfinished.clear();
        self.announce(&state);
        state.round
    }

    /// Everything up to `last` was read, and these jobs came of it.
    pub(crate) fn read(&self, last: Position, jobs: impl Iterator<Item = Position>) {
        let mut state = self.lock();
        for position in jobs {
            *state.unfinished.entry(position).or_default() += 1;
        }
        state.read = last;
        self.announce(&state);
    }

    /// A job of this start is finished.
    pub(crate) fn finished(&self, round: u64, position: Position) {
        let mut state = self.lock();
        if state.round != round {
            return;
        }
        if let Some(jobs) = state.unfinished.get_mut(&position) {
            *jobs -= 1;
            if *jobs == 0 {
                state.unfinished.remove(&position);
            }
        }
        self.announce(&state);
    }

    fn announce(&self, state: &State) {
        let done = state.done();
        self.done.send_if_modified(|known| {
            let changed = *known != done;
            *known = done;
            changed
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing between taking and leaving the lock can panic half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Sender<J> = mpsc::Sender<(Position, J)>;

/// The lanes of one station. Dropping them ends them at once.
pub(crate) struct Lanes<J> {
    senders: Vec<Sender<J>>,
    tasks: JoinSet<()>,
}

impl<J: Send + Sync + 'static> Lanes<J> {
    pub(crate) fn start<S: Station<Job = J>>(
        station: &Arc<S>,
        report: &Arc<Report>,
        round: u64,
        stop: &Stop,
        capacity: usize,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let senders = (0..station.lanes().max(1))
            .map(|_| {
                let (sender, jobs) = mpsc::channel(capacity);
                let (station, report) = (Arc::clone(station), Arc::clone(report));
                tasks.spawn(run(station, report, round, stop.clone(), jobs));
                sender
            })
            .collect();
        Self { senders, tasks }
    }

    /// Hands jobs to their lanes, waiting where a lane is full. `false` when stopped meanwhile.
    pub(crate) async fn submit(&mut self, jobs: Vec<Routed<J>>, stop: &mut Stop) -> bool {
        for Routed { position, lane, job } in jobs {
            let Some(sender) = self.senders.get(place(&lane, self.senders.len())) else {
                return false;
            };
            tokio::select! {
                sent = sender.send((position, job)) => if sent.is_err() { return false },
                () = stop.wait() => return false,
            }
        }
        true
    }

    /// Cuts off what is under way, and returns when nothing is any more.
    pub(crate) async fn abandon(mut self) {
        self.tasks.shutdown().await;
    }

    /// Lets what is under way finish; what only waits is left for the next start.
    pub(crate) async fn finish(mut self) {
        self.senders.clear();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a lane ended in an unexpected way");
            }
        }
    }
}

fn place(lane: &str, lanes: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    lane.hash(&mut hasher);
    let lanes = u64::try_from(lanes).unwrap_or(u64::MAX).max(1);
    usize::try_from(hasher.finish() % lanes).unwrap_or(0)
}

async fn run<S: Station>(
    station: Arc<S>,
    report: Arc<Report>,
    round: u64,
    mut stop: Stop,
    mut jobs: mpsc::Receiver<(Position, S::Job)>,
) {
    while let Some((position, job)) = jobs.recv().await {
        let mut backoff = Backoff::new();
        let mut attempt = 0;
        loop {
            if stop.is_set() {
                return;
            }
            match station.work(&job, attempt).await {
                Ok(()) => break,
                Err(problem) => report.note(Some(problem.to_string())),
            }
            attempt += 1;
            if !backoff.wait(&mut stop).await {
                return;
            }
        }
        if attempt > 0 {
            report.note(None);
        }
        report.progress.finished(round, position);
    }
}
