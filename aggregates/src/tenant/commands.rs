//! What a tenant can be asked to do.

use kernel::{Mode, TenantId, Timestamp};

use super::{accounts::OwnAccount, events::SecretFingerprint};
use crate::vocabulary::{AccountRef, CommercePolicy, Person};

/// What a tenant can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum TenantCommand {
    /// Create it.
    Provision {
        tenant: TenantId,
        name: String,
        mode: Mode,
        time_zone: String,
        policy: CommercePolicy,
    },
    /// Change the policy; its version must be the present one, and is raised by one.
    SetPolicy { policy: CommercePolicy },
    /// Change the time zone of report days.
    SetTimeZone { time_zone: String },
    /// Name the Stripe account and its endpoint secrets.
    ConnectStripe { account: AccountRef, secrets: Vec<SecretFingerprint> },
    /// Add a secret, retire others (by name).
    RotateSecret { secret: SecretFingerprint, retire: Vec<String> },
    /// Move the test clock forward.
    AdvanceClock { to: Timestamp },
    /// Open an account of its own in the chart.
    OpenAccount { account: OwnAccount, by: Person },
    /// Nothing is posted to it any more; what was posted stays.
    CloseAccount { name: String, by: Person },
    /// Stop writes.
    Suspend { reason: String },
    /// Allow them again.
    Resume,
    /// Begin to close.
    RequestClose,
    /// Close for good.
    Close,
}
