//! A call as Stripe wants it, for the person or program that makes it where no key is configured.

use std::collections::BTreeMap;

use kernel::Money;
use serde::Serialize;

use super::Call;
use crate::stripe_metadata::Metadata;

/// The request at Stripe that a call stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StripeRequest {
    /// The idempotency key to send it with, so that it is made once whoever makes it.
    pub idempotency_key: String,
    /// Its parameters.
    pub params: StripeParams,
    /// The metadata to set, by which Daybook recognizes what was made; none for disputes.
    pub metadata: Metadata,
}

/// Parameters by Stripe's names; those that a call does not have are left out. Amounts are whole
/// numbers of Stripe's minor units.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[expect(missing_docs, reason = "the fields are Stripe's vocabulary")]
pub struct StripeParams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    /// ISO 4217, upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge: Option<String>,
    /// The connected account that a transfer goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// The connected account on which the call is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispute: Option<String>,
    /// Texts by Stripe's names of the fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_reference_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl StripeParams {
    fn of(amount: Money) -> Self {
        Self {
            amount: Some(amount.minor()),
            currency: Some(amount.currency().code().to_owned()),
            ..Self::default()
        }
    }
}

impl Call {
    /// The request at Stripe that this call stands for.
    #[must_use]
    pub fn request(&self) -> StripeRequest {
        let (key, params, metadata) = match self {
            Self::Session(call) => (
                &call.idempotency_key,
                StripeParams {
                    client_reference_id: Some(call.order.to_string()),
                    transfer_group: Some(call.transfer_group.clone()),
                    success_url: Some(call.success_url.clone()),
                    cancel_url: Some(call.cancel_url.clone()),
                    expires_at: Some(call.expires_at.unix_seconds()),
                    ..StripeParams::of(call.amount)
                },
                call.metadata(),
            ),
            Self::Refund(call) => (
                &call.idempotency_key,
                StripeParams {
                    charge: Some(call.charge.to_string()),
                    ..StripeParams::of(call.amount)
                },
                call.metadata(),
            ),
            Self::Transfer(call, _) => (
                &call.idempotency_key,
                StripeParams {
                    destination: Some(call.account.to_string()),
                    transfer_group: Some(call.payout.to_string()),
                    ..StripeParams::of(call.amount)
                },
                call.metadata(),
            ),
            Self::BankPayout(call) => (
                &call.idempotency_key,
                StripeParams {
                    account: Some(call.account.to_string()),
                    ..StripeParams::of(call.amount)
                },
                call.metadata(),
            ),
            Self::Reversal(call, _) => (
                &call.idempotency_key,
                StripeParams {
                    transfer: Some(call.transfer.to_string()),
                    ..StripeParams::of(call.amount)
                },
                call.metadata(),
            ),
            Self::Evidence(call) => (
                &call.idempotency_key,
                StripeParams {
                    dispute: Some(call.stripe_dispute.to_string()),
                    evidence: call.fields.clone(),
                    ..StripeParams::default()
                },
                Metadata::new(),
            ),
            Self::Accept(call) => (
                &call.idempotency_key,
                StripeParams {
                    dispute: Some(call.stripe_dispute.to_string()),
                    ..StripeParams::default()
                },
                Metadata::new(),
            ),
        };
        StripeRequest { idempotency_key: key.clone(), params, metadata }
    }
}
