//! `daybook restore`: a backup put where a log was, into an empty place only.

use std::path::PathBuf;

use crate::{
    address::LogAddress,
    backup::{check, copy_checked},
    config::DataArgs,
    engines::Opened,
    outcome::{Failure, Outcome},
    show,
};

/// What to restore, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The backup
    file: PathBuf,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let address = args.data.log()?;
    let LogAddress::Sqlite(path) = &address else {
        return Err(Failure::usage(format!(
            "a backup file is restored into a SQLite log, and {address} is none; restore to \
             --log sqlite:PATH and use `daybook copy`, or see docs/guides/backup-and-restore.md"
        )));
    };
    let backup = LogAddress::Sqlite(args.file.clone());
    let source = Opened::to_read(&backup, false).await?;
    let checked = check(&args.file).await;
    args.data.create()?;
    let restored = match checked {
        Ok(_) => copy_checked(&source, path).await,
        Err(failure) => Err(failure),
    };
    source.log().close().await;
    let manifest = restored?;
    // A log is kept in another mode than a backup; the first opening changes it.
    Opened::to_write(&address, false).await?.log().close().await;
    if args.json {
        return show::json(&manifest);
    }
    println!(
        "{} events, positions {} to {}, root {}",
        manifest.count, manifest.first, manifest.last, manifest.root
    );
    eprintln!(
        "restored {} to {}; the read models are built when the server starts",
        manifest.log,
        path.display()
    );
    Ok(())
}
