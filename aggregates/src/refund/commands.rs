//! What a refund can be asked to do.

use kernel::{Money, PaymentId, RefundId, Timestamp};

use super::events::RefundSource;
use crate::vocabulary::{ChargeRef, FactRank, Person, Settlement, StripeRefundRef, TxnRef};

/// A fact about a Stripe refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundFact {
    /// Stripe's id.
    pub stripe_refund: StripeRefundRef,
    /// Class `{pending, requires_action}` = 0 < `succeeded` = 1 < `{failed, canceled}` = 2.
    pub rank: FactRank,
    /// Stripe's status.
    pub status: String,
    /// Stripe's `pending_reason` or `failure_reason`.
    pub reason: Option<String>,
    /// What Stripe refunds.
    pub amount: Money,
    /// The transaction that took the money, once known.
    pub balance_transaction: Option<TxnRef>,
    /// The transaction that put it back, if it failed.
    pub failure_balance_transaction: Option<TxnRef>,
    /// The Stripe object's own time.
    pub occurred_at: Timestamp,
}

/// What a refund can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
#[expect(clippy::large_enum_variant, reason = "commands are made one at a time and moved once")]
pub enum RefundCommand {
    /// Open it: the order (or the set-aside money) has set the part apart.
    Request {
        refund: RefundId,
        source: RefundSource,
        payment: PaymentId,
        charge: ChargeRef,
        amount: Money,
        reason: String,
        requested_by: Person,
        decision_hours: u32,
        second_person_above: i64,
        /// Decided already: approve in the same step.
        approved: Option<super::events::ApprovedHow>,
    },
    /// Withdraw the request before it is decided.
    Withdraw { by: Person },
    /// Say yes.
    Approve { by: Person },
    /// Say no.
    Decline { note: String, by: Person },
    /// Approve without waiting for the seller.
    Force { by: Person, reason: String },
    /// Nobody decided in time (timer; early is refused).
    Escalate,
    /// The call to Stripe is about to be made.
    NoteSubmitted { attempt: u32, idempotency_key: String },
    /// Its outcome is not known.
    NoteSubmitUnknown { attempt: u32 },
    /// Stripe refused it.
    NoteSubmitRefused { attempt: u32, code: String, message: String },
    /// Merge a fact about the Stripe refund (also Stripe's answer to our call).
    MergeFact(Box<RefundFact>),
    /// A Stripe refund nobody requested here.
    ObserveExternal {
        refund: RefundId,
        payment: PaymentId,
        charge: ChargeRef,
        fact: Box<RefundFact>,
    },
    /// Try a failed refund again.
    Retry { by: Person },
    /// A failed refund was paid by other means.
    PayExternally { proof: String, by: Person },
    /// Forgo a failed refund: two people, one after the other.
    Forgo { reason: String, by: Person },
    /// A dispute covers a failed refund (policy).
    ForgoForDispute { dispute: Option<kernel::DisputeId> },
    /// It has been pending for ten days (timer; early is refused).
    NoteStuck,
    /// What Stripe's balance transaction of it moved. Told before the refund names that
    /// transaction, it changes nothing; the refund asks again when it does.
    RecordSettlement(Settlement),
}
