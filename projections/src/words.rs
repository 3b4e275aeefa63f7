//! How the words of the domain stand in a column.

use serde::Serialize;

/// The stored name of an enum's variant (`needs_response`), or the text itself. Whatever is not one
/// word is written as JSON.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// The value as JSON text, for what only a program reads.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
