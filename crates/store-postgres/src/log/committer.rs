//! The committer: one task, one connection, and everything that waits goes into one transaction.
//!
//! A verdict is given per commit but leaves only after the server has said that the transaction is
//! committed. When the answer is lost, the batch is looked for on a new connection, wherever the
//! primary is by then: commands that are found there were stored, the others are stored now. The
//! lock of the log makes that sure, since a transaction that is still under way holds it. A statement
//! that commits is never cancelled: cut off while it waits for a standby, it would be visible on one
//! server only.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;
use store::{AppendError, Appended, Commit, LogError, Position};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::yield_now,
    time::{Instant, interval_at, sleep},
};

use super::{
    options::{Hook, Moment},
    plan::{Candidate, Facts, Plan},
    request::{Request, Trouble},
    statements::{self, Reply},
};
use crate::cluster::{Cluster, Session};

/// How many requests wait in the queue, and so share one transaction, at most.
pub(super) const GROUP_REQUESTS_MAX: usize = 512;

/// How many bytes of payload share one transaction, unless a single commit is larger.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How often a batch is decided again because other processes were faster.
const DECISIONS_MAX: usize = 50;

/// While the server is silent, we look this often whether another one has taken its place.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Between attempts to connect.
const RETRY_FIRST: Duration = Duration::from_millis(20);
const RETRY_LONGEST: Duration = Duration::from_secs(1);

/// How long a batch that was never sent waits for a server.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

type Verdict = Result<Appended, AppendError>;

/// A commit that waits, and the epoch of the cluster in which it was decided.
struct Waiting {
    commit: Box<Commit>,
    epoch: u64,
    reply: oneshot::Sender<Verdict>,
}

/// The one that writes.
pub(super) struct Committer {
    pub(super) cluster: Arc<Cluster>,
    pub(super) queue: mpsc::Receiver<Request>,
    /// The position of the last event known to be there.
    pub(super) head: watch::Sender<Position>,
    /// Everything up to here is as durable as the log promises.
    pub(super) durable: Arc<watch::Sender<Position>>,
    pub(super) reconnect_patience: Duration,
    pub(super) hook: Option<Hook>,
    pub(super) connection: Option<PgConnection>,
    /// The epoch of the cluster in which the connection was made.
    pub(super) connected_in: u64,
}

/// What is taken from the queue at once.
#[derive(Default)]
struct Group {
    commits: Vec<Waiting>,
    barriers: Vec<(Position, oneshot::Sender<Result<(), LogError>>)>,
    closing: Vec<oneshot::Sender<()>>,
}

impl Committer {
    /// Serves requests until the log is closed or nobody holds it any more.
    pub(super) async fn run(mut self) {
        let mut closing = Vec::new();
        while let Some(mut group) = self.take_group().await {
            closing.append(&mut group.closing);
            if !group.commits.is_empty() {
                self.commit_group(group.commits).await;
            }
            if !group.barriers.is_empty() {
                self.pass_barriers(group.barriers).await;
            }
        }
        if let Some(connection) = self.connection.take() {
            // A polite end; that it fails changes nothing.
            sqlx::Connection::close(connection).await.ok();
        }
        for reply in closing {
            reply.send(()).ok();
        }
    }

    async fn hook(&self, moment: Moment) -> Result<(), String> {
        match &self.hook {
            Some(hook) => hook(moment).await,
            None => Ok(()),
        }
    }

    /// Everything that waits, up to the bounds of a group; `None` when the log is closed.
    async fn take_group(&mut self) -> Option<Group> {
        let mut group = Group::default();
        let mut request = self.queue.recv().await?;
        // Whoever was answered just now gets to ask again before this group is closed.
        yield_now().await;
        if let Err(why) = self.hook(Moment::BeforeGroup).await {
            tracing::debug!(why, "the hook has no say here");
        }
        let (mut count, mut bytes) = (0, 0);
        loop {
            count += 1;
            bytes += request.size();
            match request {
                Request::Append { commit, epoch, reply } => {
                    group.commits.push(Waiting { commit, epoch, reply });
                }
                Request::Barrier { position, reply } => group.barriers.push((position, reply)),
                Request::Close { reply } => {
                    // What waits already is still done; nothing new can be handed over.
                    self.queue.close();
                    group.closing.push(reply);
                }
            }
            if count >= GROUP_REQUESTS_MAX || bytes >= GROUP_BYTES_MAX {
                return Some(group);
            }
            match self.queue.try_recv() {
                Ok(next) => request = next,
                Err(_) => return Some(group),
            }
        }
    }

