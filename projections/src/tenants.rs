//! Tenants: their settings, policy, clock, and which webhook secrets are theirs.

use aggregates::{
    fact::Fact,
    tenant::events::{SecretFingerprint, TenantEvent},
};
use kernel::{TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::{json, word},
};

store::table! {
    /// A tenant: an organisation in one mode.
    pub struct Tenant as "tenants" {
        key {
            /// Ours.
            tenant: TenantId,
        }
        /// What it is called.
        name: String,
        /// live or sandbox.
        mode: String,
        /// active, suspended, closing or closed.
        status: String,
        /// The commerce policy, JSON; the defaults while none was set.
        policy: String,
        /// Raised by one with every change of the policy.
        policy_version: u32,
        /// IANA name of the zone of its report days.
        time_zone: String,
        /// Its Stripe account.
        stripe_account: Option<String>,
        /// Names and fingerprints of its webhook secrets, JSON.
        secrets: String,
        /// The time on a sandbox tenant's test clock, once it was set.
        clock: Option<Timestamp>,
        /// Why it is suspended.
        suspended_reason: Option<String>,
        /// When it was provisioned.
        provisioned_at: Timestamp,
    }
}

read_model! {
    /// Every tenant.
    Tenants = "tenants", version 1, [Tenant]
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let Fact::Tenant(_) = occurrence.fact {
        wanted.row::<Tenant>(key![occurrence.tenant()]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Tenant(event) = occurrence.fact else { return Ok(()) };
    if let TenantEvent::Provisioned { tenant, name, mode, at } = event {
        let policy = aggregates::vocabulary::CommercePolicy::default();
        return rows.put(Tenant {
            tenant: *tenant,
            name: name.clone(),
            mode: word(mode),
            status: "active".to_owned(),
            policy: json(&policy),
            policy_version: policy.version,
            time_zone: "UTC".to_owned(),
            stripe_account: None,
            secrets: "[]".to_owned(),
            clock: None,
            suspended_reason: None,
            provisioned_at: *at,
        });
    }
    if let Some(row) = rows.update::<Tenant>(key![occurrence.tenant()])? {
        changed(row, event);
    }
    Ok(())
}

fn changed(row: &mut Tenant, event: &TenantEvent) {
    let mut status = |status: &str| status.clone_into(&mut row.status);
    match event {
        TenantEvent::Provisioned { .. } => {}
        TenantEvent::PolicySet { policy, .. } => {
            row.policy = json(policy);
            row.policy_version = policy.version;
        }
        TenantEvent::TimeZoneSet { time_zone, .. } => row.time_zone.clone_from(time_zone),
        TenantEvent::StripeConnected { account, secrets, .. } => {
            row.stripe_account = Some(account.0.clone());
            row.secrets = json(secrets);
        }
        TenantEvent::SecretRotated { secret, retired, .. } => {
            let mut known: Vec<SecretFingerprint> =
                serde_json::from_str(&row.secrets).unwrap_or_default();
            known.retain(|old| !retired.contains(&old.name) && old.name != secret.name);
            known.push(secret.clone());
            row.secrets = json(&known);
        }
        TenantEvent::ClockAdvanced { to, .. } => row.clock = Some(*to),
        // Their list is a read model of its own.
        TenantEvent::AccountOpened { .. } | TenantEvent::AccountClosed { .. } => {}
        TenantEvent::Suspended { reason, .. } => {
            status("suspended");
            row.suspended_reason = Some(reason.clone());
        }
        TenantEvent::Resumed { .. } => {
            status("active");
            row.suspended_reason = None;
        }
        TenantEvent::CloseRequested { .. } => status("closing"),
        TenantEvent::Closed { .. } => status("closed"),
    }
}
