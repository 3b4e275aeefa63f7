//! The metadata of an event: written once, here, from its cause.

use kernel::{Actor, Cause, Mode, RequestId};
use serde::{Deserialize, Serialize};

/// What is stored beside every event that is not business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Metadata {
    /// Who, in which request, because of what.
    #[serde(flatten)]
    pub cause: Cause,
    /// Live or sandbox (`livemode` of Stripe's).
    pub mode: Mode,
    /// The command's id, so that a log copied elsewhere still recognizes it.
    pub command: String,
}

/// The same as it is spelled. Reading a flattened field goes through a buffer of every part, which
/// would make metadata the larger half of decoding an event.
#[derive(Deserialize)]
struct Stored {
    actor: Actor,
    #[serde(default)]
    request: Option<RequestId>,
    #[serde(default)]
    causation: Option<String>,
    correlation: String,
    #[serde(default)]
    webhook: Option<String>,
    mode: Mode,
    command: String,
}

impl From<Stored> for Metadata {
    fn from(stored: Stored) -> Self {
        let Stored { actor, request, causation, correlation, webhook, mode, command } = stored;
        Self { cause: Cause { actor, request, causation, correlation, webhook }, mode, command }
    }
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

#[cfg(test)]
mod tests {
    use kernel::ActorKind;

    use super::*;

    #[test]
    fn metadata_reads_back_as_written() {
        let full = Metadata {
            cause: Cause {
                actor: Actor {
                    kind: ActorKind::ApiKey,
                    id: "key_1".to_owned(),
                    role: Some("platform_admin".to_owned()),
                },
                request: Some(RequestId::mint()),
                causation: Some("evt-1".to_owned()),
                correlation: "first cause".to_owned(),
                webhook: Some("evt_1".to_owned()),
            },
            mode: Mode::Live,
            command: "cmd-1".to_owned(),
        };
        let bare = Metadata {
            cause: Cause {
                actor: Actor::new(ActorKind::Timer, "timer"),
                request: None,
                causation: None,
                correlation: "first cause".to_owned(),
                webhook: None,
            },
            mode: Mode::Sandbox,
            command: "cmd-2".to_owned(),
        };
        for metadata in [full, bare] {
            let text = metadata.to_json().unwrap();
            assert_eq!(Metadata::from_json(&text).unwrap(), metadata, "{text}");
        }
    }

    #[test]
    fn a_newer_field_is_no_obstacle_and_a_missing_one_is() {
        let text = r#"{"actor":{"kind":"timer","id":"t"},"correlation":"c","mode":"live",
            "command":"m","weather":{"mild":true}}"#;
        assert!(Metadata::from_json(text).is_ok());
        assert!(
            Metadata::from_json(r#"{"actor":{"kind":"timer","id":"t"},"mode":"live"}"#).is_err()
        );
    }
}
