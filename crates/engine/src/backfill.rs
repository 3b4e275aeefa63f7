//! The worker that asks Stripe, every hour, for events it could not deliver.

use std::{sync::Arc, time::Duration};

use kernel::{Clock, Timestamp};
use serde::Serialize;
use tokio::{sync::watch, time::timeout};

use crate::{
    ports::{Backfill, Backfilled},
    station::{Backoff, Stop},
};

/// Stripe lists events for 30 days.
const WINDOW_DAYS: i64 = 30;

/// How the backfill stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BackfillStatus {
    /// When it last succeeded.
    pub last: Option<Timestamp>,
    /// What came of it.
    pub found: Backfilled,
    /// Why it did not succeed since, if it did not.
    pub problem: Option<String>,
}

/// Runs the backfill at once and then every so often, by the machine's clock.
pub(crate) async fn run(
    backfill: Arc<dyn Backfill>,
    clock: Arc<dyn Clock>,
    every: Duration,
    status: watch::Sender<BackfillStatus>,
    mut stop: Stop,
) {
    let mut backoff = Backoff::new();
    while !stop.is_set() {
        let now = clock.now();
        let since = now.plus_days(-WINDOW_DAYS);
        match backfill.run(since).await {
            Ok(found) => {
                backoff = Backoff::new();
                status.send_replace(BackfillStatus { last: Some(now), found, problem: None });
                if timeout(every, stop.wait()).await.is_ok() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "undelivered events could not be fetched");
                status.send_modify(|status| status.problem = Some(error.to_string()));
                if !backoff.wait(&mut stop).await {
                    return;
                }
            }
        }
    }
}
