//! Which server is the primary, and on which timeline: found again after every lost connection.
//!
//! A URL may name several hosts (`postgres://user@one,two:5433/database`). Of those that can be
//! written to, the one on the highest timeline is the primary: a former primary that came back is
//! never followed again. [`Cluster::epoch`] counts the changes.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

/// How long one host may take to answer.
pub(crate) const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// How often whoever has nothing else to do with the primary looks whether it still is one.
const LOOK_EVERY: Duration = Duration::from_secs(3);

const WHERE_ARE_WE: &str = "SELECT pg_is_in_recovery(), \
     (SELECT system_identifier FROM pg_control_system()), \
     CASE WHEN pg_is_in_recovery() THEN NULL \
     ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// A history: one cluster of PostgreSQL, up to one promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timeline {
    number: u32,
    system: i64,
}

#[derive(Debug)]
struct Known {
    /// The place of the primary among the hosts.
    primary: usize,
    timeline: Option<Timeline>,
    pool: Option<PgPool>,
    closed: bool,
}

/// How to connect to one host: for questions, and for whoever commits, if that is another way.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) reading: PgConnectOptions,
    pub(crate) committing: PgConnectOptions,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Session {
    Committing,
    Reading,
}

/// The servers of one database.
#[derive(Debug)]
pub(crate) struct Cluster {
    hosts: Vec<Host>,
    pools: PgPoolOptions,
    known: Mutex<Known>,
    epoch: AtomicU64,
}

/// A host that can be written to.
struct Found {
    host: usize,
    timeline: Timeline,
    connection: PgConnection,
}

impl Cluster {
    /// Nothing is connected yet; the pools of the primary are made with these options.
    pub(crate) fn new(hosts: Vec<Host>, pools: PgPoolOptions) -> Self {
        let known = Known { primary: 0, timeline: None, pool: None, closed: false };
        Self { hosts, pools, known: Mutex::new(known), epoch: AtomicU64::new(0) }
    }

