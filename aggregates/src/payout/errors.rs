//! Why a payout refuses.

use kernel::{Currency, Money, Timestamp};

/// Why a payout refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PayoutError {
    #[error("there is no such payout")]
    Unknown,
    #[error("a payout with this id exists with other contents")]
    AlreadyRequested,
    #[error("the payout is in another state: {state}")]
    WrongState { state: String },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("payouts in {currency} must be a multiple of {multiple} minor units")]
    CurrencyMultiple { currency: Currency, multiple: i64 },
    #[error("the payout is in {expected}, not {given}")]
    CurrencyMismatch { expected: Currency, given: Currency },
    #[error("the transfer is for {expected}, but Stripe says {given}")]
    AmountDiffers { expected: Money, given: Money },
    #[error("only {remaining} of the transfer can still be fetched back")]
    ExceedsTransfer { remaining: Money },
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("only the platform's own payouts are confirmed by a bank statement")]
    NotThePlatforms,
}
