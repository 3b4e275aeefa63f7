//! Why an adjustment is refused.

use kernel::{SellerId, Timestamp};

use super::events::Reason;

/// Why an adjustment is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the messages say it")]
pub enum AdjustmentError {
    #[error("there is no such adjustment")]
    Unknown,
    #[error("an adjustment with this id exists with other details")]
    AlreadyProposed,
    #[error("an adjustment has two lines or more, and at most {max}")]
    LinesMissing { max: usize },
    #[error("debits of {debits} and credits of {credits} minor units are not equal")]
    Unbalanced { debits: i128, credits: i128 },
    #[error("an amount must be positive")]
    AmountNotPositive,
    #[error("an amount does not fit into 64-bit minor units")]
    Overflow,
    #[error("a line names an account or a seller")]
    LineWithoutAccount,
    #[error("seller {seller} has two lines; one can say it")]
    SellerTwice { seller: SellerId },
    #[error("there is no seller {seller}")]
    SellerUnknown { seller: SellerId },
    #[error(
        "\"{account}\" is not an account of the chart, and the tenant has opened none of that name"
    )]
    AccountUnknown { account: String },
    #[error("nobody posts to {account} by hand; for a seller's money name the seller instead")]
    AccountNotByHand { account: String },
    #[error("{account} was closed")]
    AccountClosed { account: String },
    #[error("{account} is in another currency")]
    AccountCurrency { account: String },
    #[error("the lines do not fit the reason {reason}: {why}")]
    ReasonDoesNotFit { reason: Reason, why: &'static str },
    #[error("say why, in a memo of at most {max} characters")]
    MemoMissing { max: usize },
    #[error("the evidence is named by its SHA-256, 64 hexadecimal digits in lower case")]
    EvidenceInvalid,
    #[error("it would take effect after {now}, which is now")]
    EffectiveInFuture { now: Timestamp },
    #[error("that period is closed; the open one begins at {open_from}")]
    PeriodClosed { open_from: Timestamp },
    #[error("another person must decide; {proposer} has proposed it")]
    SamePerson { proposer: String },
    #[error("only {proposer}, who has proposed it, can take it back")]
    NotProposer { proposer: String },
    #[error("the adjustment is {status} already")]
    AlreadyDecided { status: &'static str },
}
