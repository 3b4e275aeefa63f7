//! What a tenant answers to each command.

use kernel::{Mode, Timestamp};

use super::{
    accounts::OwnAccount,
    commands::TenantCommand as Command,
    errors::TenantError,
    events::{SecretFingerprint, TenantEvent as Event},
    policy,
    state::{Identity, Standing, Tenant},
};
use crate::vocabulary::{CommercePolicy, Person};

type Decision = Result<Vec<Event>, TenantError>;

/// The new secret and the one it replaces; more would never be cleaned up.
const SECRETS_PER_ENDPOINT_MAX: usize = 2;

pub(super) fn decide(tenant: &Tenant, command: Command, now: Timestamp) -> Decision {
    match command {
        Command::Provision { tenant: id, name, mode, time_zone, policy } => {
            provision(tenant, Identity { tenant: id, name, mode }, time_zone, policy, now)
        }
        Command::SetPolicy { policy } => set_policy(tenant, policy, now),
        Command::SetTimeZone { time_zone } => {
            tenant.check_writable()?;
            check_zone(&time_zone)?;
            if tenant.time_zone == time_zone {
                return Ok(vec![]);
            }
            Ok(vec![Event::TimeZoneSet { time_zone, at: now }])
        }
        Command::ConnectStripe { account, secrets } => {
            tenant.check_writable()?;
            check_secrets(&secrets)?;
            match &tenant.stripe {
                Some(known) if *known != account => Err(TenantError::AlreadyProvisioned),
                Some(_) if tenant.secrets == secrets => Ok(vec![]),
                Some(_) | None => Ok(vec![Event::StripeConnected { account, secrets, at: now }]),
            }
        }
        Command::RotateSecret { secret, retire } => rotate_secret(tenant, secret, retire, now),
        Command::AdvanceClock { to } => advance_clock(tenant, to, now),
        Command::OpenAccount { account, by } => open_account(tenant, account, by, now),
        Command::CloseAccount { name, by } => {
            tenant.check_writable()?;
            match tenant.account(&name) {
                None => Err(TenantError::AccountUnknown { name }),
                Some((_, false)) => Ok(vec![]),
                Some((_, true)) => Ok(vec![Event::AccountClosed { name, by, at: now }]),
            }
        }
        Command::Suspend { reason } => match standing(tenant)? {
            Standing::Active => Ok(vec![Event::Suspended { reason, at: now }]),
            Standing::Suspended { .. } | Standing::Closing => Ok(vec![]),
            Standing::Closed => Err(TenantError::Closed),
        },
        Command::Resume => match standing(tenant)? {
            Standing::Active => Ok(vec![]),
            Standing::Suspended { .. } | Standing::Closing => Ok(vec![Event::Resumed { at: now }]),
            Standing::Closed => Err(TenantError::Closed),
        },
        Command::RequestClose => match standing(tenant)? {
            Standing::Active | Standing::Suspended { .. } => {
                Ok(vec![Event::CloseRequested { at: now }])
            }
            Standing::Closing => Ok(vec![]),
            Standing::Closed => Err(TenantError::Closed),
        },
        Command::Close => match standing(tenant)? {
            Standing::Active | Standing::Suspended { .. } => {
                Ok(vec![Event::CloseRequested { at: now }, Event::Closed { at: now }])
            }
            Standing::Closing => Ok(vec![Event::Closed { at: now }]),
            Standing::Closed => Ok(vec![]),
        },
    }
}

fn provision(
    tenant: &Tenant,
    wanted: Identity,
    time_zone: String,
    policy: CommercePolicy,
    at: Timestamp,
) -> Decision {
    match &tenant.identity {
        // Its policy and zone may have been changed since, so only the identity is compared.
        Some(known) if *known == wanted => return Ok(vec![]),
        Some(_) => return Err(TenantError::AlreadyProvisioned),
        None => {}
    }
    check_zone(&time_zone)?;
    policy::check(&policy).map_err(|problem| TenantError::PolicyInvalid { problem })?;
    Ok(vec![
        Event::Provisioned { tenant: wanted.tenant, name: wanted.name, mode: wanted.mode, at },
        Event::PolicySet { policy: CommercePolicy { version: 1, ..policy }, at },
        Event::TimeZoneSet { time_zone, at },
    ])
}

