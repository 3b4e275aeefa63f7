//! The little that is read of a message before it is stored: nothing in here can fail it.

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The longest event id that names a stream; Stripe's have about 30 characters.
const ID_BYTES_MAX: usize = 150;

/// What could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Stripe's event id.
    pub id: Option<String>,
    /// Stripe's event type.
    pub kind: Option<String>,
    /// The connected account it is about.
    pub account: Option<String>,
    /// Live or test.
    pub livemode: Option<bool>,
    /// When it happened, unix seconds.
    pub created: Option<i64>,
    /// The API version its object is written in.
    pub api_version: Option<String>,
    /// Why the message must wait for a person, if it must.
    pub defect: Option<&'static str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    account: Option<&'a RawValue>,
    #[serde(borrow)]
    livemode: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    api_version: Option<&'a RawValue>,
}

impl Envelope {
    /// Reads what can be read. Each piece that is missing or of another shape is `None`.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        // Serde would also read a list as the fields in their order.
        let is_object = body.trim_ascii_start().starts_with(b"{");
        let Some(raw) = serde_json::from_slice::<Raw<'_>>(body).ok().filter(|_| is_object) else {
            return Self { defect: Some("the body is not a JSON object"), ..Self::default() };
        };
        let id = read::<String>(raw.id).filter(|id| is_stream_name(id));
        let kind = read::<String>(raw.kind);
        let defect = match (&id, &kind) {
            (None, _) => Some("id: missing or not readable"),
            (_, None) => Some("type: missing or not readable"),
            (Some(_), Some(_)) => None,
        };
        Self {
            id,
            kind,
            account: read(raw.account),
            livemode: read(raw.livemode),
            created: read(raw.created),
            api_version: read(raw.api_version),
            defect,
        }
    }
}

/// SHA-256 of a body, hexadecimal.
#[must_use]
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

fn is_stream_name(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_envelope_is_read() {
        let body =
            br#"{"id":"evt_1","object":"event","account":"acct_1","api_version":"2026-09-30",
            "created":1790000000,"livemode":false,"type":"charge.succeeded","data":{"object":{}}}"#;
        let envelope = Envelope::read(body);
        assert_eq!(envelope.id.as_deref(), Some("evt_1"));
        assert_eq!(envelope.kind.as_deref(), Some("charge.succeeded"));
        assert_eq!(envelope.account.as_deref(), Some("acct_1"));
        assert_eq!((envelope.livemode, envelope.created), (Some(false), Some(1_790_000_000)));
        assert_eq!(envelope.api_version.as_deref(), Some("2026-09-30"));
        assert_eq!(envelope.defect, None);
    }

    #[test]
    fn pieces_of_another_shape_are_left_out_and_the_rest_is_read() {
        let body = br#"{"id":"evt_1","type":"x","account":7,"livemode":"no","created":"now"}"#;
        let envelope = Envelope::read(body);
        assert_eq!((envelope.id.as_deref(), envelope.kind.as_deref()), (Some("evt_1"), Some("x")));
        assert_eq!((envelope.account, envelope.livemode, envelope.created), (None, None, None));
    }

    #[test]
    fn what_has_no_name_says_so() {
        for body in
            [&b"{\"type\":\"x\"}"[..], b"{\"id\":\"\",\"type\":\"x\"}", b"{\"id\":\"a\\nb\"}"]
        {
            assert_eq!(Envelope::read(body).defect, Some("id: missing or not readable"));
        }
        assert_eq!(
            Envelope::read(b"{\"id\":\"evt_1\"}").defect,
            Some("type: missing or not readable")
        );
        for body in [&b""[..], b"[]", b"\"evt_1\"", b"{\"id\":\"evt_1\"", &[0xff, 0xfe]] {
            assert_eq!(Envelope::read(body).defect, Some("the body is not a JSON object"));
        }
    }

    #[test]
    fn a_body_is_named_by_its_hash() {
        assert_eq!(
            body_hash(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }
}
