//! Somebody who talks to the API over HTTP.

use std::time::Duration;

use reqwest::{Client, Method, header::HeaderMap, redirect::Policy};
use serde_json::Value;

/// Somebody with a key, or with none.
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client,
    url: String,
    secret: Option<String>,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Caller {
    /// Somebody who talks to the server at this URL.
    #[must_use]
    pub fn new(url: &str, secret: Option<&str>) -> Self {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(120))
            .build()
            .unwrap();
        Self { client, url: url.to_owned(), secret: secret.map(str::to_owned) }
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key's secret.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Asks.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// Asks, and takes the data of a good answer.
    pub async fn read(&self, path: &str) -> Value {
        self.get(path).await.json()
    }

    /// Every row of a list, page by page.
    pub async fn rows(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.read(&format!("{path}{joint}limit=500{cursor}")).await;
            rows.extend(page["data"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Commands.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string()), &[]).await
    }

    /// Commands, under an idempotency key.
    pub async fn post_as(&self, key: &str, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string()), &[("Idempotency-Key", key)]).await
    }

    /// Sets.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string()), &[]).await
    }

    /// Sends anything.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let request = self.try_send(method, path, body, headers).await;
        request.unwrap_or_else(|error| panic!("{path} was not answered: {error}"))
    }

    /// Sends anything to a server that may not be there any more.
    ///
    /// # Errors
    /// If there was no answer.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(secret) = &self.secret {
            request = request.bearer_auth(secret);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            let is_named = headers.iter().any(|(name, _)| *name == "Content-Type");
            let kind = (!is_named).then_some(("Content-Type", "application/json"));
            request = kind
                .into_iter()
                .fold(request, |request, (name, value)| request.header(name, value));
            request = request.body(body);
        }
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Answer { status, headers, text: answer.text().await? })
    }
}

impl Answer {
    /// The data of a good answer.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// The id in a good answer.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("an id").to_owned()
    }

    /// What is the matter, if the answer is a problem with this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let kind = self.headers.get("content-type").unwrap().to_str().unwrap();
        assert_eq!(kind, "application/problem+json", "{}", self.text);
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem["code"], code, "{}", self.text);
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:daybook:problem:{code}"));
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()));
        problem["detail"].as_str().expect("a detail").to_owned()
    }
}
