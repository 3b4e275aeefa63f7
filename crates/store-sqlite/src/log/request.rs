//! What the writer is asked to do, and how it answers.

use store::{AppendError, Appended, Commit, LogError, Position, SealingKey, Snapshot};
use tokio::sync::oneshot::Sender;

/// What the writer is asked to do.
pub(super) enum Request {
    Append {
        commit: Commit,
        reply: Sender<Result<Appended, AppendError>>,
    },
    EnsureSealingKey {
        key: SealingKey,
        reply: Sender<Result<[u8; 32], LogError>>,
    },
    SaveSnapshot {
        snapshot: Snapshot,
        reply: Sender<Result<(), LogError>>,
    },
    SaveBookmark {
        worker: String,
        position: Position,
        reply: Sender<Result<(), LogError>>,
    },
    /// What the writing connection's settings really are.
    Settings {
        reply: Sender<Result<Vec<(String, String)>, LogError>>,
    },
    /// Finish what is waiting, then stop.
    Close {
        reply: Sender<()>,
    },
}

/// What came of a request, once its transaction is committed.
pub(super) enum Outcome {
    Append(Result<Appended, AppendError>),
    Secret([u8; 32]),
    Done,
    Settings(Vec<(String, String)>),
}

/// What befell a whole group.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// Certain: nothing was stored, because one of the requests cannot be.
    Poisoned(String),
    /// Certain: nothing was stored, because the file cannot be written at present.
    Refused(String),
    /// The COMMIT did not answer, or not with yes.
    Unknown(String),
    /// Certain: nothing was stored, because the file contradicts itself.
    Corrupt(String),
}

impl Trouble {
    fn append_error(self) -> AppendError {
        match self {
            Self::Poisoned(why) => AppendError::Invalid(why),
            Self::Refused(why) => AppendError::Unavailable(why),
            Self::Unknown(why) => AppendError::Unknown(why),
            Self::Corrupt(why) => AppendError::Corrupt(why),
        }
    }

    fn log_error(self) -> LogError {
        match self {
            // These requests may be repeated whatever came of them.
            Self::Poisoned(why) | Self::Refused(why) | Self::Unknown(why) => {
                LogError::Unavailable(why)
            }
            Self::Corrupt(why) => LogError::Corrupt(why),
        }
    }
}

impl Request {
    /// How much memory it holds, roughly.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Append { commit, .. } => commit.size(),
            Self::SaveSnapshot { snapshot, .. } => snapshot.state.len(),
            Self::EnsureSealingKey { .. }
            | Self::SaveBookmark { .. }
            | Self::Settings { .. }
            | Self::Close { .. } => 0,
        }
    }

    /// Answers. Whoever asked may be gone, which changes nothing.
    pub(super) fn answer(self, outcome: Result<Outcome, Trouble>) {
        match self {
            Self::Append { reply, .. } => {
                reply
                    .send(match outcome {
                        Ok(Outcome::Append(verdict)) => verdict,
                        Ok(_) => Err(AppendError::Unknown(MISMATCH.to_owned())),
                        Err(trouble) => Err(trouble.append_error()),
                    })
                    .ok();
            }
            Self::EnsureSealingKey { reply, .. } => {
                reply
                    .send(match outcome {
                        Ok(Outcome::Secret(secret)) => Ok(secret),
                        other => Err(failed(other)),
                    })
                    .ok();
            }
            Self::SaveSnapshot { reply, .. } | Self::SaveBookmark { reply, .. } => {
                reply
                    .send(match outcome {
                        Ok(Outcome::Done) => Ok(()),
                        other => Err(failed(other)),
                    })
                    .ok();
            }
            Self::Settings { reply } => {
                reply
                    .send(match outcome {
                        Ok(Outcome::Settings(settings)) => Ok(settings),
                        other => Err(failed(other)),
                    })
                    .ok();
            }
            Self::Close { reply } => {
                reply.send(()).ok();
            }
        }
    }
}

const MISMATCH: &str = "the writer answered another question";

fn failed(outcome: Result<Outcome, Trouble>) -> LogError {
    match outcome {
        Ok(_) => LogError::Unavailable(MISMATCH.to_owned()),
        Err(trouble) => trouble.log_error(),
    }
}