fn set_policy(tenant: &Tenant, policy: CommercePolicy, at: Timestamp) -> Decision {
    tenant.check_writable()?;
    let current = tenant.policy.version;
    // A retry after success still names the version that it replaced.
    if tenant.policy == (CommercePolicy { version: current, ..policy.clone() }) {
        return Ok(vec![]);
    }
    if policy.version != current {
        return Err(TenantError::StaleVersion { current });
    }
    policy::check(&policy).map_err(|problem| TenantError::PolicyInvalid { problem })?;
    Ok(vec![Event::PolicySet { policy: CommercePolicy { version: current + 1, ..policy }, at }])
}

/// Secrets of one name belong to one endpoint: two of them may be valid at once. Naming the new
/// secret's own name in `retire` retires the older ones.
fn rotate_secret(
    tenant: &Tenant,
    secret: SecretFingerprint,
    retire: Vec<String>,
    at: Timestamp,
) -> Decision {
    tenant.check_writable()?;
    let others = || tenant.secrets.iter().filter(|known| **known != secret);
    for name in &retire {
        let was_known = *name == secret.name
            || tenant.retired.contains(name)
            || others().any(|known| known.name == *name);
        if !was_known {
            return Err(TenantError::SecretUnknown { name: name.clone() });
        }
    }
    let is_new = !tenant.secrets.contains(&secret);
    if !is_new && !others().any(|known| retire.contains(&known.name)) {
        return Ok(vec![]);
    }
    let kept = others().filter(|known| !retire.contains(&known.name)).cloned();
    check_secrets(&kept.chain([secret.clone()]).collect::<Vec<_>>())?;
    Ok(vec![Event::SecretRotated { secret, retired: retire, at }])
}

fn open_account(tenant: &Tenant, account: OwnAccount, by: Person, at: Timestamp) -> Decision {
    tenant.check_writable()?;
    if !account.is_well_named() {
        return Err(TenantError::AccountNameInvalid { name: account.name });
    }
    match tenant.account(&account.name) {
        Some((known, true)) if *known == account => Ok(vec![]),
        Some(_) => Err(TenantError::AccountExists { name: account.name }),
        None => Ok(vec![Event::AccountOpened { account, by, at }]),
    }
}

fn advance_clock(tenant: &Tenant, to: Timestamp, at: Timestamp) -> Decision {
    tenant.check_writable()?;
    match (tenant.mode(), tenant.clock) {
        (Some(Mode::Live) | None, _) => Err(TenantError::LiveHasNoTestClock),
        (Some(Mode::Sandbox), Some(now)) if to < now => Err(TenantError::ClockWouldGoBack { now }),
        (Some(Mode::Sandbox), Some(now)) if to == now => Ok(vec![]),
        (Some(Mode::Sandbox), Some(_) | None) => Ok(vec![Event::ClockAdvanced { to, at }]),
    }
}

fn standing(tenant: &Tenant) -> Result<&Standing, TenantError> {
    if tenant.identity.is_none() {
        return Err(TenantError::Unknown);
    }
    Ok(&tenant.standing)
}

fn check_zone(zone: &str) -> Result<(), TenantError> {
    match zone.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(TenantError::TimeZoneUnknown { zone: zone.to_owned() }),
    }
}

fn check_secrets(secrets: &[SecretFingerprint]) -> Result<(), TenantError> {
    let too_many = secrets.iter().any(|one| {
        secrets.iter().filter(|other| other.name == one.name).count() > SECRETS_PER_ENDPOINT_MAX
    });
    if too_many { Err(TenantError::TooManySecrets) } else { Ok(()) }
}
