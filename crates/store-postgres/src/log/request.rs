//! What the committer is asked to do, and how it answers.

use store::{AppendError, Appended, Commit, LogError, Position};
use tokio::sync::oneshot::Sender;

/// What the committer is asked to do.
pub(super) enum Request {
    Append {
        commit: Box<Commit>,
        /// The epoch of the cluster in which it was decided.
        epoch: u64,
        reply: Sender<Result<Appended, AppendError>>,
    },
    /// Make sure that everything up to here is as durable as the log promises.
    Barrier { position: Position, reply: Sender<Result<(), LogError>> },
    /// Finish what is waiting, then stop.
    Close { reply: Sender<()> },
}

impl Request {
    /// How much memory it holds, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Append { commit, .. } => commit.size(),
            Self::Barrier { .. } | Self::Close { .. } => 0,
        }
    }
}

/// What befell a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Certain: nothing was stored, because one of the commits cannot be.
    Poisoned(String),
    /// Certain: nothing was stored, because the server would not.
    Refused(String),
    /// Certain: nothing was stored, because somebody else kept the lock of the log for too long.
    Blocked(String),
    /// Whether it was stored is not known: the answer, or the connection, is lost.
    Lost(String),
    /// Certain: nothing was stored, because the log contradicts itself.
    Corrupt(String),
}

impl Trouble {
    pub(super) fn append_error(self) -> AppendError {
        match self {
            Self::Poisoned(why) => AppendError::Invalid(why),
            Self::Refused(why) | Self::Blocked(why) => AppendError::Unavailable(why),
            Self::Lost(why) => AppendError::Unknown(why),
            Self::Corrupt(why) => AppendError::Corrupt(why),
        }
    }

    pub(super) fn log_error(self) -> LogError {
        match self {
            Self::Poisoned(why) | Self::Refused(why) | Self::Blocked(why) | Self::Lost(why) => {
                LogError::Unavailable(why)
            }
            Self::Corrupt(why) => LogError::Corrupt(why),
        }
    }
}
