//! What is remembered of a tenant.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Mode, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    accounts::{Opened, OwnAccount},
    errors::TenantError,
    events::{SecretFingerprint, TenantEvent as Event},
};
use crate::vocabulary::{AccountRef, CommercePolicy};

/// An organisation in one mode.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tenant {
    pub(super) identity: Option<Identity>,
    pub(super) standing: Standing,
    pub(super) policy: CommercePolicy,
    pub(super) time_zone: String,
    pub(super) stripe: Option<AccountRef>,
    pub(super) secrets: Vec<SecretFingerprint>,
    pub(super) retired: BTreeSet<String>,
    pub(super) clock: Option<Timestamp>,
    #[serde(default)]
    pub(super) accounts: BTreeMap<String, Opened>,
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) tenant: TenantId,
    pub(super) name: String,
    pub(super) mode: Mode,
}

/// Whether it works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It works.
    #[default]
    Active,
    /// Reads go on, webhooks are still taken, nothing else changes.
    Suspended {
        /// Why.
        reason: String,
    },
    /// It is being closed; nothing is written any more.
    Closing,
    /// It is closed; its history stays.
    Closed,
}

impl Tenant {
    /// Its id, once it exists.
    #[must_use]
    pub fn id(&self) -> Option<TenantId> {
        self.identity.as_ref().map(|known| known.tenant)
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.identity.as_ref().map(|known| known.name.as_str())
    }

    /// Live or sandbox.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.identity.as_ref().map(|known| known.mode)
    }

    /// Whether it works.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Its commerce policy.
    #[must_use]
    pub const fn policy(&self) -> &CommercePolicy {
        &self.policy
    }

    /// The time zone of its report days.
    #[must_use]
    pub fn time_zone(&self) -> chrono_tz::Tz {
        self.time_zone.parse().unwrap_or(chrono_tz::UTC)
    }

    /// Its Stripe account.
    #[must_use]
    pub const fn stripe(&self) -> Option<&AccountRef> {
        self.stripe.as_ref()
    }

    /// The endpoint secrets that are valid now.
    #[must_use]
    pub fn secrets(&self) -> &[SecretFingerprint] {
        &self.secrets
    }

    /// An account of its own, and whether it is open.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<(&OwnAccount, bool)> {
        self.accounts.get(name).map(|known| (&known.account, known.is_open))
    }

    /// Where its test clock stands, if it has one.
    #[must_use]
    pub const fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    /// May anything be written for it? Webhooks are taken regardless.
    ///
    /// # Errors
    /// [`TenantError`] when it does not exist, is suspended, or is being or was closed.
    pub fn check_writable(&self) -> Result<(), TenantError> {
        if self.identity.is_none() {
            return Err(TenantError::Unknown);
        }
        match &self.standing {
            Standing::Active => Ok(()),
            Standing::Suspended { reason } => {
                Err(TenantError::Suspended { reason: reason.clone() })
            }
            Standing::Closing | Standing::Closed => Err(TenantError::Closed),
        }
    }

    pub(super) fn evolve(&mut self, event: Event) {
        match event {
            Event::Provisioned { tenant, name, mode, .. } => {
                self.identity = Some(Identity { tenant, name, mode });
            }
            Event::PolicySet { policy, .. } => self.policy = policy,
            Event::TimeZoneSet { time_zone, .. } => self.time_zone = time_zone,
            Event::StripeConnected { account, secrets, .. } => {
                self.stripe = Some(account);
                self.secrets = secrets;
            }
            Event::SecretRotated { secret, retired, .. } => {
                self.secrets.retain(|known| *known != secret && !retired.contains(&known.name));
                self.secrets.push(secret);
                self.retired.extend(retired);
            }
            Event::ClockAdvanced { to, .. } => self.clock = Some(to),
            Event::AccountOpened { account, .. } => {
                let name = account.name.clone();
                self.accounts.insert(name, Opened { account, is_open: true });
            }
            Event::AccountClosed { name, .. } => {
                if let Some(known) = self.accounts.get_mut(&name) {
                    known.is_open = false;
                }
            }
            Event::Suspended { reason, .. } => self.standing = Standing::Suspended { reason },
            Event::Resumed { .. } => self.standing = Standing::Active,
            Event::CloseRequested { .. } => self.standing = Standing::Closing,
            Event::Closed { .. } => self.standing = Standing::Closed,
        }
    }
}
