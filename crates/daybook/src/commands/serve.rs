//! `daybook serve`: the API, the webhooks and the dashboard, until told to stop.

use std::{path::Path, sync::Arc};

use api::RenderMetrics;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    config::{ServeArgs, StripeSecrets},
    house::House,
    outcome::{Failure, Outcome},
};

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    serve: ServeArgs,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let secrets = StripeSecrets::read()?;
    let house = House::open(&args.serve, &secrets, metrics()?, None).await?;
    tell_first_key(&house, args.serve.first_key_file.as_deref())?;
    eprintln!("daybook serves {} at {}", house.tenant, house.url());
    if secrets.platform.is_empty() && secrets.connect.is_empty() {
        eprintln!(
            "no webhook secret is set: webhooks are refused (DAYBOOK_STRIPE_WEBHOOK_SECRETS)"
        );
    }
    if secrets.key.is_none() {
        eprintln!("no Stripe key is set: what is to be done at Stripe is listed under /v1/effects");
    }
    // A harness that reads standard output learns where the server is.
    println!("{}", serde_json::json!({ "url": house.url(), "tenant": house.tenant }));
    wait_for_the_end().await?;
    eprintln!("finishing what is under way");
    house.close().await;
    Ok(())
}

/// Collects metrics and renders them.
pub(crate) fn metrics() -> Outcome<Option<RenderMetrics>> {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::unavailable(format!("metrics cannot be collected: {error}")))?;
    Ok(Some(Arc::new(move || recorder.render())))
}

/// Shows the first key's secret, once, or puts it into a file that only its owner can read.
pub(crate) fn tell_first_key(house: &House, file: Option<&Path>) -> Outcome {
    let Some(secret) = &house.first_key else { return Ok(()) };
    match file {
        Some(file) => write_secret(file, secret.reveal()),
        None => {
            eprintln!("a tenant and its first key were made; the key is shown this once:");
            eprintln!("    {}", secret.reveal());
            Ok(())
        }
    }
}

/// Writes a secret into a file of mode 600.
pub(crate) fn write_secret(file: &Path, secret: &str) -> Outcome {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(secret.as_bytes()));
    written.map_err(|error| {
        Failure::unavailable(format!("{} cannot be written: {error}", file.display()))
    })
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn wait_for_the_end() -> Outcome {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::unavailable)?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Failure::unavailable),
        _ = terminate.recv() => Ok(()),
    }
}
