//! How Stripe says no.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An error answer in Stripe's shape: a status, a type, a code and sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{status} {kind}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stripe's `error.type`.
    pub kind: String,
    /// Stripe's `error.code`, where it has one.
    pub code: Option<String>,
    /// The sentence for people.
    pub message: String,
    /// The parameter at fault, where there is one.
    pub param: Option<String>,
    /// Whether the request had begun to run, so that its idempotency key remembers this answer.
    /// Requests whose parameters are refused have not begun.
    pub begun: bool,
}

impl Refusal {
    /// The request itself is wrong (400); nothing has begun.
    pub(crate) fn invalid(param: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error".into(),
            code: Some("parameter_invalid".into()),
            message: message.into(),
            param: Some(param.into()),
            begun: false,
        }
    }

    /// A required parameter is absent (400).
    pub(crate) fn missing(param: &str) -> Self {
        Self {
            code: Some("parameter_missing".into()),
            ..Self::invalid(param, format!("Missing required param: {param}."))
        }
    }

    /// The state of the account or object does not allow it (400); the key remembers the answer.
    pub(crate) fn not_now(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error".into(),
            code: Some(code.into()),
            message: message.into(),
            param: None,
            begun: true,
        }
    }

    /// No such object (404).
    pub(crate) fn unknown(what: &str, id: &str) -> Self {
        Self {
            status: 404,
            kind: "invalid_request_error".into(),
            code: Some("resource_missing".into()),
            message: format!("No such {what}: '{id}'"),
            param: Some("id".into()),
            begun: false,
        }
    }

    /// The idempotency key was used before with other parameters (400).
    pub(crate) fn key_reused(key: &str) -> Self {
        Self {
            status: 400,
            kind: "idempotency_error".into(),
            code: None,
            message: format!(
                "Keys for idempotent requests can only be used with the same parameters they were \
                 first used with. Try using a key other than '{key}' if you meant to execute a \
                 different request."
            ),
            param: None,
            begun: false,
        }
    }

    /// No usable API key was presented (401).
    pub(crate) fn unauthorized() -> Self {
        Self {
            status: 401,
            kind: "invalid_request_error".into(),
            code: None,
            message: "Invalid API Key provided. The fake accepts any sk_test_ or rk_test_ key."
                .into(),
            param: None,
            begun: false,
        }
    }

    /// The connected account cannot be used by this platform (403).
    pub(crate) fn no_access(account: &str) -> Self {
        Self {
            status: 403,
            kind: "invalid_request_error".into(),
            code: Some("account_invalid".into()),
            message: format!(
                "The provided key does not have access to account '{account}' (or that account \
                 does not exist). Application access may have been revoked."
            ),
            param: None,
            begun: false,
        }
    }

    /// The address is not one the fake answers (404).
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        Self {
            status: 404,
            kind: "invalid_request_error".into(),
            code: Some("url_invalid".into()),
            message: format!("Unrecognized request URL ({method}: {path})."),
            param: None,
            begun: false,
        }
    }

    /// The body of the answer.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut error = json!({ "type": self.kind, "message": self.message });
        if let Some(code) = &self.code {
            error["code"] = json!(code);
            error["doc_url"] = json!(format!("https://stripe.com/docs/error-codes/{code}"));
        }
        if let Some(param) = &self.param {
            error["param"] = json!(param);
        }
        json!({ "error": error })
    }
}
