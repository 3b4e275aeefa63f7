//! `daybook verify`: an exported event stream checked with nothing but the file and its manifest.

use std::{fs::File, io::BufReader, path::PathBuf};

use engine::export::{Manifest, verify};

use super::export::manifest_path;
use crate::{
    outcome::{Failure, Outcome},
    show,
};

/// What to verify.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The exported file
    file: PathBuf,
    /// Its manifest; FILE.manifest.json, if none is given
    #[arg(long)]
    manifest: Option<PathBuf>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Outcome {
    let beside = args.manifest.clone().unwrap_or_else(|| manifest_path(&args.file));
    let manifest: Manifest = serde_json::from_reader(open(&beside)?).map_err(|error| {
        Failure::usage(format!("{} is not a manifest: {error}", beside.display()))
    })?;
    let bar = show::bar("verifying");
    bar.set_length(manifest.count);
    let verified = verify(open(&args.file)?, &manifest, &mut |done| bar.set_position(done));
    bar.finish_and_clear();
    let verified = verified.map_err(|error| {
        Failure::check(format!("{} is not sound: {error}", args.file.display()))
    })?;
    if args.json {
        return show::json(&verified);
    }
    println!(
        "sound: {} events, positions {} to {}, root {}",
        verified.count, verified.first, verified.last, verified.root
    );
    Ok(())
}

fn open(path: &PathBuf) -> Outcome<BufReader<File>> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))
}
