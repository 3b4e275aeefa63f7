//! Identifiers that depend on what was asked and never on when it arrived.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The number from which every identifier of one fake is derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Seed(
    /// Any number; two fakes with the same seed and operations are identical.
    pub u64,
);

impl Seed {
    /// The identifier of the `ordinal`-th object with this prefix that the operation `key` creates,
    /// counting from zero. Concurrent operations may arrive in any order and still get the same ids.
    #[must_use]
    pub fn id(self, prefix: &str, key: &str, ordinal: u32) -> String {
        let length = match prefix {
            "acct" => 16,
            "cs_test" => 32,
            _ => 24,
        };
        let digest = self.digest(&format!("{prefix}\n{ordinal}\n{key}"));
        let mut id = format!("{prefix}_");
        id.extend(
            digest
                .iter()
                .take(length)
                .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])),
        );
        id
    }

    /// A number derived from the seed and a label, for shuffles that can be repeated.
    #[must_use]
    pub fn number(self, label: &str) -> u64 {
        let digest = self.digest(label);
        digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }

    fn digest(self, label: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_be_bytes());
        hasher.update(label.as_bytes());
        hasher.finalize().into()
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}
