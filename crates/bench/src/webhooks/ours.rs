//! Our server: the API with the intake of webhooks on a log in a file.

use std::{net::TcpListener, sync::Arc, time::Duration};

use aggregates::{vocabulary::CommercePolicy, webhook_event::events::Endpoint};
use api::{Api, Limits};
use engine::{Engine, EngineParts, WebhookIntake};
use kernel::SystemClock;
use payments::{EndpointSecret, Secret, StripeIntake, StripeTranslator};
use store::Views;
use store_sqlite::SqliteViews;
use tempfile::TempDir;

use super::{WORKERS, check_stored, messages::Requests, send_all};
use crate::{
    fault::{Doing, Outcome},
    house,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Measures on a log of its own, with or without the workers that read and book messages.
pub(super) async fn measure(
    folder: &TempDir,
    requests: &Requests,
    secret: &Secret,
    workers: bool,
) -> Outcome<Duration> {
    let log = house::open_log(folder.path()).await?;
    let bus = house::bus_on(&log);
    let tenant = house::tenant_on(&bus, CommercePolicy::default()).await?;
    let views: Arc<dyn Views> = Arc::new(
        SqliteViews::open(folder.path().join("views.sqlite"))
            .await
            .doing("open the read models")?,
    );
    let secrets =
        vec![EndpointSecret { tenant, endpoint: Endpoint::Platform, secret: secret.clone() }];
    let intake = StripeIntake::new(bus.clone(), secrets, Arc::new(SystemClock));
    let mut parts = EngineParts::new(bus, Arc::clone(&views));
    parts.translator = Some(Arc::new(StripeTranslator::new()));
    let engine = Arc::new(Engine::new(parts));
    if workers {
        engine.start().await.doing("start the engine")?;
    }
    let before = log.head().await.doing("read the head of the log")?.position;
    let intake: Arc<dyn WebhookIntake> = Arc::new(intake);
    let api = Arc::new(Api::new(Arc::clone(&engine), Some(intake), None, Limits::default()));
    let listener = TcpListener::bind("127.0.0.1:0").doing("find a port")?;
    let server = api::serve(api, listener, WORKERS).doing("serve the API")?;
    let elapsed = send_all(server.address, requests).await;
    server.stop().await;
    engine.shutdown(PATIENCE).await;
    let after = log.head().await.doing("read the head of the log")?.position;
    views.close().await;
    log.close().await;
    check_stored(after.0 - before.0, requests)?;
    elapsed
}
