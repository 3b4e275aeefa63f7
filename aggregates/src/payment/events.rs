//! What has happened to a payment.

use cqrs_es::DomainEvent;
use kernel::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, SellerId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{
    ChargeRef, FactRank, FeeRef, IntentRef, MembershipRef, Organizer, PeriodRef, PeriodTerms,
    SessionRef, SetAsideReason, StripeDisputeRef, StripeRefundRef, TxnRef,
};

/// Which kind of Stripe object a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum FactObject {
    Session,
    Intent,
    Charge,
}

/// Where a refund or dispute of a payment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    /// To the lines of this order.
    Order(OrderId),
    /// To money that was set aside (`liabilities:unallocated`).
    Unallocated,
}

/// A seller's part in an attribution that a person made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributedShare {
    /// Who is credited.
    pub seller: SellerId,
    /// Who organizes it.
    pub organizer: Organizer,
    /// What the seller gets, minor units.
    pub seller_net: i64,
    /// The platform's commission, minor units.
    pub fee: i64,
}

/// How a payment came to belong to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LinkedVia {
    Request,
    Metadata,
    ClientReference,
    TransferGroup,
    KnownObject,
    Person,
}

/// A warning about a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Radar's early fraud warning.
    EarlyFraudWarning {
        /// Stripe's id, `issfr_...`.
        warning: String,
        /// Whether refunding now still helps.
        actionable: bool,
        /// Stripe's word for the kind.
        kind: String,
    },
    /// A manual review was opened.
    ReviewOpened {
        /// Stripe's id, `prv_...`.
        review: String,
        /// Stripe's reason.
        reason: String,
    },
    /// The review was closed.
    ReviewClosed {
        /// Stripe's id, `prv_...`.
        review: String,
        /// `approved`, `refunded`, `refunded_as_fraud`, `disputed` or `canceled`.
        reason: String,
    },
}

/// Money that came, as the order must be told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapturedMoney {
    /// The charge.
    pub charge: ChargeRef,
    /// What came.
    pub amount: Money,
    /// When Stripe captured it.
    pub occurred_at: Timestamp,
}

