//! What has happened to a dispute.

use std::collections::BTreeMap;

use cqrs_es::DomainEvent;
use kernel::{DisputeId, Money, PaymentId, SellerId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{ChargeRef, FactRank, Person, StripeDisputeRef, TxnRef};

/// How a dispute ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "Stripe's own words")]
pub enum DisputeOutcome {
    Won,
    Lost,
    WarningClosed,
    Prevented,
}

/// A seller's part of a dispute fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeShare {
    /// Who pays it.
    pub seller: SellerId,
    /// Minor units of the fee's currency.
    pub amount: i64,
}

/// What has happened to a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum DisputeEvent {
    /// Stripe told us of it.
    Opened {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        charge: ChargeRef,
        payment: PaymentId,
        amount: Money,
        reason: String,
        network: Option<String>,
        inquiry: bool,
        due_by: Option<Timestamp>,
        charge_refundable: bool,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// An inquiry became a chargeback.
    Escalated { dispute: DisputeId, payment: PaymentId, amount: Money, at: Timestamp },
    /// Status or deadline changed.
    StatusChanged {
        from: String,
        to: String,
        due_by: Option<Timestamp>,
        /// What is disputed, so that who answers it need not look it up; absent in older facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
        rank: FactRank,
        at: Timestamp,
    },
    /// Stripe took the money (and its fee).
    FundsWithdrawn {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        txn: TxnRef,
        amount: Money,
        fee: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Stripe gave money back.
    FundsReinstated {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        payment: PaymentId,
        txn: TxnRef,
        amount: Money,
        fee_returned: i64,
        after_close: bool,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Somebody of ours did something: the action log.
    ActionLogged { action: String, detail: String, by: Person, at: Timestamp },
    /// Evidence was drafted; the texts are kept, files are Stripe file ids.
    EvidenceDrafted { fields: BTreeMap<String, String>, by: Person, at: Timestamp },
    /// Evidence is to be sent to Stripe, once and for all.
    EvidenceSubmitted {
        stripe_dispute: StripeDisputeRef,
        fields: BTreeMap<String, String>,
        idempotency_key: String,
        by: Person,
        at: Timestamp,
    },
    /// One of two people agreed to accept the dispute.
    AcceptProposed { by: Person, at: Timestamp },
    /// The dispute is accepted; Stripe is told. Irreversible.
    Accepted {
        stripe_dispute: StripeDisputeRef,
        idempotency_key: String,
        by: Person,
        at: Timestamp,
    },
    /// Stripe has taken our submission or acceptance.
    CallConfirmed { idempotency_key: String, at: Timestamp },
    /// Whether our call arrived is not known.
    CallUnknown { idempotency_key: String, at: Timestamp },
    /// Stripe refused our call.
    CallRefused { idempotency_key: String, code: String, message: String, at: Timestamp },
    /// The inquiry was answered by refunding everything.
    InquiryRefunded { by: Person, at: Timestamp },
    /// The deadline comes near (72, 24, 6 hours).
    DeadlineNear { hours: u32, due_by: Timestamp, at: Timestamp },
    /// The deadline passed unanswered.
    EvidenceDeadlineMissed { due_by: Timestamp, at: Timestamp },
    /// It is over. The amounts are what the transactions took and gave back.
    Closed {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        payment: PaymentId,
        outcome: DisputeOutcome,
        withdrawn: Money,
        reinstated: Money,
        /// Lost, but part of the money came back.
        partial: bool,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Stripe moved it in another currency than the buyer paid in: what was exchanged for what.
    /// Signed from the balance's point of view; `presented` is what the movement's own fact states.
    Converted {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        txn: TxnRef,
        /// In the buyer's currency.
        presented: Money,
        /// In the currency of Stripe's balance.
        settled: Money,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The fee is charged on to the sellers (policy).
    FeeCharged {
        dispute: DisputeId,
        currency: kernel::Currency,
        shares: Vec<FeeShare>,
        at: Timestamp,
    },
}

impl DomainEvent for DisputeEvent {
    fn event_type(&self) -> String {
        format!("dispute.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
