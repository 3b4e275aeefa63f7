//! What is stored, what is not, and what is stored once.

use aggregates::{
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::CommercePolicy,
    webhook_event::events::WebhookEventEvent,
};
use kernel::{FixedClock, Mode, RequestId};
use store::{MemoryLog, Position, StreamId};

use super::*;
use crate::signature::header;

pub(crate) const NOW: i64 = 1_790_000_000;
const BODY: &str = r#"{"id":"evt_1","type":"charge.succeeded","livemode":false,"created":1789999999,
    "account":"acct_1","data":{"object":{"id":"ch_1","billing_details":{"name":"Wanda Wool"}}}}"#;

pub(crate) struct House {
    pub(crate) bus: Bus,
    pub(crate) intake: StripeIntake,
    clock: FixedClock,
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::derived(&[name])
}

fn secret(tenant_name: &str, endpoint: Endpoint, text: &str) -> EndpointSecret {
    EndpointSecret { tenant: tenant(tenant_name), endpoint, secret: Secret::new(text) }
}

pub(crate) async fn house() -> House {
    let clock = FixedClock::new(Timestamp::from_unix_seconds(NOW));
    let bus = Bus::new(Arc::new(MemoryLog::new()), Arc::new(clock.clone()), 100);
    for name in ["pears", "plums"] {
        let command = TenantCommand::Provision {
            tenant: tenant(name),
            name: name.to_owned(),
            mode: Mode::Sandbox,
            time_zone: "UTC".to_owned(),
            policy: CommercePolicy::default(),
        };
        let envelope =
            engine::Envelope::of_operator(tenant(name), "test", RequestId::derived(&[name]));
        bus.send::<Tenant>(&tenant(name).to_string(), command, envelope).await.unwrap();
    }
    let secrets = vec![
        secret("pears", Endpoint::Platform, "whsec_old"),
        secret("pears", Endpoint::Platform, "whsec_new"),
        secret("pears", Endpoint::Connect, "whsec_connect"),
        secret("plums", Endpoint::Platform, "whsec_plums"),
    ];
    let intake = StripeIntake::new(bus.clone(), secrets, Arc::new(clock.clone()));
    House { bus, intake, clock }
}

impl House {
    async fn receive(
        &self,
        endpoint: Endpoint,
        body: &str,
        secret: &str,
    ) -> Result<Intake, IntakeError> {
        let signed = header(&[&Secret::new(secret)], NOW, body.as_bytes());
        let body = Bytes::copy_from_slice(body.as_bytes());
        self.intake.receive(endpoint, body, Some(&signed)).await
    }

    async fn stored(&self, owner: &str, event: &str) -> Vec<WebhookEventEvent> {
        let stream = StreamId::new("stripe_event", tenant(owner), event);
        let recorded = self.bus.log().read_stream(&stream, 0, 10).await.unwrap();
        recorded.iter().map(|event| serde_json::from_str(&event.payload).unwrap()).collect()
    }

    async fn head(&self) -> Position {
        self.bus.log().head().await.unwrap().position
    }
}

fn taken(event: &str, duplicate: bool) -> Result<Intake, IntakeError> {
    Ok(Intake { event: event.to_owned(), duplicate })
}

#[tokio::test]
async fn a_message_is_stored_sealed_and_opens_to_the_bytes_that_came() {
    let house = house().await;
    let answer = house.receive(Endpoint::Platform, BODY, "whsec_new").await;
    assert_eq!(answer, taken("evt_1", false));
    let stored = house.stored("pears", "evt_1").await;
    let [WebhookEventEvent::Received { kind, account, livemode, created, body, body_sha256, .. }] =
        stored.as_slice()
    else {
        panic!("{stored:?}")
    };
    assert_eq!((kind.as_str(), *livemode), ("charge.succeeded", Some(false)));
    assert_eq!(account.as_ref().map(|account| account.as_str()), Some("acct_1"));
    assert_eq!(*created, Some(Timestamp::from_unix_seconds(1_789_999_999)));
    assert_eq!(*body_sha256, body_hash(BODY.as_bytes()));
    assert!(!format!("{body:?}").contains("Wanda"));
    let opened = Sealer::new(Arc::clone(house.bus.log())).open(tenant("pears"), body).await;
    assert_eq!(opened.unwrap(), BODY.as_bytes());
}

