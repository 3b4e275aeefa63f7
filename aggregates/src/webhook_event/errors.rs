//! Why a message from Stripe refuses.

use kernel::Timestamp;

/// Why a message from Stripe refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum WebhookEventError {
    #[error("there is no such webhook event")]
    Unknown,
    #[error("the webhook event was already applied or ignored")]
    AlreadyDone,
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
}
