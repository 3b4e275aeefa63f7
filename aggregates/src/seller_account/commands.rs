//! What a seller's account can be asked to do.

use kernel::{Currency, Money, OrderId, PayoutId, Rate, Sealed, SellerId, SubjectRef, Timestamp};

use super::events::{AccountFlags, CreditBackReason, DebitReason, PayoutSchedule};
use crate::vocabulary::{AccountRef, ClaimRef, FactRank, LineNo, Organizer, Person};

/// A fact about a connected account's bank account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BankAccountFact {
    Present,
    Errored,
    Removed,
}

/// What a seller's account can be asked to do. Each claim is applied once per kind of command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum SellerAccountCommand {
    /// Make him known.
    Register {
        seller: SellerId,
        reference: String,
        subject: SubjectRef,
        name: Sealed,
        organizer: Option<Organizer>,
    },
    /// Name his connected account.
    StartOnboarding { account: AccountRef },
    /// Merge a fact about the connected account. Flags a fact does not carry are `None`.
    MergeStatus { account: AccountRef, flags: AccountFlags, rank: FactRank },
    /// Merge a fact about one capability.
    MergeTransfersCapability { account: AccountRef, active: bool, rank: FactRank },
    /// He disconnected.
    Deauthorize { account: AccountRef, occurred_at: Timestamp },
    /// Merge a fact about his bank account.
    MergeBankAccount { bank_account: String, fact: BankAccountFact, rank: FactRank },
    /// Set how he is paid out.
    SetPayoutSchedule { schedule: PayoutSchedule, next_due: Option<Timestamp> },
    /// The schedule is due (timer; early is refused): reserve a payout, by the id
    /// `PayoutId::derived(&[seller, due, currency])`, in every currency whose lane is free and whose
    /// available money reaches the minimum. What cannot be paid is skipped, never an error.
    RunSchedule { due: Timestamp, next_due: Option<Timestamp> },
    /// Hold some available money back.
    PlaceHold { hold: String, amount: Money, reason: String, by: Person },
    /// Let it go.
    ReleaseHold { hold: String, by: Person },
    /// He is owed this.
    Credit {
        claim: ClaimRef,
        amount: Money,
        organizer: Organizer,
        order: Option<OrderId>,
        line: Option<LineNo>,
        product: String,
        occurred_at: Timestamp,
    },
    /// Take this back, by the waterfall.
    Debit {
        claim: ClaimRef,
        amount: Money,
        reason: DebitReason,
        about: Option<ClaimRef>,
        organizer: Organizer,
        order: Option<OrderId>,
        occurred_at: Timestamp,
    },
    /// Give this back.
    CreditBack {
        claim: ClaimRef,
        amount: Money,
        reason: CreditBackReason,
        organizer: Organizer,
        order: Option<OrderId>,
        occurred_at: Timestamp,
    },
    /// Release what remains pending of a claim. The reserve share rounds down.
    Release { claim: ClaimRef, reserve: Rate, reserve_days: u32 },
    /// Let a claim's reserve go (timer; early is refused).
    ReleaseReserve { claim: ClaimRef },
    /// Hold his part of a dispute. `about` names his claims in the disputed order.
    HoldForDispute {
        claim: ClaimRef,
        amount: Money,
        about: Vec<ClaimRef>,
        organizer: Organizer,
        order: Option<OrderId>,
    },
    /// The dispute is over: this much of the hold is lost, the rest is let go.
    ConcludeDisputeHold { claim: ClaimRef, lost: Money, occurred_at: Timestamp },
    /// Take the payout lane for an amount, or for all that is available.
    ReserveForPayout {
        payout: PayoutId,
        currency: Currency,
        amount: Option<i64>,
        minimum: i64,
        by: Person,
    },
    /// The transfer is about to be made: fix the amount.
    CommitPayout { payout: PayoutId },
    /// The transfer was made.
    SettlePayout { payout: PayoutId },
    /// The payout did not happen.
    ReleasePayoutReservation { payout: PayoutId, reason: String },
    /// The bank leg is done.
    FreeLane { payout: PayoutId },
    /// The bank refused.
    BlockLane { payout: PayoutId, reason: String },
    /// 90 days of owing (timer; early is refused).
    RemindRecovery { currency: Currency },
    /// 180 days of owing (timer; early is refused).
    ProposeWriteOff { currency: Currency },
    /// Give up what he owes: two people, one after the other.
    WriteOff { currency: Currency, reason: String, by: Person },
}
