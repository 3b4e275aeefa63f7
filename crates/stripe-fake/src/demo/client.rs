//! Talking to Daybook over HTTP, patiently: it may be killed and come back at any moment.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use super::{DemoError, DemoOptions};

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Admin,
    Storefront,
    Finance,
}

/// A request to Daybook.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    pub(super) who: Who,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) key: Option<&'a str>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(who: Who, path: impl Into<String>) -> Self {
        Self { who, method: Method::GET, path: path.into(), body: None, key: None }
    }

    pub(super) fn post(who: Who, path: impl Into<String>, body: Value, key: &'a str) -> Self {
        Self { who, method: Method::POST, path: path.into(), body: Some(body), key: Some(key) }
    }

    pub(super) fn put(who: Who, path: impl Into<String>, body: Value, key: &'a str) -> Self {
        Self { method: Method::PUT, ..Self::post(who, path, body, key) }
    }
}

/// One attempt's outcome.
enum Outcome {
    Answer(Value),
    /// To be tried again, after so long at least.
    Again(String, Duration),
    Refused(DemoError),
}

/// Daybook, seen from outside.
#[derive(Debug)]
pub(super) struct Daybook {
    client: reqwest::Client,
    options: DemoOptions,
}

impl Daybook {
    pub(super) fn new(options: &DemoOptions) -> Result<Self, DemoError> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(options.patience_s.max(90)))
            .build()
            .map_err(DemoError::Client)?;
        Ok(Self { client, options: options.clone() })
    }

    /// Makes a request until it is answered. Requests carry idempotency keys, so one whose answer
    /// was lost can be made again.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Value, DemoError> {
        let patience = Duration::from_secs(self.options.patience_s);
        let deadline = Instant::now() + patience;
        let mut pause = Duration::from_millis(25);
        loop {
            let (last, least) = match self.attempt(&ask).await {
                Outcome::Answer(answer) => return Ok(answer),
                Outcome::Refused(error) => return Err(error),
                Outcome::Again(last, least) => (last, least),
            };
            if Instant::now() >= deadline {
                return Err(DemoError::Gone {
                    what: format!("{} {}", ask.method, ask.path),
                    patience_s: self.options.patience_s,
                    last,
                });
            }
            tokio::time::sleep(pause.max(least)).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn attempt(&self, ask: &Ask<'_>) -> Outcome {
        let url = format!("{}{}", self.options.base_url.trim_end_matches('/'), ask.path);
        let secret = match ask.who {
            Who::Admin => &self.options.keys.admin,
            Who::Storefront => &self.options.keys.storefront,
            Who::Finance => &self.options.keys.finance,
        };
        let mut request = self.client.request(ask.method.clone(), url).bearer_auth(secret);
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Outcome::Again(error.to_string(), Duration::ZERO),
        };
        let status = response.status();
        let wait = response.headers().get("Retry-After").and_then(|value| value.to_str().ok());
        let wait =
            wait.and_then(|text| text.parse().ok()).map_or(Duration::ZERO, Duration::from_secs);
        let text = match response.text().await {
            Ok(text) => text,
            Err(error) => return Outcome::Again(error.to_string(), Duration::ZERO),
        };
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Outcome::Answer(body);
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Outcome::Again(format!("{status}: {text}"), wait);
        }
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Outcome::Refused(DemoError::Refused {
            what: format!("{} {}", ask.method, ask.path),
            status: status.as_u16(),
            code: field("code"),
            detail: if body.is_null() { text } else { field("detail") },
        })
    }

    /// Every row of a list, page by page.
    pub(super) async fn list(&self, path: &str) -> Result<Vec<Value>, DemoError> {
        let mut rows = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let address = match &cursor {
                None => format!("{path}?limit=500"),
                Some(cursor) => format!("{path}?limit=500&cursor={cursor}"),
            };
            let mut page = self.ask(Ask::get(Who::Finance, address)).await?;
            if let Some(data) = page["data"].as_array_mut() {
                rows.append(data);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(rows),
            }
        }
    }
}
