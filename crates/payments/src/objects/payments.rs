//! What a buyer's payment consists of at Stripe: session, intent, charge, and warnings about them.

use serde::Deserialize;

use super::{BalanceTransaction, Expandable, Field, List, Metadata, Reference, Refund};

/// A Checkout session.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Session {
    pub id: Field<String>,
    pub status: Field<String>,
    pub payment_status: Field<String>,
    pub mode: Field<String>,
    pub amount_total: Field<i64>,
    pub currency: Field<String>,
    pub currency_conversion: Field<CurrencyConversion>,
    pub payment_intent: Field<Expandable<Intent>>,
    pub client_reference_id: Field<String>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
    pub expires_at: Field<i64>,
    pub url: Field<String>,
}

/// What the buyer was shown in another currency; the source is what we asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct CurrencyConversion {
    pub amount_total: Field<i64>,
    pub source_currency: Field<String>,
}

/// A payment intent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Intent {
    pub id: Field<String>,
    pub status: Field<String>,
    pub amount: Field<i64>,
    pub amount_capturable: Field<i64>,
    pub amount_received: Field<i64>,
    pub currency: Field<String>,
    pub latest_charge: Field<Reference>,
    pub last_payment_error: Field<LastPaymentError>,
    pub cancellation_reason: Field<String>,
    pub transfer_group: Field<String>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// Why the last attempt failed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct LastPaymentError {
    pub code: Field<String>,
    pub decline_code: Field<String>,
    #[serde(rename = "type")]
    pub kind: Field<String>,
}

/// A charge (`ch_...` or `py_...`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Charge {
    pub id: Field<String>,
    pub status: Field<String>,
    pub amount: Field<i64>,
    pub amount_captured: Field<i64>,
    pub amount_refunded: Field<i64>,
    pub captured: Field<bool>,
    pub refunded: Field<bool>,
    pub currency: Field<String>,
    pub payment_intent: Field<Reference>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub failure_balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub failure_code: Field<String>,
    pub transfer_group: Field<String>,
    pub source_transfer: Field<Reference>,
    pub refunds: Field<List<Refund>>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// Radar's early fraud warning.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct EarlyFraudWarning {
    pub id: Field<String>,
    pub charge: Field<Reference>,
    pub payment_intent: Field<Reference>,
    pub actionable: Field<bool>,
    pub fraud_type: Field<String>,
    pub created: Field<i64>,
}

/// A manual review.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Review {
    pub id: Field<String>,
    pub charge: Field<Reference>,
    pub payment_intent: Field<Reference>,
    pub open: Field<bool>,
    pub reason: Field<String>,
    pub opened_reason: Field<String>,
    pub closed_reason: Field<String>,
    pub created: Field<i64>,
}
