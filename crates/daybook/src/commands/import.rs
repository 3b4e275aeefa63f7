//! `daybook import balance-transactions`: what Stripe says moved its balance, from a file.

use std::path::{Path, PathBuf};

use aggregates::{balance_transaction::TransactionRecord, vocabulary::AccountRef};
use serde_json::json;

use crate::{
    outcome::{Failure, Outcome},
    remote::{Remote, RemoteArgs},
    show,
};

/// What to import.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Stripe's itemised balance change report (CSV), or the list of balance transactions (JSON)
    BalanceTransactions {
        #[command(flatten)]
        remote: RemoteArgs,
        /// The file
        file: PathBuf,
        /// The connected account whose balance it is about; the platform's, if none is given
        #[arg(long)]
        account: Option<String>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
}

const CHUNK_RECORDS: usize = 200;

pub(crate) async fn run(args: Args) -> Outcome {
    let What::BalanceTransactions { remote, file, account, json } = args.what;
    let Some(remote) = remote.remote()? else {
        return Err(Failure::usage(
            "imports go through a running server: give --server URL and set DAYBOOK_KEY",
        ));
    };
    let (recorded, known) = import_file(&remote, &file, account.as_deref()).await?;
    if json {
        return show::json(&json!({ "recorded": recorded, "known": known }));
    }
    println!("{recorded} balance transactions recorded, {known} were known");
    Ok(())
}

/// Reads a file of balance transactions and has the server record them; answers how many were new
/// and how many were known.
pub(crate) async fn import_file(
    remote: &Remote,
    file: &Path,
    account: Option<&str>,
) -> Outcome<(u64, u64)> {
    let text = std::fs::read(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    // The whole file is read before anything is sent: a file that is wrong anywhere changes nothing.
    let account = account.map(AccountRef::from);
    let records: Result<Vec<_>, _> =
        payments::import::transactions(&text, account.as_ref()).and_then(Iterator::collect);
    let records = records
        .map_err(|error| Failure::usage(format!("{} is not right: {error}", file.display())))?;
    send(remote, &records).await
}

async fn send(remote: &Remote, records: &[TransactionRecord]) -> Outcome<(u64, u64)> {
    let bar = show::bar("importing");
    bar.set_length(records.len() as u64);
    let (mut recorded, mut known) = (0, 0);
    for chunk in records.chunks(CHUNK_RECORDS) {
        let answer = remote.post("/v1/balance-transactions", &json!({ "records": chunk })).await?;
        recorded += answer["recorded"].as_u64().unwrap_or_default();
        known += answer["known"].as_u64().unwrap_or_default();
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok((recorded, known))
}
