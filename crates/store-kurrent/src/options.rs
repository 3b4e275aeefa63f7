//! How a log on KurrentDB is opened, and why it cannot be.

use std::time::Duration;

use store::{COMMIT_BYTES_MAX, LogError, LogId};

/// The largest commit this adapter can be told to take, in bytes: twice as much (metadata may grow
/// to that when it is wrapped) has to fit into the 17 MiB that the client receives.
pub(crate) const COMMIT_BYTES_LIMIT: usize = 8 * 1024 * 1024;

/// How a log on KurrentDB is opened.
#[derive(Debug, Clone)]
pub struct LogOptions {
    /// The id the log must have, or gets if it is new. Without it a new log mints its own.
    pub log_id: Option<LogId>,
    /// Only read: nothing is made, and nothing can be written. The log must exist.
    pub read_only: bool,
    /// Stores commits one after the other in the order in which `append` was first polled, and none
    /// behind one that was not stored, until the log is opened again. For a copy, which must be a
    /// beginning of its source at every moment; elsewhere it costs the concurrency of the server.
    pub in_order: bool,
    /// The largest commit in bytes of payloads and metadata, at most 8 MiB. The server has a limit
    /// of its own (`MaxAppendSize`), which has to be larger by what the metadata is wrapped in.
    pub commit_bytes_max: usize,
    /// What the name of every stream of this log begins with, before a dot: several logs can share
    /// one server. Letters, digits and underscores; the connection string's `prefix=` counts more.
    pub prefix: Option<String>,
    /// How long one answer of the server may take.
    pub answer_time_max: Duration,
    /// How long a request is tried again over new connections before it is given up.
    pub patience: Duration,
    /// How often to look for what other processes have written. A wake-up and nothing more: every
    /// question that depends on it looks for itself.
    pub look_every: Duration,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            log_id: None,
            read_only: false,
            in_order: false,
            commit_bytes_max: COMMIT_BYTES_MAX,
            prefix: None,
            answer_time_max: Duration::from_secs(10),
            patience: Duration::from_secs(15),
            look_every: Duration::from_millis(250),
        }
    }
}

impl LogOptions {
    /// Only read.
    #[must_use]
    pub fn read_only() -> Self {
        Self { read_only: true, ..Self::default() }
    }
}

/// Why the TLS of this process is not as the client needs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// Another crate has installed a rustls provider first.
    #[error(
        "another part of this process has chosen its cryptography before the KurrentDB client, \
         which cannot live with that: call store_kurrent::prepare_tls() first"
    )]
    ProviderTaken,
    /// The client's background task has died.
    #[error("the KurrentDB client has stopped before it connected")]
    ClientDied,
    /// Certificates that are needed cannot be read.
    #[error(
        "{0}; install the machine's certificates (on Debian: ca-certificates), correct \
         SSL_CERT_FILE, or name the server's with tlsCaFile in the connection string"
    )]
    Certificates(String),
}

/// Why a log cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenLogError {
    /// The connection string or an option is wrong.
    #[error("this is no KurrentDB connection string: {0}")]
    Address(String),
    /// The process cannot make the connection secure.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is no log, and it was to be read only.
    #[error("there is no log at {server}; start `daybook serve` once to make it")]
    Missing {
        /// The server, without user and password.
        server: String,
    },
    /// It is a log, but not the one that was asked for.
    #[error("{server} holds the log {}, not {}", .found.0, .wanted.0)]
    OtherLog {
        /// The server, without user and password.
        server: String,
        /// The log it holds.
        found: LogId,
        /// The log that was asked for.
        wanted: LogId,
    },
    /// The server cannot be reached, or what it holds contradicts itself.
    #[error(transparent)]
    Log(#[from] LogError),
}