/// What has happened to a payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum PaymentEvent {
    /// We asked Stripe (or will) for a Checkout session.
    Requested {
        payment: PaymentId,
        order: OrderId,
        amount: Money,
        transfer_group: String,
        /// Where the buyer goes afterwards.
        success_url: String,
        cancel_url: String,
        expires_at: Timestamp,
        /// Stripe's idempotency key for the call.
        idempotency_key: String,
        at: Timestamp,
    },
    /// The outcome of the call is not known; Stripe is asked before it is repeated.
    RequestUnknown { at: Timestamp },
    /// Stripe refused to open a session.
    RequestRefused { code: String, message: String, at: Timestamp },
    /// The session is open.
    SessionOpened {
        session: SessionRef,
        url: Option<String>,
        expires_at: Timestamp,
        order: Option<OrderId>,
        at: Timestamp,
    },
    /// A fact about one of the payment's Stripe objects outranked what was known.
    FactMerged { object: FactObject, id: String, status: String, rank: FactRank, at: Timestamp },
    /// It is known which order this is for.
    OrderLinked {
        order: OrderId,
        via: LinkedVia,
        /// The money, if it had come already: the order must be told.
        captured: Option<CapturedMoney>,
        /// When it becomes available, if that is known already.
        funds: Option<(ChargeRef, Timestamp)>,
        /// Since when an asynchronous payment is under way, if one is.
        processing_since: Option<Timestamp>,
        at: Timestamp,
    },
    /// An asynchronous payment is under way.
    Processing { order: Option<OrderId>, occurred_at: Timestamp, at: Timestamp },
    /// The money is authorised and can be captured.
    Authorized { intent: IntentRef, amount: Money, occurred_at: Timestamp, at: Timestamp },
    /// The money came.
    Captured {
        charge: ChargeRef,
        intent: Option<IntentRef>,
        amount: Money,
        order: Option<OrderId>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// An attempt failed.
    AttemptFailed { code: String, order: Option<OrderId>, occurred_at: Timestamp, at: Timestamp },
    /// It will not be paid any more.
    Canceled { reason: String, occurred_at: Timestamp, at: Timestamp },
    /// The buyer let the session lapse.
    SessionExpired { session: SessionRef, occurred_at: Timestamp, at: Timestamp },
    /// Stripe's balance transaction: its fee, and when the money becomes available.
    FeeRecorded {
        charge: ChargeRef,
        txn: TxnRef,
        /// In the settlement currency.
        fee: Money,
        net: Money,
        available_on: Timestamp,
        /// Stripe's exchange rate as decimal text, evidence only.
        exchange_rate: Option<String>,
        order: Option<OrderId>,
        at: Timestamp,
    },
    /// A warning.
    RiskFlagged { risk: Risk, occurred_at: Timestamp, at: Timestamp },
    /// The bank took the captured money back (Stripe: charge failed, with a failure transaction).
    CaptureReversed {
        charge: ChargeRef,
        txn: TxnRef,
        amount: Money,
        order: Option<OrderId>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The money pays no order as expected; it is kept apart until somebody decides.
    SetAside {
        charge: ChargeRef,
        amount: Money,
        reason: SetAsideReason,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Set-aside money found its order.
    AttributedToOrder {
        charge: ChargeRef,
        amount: Money,
        order: OrderId,
        by: LinkedVia,
        reason: String,
        /// When it becomes available, if that is known already.
        funds: Option<(ChargeRef, Timestamp)>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A person divided set-aside money among sellers.
    AttributedToSellers {
        charge: ChargeRef,
        currency: Currency,
        shares: Vec<AttributedShare>,
        reason: String,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Set-aside money pays a period of a membership; the membership is told.
    AttributedToMembership {
        charge: ChargeRef,
        amount: Money,
        membership: MembershipRef,
        terms: PeriodTerms,
        reason: String,
        /// When it becomes available, if that is known already.
        available_on: Option<Timestamp>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// It is known when money that pays a membership becomes available: the membership is told.
    MembershipFunded {
        charge: ChargeRef,
        membership: MembershipRef,
        period: PeriodRef,
        available_on: Timestamp,
        at: Timestamp,
    },
    /// The bank took money back that pays a membership: the membership is told, and posts it.
    MembershipCaptureReversed {
        charge: ChargeRef,
        txn: TxnRef,
        amount: Money,
        membership: MembershipRef,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A refund made at Stripe found where it belongs. To unallocated money it posts here.
    RefundRouted {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        charge: ChargeRef,
        amount: Money,
        to: Destination,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A refund made at Stripe waits until it is known what was paid.
    RefundHeld {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Set-aside money is reserved for a refund we make.
    UnallocatedRefundReserved {
        refund: RefundId,
        charge: ChargeRef,
        amount: Money,
        reason: String,
        at: Timestamp,
    },
    /// That refund will not happen; the money is set aside again.
    UnallocatedRefundReleased { refund: RefundId, amount: Money, at: Timestamp },
    /// A dispute found where it belongs.
    DisputeRouted {
        dispute: DisputeId,
        amount: Money,
        inquiry: bool,
        to: Destination,
        at: Timestamp,
    },
    /// A dispute waits until it is known what was paid.
    DisputeHeld { dispute: DisputeId, amount: Money, inquiry: bool, at: Timestamp },
    /// A dispute on an order's money ended: the order must be told. (Emitted by `ConcludeDispute`
    /// when the dispute was routed to an order; a held dispute is concluded when it is routed.)
    DisputeConclusionRouted {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        order: OrderId,
        withdrawn: i64,
        reinstated: i64,
        lost: bool,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A dispute ended while it is not known yet what was paid; it is concluded when it is routed.
    /// Repeated, with more reinstated, when money came back meanwhile by `revised_by`.
    DisputeConclusionHeld {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        withdrawn: i64,
        reinstated: i64,
        lost: bool,
        revised_by: Option<TxnRef>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money of a concluded dispute came back afterwards: the order must be told. (Emitted by
    /// `ReviseDispute` when the dispute was routed to an order.)
    DisputeRevisionRouted {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        order: OrderId,
        txn: TxnRef,
        reinstated: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money of a concluded dispute over set-aside money came back afterwards; it is set aside
    /// again. (Posts the mirror of `UnallocatedDisputeConcluded`.)
    UnallocatedDisputeRevised {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        charge: ChargeRef,
        currency: Currency,
        txn: TxnRef,
        /// To the set-aside money.
        returned: i64,
        /// Of what had been lost beyond it.
        excess_returned: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A dispute over set-aside money ended; what was lost comes out of it.
    UnallocatedDisputeConcluded {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        charge: ChargeRef,
        currency: Currency,
        /// From the set-aside money.
        lost: i64,
        /// Lost beyond what was set aside: the platform's.
        excess_lost: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The platform earned an application fee (destination and direct charges).
    ApplicationFeeEarned {
        fee: FeeRef,
        charge: ChargeRef,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// An application fee, or part of it, was given back. `refund` is `fr_...`.
    ApplicationFeeRefunded {
        fee: FeeRef,
        refund: FeeRef,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// An asynchronous payment has taken longer than its patience.
    PatienceExceeded { at: Timestamp },
    /// Stripe settled a charge, or its reversal, in another currency than the buyer paid in: what
    /// was exchanged for what, decided once both are known. Signed from the balance's point of view.
    Converted {
        charge: ChargeRef,
        txn: TxnRef,
        /// In the buyer's currency.
        presented: Money,
        /// In the currency of Stripe's balance.
        settled: Money,
        /// Stripe's exchange rate as decimal text, evidence only.
        exchange_rate: Option<String>,
        order: Option<OrderId>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
}

impl DomainEvent for PaymentEvent {
    fn event_type(&self) -> String {
        format!("payment.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
