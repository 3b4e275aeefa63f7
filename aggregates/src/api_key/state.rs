//! What is remembered of an API key, and whether a presented secret opens anything.

use kernel::{KeyId, Mode, SellerId, Timestamp};
use serde::{Deserialize, Serialize};

use super::events::{ApiKeyEvent as Event, Role};

/// An API key.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ApiKey {
    pub(super) grant: Option<Grant>,
    pub(super) prefix: String,
    pub(super) hash: String,
    pub(super) old: Option<OldSecret>,
    pub(super) revoked: bool,
}

/// What the key was issued as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) key: KeyId,
    pub(super) name: String,
    pub(super) prefix: String,
    pub(super) hash: String,
    pub(super) role: Role,
    pub(super) scopes: Vec<String>,
    pub(super) seller: Option<SellerId>,
    pub(super) mode: Mode,
    pub(super) rate_per_minute: u32,
    pub(super) expires_at: Option<Timestamp>,
}

/// The secret before the last rotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OldSecret {
    pub(super) hash: String,
    pub(super) valid_until: Timestamp,
}

/// Why a presented secret opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub enum KeyRefusal {
    /// It is not this key's secret, or not any more.
    #[error("the key is not known")]
    WrongSecret,
    /// The key was revoked.
    #[error("the key is revoked")]
    KeyRevoked,
    /// The key has expired.
    #[error("the key has expired")]
    KeyExpired,
}

impl ApiKey {
    /// Its id, once it was issued.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        self.grant.as_ref().map(|grant| grant.key)
    }

    /// In which role its holder acts.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.grant.as_ref().map(|grant| grant.role)
    }

    /// Whose data it opens, for seller roles.
    #[must_use]
    pub fn seller(&self) -> Option<SellerId> {
        self.grant.as_ref().and_then(|grant| grant.seller)
    }

    /// Live or sandbox.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.grant.as_ref().map(|grant| grant.mode)
    }

    /// Its scopes.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        self.grant.as_ref().map_or(&[], |grant| grant.scopes.as_slice())
    }

    /// Requests it may make per minute; none before it was issued.
    #[must_use]
    pub fn rate_per_minute(&self) -> u32 {
        self.grant.as_ref().map_or(0, |grant| grant.rate_per_minute)
    }

    /// Is this the SHA-256 (64 hexadecimal digits) of a secret that opens something at this
    /// instant? Intervals are half-open: a key that expires at an instant is expired then.
    ///
    /// # Errors
    /// [`KeyRefusal`] says why not.
    pub fn check(&self, hash: &str, at: Timestamp) -> Result<(), KeyRefusal> {
        let Some(grant) = &self.grant else { return Err(KeyRefusal::WrongSecret) };
        let is_current = same(&self.hash, hash);
        let is_old =
            self.old.as_ref().is_some_and(|old| same(&old.hash, hash) && at < old.valid_until);
        if !is_current && !is_old {
            return Err(KeyRefusal::WrongSecret);
        }
        if self.revoked {
            return Err(KeyRefusal::KeyRevoked);
        }
        if grant.expires_at.is_some_and(|end| at >= end) {
            return Err(KeyRefusal::KeyExpired);
        }
        Ok(())
    }

    pub(super) fn evolve(&mut self, event: Event) {
        match event {
            Event::Issued {
                key,
                name,
                prefix,
                hash,
                role,
                scopes,
                seller,
                mode,
                rate_per_minute,
                expires_at,
                ..
            } => {
                self.prefix.clone_from(&prefix);
                self.hash.clone_from(&hash);
                self.grant = Some(Grant {
                    key,
                    name,
                    prefix,
                    hash,
                    role,
                    scopes,
                    seller,
                    mode,
                    rate_per_minute,
                    expires_at,
                });
            }
            Event::Rotated { prefix, hash, old_valid_until, .. } => {
                let old = std::mem::replace(&mut self.hash, hash);
                self.old = Some(OldSecret { hash: old, valid_until: old_valid_until });
                self.prefix = prefix;
            }
            Event::Revoked { .. } => self.revoked = true,
        }
    }
}

/// Compares in a time that does not tell how much of it was right.
fn same(known: &str, given: &str) -> bool {
    known.len() == given.len()
        && known.bytes().zip(given.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}
