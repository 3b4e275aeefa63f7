//! Measures Daybook beside its peers, in the same run on the same machine, and prints ratios.
//!
//! It is never a test: machines are noisy, and a ratio says more than a rate. Each round measures
//! the peer and then us; the figures are medians over the rounds.

mod commands;
mod disk;
mod fault;
mod house;
mod load;
mod postgres;
mod rebuild;
mod report;
mod webhooks;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, ValueEnum};

use crate::{
    fault::{Doing, Outcome},
    load::Window,
    report::Report,
};

/// Measures Daybook beside its peers and prints ratios.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Args {
    /// Short rounds: shows that everything runs, the figures mean little.
    #[arg(long)]
    quick: bool,
    /// Only this part; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Data to standard output as JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Where the databases are made and removed again; must be on a real disk.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Durable commands.
    A,
    /// Webhooks over HTTP.
    B,
    /// Rebuilding the projections.
    C,
    /// Durable commands on PostgreSQL.
    D,
    /// Rebuilding the projections on PostgreSQL.
    E,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Rounds of each comparison.
    pub(crate) rounds: usize,
    /// For work that has no end.
    pub(crate) window: Window,
    /// How many messages are sent to each server in a round.
    pub(crate) messages: usize,
    /// How many events the log to be rebuilt from has, at least.
    pub(crate) events: u64,
}

impl Plan {
    fn of(quick: bool) -> Self {
        let window = |warm_up, measured| Window {
            warm_up: Duration::from_millis(warm_up),
            measured: Duration::from_millis(measured),
        };
        if quick {
            Self { rounds: 1, window: window(50, 200), messages: 1_000, events: 3_000 }
        } else {
            Self { rounds: 5, window: window(500, 2_000), messages: 20_000, events: 60_000 }
        }
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime
        .doing("start the runtime")
        .and_then(|runtime| runtime.block_on(measure(&args)))
        .and_then(|report| show(&report, args.json));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("bench: {fault}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> Outcome<Report> {
    let plan = Plan::of(args.quick);
    std::fs::create_dir_all(&args.folder).doing("make the folder for the databases")?;
    let circumstances = circumstances(args, plan)?;
    for line in &circumstances {
        eprintln!("# {line}");
    }
    let wanted = |part| args.only.is_empty() || args.only.contains(&part);
    let mut comparisons = Vec::new();
    if wanted(Part::A) {
        comparisons.extend(commands::compare(&plan, &args.folder).await?);
    }
    if wanted(Part::B) {
        comparisons.extend(webhooks::compare(&plan, &args.folder).await?);
    }
    if wanted(Part::C) {
        comparisons.extend(rebuild::compare(&plan, &args.folder).await?);
    }
    if wanted(Part::D) {
        comparisons.extend(postgres::compare(&plan).await?);
    }
    if wanted(Part::E) {
        comparisons.extend(rebuild::postgres::compare(&plan, &args.folder).await?);
    }
    Ok(Report { circumstances, comparisons })
}

/// What must be known to read the figures.
fn circumstances(args: &Args, plan: Plan) -> Outcome<Vec<String>> {
    let mut lines = vec![
        "rounds alternate peer, ours, peer, ours; rates and ratios are medians over the rounds"
            .to_owned(),
        "the machine may be shared: compare ratios, not rates, and look at their range".to_owned(),
        format!(
            "{} cores, load average {}, SQLite {} on both sides, {} rounds",
            std::thread::available_parallelism().map_or(1, usize::from),
            load_average(),
            rusqlite::version(),
            plan.rounds,
        ),
        format!(
            "{}: {:.0} synchronised appends of 4 KiB per second, one after the other",
            args.folder.display(),
            disk::synchronisations(&args.folder, Duration::from_millis(500))?.per_second(),
        ),
    ];
    if args.quick {
        lines.push("--quick: the rounds are too short to mean anything".to_owned());
    }
    if cfg!(debug_assertions) {
        lines.push("a debug build: the figures mean nothing".to_owned());
    }
    Ok(lines)
}

fn load_average() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/loadavg")).unwrap_or_default();
    let first = text.split(' ').next().filter(|text| !text.is_empty());
    first.unwrap_or("unknown").to_owned()
}

fn show(report: &Report, json: bool) -> Outcome<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(report).doing("write JSON")?);
    } else {
        print!("{}", report.table());
    }
    Ok(())
}
