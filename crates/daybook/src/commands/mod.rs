//! The subcommands, one file each.

mod backup;
mod balance;
mod books;
mod check;
mod copy;
mod demo;
mod doctor;
mod explain;
mod export;
mod import;
mod keys;
mod rebuild;
mod reference;
mod replay;
mod report;
mod restatement;
mod restore;
mod serve;
mod verify;
mod whatif;

use clap::Subcommand;

use crate::outcome::Outcome;

/// What Daybook can be asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API, the webhooks and the dashboard
    Serve(serve::Args),
    /// Load the demo month through the front door (once), and keep serving it
    Demo(demo::Args),
    /// Recompute everything from the first event and compare with the live state
    Replay(replay::Args),
    /// Check every invariant over the whole history, with a verdict for each
    Check(check::Args),
    /// Build read models anew
    Rebuild(rebuild::Args),
    /// Write the event stream with its manifest, or one table as CSV
    Export(export::Args),
    /// Write the books for hledger, ledger, beancount, spreadsheets (CSV) or as Parquet
    Books(books::Args),
    /// Read balance transactions from Stripe's files
    Import(import::Args),
    /// Check an exported event stream offline
    Verify(verify::Args),
    /// Show the trial balance, or a seller's balance, as of a day and as known at a position
    Balance(balance::Args),
    /// Make a report: trial balance, statements, revenue, fees, ... as table, JSON, CSV or HTML
    Report(report::Args),
    /// Say why a figure is what it is: its lines, their events, and what led to them
    Explain(explain::Args),
    /// Say what is different about a month since it was reported, and why
    Restatement(restatement::Args),
    /// Replay history under another fee, reserve or refund policy and show what would be different
    Whatif(whatif::Args),
    /// List, create and revoke API keys
    Keys(keys::Args),
    /// Copy a log into another engine, whole; goes on where an interrupted copy stood
    Copy(copy::Args),
    /// Write a consistent copy of a SQLite log, beside the server that writes it
    Backup(backup::Args),
    /// Put a backup where a SQLite log was, into an empty place only
    Restore(restore::Args),
    /// Check that the set-up can keep its promises
    Doctor(doctor::Args),
    /// Write the generated reference (OpenAPI document, tables)
    Reference(reference::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self) -> Outcome {
        match self {
            Self::Serve(args) => serve::run(args).await,
            Self::Demo(args) => demo::run(args).await,
            Self::Replay(args) => replay::run(args).await,
            Self::Check(args) => check::run(args).await,
            Self::Rebuild(args) => rebuild::run(args).await,
            Self::Export(args) => export::run(args).await,
            Self::Books(args) => books::run(args).await,
            Self::Import(args) => import::run(args).await,
            Self::Verify(args) => verify::run(&args),
            Self::Balance(args) => balance::run(args).await,
            Self::Report(args) => report::run(args).await,
            Self::Explain(args) => explain::run(args).await,
            Self::Restatement(args) => restatement::run(args).await,
            Self::Whatif(args) => whatif::run(args).await,
            Self::Keys(args) => keys::run(args).await,
            Self::Copy(args) => copy::run(args).await,
            Self::Backup(args) => backup::run(args).await,
            Self::Restore(args) => restore::run(args).await,
            Self::Doctor(args) => doctor::run(args).await,
            Self::Reference(args) => reference::run(&args),
        }
    }
}
