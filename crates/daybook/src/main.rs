//! Daybook's one binary: wiring, and nothing else.

mod address;
mod backup;
mod commands;
mod config;
mod copy;
mod engines;
mod house;
mod outcome;
mod remote;
mod show;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;
use outcome::Failure;

/// An event-sourced commerce ledger: real Stripe events in, correct balances out.
#[derive(Debug, Parser)]
#[command(name = "daybook", version, about, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How log lines look.
    #[arg(long, global = true, env = "DAYBOOK_LOG_FORMAT", default_value = "text")]
    log_format: config::LogFormat,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::unavailable(format!("cannot start threads: {error}")).tell(),
    };
    let work = async {
        // Before anybody listens: the client complains of what it is made to do there.
        engines::prepare().await?;
        config::start_logging(cli.log_format);
        cli.command.run().await
    };
    match runtime.block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
