//! Commands through our bus to the log.

use std::sync::Arc;

use aggregates::{link::Link, vocabulary::CommercePolicy};
use async_trait::async_trait;
use engine::{Bus, Envelope};
use kernel::{Actor, ActorKind, RequestId, TenantId};
use store::Log;
use tempfile::TempDir;

use super::{Life, Next, check_stored};
use crate::{
    fault::{Doing, Outcome},
    house,
    load::{Client, Driven, Window, drive},
};

struct Sender {
    bus: Bus,
    tenant: TenantId,
    actor: Actor,
    life: Life,
}

#[async_trait]
impl Client for Sender {
    async fn step(&mut self) -> Result<(), String> {
        let Next { stream, command, fresh } = self.life.next();
        let (actor, request) = (self.actor.clone(), RequestId::mint());
        let envelope = Envelope::of_request(self.tenant, actor, request, None);
        // As the API does for things it creates.
        let envelope = if fresh { envelope.fresh() } else { envelope };
        let sent = self.bus.send::<Link>(&stream, command, envelope).await;
        sent.map(drop).map_err(|error| error.to_string())
    }
}

/// Measures on a log of its own.
pub(super) async fn measure(folder: &TempDir, clients: usize, window: Window) -> Outcome<Driven> {
    measure_on(house::open_log(folder.path()).await?, clients, window).await
}

/// Measures on this log, and closes it.
pub(crate) async fn measure_on(
    log: Arc<dyn Log>,
    clients: usize,
    window: Window,
) -> Outcome<Driven> {
    let bus = house::bus_on(&log);
    let tenant = house::tenant_on(&bus, CommercePolicy::default()).await?;
    let before = log.head().await.doing("read the head of the log")?.position;
    let sender = |client| -> Box<dyn Client> {
        let actor = Actor::new(ActorKind::ApiKey, "key_bench");
        Box::new(Sender { bus: bus.clone(), tenant, actor, life: Life::of(client) })
    };
    let driven = drive((0..clients).map(sender).collect(), window).await?;
    let after = log.head().await.doing("read the head of the log")?.position;
    drop(bus);
    Arc::clone(&log).close().await;
    check_stored(driven, after.0 - before.0)
}