    /// Changes with every change of the timeline.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing between taking and leaving the lock can panic half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self, host: usize, session: Session) -> Option<PgConnectOptions> {
        let host = self.hosts.get(host)?;
        let options = match session {
            Session::Committing => &host.committing,
            Session::Reading => &host.reading,
        };
        Some(options.clone().disable_statement_logging())
    }

    /// A connection to the primary, wherever it is now.
    pub(crate) async fn connect(&self, session: Session) -> Result<PgConnection, String> {
        let before = self.known().primary;
        let tries = (0..self.hosts.len()).map(|host| self.try_host(host, session));
        let (mut found, mut problems) = (Vec::new(), BTreeSet::new());
        for outcome in join_all(tries).await {
            match outcome {
                Ok(one) => found.push(one),
                Err(problem) => {
                    problems.insert(problem);
                }
            }
        }
        // The one in use first, so that equals do not take turns.
        found.sort_by_key(|one| (std::cmp::Reverse(one.timeline.number), one.host != before));
        if found.is_empty() {
            return Err(problems.into_iter().collect::<Vec<_>>().join("; "));
        }
        self.settle(found).await
    }

    async fn try_host(&self, host: usize, session: Session) -> Result<Found, String> {
        let options = self.options(host, session).ok_or("there is no such host")?;
        let name = format!("{}:{}", options.get_host(), options.get_port());
        let connecting = async {
            let mut connection = PgConnection::connect_with(&options).await?;
            let asked = sqlx::query_as::<_, (bool, i64, Option<String>)>(WHERE_ARE_WE);
            let answer = asked.persistent(false).fetch_one(&mut connection).await?;
            Ok::<_, sqlx::Error>((connection, answer))
        };
        let (connection, (in_recovery, system, timeline)) = timeout(CONNECT_PATIENCE, connecting)
            .await
            .map_err(|_| format!("{name} does not answer"))?
            .map_err(|error| format!("{name}: {error}"))?;
        let number = timeline.and_then(|hex| u32::from_str_radix(&hex, 16).ok());
        match number {
            Some(number) if !in_recovery => {
                Ok(Found { host, timeline: Timeline { number, system }, connection })
            }
            _ => Err(format!("{name} is a standby")),
        }
    }

    /// Takes the first of these as the primary, unless we have seen a later history than its.
    async fn settle(&self, found: Vec<Found>) -> Result<PgConnection, String> {
        let mut found = found.into_iter();
        let Some(Found { host, timeline, connection }) = found.next() else {
            return Err("no host can be written to".to_owned());
        };
        for other in found {
            // A polite end; that it fails changes nothing.
            other.connection.close().await.ok();
        }
        let outdated = {
            let mut known = self.known();
            match known.timeline {
                Some(seen) if seen.system == timeline.system && timeline.number < seen.number => {
                    return Err(format!(
                        "the only server that can be written to is on timeline {}, which was left \
                         for timeline {}: a former primary has come back",
                        timeline.number, seen.number
                    ));
                }
                Some(seen) if seen != timeline => {
                    tracing::warn!(
                        timeline = timeline.number,
                        before = seen.number,
                        "the log goes on at another server or in another history"
                    );
                    known.timeline = Some(timeline);
                    known.primary = host;
                    self.epoch.fetch_add(1, Ordering::AcqRel);
                    known.pool.take()
                }
                Some(_) if known.primary == host => None,
                _ => {
                    known.timeline = Some(timeline);
                    known.primary = host;
                    known.pool.take()
                }
            }
        };
        if let Some(outdated) = outdated {
            tokio::spawn(async move { outdated.close().await });
        }
        Ok(connection)
    }

    /// Whether another host has become the primary, of a later history than the one we are in.
    pub(crate) async fn is_left_behind(&self) -> bool {
        if self.hosts.len() == 1 {
            return false;
        }
        let Some(seen) = self.known().timeline else { return false };
        let tries = (0..self.hosts.len()).map(|host| self.try_host(host, Session::Reading));
        let found = join_all(tries).await;
        found.into_iter().flatten().any(|one| one.timeline.number > seen.number)
    }

    /// Connections for questions, to the primary as it is known.
    pub(crate) fn pool(&self) -> Result<PgPool, String> {
        let mut known = self.known();
        if known.closed {
            return Err("it is closed".to_owned());
        }
        if let Some(pool) = &known.pool {
            return Ok(pool.clone());
        }
        let options =
            self.options(known.primary, Session::Reading).ok_or("there is no such host")?;
        let pool = self.pools.clone().connect_lazy_with(options);
        known.pool = Some(pool.clone());
        Ok(pool)
    }

    /// Connections of the committing kind, to the primary as it is known now, for others to keep.
    pub(crate) fn committing_pool(&self) -> Result<PgPool, String> {
        let known = self.known();
        if known.closed {
            return Err("it is closed".to_owned());
        }
        let options = self.options(known.primary, Session::Committing);
        Ok(self.pools.clone().connect_lazy_with(options.ok_or("there is no such host")?))
    }

    /// Stays with the primary, wherever it is, so that the pool follows it too. With a single host
    /// there is nothing to follow. Ends when closed.
    pub(crate) async fn follow_primary(&self, mut closed: watch::Receiver<bool>) {
        if self.hosts.len() == 1 {
            return;
        }
        let mut connection = None;
        loop {
            match &mut connection {
                None => connection = self.connect(Session::Reading).await.ok(),
                Some(known) => {
                    let pinged = timeout(CONNECT_PATIENCE, known.ping()).await;
                    if !matches!(pinged, Ok(Ok(()))) || self.is_left_behind().await {
                        connection = None;
                        continue;
                    }
                }
            }
            tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Answers no more questions.
    pub(crate) async fn close(&self) {
        let pool = {
            let mut known = self.known();
            known.closed = true;
            known.pool.take()
        };
        if let Some(pool) = pool {
            pool.close().await;
        }
    }
}

/// The URL of each host that a URL names, or what is wrong with it; never a part of it, since it may
/// hold a password.
pub(crate) fn hosts(url: &str) -> Result<Vec<String>, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err("it should begin with postgres://");
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    Ok(hosts.split(',').map(|host| format!("{scheme}://{user}{host}{path}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_name_several_hosts() {
        let found = hosts("postgres://ann:s%40crt@one:5433,two/books?sslmode=disable").unwrap();
        assert_eq!(
            found,
            [
                "postgres://ann:s%40crt@one:5433/books?sslmode=disable",
                "postgres://ann:s%40crt@two/books?sslmode=disable"
            ]
        );
        assert_eq!(hosts("postgresql://one").unwrap(), ["postgresql://one"]);
        assert!(hosts("mysql://one").is_err() && hosts("one").is_err());
    }
}
