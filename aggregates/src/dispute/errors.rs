//! Why a dispute refuses.

use kernel::Timestamp;

/// Why a dispute refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum DisputeError {
    #[error("there is no such dispute")]
    Unknown,
    #[error("evidence could be sent until {due_by}")]
    EvidenceTooLate { due_by: Timestamp },
    #[error("evidence was already sent; Stripe takes it once")]
    EvidenceAlreadySubmitted,
    #[error("evidence needs at least one field")]
    EvidenceEmpty,
    #[error("the dispute is over")]
    Closed,
    #[error("the dispute was already accepted")]
    AlreadyAccepted,
    #[error("this dispute cannot be answered")]
    NoResponseAllowed,
    #[error("the charge cannot be refunded while this is open")]
    NotRefundable,
    #[error("a second person must agree; {first} already has")]
    NeedsSecondApprover { first: String },
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
}
