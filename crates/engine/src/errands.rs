//! Errands: what is done every so often by the machine's clock, and no sooner because of a restart.

use std::{sync::Arc, time::Duration};

use kernel::{Clock, Timestamp};
use store::{Log, LogError, Position};
use tokio::time::timeout;

use crate::station::{Backoff, Stop};

/// Something to be done every so often.
pub(crate) struct Errand {
    /// Under which name the log remembers when it was last done.
    pub(crate) name: &'static str,
    pub(crate) every: Duration,
    pub(crate) log: Arc<dyn Log>,
    /// The machine's clock: a test clock stands still, or jumps a month in a second.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Errand {
    /// When it was last done, by whichever process.
    pub(crate) async fn last(&self) -> Result<Option<Timestamp>, LogError> {
        let noted = self.log.bookmark(self.name).await?;
        Ok(noted.and_then(instant))
    }

    /// Does it whenever it is due, until told to stop. What fails is tried again.
    pub(crate) async fn run<F>(&self, mut stop: Stop, attempt: impl Fn() -> F)
    where
        F: Future<Output = Result<(), String>>,
    {
        let mut wait = self.first_wait().await;
        let mut backoff = Backoff::new();
        loop {
            if timeout(wait, stop.wait()).await.is_ok() {
                return;
            }
            // Cut off in the middle, it is done again.
            let done = tokio::select! {
                () = stop.wait() => return,
                done = attempt() => done,
            };
            match done {
                Ok(()) => {
                    self.note().await;
                    backoff = Backoff::new();
                    wait = self.every;
                }
                Err(problem) => {
                    tracing::warn!(errand = self.name, problem, "will try again");
                    wait = Duration::ZERO;
                    if !backoff.wait(&mut stop).await {
                        return;
                    }
                }
            }
        }
    }

    /// What is left of the pause since it was last done. A time in the future is a clock that was
    /// set back, and says nothing.
    async fn first_wait(&self) -> Duration {
        let last = match self.last().await {
            Ok(Some(last)) => last,
            Ok(None) => return Duration::ZERO,
            Err(error) => {
                tracing::warn!(errand = self.name, %error, "nobody knows when it was last done");
                return Duration::ZERO;
            }
        };
        let past = self.clock.now().unix_seconds() - last.unix_seconds();
        let Ok(past) = u64::try_from(past) else { return Duration::ZERO };
        self.every.saturating_sub(Duration::from_secs(past))
    }

    async fn note(&self) {
        let Some(now) = second(self.clock.now()) else { return };
        if let Err(error) = self.log.save_bookmark(self.name, now).await {
            tracing::warn!(errand = self.name, %error, "it is done again after a restart");
        }
    }
}

/// An instant as bookmarks keep it: whole seconds since 1970.
pub(crate) fn second(instant: Timestamp) -> Option<Position> {
    u64::try_from(instant.unix_seconds()).ok().map(Position)
}

/// The instant that a bookmark keeps.
pub(crate) fn instant(second: Position) -> Option<Timestamp> {
    i64::try_from(second.0).ok().map(Timestamp::from_unix_seconds)
}
