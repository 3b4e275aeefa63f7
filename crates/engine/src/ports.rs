//! What the engine asks of the outside world: calls to Stripe, reading its messages, taking them in.
//!
//! The `payments` crate implements these traits. Questions and answers use the words of the domain,
//! so that nothing in here depends on how Stripe spells its JSON.

use std::collections::BTreeMap;

use aggregates::{
    balance_transaction::TransactionRecord,
    dispute::commands::DisputeFact,
    payment::commands::PaymentFact,
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    refund::commands::RefundFact,
    seller_account::events::AccountFlags,
    vocabulary::{
        AccountRef, ChargeRef, IntentRef, ReversalRef, SessionRef, StripeDisputeRef,
        StripePayoutRef, TransferRef, TxnRef,
    },
    webhook_event::events::Endpoint,
};
use async_trait::async_trait;
use bytes::Bytes;
use kernel::{DisputeId, Money, OrderId, PaymentId, PayoutId, RefundId, TenantId, Timestamp};

/// Why a call to Stripe brought no answer. Callers act differently on each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StripeCallError {
    /// Certain: Stripe understood and refused. Repeating it changes nothing.
    #[error("Stripe refused ({status} {code}): {message}")]
    Refused {
        /// Stripe's error code, such as `charge_already_refunded`, or its error type.
        code: String,
        /// Stripe's words.
        message: String,
        /// The HTTP status.
        status: u16,
    },
    /// The call may or may not have had its effect (a timeout, a 5xx after sending). Ask Stripe
    /// before sending again.
    #[error("the outcome of the call to Stripe is unknown: {0}")]
    Unknown(String),
    /// Certain: nothing was sent or accepted (no connection, rate limited). Try again later.
    #[error("Stripe cannot be reached: {0}")]
    Unavailable(String),
}

/// Opens a Checkout session. Metadata of session and intent: `daybook_tenant`, `daybook_order`,
/// `daybook_payment`; `client_reference_id` is the order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct CreateSession {
    pub tenant: TenantId,
    pub payment: PaymentId,
    pub order: OrderId,
    pub amount: Money,
    pub transfer_group: String,
    pub success_url: String,
    pub cancel_url: String,
    pub expires_at: Timestamp,
    pub idempotency_key: String,
}

/// An open Checkout session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct OpenedSession {
    pub session: SessionRef,
    /// Where the buyer pays.
    pub url: Option<String>,
    pub intent: Option<IntentRef>,
    pub expires_at: Timestamp,
}

/// Refunds a charge. Metadata: `daybook_tenant`, `daybook_refund`, `daybook_attempt`, and
/// `daybook_order` where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct CreateRefund {
    pub tenant: TenantId,
    pub refund: RefundId,
    /// Counted from 1; a failed refund that is tried again has the next number.
    pub attempt: u32,
    pub charge: ChargeRef,
    pub order: Option<OrderId>,
    pub amount: Money,
    pub idempotency_key: String,
}

/// A refund found at Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRefund {
    /// What Stripe says about it.
    pub fact: RefundFact,
    /// Our refund and attempt, if its metadata names them.
    pub ours: Option<(RefundId, u32)>,
}

/// Moves money from the platform to a connected account. Metadata: `daybook_tenant`,
/// `daybook_payout`, `daybook_key` (the idempotency key); `transfer_group` is the payout.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct CreateTransfer {
    pub tenant: TenantId,
    pub payout: PayoutId,
    pub account: AccountRef,
    pub amount: Money,
    pub idempotency_key: String,
}

/// Pays out from a connected account to its bank. Metadata: `daybook_tenant`, `daybook_payout`,
/// `daybook_key` (the idempotency key).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct CreatePayout {
    pub tenant: TenantId,
    pub payout: PayoutId,
    pub attempt: u32,
    pub account: AccountRef,
    pub amount: Money,
    pub idempotency_key: String,
}

/// Fetches money back from a connected account. Metadata: `daybook_tenant`, `daybook_payout`,
/// `daybook_key` (the idempotency key).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct ReverseTransfer {
    pub tenant: TenantId,
    pub payout: PayoutId,
    pub transfer: TransferRef,
    pub account: AccountRef,
    pub amount: Money,
    pub idempotency_key: String,
}

