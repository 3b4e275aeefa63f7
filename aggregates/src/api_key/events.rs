//! What has happened to an API key.

use cqrs_es::DomainEvent;
use kernel::{KeyId, Mode, SellerId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

/// In which role the holder acts (the columns of the permission table).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    PlatformAdmin,
    FinanceOps,
    Auditor,
    Support,
    SellerOwner,
    SellerManager,
    SellerViewer,
    /// A program of a partner's; may do what its scopes say and nothing else.
    Partner,
}

/// What has happened to an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum ApiKeyEvent {
    /// It exists. The secret was shown once and is not kept.
    Issued {
        key: KeyId,
        name: String,
        /// The first characters of the secret, to recognize it by.
        prefix: String,
        /// SHA-256 of the secret, 64 hexadecimal digits.
        hash: String,
        role: Role,
        /// Scopes such as `orders:write`; a partner has nothing else.
        scopes: Vec<String>,
        /// Whose data, for seller roles.
        seller: Option<SellerId>,
        mode: Mode,
        /// Requests per minute.
        rate_per_minute: u32,
        expires_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// It has a new secret; the old one is good until then.
    Rotated { key: KeyId, prefix: String, hash: String, old_valid_until: Timestamp, at: Timestamp },
    /// It is good for nothing any more.
    Revoked { key: KeyId, reason: String, at: Timestamp },
}

impl DomainEvent for ApiKeyEvent {
    fn event_type(&self) -> String {
        format!("api_key.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
