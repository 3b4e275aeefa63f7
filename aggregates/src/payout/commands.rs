//! What a payout can be asked to do.

use kernel::{Currency, Money, PayoutId, SellerId, Timestamp};

use crate::vocabulary::{
    AccountRef, FactRank, Person, ReversalRef, StripePayoutRef, TransferRef, TxnRef,
};

/// A fact about a bank payout at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutFact {
    /// Stripe's id.
    pub stripe_payout: StripePayoutRef,
    /// Whose; `None` is the platform's own.
    pub account: Option<AccountRef>,
    /// Our seller of that account, if known.
    pub seller: Option<SellerId>,
    /// Class: pending and in transit 0, paid 1, failed and canceled 2.
    pub rank: FactRank,
    /// Stripe's status.
    pub status: String,
    /// The amount.
    pub amount: Money,
    /// Made by Stripe's own schedule.
    pub automatic: bool,
    /// When the bank should have it.
    pub arrival: Option<Timestamp>,
    /// The transaction that took the money.
    pub balance_transaction: Option<TxnRef>,
    /// The transaction that returned it.
    pub failure_balance_transaction: Option<TxnRef>,
    /// Stripe's failure code.
    pub failure_code: Option<String>,
    /// The Stripe object's own time.
    pub occurred_at: Timestamp,
}

/// A transfer, as Stripe answers or reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferFact {
    /// Stripe's id.
    pub transfer: TransferRef,
    /// To whom.
    pub account: AccountRef,
    /// The amount.
    pub amount: Money,
    /// The transaction that took it from the platform's balance.
    pub txn: Option<TxnRef>,
    /// The Stripe object's own time.
    pub occurred_at: Timestamp,
}

/// A reversal of a transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReversalFact {
    /// The reversal.
    pub reversal: ReversalRef,
    /// Of this transfer.
    pub transfer: TransferRef,
    /// From this account.
    pub account: AccountRef,
    /// The amount.
    pub amount: Money,
    /// The transaction that brought it back.
    pub txn: Option<TxnRef>,
    /// The Stripe object's own time.
    pub occurred_at: Timestamp,
}

/// What a payout can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PayoutCommand {
    /// Pay a seller.
    Request {
        payout: PayoutId,
        seller: SellerId,
        account: AccountRef,
        currency: Currency,
        amount: Option<i64>,
        minimum: i64,
        by_schedule: bool,
        automatic_bank: bool,
        requested_by: Person,
    },
    /// The seller's balance has set it apart.
    NoteReserved { amount: Money },
    /// The seller's balance refused, or it was reduced to nothing.
    Reject { reason: String },
    /// The seller's balance has fixed the amount: make the transfer.
    SubmitTransfer { amount: Money },
    /// The call's outcome is not known.
    NoteTransferUnknown,
    /// The platform's balance is too small: try again after 1, 4, then every 24 hours.
    DeferTransfer { reason: String },
    /// The time to try again has come (timer; early is refused).
    RetryTransfer,
    /// The transfer exists (our answer, or a webhook: once).
    NoteTransfer { payout: PayoutId, seller: Option<SellerId>, fact: TransferFact },
    /// Ask for the bank payout.
    SubmitBank,
    /// That call's outcome is not known.
    NoteBankUnknown { attempt: u32 },
    /// Stripe refused it.
    NoteBankRefused { attempt: u32, code: String, message: String },
    /// Merge a fact about the bank payout; a payout nobody asked for is observed.
    MergeFact { payout: PayoutId, fact: Box<PayoutFact> },
    /// Try the bank leg again.
    RetryPayout { by: Person },
    /// Fetch money back from the connected account.
    ReverseTransfer { amount: Option<Money>, by: Person },
    /// Stripe refused that.
    NoteReversalRefused { code: String, message: String },
    /// That call's outcome is not known.
    NoteReversalUnknown,
    /// Money came back.
    NoteReversal { payout: PayoutId, seller: Option<SellerId>, fact: ReversalFact },
    /// The payout's transactions were listed and summed.
    NoteReconciled { stripe_payout: StripePayoutRef, transactions: u32, sum: Money },
    /// The platform's own payout was seen on the bank statement.
    ConfirmBank { reference: String, by: Person },
    /// Three days past its arrival (timer; early is refused).
    NoteStuck,
}
