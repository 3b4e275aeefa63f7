//! `daybook backup`: a consistent copy of a SQLite log, beside the server that writes it.

use std::path::PathBuf;

use crate::{
    backup::copy_checked,
    config::DataArgs,
    engines::Opened,
    outcome::{Failure, Outcome},
    show,
};

/// What to copy, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The file to write; nothing is overwritten
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let address = args.data.log()?;
    if address.is_served() {
        return Err(Failure::usage(format!(
            "{address} is backed up with its engine's own tools (PostgreSQL: pg_dump, or \
             pg_basebackup with archived WAL); see docs/guides/backup-and-restore.md"
        )));
    }
    let log = Opened::to_read(&address, false).await?;
    let copied = copy_checked(&log, &args.to).await;
    log.log().close().await;
    let manifest = copied?;
    if args.json {
        return show::json(&manifest);
    }
    println!(
        "{} events, positions {} to {}, root {}",
        manifest.count, manifest.first, manifest.last, manifest.root
    );
    eprintln!(
        "backup of {} in {}; it holds the sealing keys, protect it like the log",
        manifest.log,
        args.to.display()
    );
    Ok(())
}
