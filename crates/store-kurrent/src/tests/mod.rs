//! The log keeps the contract against a server that speaks the protocol, and survives its faults.

use std::sync::Arc;

use async_trait::async_trait;
use kurrent_fake::{FakeOptions, FakeServer};
use store::{
    Log,
    contract::{Outcome, Subject},
};

use crate::{KurrentLog, LogOptions};

/// A log on a server of its own.
struct OnFake {
    _server: FakeServer,
    url: String,
    log: Arc<KurrentLog>,
}

async fn open(url: &str) -> Result<Arc<KurrentLog>, String> {
    let opened = KurrentLog::open(url, LogOptions::default()).await;
    opened.map(Arc::new).map_err(|error| error.to_string())
}

#[async_trait]
impl Subject for OnFake {
    const CONTIGUOUS: bool = false;

    async fn fresh() -> Result<Self, String> {
        let server =
            FakeServer::start(FakeOptions::default()).await.map_err(|error| error.to_string())?;
        let url = server.url();
        let log = open(&url).await?;
        Ok(Self { _server: server, url, log })
    }

    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }

    async fn reopen(&mut self) -> Outcome {
        self.log.close().await;
        self.log = open(&self.url).await?;
        Ok(())
    }
}

store::log_contract_tests!(OnFake);
