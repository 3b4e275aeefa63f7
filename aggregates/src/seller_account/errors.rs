//! Why a seller's account refuses.

use kernel::{Currency, Money, Timestamp};

/// Why a seller's account refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum SellerAccountError {
    #[error("there is no such seller")]
    Unknown,
    #[error("a seller with this id exists with other details")]
    AlreadyRegistered,
    #[error("the seller already uses account {known}")]
    OtherAccount { known: String },
    #[error("the seller's Stripe account is not ready")]
    SellerNotReady,
    #[error("payouts are blocked: {why}")]
    PayoutsBlocked { why: String },
    #[error("payout {payout} is still under way in this currency")]
    LaneBusy { payout: String },
    #[error("the schedule is not possible: {problem}")]
    ScheduleInvalid { problem: String },
    #[error("there is no claim {claim}")]
    ClaimUnknown { claim: String },
    #[error("claim {claim} was already applied with another amount")]
    ClaimDiffers { claim: String },
    #[error("only {available} is available")]
    InsufficientAvailable { available: Money },
    #[error("the least payout is {minimum}")]
    BelowMinimum { minimum: Money },
    #[error("payouts in {currency} must be a multiple of {multiple} minor units")]
    CurrencyMultiple { currency: Currency, multiple: i64 },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("there is no hold {hold}")]
    HoldUnknown { hold: String },
    #[error("a hold named {hold} exists with another amount")]
    HoldExists { hold: String },
    #[error("there is no payout {payout} under way")]
    PayoutUnknown { payout: String },
    #[error("the seller owes nothing in {currency}")]
    NothingOwed { currency: Currency },
    #[error("a second person must agree; {first} already has")]
    NeedsSecondApprover { first: String },
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("an amount does not fit into 64-bit minor units")]
    Overflow,
}
