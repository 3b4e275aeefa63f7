//! `daybook rebuild`: read models discarded and built anew from the log.

use std::{sync::Arc, time::Duration};

use engine::{Bus, Engine, EngineParts};
use kernel::SystemClock;
use serde_json::json;

use crate::{
    config::DataArgs,
    engines::{open_views, read_log},
    outcome::{Failure, Outcome},
    remote::RemoteArgs,
    show,
};

/// What to rebuild.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Read models to build anew; all, if none are named
    names: Vec<String>,
}

pub(crate) async fn run(args: Args) -> Outcome {
    if let Some(remote) = args.remote.remote()? {
        remote.post("/v1/rebuild", &json!({ "projections": args.names })).await?;
        eprintln!("the server rebuilds; /v1/status shows how far it is");
        return Ok(());
    }
    let log = read_log(&args.data).await?;
    let views = open_views(&args.data).await?;
    let head = log.head().await.map_err(Failure::unavailable)?.position;
    let bus = Bus::new(log, Arc::new(SystemClock), 1000);
    let engine = Engine::new(EngineParts::new(bus, views));
    let unknown = engine.projector().rebuild(&args.names);
    if let Some(name) = unknown.first() {
        return Err(Failure::usage(format!("there is no read model named {name}")));
    }
    engine.start_projections();
    let bar = show::bar("rebuilding");
    bar.set_length(head.0);
    while !engine.wait_for(head, Duration::from_millis(100)).await {
        let status = engine.projector().status(head);
        if let Some(stopped) = status.iter().find(|one| one.stopped.is_some()) {
            let why = stopped.stopped.as_deref().unwrap_or_default();
            return Err(Failure::check(format!("{} stands still: {why}", stopped.name)));
        }
        bar.set_position(status.iter().map(|one| one.position.0).min().unwrap_or_default());
    }
    bar.finish_and_clear();
    engine.shutdown(Duration::from_secs(20)).await;
    engine.views().close().await;
    eprintln!("rebuilt up to position {head}");
    Ok(())
}
