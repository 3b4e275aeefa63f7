//! Balances and what moves them.

use serde::Deserialize;

use super::{DecimalText, Expandable, Field, Reference};

/// A balance transaction.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct BalanceTransaction {
    pub id: Field<String>,
    #[serde(rename = "type")]
    pub kind: Field<String>,
    pub reporting_category: Field<String>,
    pub balance_type: Field<String>,
    pub source: Field<Expandable<Source>>,
    pub currency: Field<String>,
    pub amount: Field<i64>,
    pub fee: Field<i64>,
    pub net: Field<i64>,
    pub fee_details: Field<Vec<Fee>>,
    pub exchange_rate: Field<DecimalText>,
    pub available_on: Field<i64>,
    pub created: Field<i64>,
}

/// As much of the object behind a balance transaction as tells who is at the other end.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Source {
    pub id: Field<String>,
    pub object: Field<String>,
    pub destination: Field<Reference>,
    pub transfer: Field<Reference>,
}

/// One part of a fee.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Fee {
    #[serde(rename = "type")]
    pub kind: Field<String>,
    pub amount: Field<i64>,
}

/// A top-up of the platform's balance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Topup {
    pub id: Field<String>,
    pub status: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub created: Field<i64>,
}

/// A balance, as `GET /v1/balance` answers it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Balance {
    pub available: Field<Vec<BalanceAmount>>,
    pub pending: Field<Vec<BalanceAmount>>,
}

/// One currency of a balance.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct BalanceAmount {
    pub amount: Field<i64>,
    pub currency: Field<String>,
}
