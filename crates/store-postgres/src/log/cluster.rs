//! Which server is the primary, and on which timeline: found again after every lost connection.
//!
//! A URL may name several hosts (`postgres://user@one,two:5433/database`). Of those that can be
//! written to, the one on the highest timeline is the primary: a former primary that came back is
//! never followed again. [`Cluster::epoch`] counts the changes.

use std::{
    collections::BTreeSet,
    str::FromStr,
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
use tokio::time::timeout;

use super::options::OpenLogError;

/// How long one host may take to answer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Where the log's tables are.
pub(super) const SCHEMA: &str = "daybook_log";

const WHERE_ARE_WE: &str = "SELECT pg_is_in_recovery(), \
     (SELECT system_identifier FROM pg_control_system()), \
     CASE WHEN pg_is_in_recovery() THEN NULL \
     ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// Committing: nothing is acknowledged before it is on the disk, and on the standby if there is
    /// one. The few statements always find their rows by an index; a plan that was made when the
    /// tables were empty must not be kept.
    Committing,
    /// Reading, and writing hints that may be lost.
    Reading,
}

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

/// The servers of one log.
#[derive(Debug)]
pub(super) struct Cluster {
    hosts: Vec<PgConnectOptions>,
    database: String,
    readers: u32,
    lock_patience: Duration,
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
    pub(super) fn parse(
        url: &str,
        readers: u32,
        lock_patience: Duration,
    ) -> Result<Self, OpenLogError> {
        let hosts = hosts(url)?;
        let database = hosts.first().and_then(PgConnectOptions::get_database);
        let database = database.unwrap_or("of the user's name").to_owned();
        let known = Known { primary: 0, timeline: None, pool: None, closed: false };
        Ok(Self {
            hosts,
            database,
            readers,
            lock_patience,
            known: Mutex::new(known),
            epoch: AtomicU64::new(0),
        })
    }

    /// The name of the database, for people.
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Changes with every change of the timeline.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing between taking and leaving the lock can panic half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn options(&self, host: usize, session: Session) -> Option<PgConnectOptions> {
        let lock = format!("{}ms", self.lock_patience.as_millis());
        let shared = [
            ("search_path", SCHEMA.to_owned()),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", "60s".to_owned()),
            ("jit", "off".to_owned()),
            ("enable_seqscan", "off".to_owned()),
        ];
        let own: &[(&str, &str)] = match session {
            Session::Committing => &[
                ("synchronous_commit", "on"),
                ("statement_timeout", "0"),
                ("default_transaction_isolation", "read\\ committed"),
                ("plan_cache_mode", "force_generic_plan"),
                ("enable_hashjoin", "off"),
                ("enable_mergejoin", "off"),
                ("enable_bitmapscan", "off"),
            ],
            Session::Reading => &[("synchronous_commit", "off")],
        };
        let name = match session {
            Session::Committing => "daybook commits",
            Session::Reading => "daybook",
        };
        let options = self.hosts.get(host)?.clone().application_name(name);
        Some(options.options(shared).options(own.iter().copied()))
    }

    /// A connection to the primary, wherever it is now.
    pub(super) async fn connect(&self, session: Session) -> Result<PgConnection, String> {
        let before = self.known().primary;
        if self.hosts.len() == 1 {
            let found = self.try_host(0, session).await?;
            return self.settle(vec![found]).await;
        }
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
        let options = options.disable_statement_logging();
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
    pub(super) async fn is_left_behind(&self) -> bool {
        if self.hosts.len() == 1 {
            return false;
        }
        let Some(seen) = self.known().timeline else { return false };
        let tries = (0..self.hosts.len()).map(|host| self.try_host(host, Session::Reading));
        let found = join_all(tries).await;
        found.into_iter().flatten().any(|one| one.timeline.number > seen.number)
    }

    /// Connections for questions, to the primary as it is known.
    pub(super) fn pool(&self) -> Result<PgPool, String> {
        let mut known = self.known();
        if known.closed {
            return Err("it is closed".to_owned());
        }
        if let Some(pool) = &known.pool {
            return Ok(pool.clone());
        }
        let options =
            self.options(known.primary, Session::Reading).ok_or("there is no such host")?;
        let pool = PgPoolOptions::new()
            .max_connections(self.readers.max(1))
            .acquire_timeout(CONNECT_PATIENCE)
            .connect_lazy_with(options.disable_statement_logging());
        known.pool = Some(pool.clone());
        Ok(pool)
    }

    /// Answers no more questions.
    pub(super) async fn close(&self) {
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

/// One set of options per host of a URL.
fn hosts(url: &str) -> Result<Vec<PgConnectOptions>, OpenLogError> {
    let bad = |reason: &str| OpenLogError::Url { reason: reason.to_owned() };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("it has no scheme"))?;
    if !matches!(scheme, "postgres" | "postgresql") {
        return Err(bad("its scheme is not postgres"));
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    hosts
        .split(',')
        .map(|host| {
            // What sqlx says may repeat the URL, which may hold a password.
            PgConnectOptions::from_str(&format!("{scheme}://{user}{host}{path}"))
                .map_err(|_| bad("a part of it cannot be read"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_may_name_several_hosts() {
        let found = hosts("postgres://ann:s%40crt@one:5433,two/books?sslmode=disable").unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.get_host(), one.get_port(), one.get_database().unwrap()))
            .collect();
        assert_eq!(told, [("one", 5433, "books"), ("two", 5432, "books")]);
    }

    #[test]
    fn a_wrong_url_is_refused_without_repeating_it() {
        for url in ["mysql://ann:secret@one/books", "one/books", "postgres://ann:secret@one:x/b"] {
            let error = hosts(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.contains("postgres://user@host:5432/database"), "{error}");
        }
    }
}
