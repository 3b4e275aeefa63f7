//! Delivering events: signed, in the order, number and speed that a test or the demo asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::StreamExt as _;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::fake::FakeStripe;
use crate::id::Seed;
use crate::journal::JournalError;
use crate::observe::PendingEvent;

/// The hexadecimal HMAC-SHA256 of `timestamp.body` that Stripe calls scheme `v1`.
#[must_use]
pub fn sign(secret: &str, timestamp: i64, body: &[u8]) -> String {
    // HMAC accepts keys of any length, so the only error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// The `Stripe-Signature` header: one `v1` for each secret, several while a secret is rotated.
#[must_use]
pub fn signature_header(secrets: &[String], timestamp: i64, body: &[u8]) -> String {
    let mut header = format!("t={timestamp}");
    for secret in secrets {
        // Writing to a String cannot fail.
        let _ = write!(header, ",v1={}", sign(secret, timestamp, body));
    }
    header
}

/// The real time in Unix seconds, which the signature of a delivery must carry.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "listeners compare the signature's timestamp with their own real clock"
)]
pub fn real_time() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|elapsed| i64::try_from(elapsed.as_secs()).ok())
        .unwrap_or(0)
}

/// Where events go and with which secrets they are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// The address.
    pub url: String,
    /// The signing secrets (`whsec_...`); the first is the current one.
    pub secrets: Vec<String>,
}

/// The two endpoints of a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// For the platform's own events.
    pub platform: Option<WebhookEndpoint>,
    /// For the events of connected accounts.
    pub connect: Option<WebhookEndpoint>,
}

/// In which order a batch is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryOrder {
    /// As it happened.
    #[default]
    AsHappened,
    /// The last first.
    Reversed,
    /// Shuffled, the same way for the same seed.
    Shuffled(Seed),
}

/// How a batch is delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOptions {
    /// The order.
    pub order: DeliveryOrder,
    /// How often each event is delivered, at least once.
    pub copies: u32,
    /// Event types and event ids that are held back for now.
    pub held: BTreeSet<String>,
    /// The largest number of events in this batch.
    pub limit: usize,
    /// How often a delivery is tried until it is answered with success.
    pub attempts_max: u32,
    /// How many deliveries are under way at the same time; with one, the order is kept exactly.
    pub concurrency: usize,
    /// The signature's timestamp; the real time if absent.
    pub timestamp: Option<i64>,
}

impl Default for DeliveryOptions {
    fn default() -> Self {
        Self {
            order: DeliveryOrder::AsHappened,
            copies: 1,
            held: BTreeSet::new(),
            limit: usize::MAX,
            attempts_max: 3,
            concurrency: 1,
            timestamp: None,
        }
    }
}

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryReport {
    /// Events taken into the batch that have an endpoint.
    pub events: usize,
    /// Events without an endpoint; they stay undelivered.
    pub unrouted: usize,
    /// HTTP requests made.
    pub attempts: usize,
    /// Events whose every copy was answered with success.
    pub acknowledged: usize,
    /// Events that stay undelivered although they were tried.
    pub failed: Vec<String>,
    /// How often each HTTP status was answered; 0 stands for no answer.
    pub statuses: BTreeMap<u16, usize>,
}

/// Why a batch could not be delivered at all.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No HTTP client could be made.
    #[error("no HTTP client for webhook deliveries: {0}")]
    Client(#[from] reqwest::Error),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Delivers undelivered events. An event counts as delivered once every copy in the batch was
/// answered with 2xx; `GET /v1/events?delivery_success=false` lists the others.
///
/// # Errors
/// When no client can be made or the journal cannot be written. Refusing listeners are no error:
/// they are in the report.
pub async fn deliver(
    fake: &FakeStripe,
    endpoints: &Endpoints,
    options: &DeliveryOptions,
) -> Result<DeliveryReport, DeliveryError> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut report = DeliveryReport::default();
    let mut batch = Vec::new();
    for event in fake.take_undelivered(options.limit, &options.held) {
        match endpoint_of(endpoints, &event) {
            Some(endpoint) => {
                report.events += 1;
                batch.extend((0..options.copies.max(1)).map(|_| (endpoint, event.clone())));
            }
            None => report.unrouted += 1,
        }
    }
    arrange(&mut batch, options.order);
    let mut failed = BTreeSet::new();
    let mut succeeded = BTreeSet::new();
    let mut posts = futures::stream::iter(batch)
        .map(|(endpoint, event)| post(&client, endpoint, event, options))
        .buffer_unordered(options.concurrency.max(1));
    while let Some((id, statuses)) = posts.next().await {
        let success = statuses.last().is_some_and(|status| (200..300).contains(status));
        report.attempts += statuses.len();
        for status in statuses {
            *report.statuses.entry(status).or_insert(0) += 1;
        }
        if success {
            succeeded.insert(id)
        } else {
            failed.insert(id)
        };
    }
    let acknowledged: Vec<String> = succeeded.difference(&failed).cloned().collect();
    fake.acknowledge(&acknowledged)?;
    report.acknowledged = acknowledged.len();
    report.failed = failed.into_iter().collect();
    Ok(report)
}

fn endpoint_of<'a>(endpoints: &'a Endpoints, event: &PendingEvent) -> Option<&'a WebhookEndpoint> {
    match event.account {
        Some(_) => endpoints.connect.as_ref(),
        None => endpoints.platform.as_ref(),
    }
}

fn arrange<T>(batch: &mut Vec<T>, order: DeliveryOrder) {
    match order {
        DeliveryOrder::AsHappened => {}
        DeliveryOrder::Reversed => batch.reverse(),
        DeliveryOrder::Shuffled(seed) => {
            let mut keyed: Vec<(u64, T)> = batch
                .drain(..)
                .enumerate()
                .map(|(position, item)| (seed.number(&format!("shuffle/{position}")), item))
                .collect();
            keyed.sort_by_key(|(key, _)| *key);
            batch.extend(keyed.into_iter().map(|(_, item)| item));
        }
    }
}

/// Posts one event until it is answered with success; answers the status of each attempt.
async fn post(
    client: &reqwest::Client,
    endpoint: &WebhookEndpoint,
    event: PendingEvent,
    options: &DeliveryOptions,
) -> (String, Vec<u16>) {
    let mut statuses = Vec::new();
    for _ in 0..options.attempts_max.max(1) {
        let timestamp = options.timestamp.unwrap_or_else(real_time);
        let signature = signature_header(&endpoint.secrets, timestamp, event.body.as_bytes());
        let response = client
            .post(&endpoint.url)
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Stripe-Signature", signature)
            .header("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .body(event.body.clone())
            .send()
            .await;
        let status = match response {
            Ok(response) => response.status().as_u16(),
            Err(error) => {
                tracing::debug!(event = event.id, %error, "delivery without an answer");
                0
            }
        };
        statuses.push(status);
        if (200..300).contains(&status) {
            break;
        }
    }
    (event.id, statuses)
}
