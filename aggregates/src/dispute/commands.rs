//! What a dispute can be asked to do.

use std::collections::BTreeMap;

use kernel::{DisputeId, Money, PaymentId, SellerId, Timestamp};

use crate::vocabulary::{ChargeRef, FactRank, Person, StripeDisputeRef, TxnRef};

/// One balance transaction inside a Stripe dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeMovement {
    /// Its id.
    pub txn: TxnRef,
    /// Negative: withdrawn. Positive: reinstated.
    pub amount: Money,
    /// Stripe's fee in it: positive charged, negative returned.
    pub fee: i64,
    /// Its own time.
    pub occurred_at: Timestamp,
}

/// A fact about a Stripe dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeFact {
    /// Stripe's id.
    pub stripe_dispute: StripeDisputeRef,
    /// The disputed charge.
    pub charge: ChargeRef,
    /// Its rank; classes as in [`super::classes`].
    pub rank: FactRank,
    /// Stripe's status.
    pub status: String,
    /// The disputed amount; may differ from the charge's.
    pub amount: Money,
    /// Stripe's reason.
    pub reason: String,
    /// The card network, if it is a card.
    pub network: Option<String>,
    /// When evidence is due; `None` when no response is possible.
    pub due_by: Option<Timestamp>,
    /// Whether the charge can still be refunded.
    pub charge_refundable: bool,
    /// The transactions the object carries.
    pub movements: Vec<DisputeMovement>,
    /// The Stripe object's own time.
    pub occurred_at: Timestamp,
}

/// What a dispute can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum DisputeCommand {
    /// Merge a fact; the first one opens the dispute.
    MergeFact { dispute: DisputeId, payment: PaymentId, fact: Box<DisputeFact> },
    /// Put somebody in charge.
    Assign { to: Person, by: Person },
    /// Write a note into the action log.
    AddNote { note: String, by: Person },
    /// Draft evidence.
    DraftEvidence { fields: BTreeMap<String, String>, by: Person },
    /// Send the evidence to Stripe; the drafted fields and these.
    SubmitEvidence { fields: BTreeMap<String, String>, by: Person },
    /// Accept the dispute (above the limit: two people, one after the other).
    Accept { by: Person, second_person_above: i64 },
    /// Answer an inquiry by refunding everything that remains.
    RefundInquiry { by: Person },
    /// Stripe took our call.
    NoteCallConfirmed { idempotency_key: String },
    /// The call's outcome is not known.
    NoteCallUnknown { idempotency_key: String },
    /// Stripe refused the call.
    NoteCallRefused { idempotency_key: String, code: String, message: String },
    /// A deadline comes near (timer; early is refused).
    NoteDeadline { hours: u32 },
    /// The deadline has passed (timer; early is refused).
    NoteDeadlineMissed,
    /// Charge the fee on to sellers, in proportion to these amounts.
    ChargeFee { weights: Vec<(SellerId, i64)> },
}
