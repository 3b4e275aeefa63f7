//! The log keeps the contract against a server that speaks the protocol, and survives its faults.

mod cluster;
mod faults;
mod sharing;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::{TenantId, Timestamp, derived_uuid};
use kurrent_fake::{FakeOptions, FakeServer};
use store::{
    Commit, Expected, Log, NewEvent, Position, StreamId,
    contract::{Outcome, Subject},
};

use crate::{KurrentLog, LogOptions};

/// A log on a server of its own.
struct OnFake {
    _server: FakeServer,
    url: String,
    log: Arc<KurrentLog>,
}

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

#[async_trait]
impl Subject for OnFake {
    const CONTIGUOUS: bool = false;

    async fn fresh() -> Result<Self, String> {
        let server =
            FakeServer::start(FakeOptions::default()).await.map_err(|error| error.to_string())?;
        let url = server.url();
        let log = open(&url).await?;
        Ok(Self { _server: server, url, log })
    }

    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    async fn reopen(&mut self) -> Outcome {
        self.log.close().await;
        self.log = open(&self.url).await?;
        Ok(())
    }
}

store::log_contract_tests!(OnFake);