    /// Stores a group and answers it. A poisoned commit fails alone.
    async fn commit_group(&mut self, waiting: Vec<Waiting>) {
        let commits: Vec<(&Commit, u64)> =
            waiting.iter().map(|one| (&*one.commit, one.epoch)).collect();
        let outcome = self.commit(&commits).await;
        match outcome {
            Ok(verdicts) => {
                for (Waiting { reply, .. }, verdict) in waiting.into_iter().zip(verdicts) {
                    // Whoever asked may be gone, which changes nothing.
                    reply.send(verdict).ok();
                }
            }
            Err(Trouble::Poisoned(_)) if waiting.len() > 1 => {
                for Waiting { commit, epoch, reply } in waiting {
                    let verdict = match self.commit(&[(&commit, epoch)]).await {
                        Ok(mut verdicts) => verdicts.pop(),
                        Err(trouble) => Some(Err(trouble.append_error())),
                    };
                    let nothing = || Err(AppendError::Unknown("no verdict was given".to_owned()));
                    reply.send(verdict.unwrap_or_else(nothing)).ok();
                }
            }
            Err(trouble) => {
                tracing::error!(?trouble, "the log cannot be written at present");
                for Waiting { reply, .. } in waiting {
                    reply.send(Err(trouble.clone().append_error())).ok();
                }
            }
        }
    }

    /// One transaction for all commits, or none.
    async fn commit(&mut self, commits: &[(&Commit, u64)]) -> Result<Vec<Verdict>, Trouble> {
        let mut facts = Facts::default();
        let mut lost_since: Option<(Instant, String)> = None;
        for decision in 0..DECISIONS_MAX {
            if let Err(why) = self.be_connected(lost_since.as_ref()).await {
                return Err(match lost_since {
                    // It was sent once, so it may be there.
                    Some((_, first)) => Trouble::Lost(format!("{first}; then: {why}")),
                    None => Trouble::Refused(why),
                });
            }
            let connected_in = self.connected_in;
            let candidates: Vec<_> = commits
                .iter()
                .map(|(commit, epoch)| Candidate { commit, outdated: *epoch < connected_in })
                .collect();
            let plan = Plan::decide(&candidates, &facts).map_err(Trouble::Corrupt)?;
            if plan.is_settled() {
                return Ok(plan.answers(0));
            }
            match self.attempt(&plan, decision == 0).await {
                Ok(Reply::Stored { before }) => {
                    let count = u64::try_from(plan.events.len()).unwrap_or(u64::MAX);
                    // Before the verdicts, so that whoever has one also finds the signals moved.
                    self.announce(Position(before.saturating_add(count)));
                    return Ok(plan.answers(before));
                }
                Ok(Reply::Facts(found)) => facts = found,
                Err(trouble) => {
                    let lost = self.after_trouble(trouble, lost_since.take()).await?;
                    lost_since = Some(lost);
                    // What was known may be of a server that is gone.
                    facts = Facts::default();
                }
            }
        }
        let why = "other processes were faster every time".to_owned();
        Err(if lost_since.is_some() { Trouble::Lost(why) } else { Trouble::Refused(why) })
    }

    /// Whether the batch is to be looked for: since when, and why. An error is the end of it.
    async fn after_trouble(
        &mut self,
        trouble: Trouble,
        lost_since: Option<(Instant, String)>,
    ) -> Result<(Instant, String), Trouble> {
        match (&trouble, lost_since) {
            (Trouble::Lost(why), None) => {
                self.connection = None;
                tracing::warn!(why, "the outcome of a commit is looked for");
                Ok((Instant::now(), why.clone()))
            }
            // It was sent once and may be there, or be under way and hold the lock.
            (Trouble::Lost(why) | Trouble::Refused(why) | Trouble::Blocked(why), Some(lost)) => {
                self.connection = None;
                if lost.0.elapsed() < self.reconnect_patience {
                    return Ok(lost);
                }
                Err(Trouble::Lost(format!("{}; then: {why}", lost.1)))
            }
            (Trouble::Blocked(_), None) => {
                self.name_the_holder().await;
                Err(trouble)
            }
            (Trouble::Refused(_), None) => {
                // A read-only server, a full disk: perhaps another server by now.
                self.connection = None;
                Err(trouble)
            }
            (Trouble::Poisoned(_) | Trouble::Corrupt(_), _) => Err(trouble),
        }
    }

