//! What concerns sellers: transfers, payouts, their accounts and the platform's fees.

use serde::Deserialize;

use super::{BalanceTransaction, Expandable, Field, List, Metadata, Reference};

/// A transfer to a connected account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Transfer {
    pub id: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub destination: Field<Reference>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub reversals: Field<List<Reversal>>,
    pub transfer_group: Field<String>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// A reversal of a transfer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Reversal {
    pub id: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub transfer: Field<Reference>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// A payout to a bank.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Payout {
    pub id: Field<String>,
    pub status: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub automatic: Field<bool>,
    pub arrival_date: Field<i64>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub failure_balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub failure_code: Field<String>,
    pub metadata: Field<Metadata>,
    pub created: Field<i64>,
}

/// A connected account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Account {
    pub id: Field<String>,
    pub details_submitted: Field<bool>,
    pub charges_enabled: Field<bool>,
    pub payouts_enabled: Field<bool>,
    pub capabilities: Field<Capabilities>,
    pub requirements: Field<Requirements>,
}

/// The capabilities of an account, each `active`, `inactive` or `pending`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Capabilities {
    pub transfers: Field<String>,
}

/// What Stripe still wants to know.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Requirements {
    pub disabled_reason: Field<String>,
    pub currently_due: Field<Vec<String>>,
    pub current_deadline: Field<i64>,
}

/// One capability of an account; its id is its name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct Capability {
    pub id: Field<String>,
    pub account: Field<Reference>,
    pub status: Field<String>,
}

/// A bank account or debit card that an account is paid out to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct ExternalAccount {
    pub id: Field<String>,
    pub account: Field<Reference>,
    pub status: Field<String>,
}

/// The platform's fee on a direct or destination charge.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct ApplicationFee {
    pub id: Field<String>,
    pub account: Field<Reference>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub charge: Field<Reference>,
    pub originating_transaction: Field<Reference>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub refunds: Field<List<FeeRefund>>,
    pub created: Field<i64>,
}

/// An application fee that was given back, or part of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "Stripe's own field names")]
pub struct FeeRefund {
    pub id: Field<String>,
    pub amount: Field<i64>,
    pub currency: Field<String>,
    pub fee: Field<Reference>,
    pub balance_transaction: Field<Expandable<BalanceTransaction>>,
    pub created: Field<i64>,
}
