//! The log on KurrentDB.

use std::sync::Arc;

use async_trait::async_trait;
use store::LogError;
use store_kurrent::{KurrentLog, LogOptions, OpenLogError, prepare_tls};

use super::{Access, Served};
use crate::{
    address::Url,
    outcome::{Failure, Outcome},
};

/// Lets the KurrentDB client choose the cryptography of this process before anybody else does: it
/// panics at its first connection otherwise. Always, and not only for a KurrentDB log: it costs a
/// few milliseconds; which log a command opens first (a copy opens two) should not decide whether it
/// works; and the client links a second provider, so that whoever speaks TLS here needs to find one
/// chosen.
pub(crate) async fn prepare() -> Outcome {
    prepare_tls().await.map_err(Failure::unavailable)
}

/// Opens a log. What high availability asks for is seen in what the log guarantees.
pub(super) async fn open(url: &Url, access: Access) -> Outcome<Arc<dyn Served>> {
    let Access { read_only, high_availability: _, id: log_id } = access;
    // A log that gets the id of another is a copy, and has to be a beginning of it at any moment.
    let in_order = log_id.is_some();
    let options = LogOptions { log_id, read_only, in_order, ..LogOptions::default() };
    let log = KurrentLog::open(url.reveal(), options).await;
    Ok(Arc::new(log.map_err(|error| failure(url, &error))?))
}

/// Why the log did not open.
fn failure(url: &Url, error: &OpenLogError) -> Failure {
    let line = url.scrub(&error.to_string());
    match error {
        OpenLogError::Address(_) => Failure::usage(line),
        OpenLogError::Tls(_)
        | OpenLogError::Missing { .. }
        | OpenLogError::OtherLog { .. }
        | OpenLogError::Log(_) => Failure::unavailable(format!("{url}: {line}")),
    }
}

#[async_trait(?Send)]
impl Served for KurrentLog {
    async fn integrity(&self) -> Result<Vec<String>, LogError> {
        Self::integrity(self).await
    }
}
