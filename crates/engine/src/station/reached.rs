//! How far a station has come, whichever process works at it.

use std::{sync::Arc, time::Duration};

use store::{Log, LogError, Position};
use tokio::time::timeout;

use super::{Report, StationStatus};
use crate::lease::Post;

/// How often the bookmark is looked at while another process works and somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How far a station has come: by its own report where it works in this process, otherwise by its
/// bookmark, which never says more than was done.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    pub(crate) name: &'static str,
    pub(crate) report: Arc<Report>,
    pub(crate) post: Arc<Post>,
    pub(crate) log: Arc<dyn Log>,
}

impl Reached {
    /// Returns when everything up to `position` is done.
    pub(crate) async fn wait(&self, position: Position) {
        let mut done = self.report.done();
        loop {
            if let Ok(Ok(_)) = timeout(LOOK_EVERY, done.wait_for(|done| *done >= position)).await {
                return;
            }
            if !self.post.is_ours()
                && let Ok(Some(marked)) = self.log.bookmark(self.name).await
                && marked >= position
            {
                return;
            }
        }
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`LogError`] when another process works at it and its bookmark cannot be read.
    pub(crate) async fn status(&self, head: Position) -> Result<StationStatus, LogError> {
        let held_by = self.post.held_by();
        if held_by.is_none() {
            return Ok(self.report.status(head));
        }
        let done = self.log.bookmark(self.name).await?.unwrap_or_default();
        let lag = head.0.saturating_sub(done.0);
        Ok(StationStatus { name: self.name, read: done, done, lag, problem: None, held_by })
    }
}
