//! One line of an export.

use serde::{Deserialize, Serialize};
use store::Recorded;

use crate::merkle::{Hash, leaf_hash};

/// One event as it stands in an export. `metadata` and `payload` are JSON texts inside JSON strings,
/// so that they are the stored bytes exactly, whatever reads and writes the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportLine {
    /// Its place in the log.
    pub position: u64,
    /// The leaf of the line before it; 64 zeros in the first.
    pub prev: String,
    /// RFC 6962 leaf hash over the stored bytes, hexadecimal.
    pub leaf: String,
    /// The stream's category, `order`.
    pub category: String,
    /// Whose event.
    pub tenant: String,
    /// Which stream of the category.
    pub stream: String,
    /// Its place in the stream.
    pub version: u64,
    /// Its identity.
    pub id: String,
    /// `order.paid`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Schema version of the type.
    pub event_version: String,
    /// When it was recorded, RFC 3339, UTC.
    pub recorded_at: String,
    /// Who and why, as stored.
    pub metadata: String,
    /// What happened, as stored.
    pub payload: String,
}

impl ExportLine {
    /// The line of a stored event, after the line whose leaf is `previous`.
    #[must_use]
    pub fn of(recorded: &Recorded, previous: &Hash) -> Self {
        let mut line = Self {
            position: recorded.position.0,
            prev: hex::encode(previous),
            leaf: String::new(),
            category: recorded.stream.category.to_string(),
            tenant: recorded.stream.tenant.to_string(),
            stream: recorded.stream.id.to_string(),
            version: recorded.version,
            id: recorded.id.to_string(),
            event_type: recorded.event_type.to_string(),
            event_version: recorded.event_version.to_string(),
            recorded_at: recorded.recorded_at.to_string(),
            metadata: recorded.metadata.to_string(),
            payload: recorded.payload.to_string(),
        };
        line.leaf = hex::encode(line.computed_leaf());
        line
    }

    /// The leaf hash its contents should have: over each field's bytes, preceded by their length in
    /// eight bytes, big-endian, in the order of the struct without `prev` and `leaf`.
    #[must_use]
    pub fn computed_leaf(&self) -> Hash {
        let position = self.position.to_string();
        let version = self.version.to_string();
        let fields = [
            position.as_str(),
            &self.category,
            &self.tenant,
            &self.stream,
            &version,
            &self.id,
            &self.event_type,
            &self.event_version,
            &self.recorded_at,
            &self.metadata,
            &self.payload,
        ];
        let mut bytes = Vec::with_capacity(fields.iter().map(|field| field.len() + 8).sum());
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field.as_bytes());
        }
        leaf_hash(&bytes)
    }
}
