//! How money goes back to buyers: refunds and disputes.

use serde::Deserialize;

use super::{BalanceTransaction, Expandable, Field, Metadata, Reference};

/// A refund (`re_...` or `pyr_...`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Refund {
    pub id: Field<String>,
    pub status: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub charge: Field<Reference>,
    pub payment_intent: Field<Reference>,
    pub pending_reason: Field<String>,
    pub failure_reason: Field<String>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub failure_balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// A card or bank dispute (`dp_...` or `du_...`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Dispute {
    pub id: Field<String>,
    pub status: Field<String>,
    pub reason: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub charge: Field<Reference>,
    pub payment_intent: Field<Reference>,
    pub is_charge_refundable: Field<bool>,
    pub balance_transactions: Field<Vec<BalanceTransaction>>,
    pub evidence_details: Field<EvidenceDetails>,
    pub payment_method_details: Field<PaymentMethodDetails>,
    pub created: Field<i64>,
}

/// Until when evidence can be sent, and whether it was.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct EvidenceDetails {
    pub due_by: Field<i64>,
    pub submission_count: Field<i64>,
}

/// How the disputed payment was made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct PaymentMethodDetails {
    pub card: Field<CardDetails>,
}

/// The card it was made with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct CardDetails {
    pub network: Field<String>,
    pub brand: Field<String>,
}