/// Sends evidence, once and for all (`submit: true`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct SubmitEvidence {
    pub tenant: TenantId,
    pub dispute: DisputeId,
    pub stripe_dispute: StripeDisputeRef,
    pub fields: BTreeMap<String, String>,
    pub idempotency_key: String,
}

/// Accepts a dispute; irreversible.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct CloseDispute {
    pub tenant: TenantId,
    pub dispute: DisputeId,
    pub stripe_dispute: StripeDisputeRef,
    pub idempotency_key: String,
}

/// A charge as Stripe has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeSnapshot {
    /// The fact, ranked as a snapshot (`event: "fetch"`).
    pub fact: PaymentFact,
    /// Its balance transaction, once there is one.
    pub balance_transaction: Option<TxnRef>,
}

/// A dispute as Stripe has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeSnapshot {
    /// The fact, ranked as a snapshot.
    pub fact: DisputeFact,
    /// Whether evidence was submitted (`evidence_details.submission_count` above 0).
    pub evidence_submitted: bool,
}

/// A connected account as Stripe has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct AccountSnapshot {
    pub account: AccountRef,
    pub flags: AccountFlags,
    /// When it was asked for; the rank's time.
    pub fetched_at: Timestamp,
}

/// One currency of a Stripe balance, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary")]
pub struct BalanceFigure {
    pub currency: kernel::Currency,
    pub available: i64,
    pub pending: i64,
}

impl BalanceFigure {
    /// Everything in the balance of this currency.
    #[must_use]
    pub const fn total(&self) -> i64 {
        self.available.saturating_add(self.pending)
    }
}

/// Some of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items, the newest first as Stripe lists them.
    pub items: Vec<T>,
    /// Give this to the next call; `None` at the end.
    pub next: Option<String>,
}

/// Calls to Stripe, for one platform account. Implemented by `payments`.
///
/// Calls that change something carry an idempotency key; repeating one with the same key has no
/// second effect for as long as Stripe keeps keys (at least 24 hours). `find_*` looks for what an
/// earlier call may have made, by the metadata that the call sets.
#[async_trait]
pub trait StripePort: Send + Sync + std::fmt::Debug {
    /// Whose platform account it is.
    fn tenant(&self) -> TenantId;

    /// Opens a Checkout session.
    async fn create_session(&self, call: &CreateSession) -> Result<OpenedSession, StripeCallError>;
    /// Closes one that nobody has completed; refused when it is complete or expired already.
    async fn expire_session(
        &self,
        tenant: TenantId,
        session: &SessionRef,
    ) -> Result<(), StripeCallError>;
    /// Refunds a charge.
    async fn create_refund(&self, call: &CreateRefund) -> Result<RefundFact, StripeCallError>;
    /// The refund that this call made, if it did.
    async fn find_refund(&self, call: &CreateRefund)
    -> Result<Option<RefundFact>, StripeCallError>;
    /// Makes a transfer.
    async fn create_transfer(&self, call: &CreateTransfer)
    -> Result<TransferFact, StripeCallError>;
    /// The transfer that this call made, if it did.
    async fn find_transfer(
        &self,
        call: &CreateTransfer,
    ) -> Result<Option<TransferFact>, StripeCallError>;
    /// Pays out to a bank. `fact.seller` may be left empty.
    async fn create_payout(&self, call: &CreatePayout) -> Result<PayoutFact, StripeCallError>;
    /// The bank payout that this call made, if it did.
    async fn find_payout(&self, call: &CreatePayout)
    -> Result<Option<PayoutFact>, StripeCallError>;
    /// Reverses a transfer, wholly or in part.
    async fn reverse_transfer(
        &self,
        call: &ReverseTransfer,
    ) -> Result<ReversalFact, StripeCallError>;
    /// The reversal that this call made, if it did.
    async fn find_reversal(
        &self,
        call: &ReverseTransfer,
    ) -> Result<Option<ReversalFact>, StripeCallError>;
    /// Submits evidence.
    async fn submit_evidence(&self, call: &SubmitEvidence) -> Result<(), StripeCallError>;
    /// Accepts a dispute.
    async fn close_dispute(&self, call: &CloseDispute) -> Result<(), StripeCallError>;