#[tokio::test]
async fn a_second_delivery_is_a_success_and_changes_nothing() {
    let house = house().await;
    house.receive(Endpoint::Platform, BODY, "whsec_new").await.unwrap();
    let head = house.head().await;
    // Stripe counts pending_webhooks down, so the bytes differ.
    let other = BODY.replace("\"livemode\"", "\"pending_webhooks\":1,\"livemode\"");
    for body in [BODY, &other] {
        let answer = house.receive(Endpoint::Platform, body, "whsec_old").await;
        assert_eq!(answer, taken("evt_1", true));
    }
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn two_deliveries_at_once_store_one_message() {
    let house = house().await;
    let deliveries = (0..20).map(|_| house.receive(Endpoint::Platform, BODY, "whsec_new"));
    let answers = futures::future::join_all(deliveries).await;
    let fresh = answers.iter().filter(|answer| **answer == taken("evt_1", false)).count();
    assert_eq!((fresh, answers.iter().filter(|answer| answer.is_ok()).count()), (1, 20));
    assert_eq!(house.stored("pears", "evt_1").await.len(), 1);
}

#[tokio::test]
async fn the_tenant_is_the_owner_of_the_secret() {
    let house = house().await;
    house.receive(Endpoint::Platform, BODY, "whsec_plums").await.unwrap();
    assert_eq!(house.stored("plums", "evt_1").await.len(), 1);
    assert_eq!(house.stored("pears", "evt_1").await.len(), 0);
}

#[tokio::test]
async fn a_secret_of_the_other_endpoint_does_not_open_this_one() {
    let house = house().await;
    let answer = house.receive(Endpoint::Platform, BODY, "whsec_connect").await;
    assert_eq!(answer, Err(IntakeError::SignatureInvalid));
    let answer = house.receive(Endpoint::Connect, BODY, "whsec_connect").await;
    assert_eq!(answer, taken("evt_1", false));
}

#[tokio::test]
async fn a_forged_stale_or_unsigned_message_leaves_no_trace() {
    let house = house().await;
    let head = house.head().await;
    let body = || Bytes::from_static(BODY.as_bytes());
    let receive = |signature: Option<String>| {
        let (intake, body) = (house.intake.clone(), body());
        async move { intake.receive(Endpoint::Platform, body, signature.as_deref()).await }
    };
    assert_eq!(receive(None).await, Err(IntakeError::SignatureMissing));
    assert_eq!(receive(Some("t=1".into())).await, Err(IntakeError::SignatureMissing));
    let forged = header(&[&Secret::new("whsec_guess")], NOW, BODY.as_bytes());
    assert_eq!(receive(Some(forged)).await, Err(IntakeError::SignatureInvalid));
    let signed = header(&[&Secret::new("whsec_new")], NOW, BODY.as_bytes());
    house.clock.set(Timestamp::from_unix_seconds(NOW + 301));
    assert_eq!(receive(Some(signed)).await, Err(IntakeError::TimestampOutOfTolerance));
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_for_a_person() {
    let house = house().await;
    let hash = body_hash(b"not json");
    let answer = house.receive(Endpoint::Platform, "not json", "whsec_new").await;
    let name = format!("sha256-{hash}");
    assert_eq!(answer, taken(&name, false));
    let stored = house.stored("pears", &name).await;
    let quarantined = |event: &WebhookEventEvent| matches!(event, WebhookEventEvent::Quarantined { error, .. } if error.contains("JSON"));
    assert!(stored.iter().any(quarantined), "{stored:?}");
    let again = house.receive(Endpoint::Platform, "not json", "whsec_new").await;
    assert_eq!(again, taken(&name, true));
}

#[tokio::test]
async fn a_closed_log_asks_stripe_to_come_again() {
    let house = house().await;
    house.bus.log().close().await;
    let answer = house.receive(Endpoint::Platform, BODY, "whsec_new").await;
    assert!(matches!(answer, Err(IntakeError::Unavailable(_))), "{answer:?}");
}
