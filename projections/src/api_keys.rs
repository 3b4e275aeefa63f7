//! API keys by their hash, for the door; and by their id, for the people who manage them.

use aggregates::{api_key::events::ApiKeyEvent, fact::Fact};
use kernel::{KeyId, SellerId, TenantId, Timestamp};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::word,
};

store::table! {
    /// An API key. The secret itself is nowhere.
    pub struct ApiKey as "api_keys" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            key: KeyId,
        }
        /// What its holder calls it.
        name: String,
        /// The first characters of the secret.
        #[unhashed = "minted"]
        prefix: String,
        /// SHA-256 of the secret, 64 hexadecimal digits.
        #[unhashed = "minted"]
        hash: String,
        /// SHA-256 of the secret before, still good until `old_valid_until`.
        #[unhashed = "minted"]
        old_hash: Option<String>,
        /// Until when the secret before is good.
        old_valid_until: Option<Timestamp>,
        /// platform_admin, finance_ops, auditor, support, seller_owner, seller_manager,
        /// seller_viewer or partner.
        role: String,
        /// What a partner may do, separated by spaces.
        scopes: String,
        /// Whose data, for seller roles.
        seller: Option<SellerId>,
        /// live or sandbox.
        mode: String,
        /// Requests per minute.
        rate_per_minute: u32,
        /// When it was issued.
        issued_at: Timestamp,
        /// When it ends by itself.
        expires_at: Option<Timestamp>,
        /// When it was revoked.
        revoked_at: Option<Timestamp>,
        /// Why.
        revoked_reason: Option<String>,
    }
    indexes [["hash"], ["old_hash"]]
}

read_model! {
    /// Every API key.
    ApiKeys = "api_keys", version 1, [ApiKey]
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let (Fact::ApiKey(_), Ok(id)) = (occurrence.fact, occurrence.subject::<KeyId>()) {
        wanted.row::<ApiKey>(key![occurrence.tenant(), id]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::ApiKey(event) = occurrence.fact else { return Ok(()) };
    let tenant = occurrence.tenant();
    let row = key![tenant, occurrence.subject::<KeyId>()?];
    match event {
        ApiKeyEvent::Issued {
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
            at,
        } => rows.put(ApiKey {
            tenant,
            key: *key,
            name: name.clone(),
            prefix: prefix.clone(),
            hash: hash.clone(),
            old_hash: None,
            old_valid_until: None,
            role: word(role),
            scopes: scopes.join(" "),
            seller: *seller,
            mode: word(mode),
            rate_per_minute: *rate_per_minute,
            issued_at: *at,
            expires_at: *expires_at,
            revoked_at: None,
            revoked_reason: None,
        }),
        ApiKeyEvent::Rotated { prefix, hash, old_valid_until, .. } => {
            if let Some(row) = rows.update::<ApiKey>(row)? {
                row.old_hash = Some(std::mem::replace(&mut row.hash, hash.clone()));
                row.old_valid_until = Some(*old_valid_until);
                row.prefix.clone_from(prefix);
            }
            Ok(())
        }
        ApiKeyEvent::Revoked { reason, at, .. } => {
            if let Some(row) = rows.update::<ApiKey>(row)? {
                row.revoked_at = Some(*at);
                row.revoked_reason = Some(reason.clone());
            }
            Ok(())
        }
    }
}
