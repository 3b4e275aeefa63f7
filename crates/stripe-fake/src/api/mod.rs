//! The requests the fake answers, independent of how they arrive.

mod changes;
mod listing;
mod reads;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::ledger::Owner;

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Changes.
    Post,
}

impl Method {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request, already authenticated and decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiRequest {
    /// Whether it reads or changes.
    pub method: Method,
    /// The path without the query, for example `/v1/refunds`.
    pub path: String,
    /// The decoded query or form.
    pub parameters: Value,
    /// The connected account named by the `Stripe-Account` header.
    pub account: Option<String>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
}

impl ApiRequest {
    /// A read without parameters on the platform.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            parameters: json!({}),
            account: None,
            idempotency_key: None,
        }
    }

    /// A change on the platform; the form is in Stripe's bracket notation.
    pub fn post(path: impl Into<String>, form: &str) -> Self {
        let parameters = crate::form::parse_form(form);
        Self { method: Method::Post, parameters, ..Self::get(path) }
    }

    /// The same request with an idempotency key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// The same request on behalf of a connected account.
    #[must_use]
    pub fn on_account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner::of(self.account.as_deref())
    }

    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.trim_matches('/').split('/').skip(1).collect()
    }

    /// The path with ids replaced, by which calls are counted: `POST /v1/refunds/:id/cancel`.
    pub(crate) fn route(&self) -> String {
        let parts = self.segments();
        let named: Vec<&str> =
            parts.iter().map(|part| if is_id(part) { ":id" } else { part }).collect();
        format!("{} /v1/{}", self.method.as_str(), named.join("/"))
    }

    /// What must be the same when an idempotency key is used again.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.path.as_bytes());
        hasher.update(sorted(&self.parameters).to_string().as_bytes());
        hex::encode(hasher.finalize())
    }
}

/// Ids have a digit or capital after their prefix; the names of resources have neither.
fn is_id(part: &str) -> bool {
    part.split_once('_').is_some_and(|(_, rest)| {
        rest.chars().any(|letter| letter.is_ascii_digit() || letter.is_ascii_uppercase())
    })
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), sorted(&map[name]))).collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body.
    pub body: Value,
    /// Stripe's `Request-Id` header.
    pub request_id: String,
    /// Whether this is the stored answer of an earlier request with the same key.
    pub replayed: bool,
}
