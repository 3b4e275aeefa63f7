//! Why a payment refuses.

use kernel::{Currency, Money, Timestamp};

/// Why a payment refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PaymentError {
    #[error("there is no such payment")]
    Unknown,
    #[error("a payment for this is already under way")]
    PaymentInFlight,
    #[error("the money has come already")]
    AlreadyCaptured,
    #[error("the money has not come yet")]
    NotCaptured,
    #[error("a session must live between 30 minutes and 24 hours; {expires_at} does not fit")]
    SessionLifetimeTooShort { expires_at: Timestamp },
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("no money of this payment is set aside")]
    NothingSetAside,
    #[error("only {available} of this payment is set aside")]
    ExceedsSetAside { available: Money },
    #[error("the shares sum to {shares}, but {available} is set aside")]
    SharesDoNotSum { shares: Money, available: Money },
    #[error("the payment already belongs to order {order}")]
    AlreadyAttributed { order: String },
    #[error(
        "order {order} has refused this money; attribute it to another order, divide it among \
         sellers, or refund it"
    )]
    RefusedByOrder { order: String },
    #[error("the payment is in {expected}, not {given}")]
    CurrencyMismatch { expected: Currency, given: Currency },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("there is no refund {refund} on this payment")]
    RefundUnknown { refund: String },
    #[error("there is no dispute {dispute} on this payment")]
    DisputeUnknown { dispute: String },
    #[error("the payment is under dispute; Stripe decides now")]
    ChargeUnderDispute,
}
