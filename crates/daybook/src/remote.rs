//! Talking to a running server, where only it may write.

use clap::Args;
use reqwest::{Client, Method};
use serde_json::Value;

use crate::outcome::{Failure, Outcome};

/// Which server to talk to.
#[derive(Debug, Clone, Args)]
pub(crate) struct RemoteArgs {
    /// URL of a running server; its key stands in `DAYBOOK_KEY`.
    #[arg(long, env = "DAYBOOK_SERVER")]
    pub(crate) server: Option<String>,
}

/// A running server.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    url: String,
    key: String,
    client: Client,
}

impl RemoteArgs {
    /// The server, if one is named.
    pub(crate) fn remote(&self) -> Outcome<Option<Remote>> {
        let Some(url) = &self.server else { return Ok(None) };
        let key = std::env::var("DAYBOOK_KEY")
            .map_err(|_| Failure::usage("--server needs a key in the variable DAYBOOK_KEY"))?;
        Ok(Some(Remote::new(url, &key)))
    }
}

impl Remote {
    /// The server at this URL, with this key.
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { url, key: key.to_owned(), client: Client::new() }
    }

    /// Asks.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        self.send(Method::GET, path, None).await
    }

    /// Commands.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Outcome<Value> {
        let mut request =
            self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(|error| {
            Failure::unavailable(format!("{} does not answer: {error}", self.url))
        })?;
        let status = answer.status();
        let text = answer.text().await.map_err(Failure::unavailable)?;
        let json: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status.is_success() {
            return Ok(json);
        }
        let code = json["code"].as_str().unwrap_or("error");
        let detail = json["detail"].as_str().unwrap_or("the server gave no reason");
        Err(Failure::check(format!("{code}: {detail}")))
    }
}
