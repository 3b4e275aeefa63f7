//! How a log in PostgreSQL is opened, and why it may not be.

use std::{fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use store::{COMMIT_BYTES_MAX, LogId};

/// How a log in PostgreSQL is opened.
#[derive(Clone)]
pub struct PostgresLogOptions {
    /// The id the log must have, or gets if it is new. Without it a new log mints its own.
    pub log_id: Option<LogId>,
    /// Only read: nothing is made, and nothing can be written. The log must exist.
    pub read_only: bool,
    /// Acknowledged commits must survive the loss of a server: refuse to open where no synchronous
    /// standby is attached.
    pub high_availability: bool,
    /// How many questions are answered at the same time.
    pub readers: u32,
    /// How large one commit may be, in bytes of payloads and metadata.
    pub commit_bytes_max: usize,
    /// How long a caller waits for the outcome of a commit before it is called unknown. The commit
    /// itself is never cancelled: one that waits for a standby would then be visible here only.
    pub commit_patience: Duration,
    /// How long a commit that may or may not have been stored is looked for on a new connection.
    pub reconnect_patience: Duration,
    /// How long to wait for whoever holds the lock of the log before they are named in an alarm.
    pub lock_patience: Duration,
    /// Lets tests stop or break the committer at the moments that matter.
    #[doc(hidden)]
    pub hook: Option<Hook>,
}

impl Default for PostgresLogOptions {
    fn default() -> Self {
        Self {
            log_id: None,
            read_only: false,
            high_availability: false,
            readers: 8,
            commit_bytes_max: COMMIT_BYTES_MAX,
            commit_patience: Duration::from_secs(30),
            reconnect_patience: Duration::from_secs(20),
            lock_patience: Duration::from_secs(10),
            hook: None,
        }
    }
}

impl PostgresLogOptions {
    /// Only read.
    #[must_use]
    pub fn read_only() -> Self {
        Self { read_only: true, ..Self::default() }
    }
}

impl fmt::Debug for PostgresLogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresLogOptions")
            .field("log_id", &self.log_id)
            .field("read_only", &self.read_only)
            .field("high_availability", &self.high_availability)
            .field("readers", &self.readers)
            .field("commit_bytes_max", &self.commit_bytes_max)
            .finish_non_exhaustive()
    }
}

/// The moments at which a test may step in.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A request has arrived; those waiting behind it have not been taken yet.
    BeforeGroup,
    /// Everything is decided, nothing is sent. An error stands for a connection that broke before
    /// the server had it.
    BeforeCommit,
    /// The transaction is committed. An error stands for an answer that got lost.
    AfterCommit,
    /// A connection is about to be made. An error stands for a server that is gone.
    BeforeConnect,
}

/// Called by the committer at each [`Moment`].
#[doc(hidden)]
pub type Hook = Arc<dyn Fn(Moment) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Why a log in PostgreSQL could not be opened. No message contains a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenLogError {
    /// The URL is not one.
    #[error(
        "this is not the URL of a PostgreSQL database: {reason}; it should look like \
         postgres://user@host:5432/database"
    )]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// There is no log in the database, and it was to be read only.
    #[error("there is no log in the database {database}; start `daybook serve` once to make it")]
    Missing {
        /// The database.
        database: String,
    },
    /// A newer Daybook has changed the tables; they were not touched.
    #[error("the log in the database {database} was changed by a newer daybook: {reason}")]
    NewerSchema {
        /// The database.
        database: String,
        /// Which change is not known.
        reason: String,
    },
    /// It is a log, but not the one that was asked for.
    #[error("the database {database} holds the log {}, not {}", .found.0, .wanted.0)]
    OtherLog {
        /// The database.
        database: String,
        /// The log it holds.
        found: LogId,
        /// The log that was asked for.
        wanted: LogId,
    },
    /// The server cannot promise what was asked for.
    #[error("the server cannot keep the promise of high availability: {reason}")]
    NotReplicated {
        /// What is missing.
        reason: String,
    },
    /// The server cannot be used.
    #[error("the log in the database {database} cannot be opened: {reason}")]
    Unavailable {
        /// The database.
        database: String,
        /// What the server or the system says.
        reason: String,
    },
}
