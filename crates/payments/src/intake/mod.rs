//! Taking messages of Stripe's in: verify, seal, store, answer. Nothing is understood here.

use std::sync::Arc;

use aggregates::{
    vocabulary::EventRef,
    webhook_event::{
        WebhookEvent,
        commands::{ReceivedMessage, WebhookEventCommand},
        events::Endpoint,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use engine::{Bus, Intake, IntakeError, Sealer, WebhookIntake};
use kernel::{Actor, ActorKind, Cause, Clock, TenantId, Timestamp};

use crate::{
    envelope::{Envelope, body_hash},
    signature::{Secret, SignatureError, verify},
};

/// Messages taken in, by endpoint and result (`stored`, `duplicate`, or why it was refused).
pub const RECEIVED: &str = "daybook_webhooks_received_total";

/// A signing secret and whose endpoint it belongs to. Both generations of a rotated secret, and both
/// endpoints of a tenant, are an entry each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSecret {
    /// Whose messages it signs.
    pub tenant: TenantId,
    /// The messages of which endpoint.
    pub endpoint: Endpoint,
    /// The secret.
    pub secret: Secret,
}

/// The front door for Stripe. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StripeIntake {
    bus: Bus,
    sealer: Sealer,
    secrets: Arc<[EndpointSecret]>,
    clock: Arc<dyn Clock>,
}

impl StripeIntake {
    /// A front door that knows these secrets.
    ///
    /// `clock` must be the real one ([`kernel::SystemClock`]): it is compared with the time at which
    /// Stripe signed, whatever a tenant's test clock shows.
    #[must_use]
    pub fn new(bus: Bus, secrets: Vec<EndpointSecret>, clock: Arc<dyn Clock>) -> Self {
        let sealer = Sealer::new(Arc::clone(bus.log()));
        Self { bus, sealer, secrets: secrets.into(), clock }
    }

    /// Stores a message that is known to be Stripe's: delivered and verified, or fetched.
    ///
    /// # Errors
    /// [`IntakeError::Unavailable`] when the log cannot take it now.
    pub async fn accept(
        &self,
        tenant: TenantId,
        endpoint: Endpoint,
        body: &[u8],
        backfilled: bool,
    ) -> Result<Intake, IntakeError> {
        let envelope = Envelope::read(body);
        let body_sha256 = body_hash(body);
        let event = envelope.id.clone().unwrap_or_else(|| format!("sha256-{body_sha256}"));
        let unavailable = |problem: String| IntakeError::Unavailable(problem);
        let (sealed, key) = self
            .sealer
            .seal_body(tenant, &event, body)
            .map_err(|error| unavailable(error.to_string()))?;
        let message = ReceivedMessage {
            event: EventRef::from(event.as_str()),
            kind: envelope.kind.unwrap_or_default(),
            account: envelope.account.map(Into::into),
            livemode: envelope.livemode,
            api_version: envelope.api_version,
            created: envelope.created.map(Timestamp::from_unix_seconds),
            endpoint,
            backfilled,
            body: sealed,
            body_sha256,
            quarantine: envelope.defect.map(str::to_owned),
        };
        let cause = Cause {
            actor: Actor::new(ActorKind::Stripe, event.as_str()),
            request: None,
            causation: None,
            correlation: event.clone(),
            webhook: Some(event.clone()),
        };
        // The event's id alone names the command: whatever else differs between two deliveries
        // (Stripe counts `pending_webhooks` down in the body), the second one changes nothing.
        let command_id = format!("receive/{event}");
        let instructions =
            engine::Envelope::new(tenant, command_id, cause).fresh().with_keys(vec![key]);
        let sent = self
            .bus
            .send::<WebhookEvent>(
                &event,
                WebhookEventCommand::Receive(Box::new(message)),
                instructions,
            )
            .await
            .map_err(|error| {
                tracing::error!(%error, %tenant, event, "a verified message could not be stored");
                unavailable(error.to_string())
            })?;
        Ok(Intake { event, duplicate: sent.replayed || sent.events == 0 })
    }

    /// Who owns the secret that signed this.
    fn owner(
        &self,
        endpoint: Endpoint,
        body: &[u8],
        signature: Option<&str>,
    ) -> Result<TenantId, SignatureError> {
        let candidates: Vec<&EndpointSecret> =
            self.secrets.iter().filter(|known| known.endpoint == endpoint).collect();
        let secrets: Vec<&Secret> = candidates.iter().map(|known| &known.secret).collect();
        let signed = verify(body, signature, &secrets, self.clock.now())?;
        candidates.get(signed).map(|known| known.tenant).ok_or(SignatureError::NoMatch)
    }
}

#[async_trait]
impl WebhookIntake for StripeIntake {
    async fn receive(
        &self,
        endpoint: Endpoint,
        body: Bytes,
        signature: Option<&str>,
    ) -> Result<Intake, IntakeError> {
        let owner = match self.owner(endpoint, &body, signature) {
            Ok(owner) => owner,
            Err(error) => {
                count(endpoint, error.label());
                tracing::info!(%error, endpoint = name(endpoint), "a message was refused");
                return Err(refusal(error));
            }
        };
        let outcome = self.accept(owner, endpoint, &body, false).await;
        count(
            endpoint,
            match &outcome {
                Ok(Intake { duplicate: false, .. }) => "stored",
                Ok(Intake { duplicate: true, .. }) => "duplicate",
                Err(_) => "unavailable",
            },
        );
        outcome
    }
}

const fn refusal(error: SignatureError) -> IntakeError {
    match error {
        SignatureError::Missing | SignatureError::NoTimestamp | SignatureError::NoSignature => {
            IntakeError::SignatureMissing
        }
        SignatureError::OutOfTolerance { .. } => IntakeError::TimestampOutOfTolerance,
        SignatureError::NoMatch => IntakeError::SignatureInvalid,
    }
}

const fn name(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Platform => "platform",
        Endpoint::Connect => "connect",
    }
}

fn count(endpoint: Endpoint, result: &'static str) {
    metrics::counter!(RECEIVED, "endpoint" => name(endpoint), "result" => result).increment(1);
}

#[cfg(test)]
pub(crate) mod tests;
