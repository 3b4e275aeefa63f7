//! The worker that asks Stripe, every hour, for events it could not deliver.

use kernel::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

use crate::{
    errands::Errand,
    ports::{Backfill, Backfilled},
    station::Stop,
};

/// How the backfill stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BackfillStatus {
    /// When it last succeeded, by the machine's clock.
    pub last: Option<Timestamp>,
    /// What came of it, if this process did it.
    pub found: Backfilled,
    /// Why it did not succeed since, if it did not.
    pub problem: Option<String>,
}

/// Runs the backfill whenever it is due.
pub(crate) async fn run(
    backfill: &dyn Backfill,
    errand: &Errand,
    status: &watch::Sender<BackfillStatus>,
    stop: Stop,
) {
    if let Ok(last) = errand.last().await {
        status.send_modify(|status| status.last = last);
    }
    let attempt = || async {
        // Stripe itself lists no more than 30 days. A window of ours would go by a clock, and a
        // test clock need not be near Stripe's.
        match backfill.run(Timestamp::EPOCH).await {
            Ok(found) => {
                let last = Some(errand.clock.now());
                status.send_replace(BackfillStatus { last, found, problem: None });
                Ok(())
            }
            Err(error) => {
                status.send_modify(|status| status.problem = Some(error.to_string()));
                Err(error.to_string())
            }
        }
    };
    errand.run(stop, attempt).await;
}
