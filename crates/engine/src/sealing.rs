//! Sealing what is personal: AES-256-GCM under keys that are kept outside the log and can be
//! destroyed.

use std::sync::Arc;

use aes_gcm::{
    Aes256Gcm, Key, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{KeyRef, Sealed, SubjectRef, TenantId};
use store::{Log, LogError, SealingKey};

/// The only format so far.
const FORMAT: u8 = 1;

/// Why something could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The cipher refused: more than about 64 GiB in one text (NIST SP 800-38D).
    #[error("the text is too large to be sealed")]
    TooLarge,
    /// The key cannot be stored.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why something sealed could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its key was destroyed: the person, or the body, is erased. This is final and not a fault.
    #[error("this was erased: the key {} is destroyed", .key.0)]
    Erased {
        /// The key that is gone.
        key: KeyRef,
    },
    /// It is not in a format we know, or was not sealed under this key.
    #[error("this does not open with the key {}: {problem}", .key.0)]
    Broken {
        /// The key it names.
        key: KeyRef,
        /// What is wrong.
        problem: &'static str,
    },
    /// The key cannot be read now.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Seals a text under a key, with a random nonce. The key's name is authenticated with it.
///
/// # Errors
/// [`SealError::TooLarge`].
pub fn seal(key: &SealingKey, plain: &[u8]) -> Result<Sealed, SealError> {
    let nonce: [u8; 12] = rand::random();
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&key.secret));
    let payload = Payload { msg: plain, aad: key.key.0.as_bytes() };
    let ciphertext =
        cipher.encrypt(Nonce::from_slice(&nonce), payload).map_err(|_| SealError::TooLarge)?;
    Ok(Sealed {
        v: FORMAT,
        key: key.key.clone(),
        nonce: STANDARD.encode(nonce),
        ciphertext: STANDARD.encode(ciphertext),
    })
}

/// Opens a sealed text with its key's secret.
///
/// # Errors
/// [`OpenError::Broken`].
pub fn open(secret: &[u8; 32], sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
    let broken = |problem| OpenError::Broken { key: sealed.key.clone(), problem };
    if sealed.v != FORMAT {
        return Err(broken("it is in a newer format"));
    }
    let nonce = STANDARD.decode(&sealed.nonce).map_err(|_| broken("the nonce is not base64"))?;
    if nonce.len() != 12 {
        return Err(broken("the nonce is not 12 bytes"));
    }
    let ciphertext =
        STANDARD.decode(&sealed.ciphertext).map_err(|_| broken("the text is not base64"))?;
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(secret));
    let payload = Payload { msg: &ciphertext, aad: sealed.key.0.as_bytes() };
    cipher
        .decrypt(Nonce::from_slice(&nonce), payload)
        .map_err(|_| broken("it was changed, or sealed under another key"))
}

/// A fresh key of this name: 256 random bits.
#[must_use]
pub fn fresh_key(tenant: TenantId, name: impl Into<String>) -> SealingKey {
    SealingKey { key: KeyRef(name.into()), tenant, secret: rand::random() }
}

/// Seals and opens with the keys of a log.
#[derive(Debug, Clone)]
pub struct Sealer {
    log: Arc<dyn Log>,
}

impl Sealer {
    /// With the keys beside this log.
    #[must_use]
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self { log }
    }

    /// Seals a webhook's body under a key of its own. The key must travel in the commit that stores
    /// the body ([`crate::Envelope::sealing_keys`]).
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn seal_body(
        &self,
        tenant: TenantId,
        event: &str,
        body: &[u8],
    ) -> Result<(Sealed, SealingKey), SealError> {
        // A random part, so that two deliveries of one event never race for one key.
        let key = fresh_key(tenant, format!("body/{event}/{:016x}", rand::random::<u64>()));
        Ok((seal(&key, body)?, key))
    }

    /// Seals personal data under the key of a person, which is made at first use.
    ///
    /// # Errors
    /// [`SealError`].
    pub async fn seal_for(
        &self,
        tenant: TenantId,
        subject: SubjectRef,
        plain: &[u8],
    ) -> Result<Sealed, SealError> {
        let mut key = fresh_key(tenant, format!("subject/{subject}"));
        key.secret = self.log.ensure_sealing_key(key.clone()).await?;
        seal(&key, plain)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::Erased`] when its key was destroyed.
    pub async fn open(&self, tenant: TenantId, sealed: &Sealed) -> Result<Vec<u8>, OpenError> {
        match self.log.sealing_key(tenant, &sealed.key).await? {
            Some(secret) => open(&secret, sealed),
            None => Err(OpenError::Erased { key: sealed.key.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use store::MemoryLog;

    use super::*;

    fn key(name: &str) -> SealingKey {
        fresh_key(TenantId::derived(&["acorn"]), name)
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_only() {
        let (right, wrong) = (key("body/evt_1"), key("body/evt_1"));
        let sealed = seal(&right, b"a card ending in 4242").unwrap();
        assert_eq!(open(&right.secret, &sealed).unwrap(), b"a card ending in 4242");
        assert!(matches!(open(&wrong.secret, &sealed), Err(OpenError::Broken { .. })));
    }

    #[test]
    fn a_sealed_text_cannot_be_passed_off_under_another_name() {
        let right = key("body/evt_1");
        let mut sealed = seal(&right, b"paid").unwrap();
        sealed.key = KeyRef("body/evt_2".to_owned());
        assert!(matches!(open(&right.secret, &sealed), Err(OpenError::Broken { .. })));
    }

    #[test]
    fn a_changed_text_does_not_open() {
        let right = key("body/evt_1");
        let sealed = seal(&right, b"paid").unwrap();
        let mut bytes = STANDARD.decode(&sealed.ciphertext).unwrap();
        bytes[0] ^= 1;
        let changed = Sealed { ciphertext: STANDARD.encode(bytes), ..sealed.clone() };
        assert!(open(&right.secret, &changed).is_err());
        assert!(open(&right.secret, &Sealed { v: 2, ..sealed }).is_err());
    }

    #[tokio::test]
    async fn a_destroyed_key_says_so() {
        let sealer = Sealer::new(Arc::new(MemoryLog::new()));
        let tenant = TenantId::derived(&["acorn"]);
        let person = SubjectRef::derived(&["Wanda Wool"]);
        let first = sealer.seal_for(tenant, person, b"Wanda Wool").await.unwrap();
        let second = sealer.seal_for(tenant, person, b"12 Mill Lane").await.unwrap();
        assert_eq!(first.key, second.key);
        assert_eq!(sealer.open(tenant, &second).await.unwrap(), b"12 Mill Lane");
        let (body, never_stored) = sealer.seal_body(tenant, "evt_1", b"{}").unwrap();
        assert_eq!(
            sealer.open(tenant, &body).await,
            Err(OpenError::Erased { key: never_stored.key })
        );
    }
}