    /// A balance transaction, of a connected account where one is named. For transfers and their
    /// reversals the answer names the account at the other end (`expand[]=source`).
    async fn balance_transaction(
        &self,
        txn: &TxnRef,
        account: Option<&AccountRef>,
    ) -> Result<TransactionRecord, StripeCallError>;
    /// All balance transactions of an automatic payout.
    async fn balance_transactions_of_payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<Vec<TransactionRecord>, StripeCallError>;
    /// Balance transactions from `created` on; `cursor` is a previous answer's `next`.
    async fn balance_transactions_after(
        &self,
        account: Option<&AccountRef>,
        created: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<TransactionRecord>, StripeCallError>;
    /// A charge.
    async fn charge(&self, charge: &ChargeRef) -> Result<ChargeSnapshot, StripeCallError>;
    /// The refunds of a charge.
    async fn refunds_of_charge(
        &self,
        charge: &ChargeRef,
    ) -> Result<Vec<FoundRefund>, StripeCallError>;
    /// A dispute.
    async fn dispute(&self, dispute: &StripeDisputeRef)
    -> Result<DisputeSnapshot, StripeCallError>;
    /// A bank payout.
    async fn payout(
        &self,
        payout: &StripePayoutRef,
        account: Option<&AccountRef>,
    ) -> Result<PayoutFact, StripeCallError>;
    /// A transfer.
    async fn transfer(&self, transfer: &TransferRef) -> Result<TransferFact, StripeCallError>;
    /// A reversal of a transfer.
    async fn reversal(
        &self,
        transfer: &TransferRef,
        reversal: &ReversalRef,
    ) -> Result<ReversalFact, StripeCallError>;
    /// A connected account.
    async fn account(&self, account: &AccountRef) -> Result<AccountSnapshot, StripeCallError>;
    /// A balance: the platform's, or a connected account's.
    async fn balance(
        &self,
        account: Option<&AccountRef>,
    ) -> Result<Vec<BalanceFigure>, StripeCallError>;
    /// Events that Stripe could not deliver since then, as raw JSON, one `event` object each.
    async fn undelivered_events(
        &self,
        since: Timestamp,
        cursor: Option<&str>,
    ) -> Result<Listed<Bytes>, StripeCallError>;
}

/// A message that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Stripe's event id (or `sha256-...`).
    pub event: String,
    /// It had been taken in before.
    pub duplicate: bool,
}

/// Why a message was not taken in. Nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// No `Stripe-Signature` header, or one without a timestamp and a `v1` signature.
    #[error("the Stripe-Signature header is missing or not readable")]
    SignatureMissing,
    /// No active secret of the endpoint signed these bytes.
    #[error("the signature does not fit the message; is this the endpoint's secret?")]
    SignatureInvalid,
    /// The signature is older, or newer, than the tolerance.
    #[error("the signature's timestamp is too far from now; check the clock")]
    TimestampOutOfTolerance,
    /// The log cannot take it now; Stripe will deliver it again.
    #[error("the message cannot be stored now: {0}")]
    Unavailable(String),
}

/// Takes messages of Stripe's in: verifies, seals, stores, answers. Implemented by `payments`.
#[async_trait]
pub trait WebhookIntake: Send + Sync {
    /// One delivery.
    async fn receive(
        &self,
        endpoint: Endpoint,
        body: Bytes,
        signature: Option<&str>,
    ) -> Result<Intake, IntakeError>;
}

/// What came of asking Stripe for undelivered events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Backfilled {
    /// Events Stripe listed.
    pub listed: u64,
    /// Those that had not been taken in yet.
    pub new: u64,
}

/// Fetches undelivered events and takes them in by the same path. Implemented by `payments`.
#[async_trait]
pub trait Backfill: Send + Sync {
    /// Everything Stripe could not deliver since then.
    async fn run(&self, since: Timestamp) -> Result<Backfilled, StripeCallError>;
}
