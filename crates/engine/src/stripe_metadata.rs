//! Our ids in the metadata of Stripe's objects: by them an object is recognized as ours, whether
//! Daybook made it or a person who was told what to do.

use std::collections::BTreeMap;

use kernel::TenantId;

use crate::ports::{CreatePayout, CreateRefund, CreateSession, CreateTransfer, ReverseTransfer};

/// The tenant. Metadata that names another one is not ours.
pub const TENANT: &str = "daybook_tenant";
/// The order.
pub const ORDER: &str = "daybook_order";
/// The payment.
pub const PAYMENT: &str = "daybook_payment";
/// The refund.
pub const REFUND: &str = "daybook_refund";
/// Which attempt at a refund or a bank payout, counted from 1.
pub const ATTEMPT: &str = "daybook_attempt";
/// The payout.
pub const PAYOUT: &str = "daybook_payout";
/// The idempotency key of the call that made the object.
pub const KEY: &str = "daybook_key";

/// What a call writes into the metadata of the object it makes.
pub type Metadata = BTreeMap<&'static str, String>;

fn of<const N: usize>(tenant: TenantId, ours: [(&'static str, String); N]) -> Metadata {
    let mut all = Metadata::from(ours);
    all.insert(TENANT, tenant.to_string());
    all
}

impl CreateSession {
    /// The metadata of the session and of its intent.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        of(self.tenant, [(ORDER, self.order.to_string()), (PAYMENT, self.payment.to_string())])
    }
}

impl CreateRefund {
    /// The metadata of the refund.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let mut ours = of(
            self.tenant,
            [
                (REFUND, self.refund.to_string()),
                (ATTEMPT, self.attempt.to_string()),
                (KEY, self.idempotency_key.clone()),
            ],
        );
        if let Some(order) = self.order {
            ours.insert(ORDER, order.to_string());
        }
        ours
    }
}

impl CreateTransfer {
    /// The metadata of the transfer.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let (payout, key) = (self.payout.to_string(), self.idempotency_key.clone());
        of(self.tenant, [(PAYOUT, payout), (KEY, key)])
    }
}

impl CreatePayout {
    /// The metadata of the bank payout.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let (attempt, key) = (self.attempt.to_string(), self.idempotency_key.clone());
        of(self.tenant, [(PAYOUT, self.payout.to_string()), (ATTEMPT, attempt), (KEY, key)])
    }
}

impl ReverseTransfer {
    /// The metadata of the reversal.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let (payout, key) = (self.payout.to_string(), self.idempotency_key.clone());
        of(self.tenant, [(PAYOUT, payout), (KEY, key)])
    }
}
