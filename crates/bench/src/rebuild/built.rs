//! Building every projection anew, wherever the read models are.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{Engine, EngineParts};
use store::{Log, Views};

use crate::{
    fault::{Doing, Fault, Outcome},
    house,
};

const PATIENCE: Duration = Duration::from_secs(600);

pub(super) struct Rebuilt {
    pub(super) elapsed: Duration,
    /// Name and state hash of each projection.
    pub(super) hashes: Vec<(&'static str, String)>,
}

/// Builds every projection from the first event to the last, and closes the read models.
pub(super) async fn rebuild(log: &Arc<dyn Log>, views: Arc<dyn Views>) -> Outcome<Rebuilt> {
    let engine = Engine::new(EngineParts::new(house::bus_on(log), Arc::clone(&views)));
    let head = log.head().await.doing("read the head of the log")?.position;
    let started = Instant::now();
    engine.start_projections();
    if !engine.wait_for(head, PATIENCE).await {
        return Err(Fault::new("rebuild the projections", format!("not done in {PATIENCE:?}")));
    }
    let elapsed = started.elapsed();
    let status = engine.projector().status(head);
    engine.shutdown(PATIENCE).await;
    views.close().await;
    for one in &status {
        if let Some(why) = &one.stopped {
            return Err(Fault::new(format!("rebuild {}", one.name), why));
        }
    }
    let hashes = status.into_iter().map(|one| (one.name, one.state_hash)).collect();
    Ok(Rebuilt { elapsed, hashes })
}
