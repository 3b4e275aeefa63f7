//! Why a tenant's periods refuse.

use kernel::{Currency, Timestamp};

/// Why a tenant's periods refuse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum PeriodError {
    #[error("everything before {closed_through} is closed already")]
    AlreadyClosed { closed_through: Timestamp },
    #[error("that day is not over before {ends}")]
    DayNotOver { ends: Timestamp },
    #[error("there is no such day in a calendar")]
    DayInvalid,
    #[error("nothing is closed")]
    NothingClosed,
    #[error("everything before {through} is closed for good")]
    Locked { through: Timestamp },
    #[error("a second person must agree; {first} already has")]
    NeedsSecondApprover { first: String },
    #[error("say why")]
    ReasonMissing,
    #[error("that period is closed; the open one begins at {open_from}")]
    PeriodClosed { open_from: Timestamp },
    #[error("nothing stands on equity:conversion")]
    NothingConverted,
    #[error("there is no rate for {currency}, or there are two")]
    RateMissing { currency: Currency },
    #[error("\"{rate}\" is not a rate: write a positive decimal number, such as 1.0850")]
    RateInvalid { rate: String },
    #[error("say who published the rates")]
    SourceMissing,
    #[error("an amount does not fit into 64-bit minor units")]
    Overflow,
}
