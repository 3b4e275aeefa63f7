//! What an API key answers to each command.

use kernel::{Mode, Timestamp};

use super::{
    commands::ApiKeyCommand as Command,
    errors::ApiKeyError,
    events::{ApiKeyEvent as Event, Role},
    state::{ApiKey, Grant},
};

type Decision = Result<Vec<Event>, ApiKeyError>;

/// Every scope there is; each opens something. What no scope names is never granted to a partner.
pub const SCOPES: &[&str] = &[
    "orders:write",
    "orders:read",
    "refunds:request",
    "refunds:decide",
    "disputes:write",
    "disputes:read",
    "payouts:write",
    "payouts:read",
    "ledger:read",
    "audit:export",
    "sellers:write",
    "sellers:read",
];

pub(super) fn decide(state: &ApiKey, command: Command, mode: Mode, now: Timestamp) -> Decision {
    match command {
        Command::Issue {
            key,
            name,
            prefix,
            hash,
            role,
            scopes,
            seller,
            mode: wanted,
            rate_per_minute,
            expires_at,
        } => issue(
            state,
            Grant {
                key,
                name,
                prefix,
                hash,
                role,
                scopes,
                seller,
                mode: wanted,
                rate_per_minute,
                expires_at,
            },
            mode,
            now,
        ),
        Command::Rotate { prefix, hash, old_valid_until } => {
            let grant = state.grant.as_ref().ok_or(ApiKeyError::Unknown)?;
            if state.revoked {
                return Err(ApiKeyError::Revoked);
            }
            if state.hash == hash {
                return Ok(vec![]);
            }
            Ok(vec![Event::Rotated { key: grant.key, prefix, hash, old_valid_until, at: now }])
        }
        Command::Revoke { reason } => {
            let grant = state.grant.as_ref().ok_or(ApiKeyError::Unknown)?;
            if state.revoked {
                return Ok(vec![]);
            }
            Ok(vec![Event::Revoked { key: grant.key, reason, at: now }])
        }
    }
}

fn issue(state: &ApiKey, wanted: Grant, mode: Mode, now: Timestamp) -> Decision {
    match &state.grant {
        Some(known) if *known == wanted => return Ok(vec![]),
        Some(_) => return Err(ApiKeyError::AlreadyIssued),
        None => {}
    }
    if wanted.mode != mode {
        return Err(ApiKeyError::LivemodeMismatch);
    }
    if wanted.rate_per_minute == 0 {
        return Err(ApiKeyError::RateInvalid);
    }
    if wanted.expires_at.is_some_and(|end| end <= now) {
        return Err(ApiKeyError::ExpiryInThePast);
    }
    if let Some(scope) = wanted.scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(ApiKeyError::ScopeUnknown { scope: scope.clone(), known: SCOPES.join(", ") });
    }
    let role = || role_name(wanted.role).to_owned();
    match wanted.role {
        Role::SellerOwner | Role::SellerManager | Role::SellerViewer => {
            if wanted.seller.is_none() {
                return Err(ApiKeyError::SellerNeeded { role: role() });
            }
        }
        Role::PlatformAdmin | Role::FinanceOps | Role::Auditor | Role::Support => {
            if wanted.seller.is_some() {
                return Err(ApiKeyError::SellerNotAllowed { role: role() });
            }
        }
        Role::Partner => {
            if wanted.scopes.is_empty() {
                return Err(ApiKeyError::ScopesNeeded);
            }
        }
    }
    Ok(vec![Event::Issued {
        key: wanted.key,
        name: wanted.name,
        prefix: wanted.prefix,
        hash: wanted.hash,
        role: wanted.role,
        scopes: wanted.scopes,
        seller: wanted.seller,
        mode: wanted.mode,
        rate_per_minute: wanted.rate_per_minute,
        expires_at: wanted.expires_at,
        at: now,
    }])
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::PlatformAdmin => "platform admin",
        Role::FinanceOps => "finance",
        Role::Auditor => "auditor's",
        Role::Support => "support",
        Role::SellerOwner => "seller owner's",
        Role::SellerManager => "seller manager's",
        Role::SellerViewer => "seller viewer's",
        Role::Partner => "partner",
    }
}
