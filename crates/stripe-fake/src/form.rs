//! Stripe's form encoding, where brackets make objects and lists.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// Decodes `a[b][0]=c&d[]=e` into nested objects and lists whose leaves are strings.
#[must_use]
pub fn parse_form(encoded: &str) -> Value {
    let mut root = Map::new();
    for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decode(key);
        let path: Vec<&str> = key.split('[').map(|part| part.trim_end_matches(']')).collect();
        insert(&mut root, &path, decode(value));
    }
    lists(Value::Object(root))
}

fn insert(node: &mut Map<String, Value>, path: &[&str], value: String) {
    let Some((first, rest)) = path.split_first() else { return };
    let name = if first.is_empty() { node.len().to_string() } else { (*first).to_owned() };
    if rest.is_empty() {
        node.insert(name, Value::String(value));
        return;
    }
    let child = node.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    if let Value::Object(child) = child {
        insert(child, rest, value);
    }
}

/// Objects whose names are 0, 1, 2, ... are lists.
fn lists(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let mut members: Vec<(String, Value)> =
        map.into_iter().map(|(name, child)| (name, lists(child))).collect();
    let mut indices: Vec<usize> =
        members.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    indices.sort_unstable();
    let numbered = !members.is_empty()
        && indices.len() == members.len()
        && indices.iter().enumerate().all(|(position, index)| position == *index);
    if numbered {
        members.sort_by_key(|(name, _)| name.parse().unwrap_or(usize::MAX));
        Value::Array(members.into_iter().map(|(_, child)| child).collect())
    } else {
        Value::Object(members.into_iter().collect())
    }
}

fn decode(encoded: &str) -> String {
    let bytes = encoded.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| encoded.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[at], hex) {
            (_, Some(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            (b'+', None) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, None) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The decoded parameters of one request, read by dotted path (`payment_intent_data.metadata`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters<'a>(pub(crate) &'a Value);

impl<'a> Parameters<'a> {
    pub(crate) fn get(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.0, |node, name| node.get(name))
    }

    /// The text at a path; an empty text means absent, as at Stripe.
    pub(crate) fn text(&self, path: &str) -> Option<&'a str> {
        self.get(path).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn required_text(&self, path: &str) -> Result<&'a str, Refusal> {
        self.text(path).ok_or_else(|| Refusal::missing(path))
    }

    pub(crate) fn integer(&self, path: &str) -> Result<Option<i64>, Refusal> {
        self.text(path)
            .map(|text| {
                text.parse().map_err(|_| Refusal {
                    code: Some("parameter_invalid_integer".into()),
                    ..Refusal::invalid(path, format!("Invalid integer: {text}"))
                })
            })
            .transpose()
    }

    pub(crate) fn required_integer(&self, path: &str) -> Result<i64, Refusal> {
        self.integer(path)?.ok_or_else(|| Refusal::missing(path))
    }

    pub(crate) fn flag(&self, path: &str) -> bool {
        self.text(path) == Some("true")
    }

    pub(crate) fn list(&self, path: &str) -> Vec<&'a Value> {
        self.get(path)
            .and_then(Value::as_array)
            .map(|list| list.iter().collect())
            .unwrap_or_default()
    }

    /// The string members of an object, as metadata is sent.
    pub(crate) fn strings(&self, path: &str) -> Map<String, Value> {
        match self.get(path) {
            Some(Value::Object(map)) => map.clone(),
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brackets_become_objects_and_lists() {
        let form = "line_items[0][price_data][unit_amount]=500&line_items%5B1%5D%5Bquantity%5D=2\
                    &metadata[daybook_order]=ord+1%2F2&expand[]=a&expand[]=b";
        assert_eq!(
            parse_form(form),
            json!({
                "line_items": [{"price_data": {"unit_amount": "500"}}, {"quantity": "2"}],
                "metadata": {"daybook_order": "ord 1/2"},
                "expand": ["a", "b"],
            })
        );
    }

    #[test]
    fn malformed_input_never_fails() {
        assert_eq!(parse_form("%zz=%4&a=1&a[b]=2&]=&="), parse_form("%zz=%4&a[b]=2&]=&="));
        assert_eq!(parse_form("m[é]=%C3%A9"), json!({"m": {"é": "é"}}));
    }
}
