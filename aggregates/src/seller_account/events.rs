//! What has happened to a seller's account.

use cqrs_es::DomainEvent;
use kernel::{Currency, Money, OrderId, PayoutId, Sealed, SellerId, SubjectRef, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{AccountRef, ClaimRef, FactRank, LineNo, Organizer, PayoutAfter, Person};

/// Which part of a debit comes from where, in minor units: pending first, then available, then
/// reserve; what is not covered becomes receivable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Split {
    /// From `pending`, claim by claim: the debited claim's own first, then the oldest.
    pub pending: Vec<(ClaimRef, i64)>,
    /// From `available`.
    pub available: i64,
    /// From `reserve`, claim by claim, the oldest first.
    pub reserve: Vec<(ClaimRef, i64)>,
    /// Owed by the seller now.
    pub receivable: i64,
}

/// What Stripe says about a connected account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountFlags {
    /// The form was filled in.
    pub details_submitted: bool,
    /// It may take charges.
    pub charges_enabled: bool,
    /// It may be paid out.
    pub payouts_enabled: bool,
    /// The transfers capability is active.
    pub transfers_active: bool,
    /// Stripe's `requirements.disabled_reason`.
    pub disabled_reason: Option<String>,
    /// Requirements that are due, Stripe's names.
    pub currently_due: Vec<String>,
    /// Until when.
    pub current_deadline: Option<Timestamp>,
}

/// Which of Stripe's objects a status fact was about; each has its own rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusSource {
    /// The account itself.
    #[default]
    Account,
    /// Its transfers capability alone.
    TransfersCapability,
}

/// When and how a seller is paid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutInterval {
    /// Only on request.
    Manual,
    /// Every day.
    Daily,
    /// Every week on this day, 1 = Monday to 7 = Sunday (ISO 8601).
    Weekly(u8),
    /// Every month on this day; a day the month lacks means its last.
    Monthly(u8),
}

/// A payout schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutSchedule {
    /// Stripe's own schedule pays the connected account out; Daybook only transfers.
    #[serde(default)]
    pub automatic_bank: bool,
    /// How often, at 02:00 of the tenant's time zone.
    pub interval: PayoutInterval,
    /// The least amount worth paying, minor units.
    pub minimum: i64,
    /// Overrides the tenant's policy for this seller.
    pub delay_days: Option<u32>,
    /// Overrides the tenant's policy for this seller, basis points.
    pub reserve_bps: Option<u16>,
    /// Overrides the tenant's policy for this seller.
    pub payout_after: Option<PayoutAfter>,
}

/// Why a seller was debited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DebitReason {
    /// A refund.
    Refund,
    /// A dispute fee.
    DisputeFee,
    /// The bank took a capture back.
    CaptureReversed,
    /// Two people adjusted the books by hand.
    Adjustment,
}

/// Why a seller was given money back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreditBackReason {
    /// A refund that is not owed any more.
    RefundReverted,
    /// A transfer that came back from the connected account.
    TransferReversed,
    /// Money of a lost dispute that came back later.
    DisputeReinstated,
    /// Two people adjusted the books by hand.
    Adjustment,
}

