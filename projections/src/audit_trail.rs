//! The audit trail: who did what, when, in which request, because of what, and from which message of
//! Stripe's. One row per event, rejections included; it is only ever added to.

use std::{borrow::Cow, fmt};

use kernel::{Money, TenantId, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value as Json, value::RawValue};
use store::Position;
use uuid::Uuid;

use crate::{FoldError, Occurrence, Rows, Wanted, projection::read_model, words::word};

store::table! {
    /// One event.
    pub struct AuditEntry as "audit_trail" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Where it stands in the log.
            #[unhashed = "positions are a log's own"]
            position: Position,
        }
        /// The event's id.
        #[unhashed = "minted"]
        event_id: Uuid,
        /// Its type, such as `order.paid`.
        event_type: String,
        /// What it happened to: order, payment, seller_account, ...
        category: String,
        /// Which one.
        #[unhashed = "minted"]
        stream_id: String,
        /// Its place in the history of that one, from 1.
        version: u64,
        /// When it was recorded.
        #[unhashed = "recorded_at is never business"]
        recorded_at: Timestamp,
        /// api_key, guest, stripe, policy, timer or operator.
        actor_kind: String,
        /// Which one.
        #[unhashed = "minted"]
        actor: String,
        /// In which role.
        actor_role: Option<String>,
        /// The request it came in.
        #[unhashed = "minted"]
        request: Option<String>,
        /// The command.
        #[unhashed = "minted"]
        command: String,
        /// The event that led to it.
        #[unhashed = "minted"]
        causation: Option<String>,
        /// What all consequences of one first cause share.
        #[unhashed = "minted"]
        correlation: String,
        /// The Stripe event that brought the news.
        webhook: Option<String>,
        /// What it says, in short.
        #[unhashed = "names minted ids"]
        summary: String,
    }
    indexes [["tenant", "correlation"], ["tenant", "category", "stream_id"], ["tenant", "actor"]]
}

read_model! {
    /// The audit trail.
    AuditTrail = "audit_trail", version 1, [AuditEntry]
}

fn keys(_: &Occurrence<'_>, _: &mut Wanted) {}

#[expect(clippy::unnecessary_wraps, reason = "every projection's fold may fail")]
fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let recorded = occurrence.recorded;
    let cause = &occurrence.metadata.cause;
    rows.append(&AuditEntry {
        tenant: occurrence.tenant(),
        position: recorded.position,
        event_id: recorded.id,
        event_type: recorded.event_type.to_string(),
        category: recorded.stream.category.to_string(),
        stream_id: recorded.stream.id.to_string(),
        version: recorded.version,
        recorded_at: recorded.recorded_at,
        actor_kind: word(&cause.actor.kind),
        actor: cause.actor.id.clone(),
        actor_role: cause.actor.role.clone(),
        request: cause.request.map(|request| request.to_string()),
        command: occurrence.metadata.command.clone(),
        causation: cause.causation.clone(),
        correlation: cause.correlation.clone(),
        webhook: cause.webhook.clone(),
        summary: summary(&recorded.payload),
    });
    Ok(())
}

/// How long a summary may be, in characters.
const SUMMARY_CHARS_MAX: usize = 240;

/// What never belongs into a summary: secrets and their hashes, addresses that act, and what is
/// sealed or long.
const LEFT_OUT: &[&str] = &[
    "hash",
    "token_hash",
    "prefix",
    "body",
    "body_sha256",
    "url",
    "success_url",
    "cancel_url",
    "at",
];

/// The plain fields of an event, `amount 103.25 USD, charge ch_1`, read off its stored text.
fn summary(payload: &str) -> String {
    let Ok(Spelled(event)) = serde_json::from_str::<Spelled<'_>>(payload) else {
        return String::new();
    };
    let fields = event.first().and_then(|(_, fields)| serde_json::from_str(fields.get()).ok());
    let Some(Spelled(fields)) = fields else { return String::new() };
    let is_sealed = fields.iter().any(|(name, _)| name == "v");
    let mut text = String::new();
    for (name, value) in &fields {
        if LEFT_OUT.contains(&&**name) {
            continue;
        }
        let Ok(value) = serde_json::from_str(value.get()) else { continue };
        let Some(value) = shown(&value, is_sealed) else { continue };
        if text.chars().count() + name.len() + value.chars().count() + 3 > SUMMARY_CHARS_MAX {
            text.push_str(", ...");
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push(' ');
        text.push_str(&value);
    }
    text
}

/// The fields of an object in their order, as they are spelled: what is left out, such as a sealed
/// body, is passed over and never taken apart.
struct Spelled<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Spelled<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Spelled<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Spelled(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A value as people read it; `None` for what is empty, sealed or has parts of its own.
fn shown(value: &Json, is_sealed: bool) -> Option<String> {
    match value {
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(text.clone()),
        Json::Bool(truth) => Some(if *truth { "yes" } else { "no" }.to_owned()),
        Json::Number(number) => Some(number.to_string()),
        Json::Object(parts) if parts.contains_key("minor") => {
            serde_json::from_value::<Money>(value.clone()).ok().map(|money| money.to_string())
        }
        Json::Array(items) if !items.is_empty() => Some(format!("({})", items.len())),
        Json::Object(parts) if parts.len() == 1 && !is_sealed => {
            let (kind, inner) = parts.iter().next()?;
            match inner {
                Json::String(text) => Some(format!("{kind} {text}")),
                Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
                    Some(kind.clone())
                }
            }
        }
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_amounts_as_people_read_them_and_no_secret() {
        let payload = r#"{"issued":{"key":"key_1","hash":"abc","prefix":"dbk_","amount":
            {"minor":10325,"currency":"USD"},"lines":[1,2],"to":{"order":"ord_1"},"free":false,
            "nothing":null,"email":{"v":1,"key":"k","nonce":"n","ciphertext":"c"},
            "at":"2026-03-01T12:00:00Z"}}"#;
        assert_eq!(
            summary(payload),
            "key key_1, amount 103.25 USD, lines (2), to order ord_1, free no"
        );
    }

    #[test]
    fn a_long_event_is_cut_at_a_field() {
        let payload =
            format!(r#"{{"noted":{{"a":"{}","b":"{}"}}}}"#, "x".repeat(200), "y".repeat(99));
        assert_eq!(summary(&payload), format!("a {}, ...", "x".repeat(200)));
    }
}
