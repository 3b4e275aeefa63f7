//! The worker that writes snapshots of long streams, from applied events and off the command path.

use async_trait::async_trait;
use store::{Recorded, StreamId};

use crate::{
    bus::Bus,
    station::{Problem, Routed, Station},
};

/// A stream gets a snapshot whenever it has grown by so many events.
pub const SNAPSHOT_EVENTS: u64 = 500;

/// Writes snapshots.
#[derive(Debug)]
pub(crate) struct Snapshots {
    pub(crate) bus: Bus,
}

#[async_trait]
impl Station for Snapshots {
    type Job = StreamId;

    fn name(&self) -> &'static str {
        "snapshots"
    }

    fn lanes(&self) -> usize {
        2
    }

    async fn route(&self, page: &[Recorded]) -> Result<Vec<Routed<StreamId>>, Problem> {
        let due = page.iter().filter(|event| event.version % SNAPSHOT_EVENTS == 0);
        Ok(due
            .map(|event| Routed {
                position: event.position,
                lane: event.stream.to_string(),
                job: event.stream.clone(),
            })
            .collect())
    }

    async fn work(&self, stream: &StreamId, _attempt: u32) -> Result<(), Problem> {
        Ok(self.bus.save_snapshot(stream).await?)
    }
}
