//! Events: what Stripe tells its listeners, with the object as it was at that moment.

use std::sync::Arc;

use serde_json::{Value, json, value::RawValue};

use crate::ledger::Owner;

/// The API version that events are rendered in.
pub const API_VERSION: &str = "2026-09-30.endive";

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) kind: String,
    pub(crate) created: i64,
    /// The object at that moment, already rendered.
    pub(crate) object: Arc<str>,
    pub(crate) previous: Option<Value>,
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) acknowledged: bool,
}

impl Event {
    /// The event as Stripe sends and answers it.
    pub(crate) fn render(&self) -> Value {
        let object: Value = serde_json::from_str(&self.object).unwrap_or(Value::Null);
        let mut data = json!({ "object": object });
        if let Some(previous) = &self.previous {
            data["previous_attributes"] = previous.clone();
        }
        self.envelope(data)
    }

    /// The body of the delivery. The object is copied as it was rendered, not parsed again.
    pub(crate) fn body(&self) -> String {
        let envelope = self.envelope(Value::Null);
        let Ok(object) = RawValue::from_string(self.object.to_string()) else {
            return self.render().to_string();
        };
        let mut parts = Vec::new();
        for (name, value) in envelope.as_object().into_iter().flatten() {
            let text = if name == "data" {
                match &self.previous {
                    None => format!("{{\"object\":{object}}}"),
                    Some(previous) => {
                        format!("{{\"object\":{object},\"previous_attributes\":{previous}}}")
                    }
                }
            } else {
                value.to_string()
            };
            parts.push(format!("\"{name}\":{text}"));
        }
        format!("{{{}}}", parts.join(","))
    }

    fn envelope(&self, data: Value) -> Value {
        let mut event = json!({ "id": self.id, "object": "event" });
        if let Some(account) = self.owner.account() {
            event["account"] = json!(account);
        }
        event["api_version"] = json!(API_VERSION);
        event["created"] = json!(self.created);
        event["data"] = data;
        event["livemode"] = json!(false);
        event["pending_webhooks"] = json!(u8::from(!self.acknowledged));
        event["request"] = json!({ "id": self.request, "idempotency_key": self.idempotency_key });
        event["type"] = json!(self.kind);
        event
    }
}
