//! How a log on KurrentDB is opened, and why it cannot be.

use std::time::Duration;

use store::{COMMIT_BYTES_MAX, LogError};

/// The largest commit this adapter can be told to take, in bytes: twice as much (metadata may grow
/// to that when it is wrapped) has to fit into the 17 MiB that the client receives.
pub(crate) const COMMIT_BYTES_LIMIT: usize = 8 * 1024 * 1024;

/// How a log on KurrentDB is opened.
#[derive(Debug, Clone)]
pub struct LogOptions {
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
            commit_bytes_max: COMMIT_BYTES_MAX,
            prefix: None,
            answer_time_max: Duration::from_secs(10),
            patience: Duration::from_secs(15),
            look_every: Duration::from_millis(250),
        }
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
    /// The server cannot be reached, or what it holds contradicts itself.
    #[error(transparent)]
    Log(#[from] LogError),
}