    /// Sends a batch; the first time straight, in the hope that what is usual is so.
    async fn attempt<'g>(&mut self, plan: &Plan<'g>, first: bool) -> Result<Reply<'g>, Trouble> {
        self.hook(Moment::BeforeCommit).await.map_err(Trouble::Lost)?;
        let send = async |connection: &mut PgConnection| {
            if first && let Some(before) = statements::append_straight(connection, plan).await? {
                return Ok(Reply::Stored { before });
            }
            statements::append(connection, plan).await
        };
        let reply = self.patiently(send).await?;
        self.hook(Moment::AfterCommit).await.map_err(Trouble::Lost)?;
        Ok(reply)
    }

    /// Waits for the server's answer as long as it takes, unless another server has taken its place.
    async fn patiently<T>(
        &mut self,
        ask: impl AsyncFnOnce(&mut PgConnection) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let Some(connection) = &mut self.connection else {
            return Err(Trouble::Refused("there is no connection".to_owned()));
        };
        let started = Instant::now();
        // Not `interval`, whose first tick is at once and takes a millisecond.
        let mut looks = interval_at(started + LOOK_EVERY, LOOK_EVERY);
        let mut asking = std::pin::pin!(ask(connection));
        loop {
            tokio::select! {
                biased;
                answer = &mut asking => return answer,
                _ = looks.tick() => {
                    let seconds = started.elapsed().as_secs();
                    tracing::warn!(seconds, "a commit is under way; is the standby there?");
                    if self.cluster.is_left_behind().await {
                        return Err(Trouble::Lost("another server has become the primary".to_owned()));
                    }
                }
            }
        }
    }

    /// Makes sure that there is a connection: a batch that may be stored is worth more patience than
    /// one that certainly is not.
    async fn be_connected(&mut self, lost: Option<&(Instant, String)>) -> Result<(), String> {
        if self.connection.is_some() && self.connected_in == self.cluster.epoch() {
            return Ok(());
        }
        self.connection = None;
        let deadline = match lost {
            Some((since, _)) => *since + self.reconnect_patience,
            None => Instant::now() + CONNECT_PATIENCE.min(self.reconnect_patience),
        };
        let mut delay = RETRY_FIRST;
        loop {
            let connected = match self.hook(Moment::BeforeConnect).await {
                Ok(()) => self.cluster.connect(Session::Committing).await,
                Err(why) => Err(why),
            };
            match connected {
                Ok(connection) => {
                    self.connection = Some(connection);
                    self.connected_in = self.cluster.epoch();
                    return Ok(());
                }
                Err(why) if Instant::now() + delay >= deadline => return Err(why),
                Err(why) => tracing::debug!(why, "no server yet"),
            }
            sleep(delay).await;
            delay = (delay * 2).min(RETRY_LONGEST);
        }
    }

    async fn pass_barriers(
        &mut self,
        barriers: Vec<(Position, oneshot::Sender<Result<(), LogError>>)>,
    ) {
        let wanted = barriers.iter().map(|(position, _)| *position).max().unwrap_or_default();
        let mut outcome = Ok(());
        if *self.durable.borrow() < wanted {
            outcome = self.barrier().await;
        }
        let reached = *self.durable.borrow();
        for (position, reply) in barriers {
            let answer = match &outcome {
                Err(trouble) => Err(trouble.clone().log_error()),
                Ok(()) if position <= reached => Ok(()),
                Ok(()) => Err(LogError::Corrupt(format!(
                    "the log ends at {reached}, before {position}, which was read from it"
                ))),
            };
            reply.send(answer).ok();
        }
    }

    async fn barrier(&mut self) -> Result<(), Trouble> {
        self.be_connected(None).await.map_err(Trouble::Refused)?;
        let reached =
            self.patiently(async |connection| statements::barrier(connection).await).await;
        match reached {
            Ok(reached) => {
                self.announce(reached);
                Ok(())
            }
            Err(trouble) => {
                self.connection = None;
                Err(trouble)
            }
        }
    }

    fn announce(&self, last: Position) {
        for signal in [&self.head, &*self.durable] {
            signal.send_if_modified(|known| {
                let grown = *known < last;
                *known = (*known).max(last);
                grown
            });
        }
    }

    /// The alarm for a stranger who holds the lock of the log.
    async fn name_the_holder(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        match statements::lock_holders(connection).await {
            Ok(holders) => {
                tracing::error!(holders, "somebody keeps the log from being written");
            }
            Err(error) => tracing::error!(%error, "whoever holds the lock of the log is not known"),
        }
    }
}
