//! What has happened to a message from Stripe.

use cqrs_es::DomainEvent;
use kernel::{Sealed, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{AccountRef, EventRef};

/// Which of our two endpoints a message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Events of the platform's own account.
    Platform,
    /// Events of connected accounts.
    Connect,
}

/// What has happened to a message from Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum WebhookEventEvent {
    /// Its signature was right; the body is kept as it came, sealed.
    Received {
        event: EventRef,
        /// Stripe's event type; empty if it could not be read.
        kind: String,
        account: Option<AccountRef>,
        livemode: Option<bool>,
        api_version: Option<String>,
        /// Stripe's time of the event.
        created: Option<Timestamp>,
        endpoint: Endpoint,
        /// Fetched from Stripe's list of events rather than delivered.
        backfilled: bool,
        body: Sealed,
        /// SHA-256 of the raw body, hexadecimal.
        body_sha256: String,
        at: Timestamp,
    },
    /// It became these commands.
    Applied { commands: Vec<String>, at: Timestamp },
    /// Nothing to be done, and why.
    Ignored { why: String, at: Timestamp },
    /// It is about something not known yet; it waits for this Stripe object.
    Parked { by: String, at: Timestamp },
    /// It cannot be understood; a person must look.
    Quarantined { error: String, at: Timestamp },
    /// It waited for 72 hours and nobody came.
    DeadLettered { at: Timestamp },
    /// A person asked to try again.
    RetryRequested { at: Timestamp },
}

impl DomainEvent for WebhookEventEvent {
    fn event_type(&self) -> String {
        format!("stripe_event.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
