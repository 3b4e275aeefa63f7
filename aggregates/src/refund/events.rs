//! What has happened to a refund.

use cqrs_es::DomainEvent;
use kernel::{Money, OrderId, PaymentId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{
    ChargeRef, FactRank, LineShare, MembershipRef, PeriodRef, Person, StripeRefundRef, TxnRef,
};

/// What is refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundSource {
    /// A part of one line of an order.
    OrderLine {
        /// The order.
        order: OrderId,
        /// Line, seller and the components of the refunded part (before commission is retained).
        share: LineShare,
        /// Whom the tax is owed to.
        tax_jurisdiction: String,
        /// The commission stays with the platform.
        commission_retained: bool,
        /// The version of the policy that decided it; absent in older facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_version: Option<u32>,
    },
    /// Money that was set aside and belongs to no order.
    Unallocated,
    /// A part of a membership's period; the membership has decided and posted what it comes from.
    Membership {
        /// The membership.
        membership: MembershipRef,
        /// The period.
        period: PeriodRef,
    },
    /// Made at Stripe by somebody else; where it belongs is found by the payment.
    External,
}

/// How a refund came to be approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovedHow {
    /// By the seller or staff, on a buyer's request.
    Decided,
    /// By staff without a request: the safety valve.
    Forced,
    /// By policy: cancellation, duplicate or late payment.
    Automatic,
}

/// What has happened to a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum RefundEvent {
    /// Somebody asked for it; the order has set the part apart.
    Requested {
        refund: RefundId,
        source: RefundSource,
        payment: PaymentId,
        charge: ChargeRef,
        amount: Money,
        reason: String,
        requested_by: Person,
        decide_by: Timestamp,
        /// Above this many minor units two people must approve; 0 = never.
        second_person_above: i64,
        at: Timestamp,
    },
    /// The buyer thought better of it.
    Withdrawn { order: Option<OrderId>, at: Timestamp },
    /// The seller or staff said no.
    Declined { note: String, order: Option<OrderId>, by: Person, at: Timestamp },
    /// Nobody decided in time; staff must.
    Escalated { at: Timestamp },
    /// One of two people approved.
    FirstApproval { by: Person, at: Timestamp },
    /// It is owed to the buyer now. Carries all that the books need.
    Approved {
        refund: RefundId,
        source: RefundSource,
        charge: ChargeRef,
        amount: Money,
        how: ApprovedHow,
        by: Person,
        at: Timestamp,
    },
    /// The call to Stripe is about to be made.
    Submitted { attempt: u32, idempotency_key: String, at: Timestamp },
    /// Whether the call arrived is not known; Stripe is asked before it is repeated.
    SubmitUnknown { attempt: u32, at: Timestamp },
    /// Stripe refused the call; a person must look.
    SubmitRefused { attempt: u32, code: String, message: String, at: Timestamp },
    /// Stripe has the refund under this id.
    Accepted { refund: RefundId, stripe_refund: StripeRefundRef, amount: Money, at: Timestamp },
    /// A fact about the Stripe refund outranked what was known.
    FactMerged { stripe_refund: StripeRefundRef, status: String, rank: FactRank, at: Timestamp },
    /// Stripe took the money from the balance.
    Debited { stripe_refund: StripeRefundRef, txn: TxnRef, amount: Money, at: Timestamp },
    /// Stripe is working on it.
    Pending { reason: Option<String>, at: Timestamp },
    /// The buyer must do something first.
    ActionRequired { at: Timestamp },
    /// It reached the buyer, as far as Stripe knows.
    Succeeded { order: Option<OrderId>, occurred_at: Timestamp, at: Timestamp },
    /// It did not reach the buyer, perhaps after it had succeeded. It is still owed.
    Failed {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        amount: Money,
        reason: String,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Stripe put the money back into the balance.
    Reversed { stripe_refund: StripeRefundRef, txn: TxnRef, amount: Money, at: Timestamp },
    /// It was cancelled at Stripe before it reached the buyer.
    Canceled {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// It is not owed any more (cancelled, or forgone): the mirror image of the approval.
    Reverted {
        refund: RefundId,
        source: RefundSource,
        payment: PaymentId,
        charge: ChargeRef,
        amount: Money,
        why: String,
        at: Timestamp,
    },
    /// A failed refund will be tried again.
    Retried { attempt: u32, by: Person, at: Timestamp },
    /// A failed refund was paid by other means.
    PaidExternally { refund: RefundId, amount: Money, proof: String, by: Person, at: Timestamp },
    /// One of two people agreed to forgo a failed refund.
    ForgoProposed { reason: String, by: Person, at: Timestamp },
    /// It is not owed any more: two people agreed, or a dispute covers it. Reverted follows.
    Forgone { reason: String, by: Person, at: Timestamp },
    /// A refund nobody requested here was seen at Stripe.
    ExternalObserved {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        payment: PaymentId,
        charge: ChargeRef,
        amount: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// It has been pending for ten days.
    Stuck { at: Timestamp },
    /// Stripe took it (or put it back) in another currency than the buyer is refunded in: what was
    /// exchanged for what. Signed from the balance's point of view.
    Converted {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        txn: TxnRef,
        /// In the buyer's currency.
        presented: Money,
        /// In the currency of Stripe's balance.
        settled: Money,
        /// Stripe's exchange rate as decimal text, evidence only.
        exchange_rate: Option<String>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
}

impl DomainEvent for RefundEvent {
    fn event_type(&self) -> String {
        format!("refund.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
