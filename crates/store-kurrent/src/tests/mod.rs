//! The log survives what happens between a client and a cluster, shares a server with others, and is
//! opened as it should be.

mod cluster;
mod faults;
mod opening;
mod sharing;

use std::{sync::Arc, time::Duration};

use kernel::{TenantId, Timestamp, derived_uuid};
use kurrent_fake::{FakeOptions, FakeServer};
use store::{Commit, Expected, Log, NewEvent, Position, StreamId};

use crate::{KurrentLog, LogOptions};

async fn open(url: &str) -> Result<Arc<KurrentLog>, String> {
    let opened = KurrentLog::open(url, LogOptions::default()).await;
    opened.map(Arc::new).map_err(|error| error.to_string())
}

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

async fn server() -> FakeServer {
    FakeServer::start(FakeOptions::default()).await.unwrap()
}

/// Gives up so early that a test can wait for it.
fn impatient() -> LogOptions {
    LogOptions {
        answer_time_max: Duration::from_millis(1500),
        patience: Duration::from_secs(2),
        ..LogOptions::default()
    }
}

fn tenant() -> TenantId {
    TenantId::derived(&["kurrent", "acme"])
}

fn order(id: &str) -> StreamId {
    StreamId::new("order", tenant(), id)
}

/// A commit of one event whose type is the command that brought it.
fn commit(id: &str, expected: Expected, command: &str) -> Commit {
    Commit {
        command_id: command.to_owned(),
        stream: order(id),
        expected,
        events: vec![NewEvent {
            id: derived_uuid(&[id, command]),
            event_type: command.into(),
            event_version: "1".into(),
            payload: "{}".into(),
        }],
        metadata: "{}".into(),
        recorded_at: Timestamp::from_unix_seconds(1_760_000_000),
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}

/// The types of all events, in order.
async fn events(log: &KurrentLog) -> Vec<String> {
    let (mut types, mut after) = (Vec::new(), Position::START);
    loop {
        let page = log.read_all(after, 100).await.unwrap();
        let Some(last) = page.events.last() else { return types };
        after = last.position;
        types.extend(page.events.iter().map(|event| event.event_type.to_string()));
    }
}
