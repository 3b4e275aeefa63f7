//! What is remembered of a message from Stripe; the body stays in the log.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::WebhookEventEvent as Event;

/// A message from Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    /// It never came.
    #[default]
    Absent,
    /// It waits to be worked on.
    Open,
    /// It waits for a Stripe object that is not known yet.
    Parked {
        /// Which one.
        by: String,
        /// Since when.
        since: Timestamp,
    },
    /// A person must look.
    Quarantined,
    /// It waited for 72 hours and nobody came.
    DeadLettered,
    /// It became these commands.
    Applied {
        /// Their names.
        commands: Vec<String>,
    },
    /// There was nothing to be done.
    Ignored,
}

impl WebhookEvent {
    pub(super) fn evolve(&mut self, event: Event) {
        *self = match event {
            Event::Received { .. } | Event::RetryRequested { .. } => Self::Open,
            Event::Applied { commands, .. } => Self::Applied { commands },
            Event::Ignored { .. } => Self::Ignored,
            // Waiting for something else now does not start the wait anew.
            Event::Parked { by, at } => match self {
                Self::Parked { since, .. } => Self::Parked { by, since: *since },
                Self::Absent
                | Self::Open
                | Self::Quarantined
                | Self::DeadLettered
                | Self::Applied { .. }
                | Self::Ignored => Self::Parked { by, since: at },
            },
            Event::Quarantined { .. } => Self::Quarantined,
            Event::DeadLettered { .. } => Self::DeadLettered,
        };
    }
}
