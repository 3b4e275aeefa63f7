//! What an API key can be asked to do.

use kernel::{KeyId, Mode, SellerId, Timestamp};

use super::events::Role;

/// What an API key can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum ApiKeyCommand {
    /// Create it.
    Issue {
        key: KeyId,
        name: String,
        prefix: String,
        hash: String,
        role: Role,
        scopes: Vec<String>,
        seller: Option<SellerId>,
        mode: Mode,
        rate_per_minute: u32,
        expires_at: Option<Timestamp>,
    },
    /// Give it a new secret.
    Rotate { prefix: String, hash: String, old_valid_until: Timestamp },
    /// Make it worthless.
    Revoke { reason: String },
}
