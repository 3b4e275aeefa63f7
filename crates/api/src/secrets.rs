//! API keys and guest tokens as their holders carry them: random, shown once, kept only as a hash.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{KeyId, Mode, TenantId};
use rand::{TryRngCore, rngs::OsRng};
use sha2::{Digest, Sha256};

/// A new secret could not be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

/// An API key in the form its holder carries: `dbk_{mode}_{tenant and key}_{256 random bits}`.
///
/// Tenant and key stand in it so that it is found without an index: a revoked key is worthless at
/// the moment its revocation is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret {
    /// Whose.
    pub tenant: TenantId,
    /// Which key.
    pub key: KeyId,
    /// Live or sandbox; stands in the key, so that nobody mixes them up.
    pub mode: Mode,
    text: String,
}

impl KeySecret {
    /// Draws a new secret for a key.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn draw(tenant: TenantId, key: KeyId, mode: Mode) -> Result<Self, NoRandomness> {
        let text = format!(
            "dbk_{}_{}{}_{}",
            mode_text(mode),
            tenant.uuid().simple(),
            key.uuid().simple(),
            random_text()?
        );
        Ok(Self { tenant, key, mode, text })
    }

    /// Reads a secret as it was presented; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '_');
        let (Some("dbk"), Some(mode), Some(ids), Some(random)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let mode = match mode {
            "live" => Mode::Live,
            "sandbox" => Mode::Sandbox,
            _ => return None,
        };
        let fits = ids.len() == 64 && ids.is_ascii() && random.len() == 43;
        let (tenant, key) = fits.then(|| ids.split_at(32))?;
        Some(Self {
            tenant: format!("ten_{tenant}").parse().ok()?,
            key: format!("key_{key}").parse().ok()?,
            mode,
            text: text.to_owned(),
        })
    }

    /// The secret itself, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is kept of it: SHA-256, hexadecimal. 256 random bits need no slower hash.
    #[must_use]
    pub fn hash(&self) -> String {
        hash_text(&self.text)
    }

    /// What it is recognized by in lists: its last six characters.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("dbk_{}_…{}", mode_text(self.mode), &self.text[self.text.len() - 6..])
    }
}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySecret").field("key", &self.key).finish_non_exhaustive()
    }
}

/// 32 random bytes as 43 URL-safe characters: a guest's token, or a session's secret.
///
/// # Errors
/// [`NoRandomness`].
pub fn random_text() -> Result<String, NoRandomness> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// SHA-256 of a text, hexadecimal.
#[must_use]
pub fn hash_text(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// Compares two hashes without telling by time where they differ.
#[must_use]
pub fn same_hash(left: &str, right: &str) -> bool {
    subtle::ConstantTimeEq::ct_eq(left.as_bytes(), right.as_bytes()).into()
}

const fn mode_text(mode: Mode) -> &'static str {
    match mode {
        Mode::Live => "live",
        Mode::Sandbox => "sandbox",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_as_drawn() {
        let tenant = TenantId::derived(&["t"]);
        let key = KeyId::mint();
        for mode in [Mode::Live, Mode::Sandbox] {
            let drawn = KeySecret::draw(tenant, key, mode).unwrap();
            let read = KeySecret::parse(drawn.reveal()).unwrap();
            assert_eq!(read, drawn);
            assert_eq!((read.tenant, read.key, read.mode), (tenant, key, mode));
        }
    }

    #[test]
    fn what_is_not_a_secret_is_not_read_as_one() {
        let drawn = KeySecret::draw(TenantId::mint(), KeyId::mint(), Mode::Live).unwrap();
        let text = drawn.reveal();
        for wrong in ["", "dbk", &text[1..], &text[..text.len() - 1], &text.replace("live", "prod")]
        {
            assert!(KeySecret::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn neither_debug_nor_hint_gives_the_secret_away() {
        let drawn = KeySecret::draw(TenantId::mint(), KeyId::mint(), Mode::Live).unwrap();
        let random = &drawn.reveal()[drawn.reveal().len() - 43..];
        assert!(!format!("{drawn:?}").contains(random));
        assert!(!drawn.hint().contains(&random[..8]));
    }
}
