//! Why a membership refuses.

use chrono::NaiveDate;
use kernel::{Currency, Money, Timestamp};

/// Why a membership refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum MembershipError {
    #[error("there is no such membership")]
    Unknown,
    #[error("the membership exists with other terms")]
    AlreadyStarted,
    #[error("a product is 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-', not \"{product}\"")]
    ProductInvalid { product: String },
    #[error("the membership has ended; start another")]
    Ended,
    #[error("the membership is in {expected}, not {given}")]
    CurrencyMismatch { expected: Currency, given: Currency },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("money needs a charge that brought it, and a charge brings money")]
    ChargeMissing,
    #[error("the tax is from zero to the price")]
    TaxInvalid,
    #[error("a period has a name of 1 to 64 characters without ':', and from 1 to 1100 days")]
    PeriodInvalid,
    #[error("a period named {period} exists with other contents")]
    PeriodExists { period: String },
    #[error("the days of period {period} are among these; say that this one replaces it")]
    PeriodOverlaps { period: String },
    #[error("there is no period {period} on this membership")]
    PeriodUnknown { period: String },
    #[error("period {period} cannot be replaced on {day}: it is over then, or was cut short")]
    NothingToReplace { period: String, day: NaiveDate },
    #[error("a period is replaced on its day and not before; {day} has not come")]
    ReplacedTooEarly { day: NaiveDate },
    #[error("what a seller sells is refunded and sold anew; it cannot be carried over")]
    CarryOverNotPossible,
    #[error("no period is running; there is nothing to cut short")]
    NothingRuns,
    #[error("nothing is left to refund of period {period}")]
    NothingToRefund { period: String },
    #[error("only {remaining} of the period can still be refunded")]
    RefundExceedsPaid { remaining: Money },
    #[error("there is no refund {refund} on this membership")]
    RefundUnknown { refund: String },
    #[error("not yet: this is due at {due}")]
    TooEarly { due: Timestamp },
    #[error("the amounts exceed 64-bit minor units, or the days the calendar")]
    Overflow,
}
