//! What has happened to a tenant.

use cqrs_es::DomainEvent;
use kernel::{Mode, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use super::accounts::OwnAccount;
use crate::vocabulary::{AccountRef, CommercePolicy, Person};

/// A webhook endpoint's secret, by name and fingerprint. The value comes from the environment or a
/// file and is never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFingerprint {
    /// What the operator calls it.
    pub name: String,
    /// First 16 hexadecimal digits of its SHA-256.
    pub fingerprint: String,
}

/// What has happened to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum TenantEvent {
    /// It exists.
    Provisioned { tenant: TenantId, name: String, mode: Mode, at: Timestamp },
    /// Its policy changed. Orders placed before keep theirs.
    PolicySet { policy: CommercePolicy, at: Timestamp },
    /// Its report days are in this IANA time zone from now on.
    TimeZoneSet { time_zone: String, at: Timestamp },
    /// Its Stripe account and endpoint secrets are known.
    StripeConnected { account: AccountRef, secrets: Vec<SecretFingerprint>, at: Timestamp },
    /// Another secret is valid; the older ones stay valid until they are retired.
    SecretRotated { secret: SecretFingerprint, retired: Vec<String>, at: Timestamp },
    /// A sandbox tenant's time is this from now on, and moves only so.
    ClockAdvanced { to: Timestamp, at: Timestamp },
    /// Reads go on, webhooks are still taken, nothing else changes.
    Suspended { reason: String, at: Timestamp },
    /// It works again.
    Resumed { at: Timestamp },
    /// It is being closed.
    CloseRequested { at: Timestamp },
    /// It has an account of its own in the chart.
    AccountOpened { account: OwnAccount, by: Person, at: Timestamp },
    /// Nothing is posted to that account any more.
    AccountClosed { name: String, by: Person, at: Timestamp },
    /// It is closed; its history stays.
    Closed { at: Timestamp },
}

impl DomainEvent for TenantEvent {
    fn event_type(&self) -> String {
        format!("tenant.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
