//! A KurrentDB for the whole house: the test server as a process of its own, or a real server.

use std::{env, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{command::binary, daybook::Engine};

/// A place for new logs. The test server ends when this is dropped; what is written to a real one
/// stays there.
#[derive(Debug)]
pub struct Kurrent {
    _server: Option<Child>,
    url: String,
}

impl Kurrent {
    /// Starts the test server, unless `DAYBOOK_TEST_KURRENT` names a real one.
    pub async fn start() -> Self {
        if let Ok(url) = env::var("DAYBOOK_TEST_KURRENT") {
            return Self { _server: None, url };
        }
        let mut server = Command::new(binary("kurrent-fake"))
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let url = lines.next_line().await.unwrap().expect("the server says where it is");
        Self { _server: Some(server), url }
    }

    /// Where a new log can be, under a prefix of its own.
    #[must_use]
    pub fn log(&self) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}prefix=conformance_{:032x}", self.url, rand::random::<u128>())
    }

    /// A new log as an engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        Engine::Kurrent(self.log())
    }
}