/// What has happened to a seller's account. Amounts are minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum SellerAccountEvent {
    /// The seller exists.
    Registered {
        seller: SellerId,
        reference: String,
        subject: SubjectRef,
        name: Sealed,
        organizer: Organizer,
        at: Timestamp,
    },
    /// A connected account was created or named for him.
    OnboardingStarted { account: AccountRef, at: Timestamp },
    /// A fact about the connected account outranked what was known.
    StatusMerged {
        account: AccountRef,
        /// Everything known now, not only what this fact brought.
        flags: AccountFlags,
        rank: FactRank,
        #[serde(default)]
        source: StatusSource,
        at: Timestamp,
    },
    /// He can sell and be paid.
    BecameReady { at: Timestamp },
    /// He cannot any more, or not yet.
    Restricted { reason: String, at: Timestamp },
    /// He disconnected his account from the platform.
    Deauthorized { occurred_at: Timestamp, at: Timestamp },
    /// His bank account is in order.
    BankAccountPresent { bank_account: String, rank: FactRank, at: Timestamp },
    /// His bank account failed; payouts stop until it is replaced.
    BankAccountErrored { bank_account: String, rank: FactRank, at: Timestamp },
    /// His bank account was removed.
    BankAccountRemoved { bank_account: String, rank: FactRank, at: Timestamp },
    /// How he is paid out.
    PayoutScheduleSet {
        schedule: PayoutSchedule,
        version: u32,
        /// When it runs first; `None` for manual.
        next_due: Option<Timestamp>,
        at: Timestamp,
    },
    /// The schedule ran for this due time; the payouts it reserved stand beside this event.
    ScheduleRan {
        due: Timestamp,
        next_due: Option<Timestamp>,
        interval: PayoutInterval,
        payouts: u32,
        at: Timestamp,
    },
    /// Some of his available money is held back.
    HoldPlaced { hold: String, amount: Money, reason: String, by: Person, at: Timestamp },
    /// It no longer is.
    HoldReleased { hold: String, by: Person, at: Timestamp },
    /// He is owed money for a line; it waits for the release policy.
    Credited {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        organizer: Organizer,
        order: Option<OrderId>,
        line: Option<LineNo>,
        product: String,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money he was owed is taken back.
    Debited {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        reason: DebitReason,
        organizer: Organizer,
        order: Option<OrderId>,
        split: Split,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money taken from him is given back: first what he owes, the rest becomes available.
    CreditedBack {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        reason: CreditBackReason,
        organizer: Organizer,
        order: Option<OrderId>,
        receivable: i64,
        available: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A line's money is released: what he owes is netted, a share is kept in reserve.
    Released {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        netted: i64,
        reserved: i64,
        available: i64,
        reserve_until: Option<Timestamp>,
        at: Timestamp,
    },
    /// A reserve is let go: what he owes is netted, the rest becomes available.
    ReserveReleased {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        netted: i64,
        available: i64,
        at: Timestamp,
    },
    /// His part of a disputed amount is held.
    DisputeHeld {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        organizer: Organizer,
        order: Option<OrderId>,
        split: Split,
        at: Timestamp,
    },
    /// The hold is let go, wholly or in part: first what he owes, the rest becomes available.
    DisputeHoldReleased {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        receivable: i64,
        available: i64,
        at: Timestamp,
    },
    /// The dispute was lost: the hold is gone, wholly or in part.
    DisputeHoldConsumed {
        seller: SellerId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        organizer: Organizer,
        order: Option<OrderId>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The payout lane is taken.
    PayoutReserved {
        seller: SellerId,
        account: AccountRef,
        payout: PayoutId,
        currency: Currency,
        amount: i64,
        minimum: i64,
        by_schedule: bool,
        /// Stripe's own schedule pays the connected account out; Daybook only transfers.
        automatic_bank: bool,
        requested_by: Person,
        at: Timestamp,
    },
    /// The amount is final: the transfer is about to be made.
    PayoutCommitted {
        payout: PayoutId,
        currency: Currency,
        amount: i64,
        reduced_from: Option<i64>,
        at: Timestamp,
    },
    /// The transfer was made; the money is the connected account's now.
    PayoutSettled {
        seller: SellerId,
        payout: PayoutId,
        claim: ClaimRef,
        currency: Currency,
        amount: i64,
        organizer: Organizer,
        at: Timestamp,
    },
    /// The payout did not happen.
    PayoutReservationReleased {
        payout: PayoutId,
        currency: Currency,
        amount: i64,
        reason: String,
        at: Timestamp,
    },
    /// The payout lane is free again.
    LaneFreed { payout: PayoutId, currency: Currency, at: Timestamp },
    /// The payout lane is blocked: the bank refused the payout.
    LaneBlocked { payout: PayoutId, currency: Currency, reason: String, at: Timestamp },
    /// He owes money now.
    RecoveryOpened { currency: Currency, amount: i64, at: Timestamp },
    /// He owes nothing any more.
    RecoveryClosed { currency: Currency, at: Timestamp },
    /// He has owed money for 90 days.
    RecoveryReminded { currency: Currency, amount: i64, at: Timestamp },
    /// He has owed money for 180 days; Stripe takes it from the platform.
    WriteOffProposed { currency: Currency, amount: i64, at: Timestamp },
    /// What he owes is given up: two people agreed.
    WrittenOff {
        seller: SellerId,
        currency: Currency,
        amount: i64,
        organizer: Organizer,
        reason: String,
        proposed_by: Person,
        approved_by: Person,
        at: Timestamp,
    },
    /// One of two people proposes to give up what he owes.
    WriteOffRequested { currency: Currency, amount: i64, reason: String, by: Person, at: Timestamp },
}

impl DomainEvent for SellerAccountEvent {
    fn event_type(&self) -> String {
        format!("seller_account.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
