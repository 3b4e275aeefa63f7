//! The whole machine in one process: messages in, policies, timers and calls out, killed anywhere.

mod failover;
mod fake_stripe;
mod memberships;
mod messages;
mod outbound;
mod processes;
mod reactions;
mod sweeping;
mod toy_translator;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aggregates::webhook_event::{
    WebhookEvent,
    commands::{ReceivedMessage, WebhookEventCommand},
    events::Endpoint,
};
use kernel::{ActorKind, Timestamp};
use store::{Log, MemoryViews, Position, Views};

use crate::{
    Engine, EngineParts,
    ports::StripePort,
    testing::{House, NOON},
};
use toy_translator::ToyTranslator;

const PATIENCE: Duration = Duration::from_secs(60);

/// An engine on a house, with everything that restarts keep.
struct Machine {
    house: House,
    views: Arc<MemoryViews>,
}

impl Machine {
    async fn new() -> Self {
        Self { house: House::new().await, views: Arc::new(MemoryViews::new()) }
    }

    /// A fresh process: nothing remembered but log and views.
    async fn start(&self, stripe: Option<Arc<dyn StripePort>>) -> Engine {
        let views = Arc::clone(&self.views) as Arc<dyn Views>;
        let mut parts = EngineParts::new(self.house.another_bus(), views);
        parts.translator = Some(Arc::new(ToyTranslator));
        parts.stripe = stripe;
        let engine = Engine::new(parts);
        engine.start().await.unwrap();
        engine
    }

    /// Starts it, lets everything come to rest, and stops it.
    async fn rest(&self, stripe: Option<Arc<dyn StripePort>>) -> Engine {
        let engine = self.start(stripe).await;
        engine.settle(PATIENCE).await.unwrap();
        engine
    }

    /// A message of Stripe's is taken in.
    async fn receive(&self, event: &str, body: &str) {
        let sealer = crate::Sealer::new(self.house.dyn_log());
        let (sealed, key) = sealer.seal_body(self.house.tenant, event, body.as_bytes()).unwrap();
        let message = ReceivedMessage {
            event: event.into(),
            kind: "toy.happened".to_owned(),
            account: None,
            livemode: Some(false),
            api_version: None,
            created: Some(Timestamp::from_millis(NOON)),
            endpoint: Endpoint::Platform,
            backfilled: false,
            body: sealed,
            body_sha256: String::new(),
            quarantine: None,
        };
        let envelope = self
            .house
            .envelope_of(ActorKind::Stripe, &format!("receive/{event}"))
            .with_keys(vec![key])
            .fresh();
        let receive = WebhookEventCommand::Receive(Box::new(message));
        self.house.bus.send::<WebhookEvent>(event, receive, envelope).await.unwrap();
    }

    /// How often each type of event happened.
    async fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for event_type in self.house.log.types().await {
            *counts.entry(event_type).or_default() += 1;
        }
        counts
    }

    async fn count(&self, event_type: &str) -> usize {
        self.counts().await.get(event_type).copied().unwrap_or_default()
    }

    /// The payloads of all events of a type.
    async fn payloads(&self, event_type: &str) -> Vec<String> {
        let page = self.house.log.read_all(Position::START, usize::MAX).await.unwrap();
        page.events
            .iter()
            .filter(|event| &*event.event_type == event_type)
            .map(|event| event.payload.to_string())
            .collect()
    }
}

/// What is kept up to date must be what is computed anew.
async fn assert_live_equals_replayed(engine: &Engine) {
    let status = engine.status().await.unwrap();
    let replayed = engine.replay(status.head, |_| {}).await.unwrap();
    let live: BTreeMap<_, _> = status
        .projections
        .iter()
        .map(|one| (one.name, (one.rows, one.state_hash.clone(), one.stopped.clone())))
        .collect();
    let anew: BTreeMap<_, _> = replayed
        .into_iter()
        .map(|one| (one.projection, (one.rows, one.state_hash, None)))
        .collect();
    assert_eq!(live, anew);
}
