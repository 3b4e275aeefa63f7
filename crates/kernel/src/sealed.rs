//! The format of personal data in the log: sealed, under a key that can be destroyed.

use serde::{Deserialize, Serialize};

/// Names a sealing key kept outside the log. Destroying the key erases what it sealed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyRef(pub String);

/// Bytes sealed with AES-256-GCM (NIST SP 800-38D) under the key named `key`.
///
/// `nonce` (12 bytes) and `ciphertext` (with the 16-byte tag at its end) are standard base64
/// (RFC 4648, padded). The key's name is the additional authenticated data, so a sealed text cannot
/// be passed off under another key's name. Hashes and proofs are over these sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The format; 1 is the only one so far.
    pub v: u8,
    /// Which key opens it.
    pub key: KeyRef,
    /// The nonce, base64.
    pub nonce: String,
    /// Ciphertext and tag, base64.
    pub ciphertext: String,
}
