//! Why a refund refuses.

use kernel::{Currency, Timestamp};

/// Why a refund refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RefundError {
    #[error("there is no such refund")]
    Unknown,
    #[error("a refund with this id exists with other contents")]
    AlreadyRequested,
    #[error("the refund is already decided")]
    AlreadyDecided,
    #[error("a second person must approve; {first} already has")]
    NeedsSecondApprover { first: String },
    #[error("the refund has not been approved")]
    NotApproved,
    #[error("the refund is already with Stripe")]
    AlreadySubmitted,
    #[error(
        "only a refund that failed and is still owed can be retried, paid otherwise or forgone"
    )]
    NotOwed,
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("the refund is in {expected}, not {given}")]
    CurrencyMismatch { expected: Currency, given: Currency },
    #[error("this refund is {known} at Stripe, not {given}")]
    OtherStripeRefund { known: String, given: String },
}
