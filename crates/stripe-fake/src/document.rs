//! Stripe objects as documents: a published template with our values laid over it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        const TEMPLATES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../fixtures/", $name, ".json")))),+];
    };
}

templates!(
    "account",
    "account_link",
    "application",
    "application_fee",
    "balance_transaction",
    "bank_account",
    "capability",
    "charge",
    "checkout.session",
    "customer",
    "dispute",
    "fee_refund",
    "item",
    "payment_intent",
    "payout",
    "radar.early_fraud_warning",
    "refund",
    "reserve.hold",
    "reserve.release",
    "review",
    "topup",
    "transfer",
    "transfer_reversal",
);

static PARSED: LazyLock<BTreeMap<&'static str, Map<String, Value>>> = LazyLock::new(|| {
    TEMPLATES
        .iter()
        .filter_map(|(name, text)| Some((*name, serde_json::from_str(text).ok()?)))
        .collect()
});

/// One Stripe object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Document(Map<String, Value>);

impl Document {
    /// A copy of the published template of this kind of object.
    pub(crate) fn template(kind: &str) -> Self {
        Self(PARSED.get(kind).cloned().unwrap_or_default())
    }

    pub(crate) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    pub(crate) fn remove(&mut self, field: &str) {
        self.0.shift_remove(field);
    }

    pub(crate) fn get(&self, field: &str) -> &Value {
        self.0.get(field).unwrap_or(&Value::Null)
    }

    pub(crate) fn get_mut(&mut self, field: &str) -> &mut Value {
        self.0.entry(field.to_owned()).or_insert(Value::Null)
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.get(field).as_str()
    }

    pub(crate) fn owned(&self, field: &str) -> Option<String> {
        self.text(field).map(str::to_owned)
    }

    pub(crate) fn is(&self, field: &str, text: &str) -> bool {
        self.text(field) == Some(text)
    }

    pub(crate) fn integer(&self, field: &str) -> i64 {
        self.get(field).as_i64().unwrap_or(0)
    }

    pub(crate) fn flag(&self, field: &str) -> bool {
        self.get(field).as_bool().unwrap_or(false)
    }

    pub(crate) fn currency(&self) -> String {
        self.owned("currency").unwrap_or_default()
    }

    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        let Value::Object(map) = self.get("metadata") else { return BTreeMap::new() };
        map.iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    }

    /// Merges metadata as Stripe does: an empty text removes the name.
    pub(crate) fn merge_metadata(&mut self, changes: &Map<String, Value>) {
        if !self.get("metadata").is_object() {
            self.set("metadata", json!({}));
        }
        if let Value::Object(map) = self.get_mut("metadata") {
            for (name, value) in changes {
                if value.as_str() == Some("") {
                    map.shift_remove(name);
                } else {
                    map.insert(name.clone(), value.clone());
                }
            }
        }
    }

    /// Puts a value first in the list object at `field` (`{"object": "list", "data": [...]}`).
    pub(crate) fn prepend(&mut self, field: &str, value: Value) {
        if let Some(Value::Array(data)) = self.get_mut(field).get_mut("data") {
            data.insert(0, value);
        }
    }

    pub(crate) fn value(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_a_readable_object_of_its_own_kind() {
        for (name, _) in TEMPLATES {
            assert!(Document::template(name).is("object", name), "{name}");
        }
    }
}
