//! The metadata of an event: written once, here, from its cause.

use kernel::{Cause, Mode};
use serde::{Deserialize, Serialize};

/// What is stored beside every event that is not business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who, in which request, because of what.
    #[serde(flatten)]
    pub cause: Cause,
    /// Live or sandbox (`livemode` of Stripe's).
    pub mode: Mode,
    /// The command's id, so that a log copied elsewhere still recognizes it.
    pub command: String,
}

impl Metadata {
    /// The JSON text that is stored.
    ///
    /// # Errors
    /// When a part cannot be written as JSON.
    pub fn to_json(&self) -> Result<Box<str>, serde_json::Error> {
        serde_json::to_string(self).map(String::into_boxed_str)
    }

    /// Reads stored metadata.
    ///
    /// # Errors
    /// When the text is not metadata.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
