//! What has happened to a payout.

use cqrs_es::DomainEvent;
use kernel::{Money, PayoutId, SellerId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{
    AccountRef, FactRank, Person, ReversalRef, StripePayoutRef, TransferRef, TxnRef,
};

/// What has happened to a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PayoutEvent {
    /// A seller is to be paid. `amount: None` is all that is available.
    Requested {
        payout: PayoutId,
        seller: SellerId,
        account: AccountRef,
        currency: kernel::Currency,
        amount: Option<i64>,
        minimum: i64,
        by_schedule: bool,
        automatic_bank: bool,
        requested_by: Person,
        at: Timestamp,
    },
    /// The seller's balance has set it apart.
    Reserved { payout: PayoutId, seller: SellerId, amount: Money, at: Timestamp },
    /// It will not be paid.
    Rejected { payout: PayoutId, seller: SellerId, reason: String, at: Timestamp },
    /// The amount is final and the transfer is about to be made.
    TransferSubmitted {
        payout: PayoutId,
        account: AccountRef,
        amount: Money,
        idempotency_key: String,
        at: Timestamp,
    },
    /// Whether the transfer arrived is not known; Stripe is asked before it is repeated.
    TransferUnknown { at: Timestamp },
    /// The platform's balance is too small just now.
    TransferDeferred { retry_at: Timestamp, attempt: u32, reason: String, at: Timestamp },
    /// The money left the platform's balance for the connected account's.
    /// (Unless `automatic_bank`, `BankSubmitted` follows in the same commit.)
    TransferCreated {
        automatic_bank: bool,
        payout: PayoutId,
        seller: Option<SellerId>,
        account: AccountRef,
        transfer: TransferRef,
        txn: Option<TxnRef>,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The bank payout is about to be asked for.
    BankSubmitted {
        attempt: u32,
        account: AccountRef,
        amount: Money,
        idempotency_key: String,
        at: Timestamp,
    },
    /// Whether that arrived is not known.
    BankUnknown { attempt: u32, at: Timestamp },
    /// Stripe refused to pay out to the bank.
    BankRefused { attempt: u32, code: String, message: String, at: Timestamp },
    /// Stripe has a bank payout under this id.
    Sent {
        stripe_payout: StripePayoutRef,
        amount: Money,
        arrival: Option<Timestamp>,
        txn: Option<TxnRef>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A fact about the bank payout outranked what was known.
    FactMerged { stripe_payout: StripePayoutRef, status: String, rank: FactRank, at: Timestamp },
    /// It is on its way to the bank.
    InTransit { stripe_payout: StripePayoutRef, at: Timestamp },
    /// The bank should have it. Posts nothing.
    Paid {
        payout: PayoutId,
        seller: Option<SellerId>,
        stripe_payout: StripePayoutRef,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The bank refused it, perhaps after it was paid.
    Failed {
        payout: PayoutId,
        seller: Option<SellerId>,
        stripe_payout: StripePayoutRef,
        code: String,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// It was cancelled.
    Canceled {
        payout: PayoutId,
        seller: Option<SellerId>,
        stripe_payout: StripePayoutRef,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The money is back in the Stripe account it came from.
    Returned {
        payout: PayoutId,
        stripe_payout: StripePayoutRef,
        account: Option<AccountRef>,
        txn: Option<TxnRef>,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The bank leg is tried again.
    RetryRequested { attempt: u32, by: Person, at: Timestamp },
    /// Money is to be fetched back from the connected account.
    ReversalSubmitted {
        transfer: TransferRef,
        amount: Money,
        idempotency_key: String,
        by: Person,
        at: Timestamp,
    },
    /// Stripe refused that (the account's balance is too small).
    ReversalRefused { code: String, message: String, at: Timestamp },
    /// Whether it arrived is not known.
    ReversalUnknown { at: Timestamp },
    /// Money came back from the connected account.
    TransferReversed {
        payout: PayoutId,
        seller: Option<SellerId>,
        account: AccountRef,
        transfer: TransferRef,
        reversal: ReversalRef,
        txn: Option<TxnRef>,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Stripe says the payout's transactions can be listed; they were, and this is the comparison.
    Reconciled {
        stripe_payout: StripePayoutRef,
        transactions: u32,
        sum: Money,
        difference: i64,
        at: Timestamp,
    },
    /// A bank payout that Daybook did not ask for; `account: None` is the platform's own.
    Observed {
        payout: PayoutId,
        stripe_payout: StripePayoutRef,
        account: Option<AccountRef>,
        seller: Option<SellerId>,
        automatic: bool,
        amount: Money,
        arrival: Option<Timestamp>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The platform's own payout was seen on the bank statement.
    BankConfirmed {
        payout: PayoutId,
        stripe_payout: StripePayoutRef,
        amount: Money,
        reference: String,
        by: Person,
        at: Timestamp,
    },
    /// It should have arrived three days ago.
    Stuck { at: Timestamp },
}

impl DomainEvent for PayoutEvent {
    fn event_type(&self) -> String {
        format!("payout.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
