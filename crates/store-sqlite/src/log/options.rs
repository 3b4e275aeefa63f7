//! How a log file is opened, and why it may not be.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use store::{COMMIT_BYTES_MAX, LogId};

/// How hard the log makes sure that acknowledged commits are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Before a commit is acknowledged it has survived a power cut. Anything less is only for
    /// measuring what this costs; [`store::Guarantees`] then says that the promise is broken.
    #[default]
    Full,
    /// A power cut can lose acknowledged commits (the default of most SQLite programs).
    Normal,
}

/// How a log file is opened.
#[derive(Clone)]
pub struct LogOptions {
    /// The id the log must have, or gets if it is new. Without it a new log mints its own.
    pub log_id: Option<LogId>,
    /// Only read, without the lock: possible beside a running server. The log must exist.
    pub read_only: bool,
    /// How many questions are answered at the same time.
    pub readers: usize,
    /// How large one commit may be, in bytes of payloads and metadata.
    pub commit_bytes_max: usize,
    /// How hard commits are made durable.
    pub synchronous: Synchronous,
    /// How long to wait for a stranger (a shell, a backup) who has locked the file.
    pub busy_timeout: Duration,
    /// Lets tests fill the disk: the file grows to so many pages at most.
    #[doc(hidden)]
    pub pages_max: Option<u32>,
    /// Lets tests stop or break the writer at the moments that matter.
    #[doc(hidden)]
    pub hook: Option<Hook>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            log_id: None,
            read_only: false,
            readers: 4,
            commit_bytes_max: COMMIT_BYTES_MAX,
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            pages_max: None,
            hook: None,
        }
    }
}

impl LogOptions {
    /// Only read, without the lock.
    #[must_use]
    pub fn read_only() -> Self {
        Self { read_only: true, ..Self::default() }
    }
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("log_id", &self.log_id)
            .field("read_only", &self.read_only)
            .field("readers", &self.readers)
            .field("commit_bytes_max", &self.commit_bytes_max)
            .field("synchronous", &self.synchronous)
            .finish_non_exhaustive()
    }
}

/// The moments at which a test may step in.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A request has arrived; those waiting behind it have not been taken yet.
    BeforeGroup,
    /// Everything is written, nothing is committed. An error stands for a COMMIT that failed.
    BeforeCommit,
    /// The transaction is committed. An error stands for a COMMIT whose answer got lost.
    AfterCommit,
    /// The connection is about to be opened again. An error stands for a disk that is gone.
    BeforeReopen,
}

/// Called by the writer at each [`Moment`].
#[doc(hidden)]
pub type Hook = Arc<dyn Fn(Moment) -> Result<(), String> + Send + Sync>;

/// Why a log file could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenLogError {
    /// Another process, or another part of this one, has it open for writing.
    #[error(
        "the log {} is open in another process (it holds the lock {}); stop it, or let it do the work", 
        .path.display(),
        .lock.display()
    )]
    Locked {
        /// The log.
        path: PathBuf,
        /// The file whose lock is held.
        lock: PathBuf,
    },
    /// There is no such file, and it was to be read only.
    #[error("there is no log at {}", .path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is something else; it was not touched.
    #[error("{} is not a Daybook log: {reason}", .path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// A newer Daybook has written it; it was not touched.
    #[error(
        "the log {} has schema {found} and this program knows {known}; use a newer daybook", 
        .path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The newest schema this program knows.
        known: u32,
    },
    /// It has to be brought up to date first, which reading alone cannot do.
    #[error(
        "the log {} has schema {found}, this program needs {known}; start the server once", 
        .path.display()
    )]
    OlderSchema {
        /// The file.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The schema this program needs.
        known: u32,
    },
    /// It is a log, but not the one that was asked for.
    #[error("{} is the log {}, not {}", .path.display(), .found.0, .wanted.0)]
    OtherLog {
        /// The file.
        path: PathBuf,
        /// The log it is.
        found: LogId,
        /// The log that was asked for.
        wanted: LogId,
    },
    /// The file is damaged.
    #[error("the log {} is damaged: {reason}; restore it from a backup", .path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file cannot be used.
    #[error("the log {} cannot be opened: {reason}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
}
