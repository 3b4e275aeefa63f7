//! What a payment can be asked to do.

use kernel::{DisputeId, Money, OrderId, PaymentId, RefundId, Timestamp};

use super::events::{AttributedShare, FactObject, LinkedVia, Risk};
use crate::vocabulary::{
    ChargeRef, FactRank, FeeRef, IntentRef, MembershipRef, PeriodTerms, SessionRef, SetAsideReason,
    Settlement, StripeDisputeRef, StripeRefundRef, TxnRef,
};

/// A fact about one of the payment's Stripe objects, read from a webhook or an answer of Stripe's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFact {
    /// Session, intent or charge.
    pub object: FactObject,
    /// Its Stripe id.
    pub id: String,
    /// Its rank; classes as in [`super::classes`].
    pub rank: FactRank,
    /// What it says.
    pub kind: PaymentFactKind,
    /// Our order, as far as the object says, and how.
    pub order: Option<(OrderId, LinkedVia)>,
    /// When it happened, by Stripe's object.
    pub occurred_at: Timestamp,
}

/// What a fact says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PaymentFactKind {
    /// Nothing that changes the payment's state (created, requires action, ...).
    Noted { status: String },
    /// Session complete but unpaid, or intent processing.
    Processing,
    /// Intent can be captured.
    Authorized { intent: IntentRef, amount: Money },
    /// Money came. `charge` is absent when only the session or intent says so and names none.
    Succeeded { charge: Option<ChargeRef>, intent: Option<IntentRef>, amount: Money },
    /// The attempt failed, in Stripe's code.
    Failed { code: String },
    /// The intent was canceled, or the authorisation expired.
    Canceled { reason: String },
    /// The session expired.
    SessionExpired { session: SessionRef },
    /// The charge failed after it had succeeded, with this transaction.
    Reversed { charge: ChargeRef, txn: TxnRef, amount: Money },
}

/// What a payment can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PaymentCommand {
    /// Ask Stripe for a Checkout session.
    Request {
        payment: PaymentId,
        order: OrderId,
        amount: Money,
        transfer_group: String,
        success_url: String,
        cancel_url: String,
        expires_at: Timestamp,
        idempotency_key: String,
    },
    /// The outcome of that call is not known.
    NoteRequestUnknown,
    /// Stripe refused it.
    NoteRequestRefused { code: String, message: String },
    /// The session is open.
    NoteSession { session: SessionRef, url: Option<String>, expires_at: Timestamp },
    /// Merge a fact.
    MergeFact { payment: PaymentId, fact: Box<PaymentFact> },
    /// It is known which order this is for.
    LinkOrder { order: OrderId, via: LinkedVia },
    /// Stripe's balance transaction of the charge.
    RecordFee {
        charge: ChargeRef,
        txn: TxnRef,
        fee: Money,
        net: Money,
        available_on: Timestamp,
        exchange_rate: Option<String>,
        /// The transaction's own time.
        occurred_at: Timestamp,
    },
    /// Stripe's balance transaction by which the bank took a charge's money back.
    RecordSettlement(Settlement),
    /// Note a warning.
    FlagRisk { risk: Risk, occurred_at: Timestamp },
    /// The order refused the money, for this reason.
    SetAside { charge: ChargeRef, reason: SetAsideReason },
    /// Nobody has claimed the money in 72 hours (timer; early is refused).
    GiveUpWaiting,
    /// A person says which order it is for.
    AttributeToOrder { order: OrderId, reason: String },
    /// A person divides it among sellers.
    AttributeToSellers { shares: Vec<AttributedShare>, reason: String },
    /// A person, or an invoice, says which period of which membership it is for. Money that still
    /// waits for its order is set aside for it at once.
    AttributeToMembership { membership: MembershipRef, terms: Box<PeriodTerms>, reason: String },
    /// Find where a refund that was made at Stripe belongs.
    RouteRefund {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        amount: Money,
        occurred_at: Timestamp,
    },
    /// Reserve set-aside money for a refund we make; `None` is all of it.
    ReserveUnallocatedRefund { refund: RefundId, amount: Option<Money>, reason: String },
    /// That refund will not happen.
    ReleaseUnallocatedRefund { refund: RefundId },
    /// Find where a dispute belongs (again, when an inquiry became a chargeback).
    RouteDispute { dispute: DisputeId, amount: Money, inquiry: bool },
    /// A dispute ended; routed to wherever the dispute belongs.
    ConcludeDispute {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        withdrawn: i64,
        reinstated: i64,
        lost: bool,
        occurred_at: Timestamp,
    },
    /// Money of a concluded dispute came back afterwards; routed like the conclusion.
    ReviseDispute {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        txn: TxnRef,
        reinstated: i64,
        occurred_at: Timestamp,
    },
    /// The platform earned an application fee.
    RecordApplicationFee {
        payment: PaymentId,
        fee: FeeRef,
        charge: ChargeRef,
        amount: Money,
        occurred_at: Timestamp,
    },
    /// An application fee was given back.
    RecordApplicationFeeRefund {
        fee: FeeRef,
        refund: FeeRef,
        amount: Money,
        occurred_at: Timestamp,
    },
    /// The asynchronous payment has taken too long (timer; early is refused).
    LosePatience,
}
