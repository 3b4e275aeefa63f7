//! What a message from Stripe can be asked to do.

use kernel::{Sealed, Timestamp};

use super::events::Endpoint;
use crate::vocabulary::{AccountRef, EventRef};

/// A verified message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Stripe's event id, or `sha256-...` of the body if it has none.
    pub event: EventRef,
    /// Stripe's event type; empty if it could not be read.
    pub kind: String,
    /// The connected account it is about.
    pub account: Option<AccountRef>,
    /// Live or test.
    pub livemode: Option<bool>,
    /// Stripe's API version.
    pub api_version: Option<String>,
    /// Stripe's time of the event.
    pub created: Option<Timestamp>,
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// Fetched rather than delivered.
    pub backfilled: bool,
    /// The raw body, sealed.
    pub body: Sealed,
    /// SHA-256 of the raw body, hexadecimal.
    pub body_sha256: String,
    /// Why it is quarantined from the start, if it is.
    pub quarantine: Option<String>,
}

/// What a message from Stripe can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum WebhookEventCommand {
    /// Keep it. Again: no event, success.
    Receive(Box<ReceivedMessage>),
    /// It became these commands.
    NoteApplied { commands: Vec<String> },
    /// Nothing to be done.
    NoteIgnored { why: String },
    /// It waits for this Stripe object.
    Park { by: String },
    /// It cannot be understood.
    Quarantine { error: String },
    /// It has waited long enough (timer; early is refused).
    DeadLetter,
    /// Try again.
    Retry,
}
