//! Appends to our log, without a bus before it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, SystemClock, TenantId};
use store::{Commit, Expected, Log, NewEvent, StreamId};
use uuid::Uuid;

use crate::{
    commands::check_stored,
    fault::{Doing, Outcome},
    house,
    load::{Client, Driven, Window, drive},
};

const PER_STREAM: u64 = 5;

/// The n-th commit of a client: five to a stream, as large as an event of an order.
pub(super) fn sample(client: usize, number: u64) -> Commit {
    let (stream, version) = ((number - 1) / PER_STREAM, (number - 1) % PER_STREAM);
    let stream = StreamId::new(
        "order",
        TenantId::derived(&["bench"]),
        format!("ord_{client:04}x{stream:012}"),
    );
    let command_id = format!("request/{}", Uuid::new_v4().simple());
    let payload = format!(
        "{{\"Paid\":{{\"payment\":\"pay_{0}\",\"charge\":\"ch_{0}\",\"amount\":{{\"minor\":{1},\
         \"currency\":\"USD\"}},\"lines\":[{{\"line\":0,\"seller\":\"sel_{0}\",\"net\":{1}}}],\
         \"at\":\"2026-10-01T12:00:00Z\"}}}}",
        Uuid::new_v4().simple(),
        100 + number
    );
    let metadata = format!(
        "{{\"actor\":{{\"kind\":\"api_key\",\"id\":\"key_bench\"}},\"correlation\":\"{command_id}\",\
         \"mode\":\"sandbox\",\"command\":\"{command_id}\"}}"
    );
    Commit {
        command_id,
        stream,
        expected: if version == 0 { Expected::Absent } else { Expected::At(version) },
        events: vec![NewEvent {
            id: Uuid::new_v4(),
            event_type: "order.paid".into(),
            event_version: "1".into(),
            payload: payload.into(),
        }],
        metadata: metadata.into(),
        recorded_at: SystemClock.now(),
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}

struct Sender {
    client: usize,
    number: u64,
    log: Arc<dyn Log>,
}

#[async_trait]
impl Client for Sender {
    async fn step(&mut self) -> Result<(), String> {
        self.number += 1;
        let appended = self.log.append(sample(self.client, self.number)).await;
        appended.map(drop).map_err(|error| error.to_string())
    }
}

/// Measures on a database of its own.
pub(super) async fn measure(url: &str, clients: usize, window: Window) -> Outcome<Driven> {
    let log = house::open_postgres_log(url).await?;
    let sender = |client| -> Box<dyn Client> {
        Box::new(Sender { client, number: 0, log: Arc::clone(&log) })
    };
    let driven = drive((0..clients).map(sender).collect(), window).await?;
    let stored = log.head().await.doing("read the head of the log")?.position.0;
    log.close().await;
    check_stored(driven, stored)
}
