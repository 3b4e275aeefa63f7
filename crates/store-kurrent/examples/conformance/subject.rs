//! A log under test: on the test server, or on a real one that `DAYBOOK_TEST_KURRENT` names.

use std::{env, sync::Arc};

use async_trait::async_trait;
use kurrent_fake::{FakeOptions, FakeServer};
use store::{
    Log,
    contract::{Outcome, Subject},
};
use store_kurrent::{KurrentLog, LogOptions};
use uuid::Uuid;

/// The variable that names a real server.
pub(crate) const SERVER: &str = "DAYBOOK_TEST_KURRENT";

/// A log that nobody else writes: on a server of its own, or under a prefix of its own.
pub(crate) struct OnKurrent {
    _server: Option<FakeServer>,
    url: String,
    options: LogOptions,
    pub(crate) log: Arc<KurrentLog>,
}

async fn open(url: &str, options: &LogOptions) -> Result<Arc<KurrentLog>, String> {
    let opened = KurrentLog::open(url, options.clone()).await;
    opened.map(Arc::new).map_err(|error| error.to_string())
}

#[async_trait]
impl Subject for OnKurrent {
    const CONTIGUOUS: bool = false;

    async fn fresh() -> Result<Self, String> {
        let mut options = LogOptions::default();
        let (server, url) = match env::var(SERVER) {
            Ok(url) => {
                // A real server keeps what earlier cases wrote.
                options.prefix = Some(format!("conformance_{}", Uuid::new_v4().simple()));
                (None, url)
            }
            Err(_) => {
                let server = FakeServer::start(FakeOptions::default()).await;
                let server = server.map_err(|error| error.to_string())?;
                let url = server.url();
                (Some(server), url)
            }
        };
        let log = open(&url, &options).await?;
        Ok(Self { _server: server, url, options, log })
    }

    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    async fn reopen(&mut self) -> Outcome {
        self.log.close().await;
        self.log = open(&self.url, &self.options).await?;
        Ok(())
    }
}
