//! `daybook whatif`: history replayed under another policy, and what would be different. The log is
//! only read; the other history lives in memory and is gone with the command.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use engine::whatif::{AccountRow, PolicyChange, Report, Scope, Stage, TermChange, what_if};
use kernel::{Currency, Money, TenantId};
use store::{MemoryLog, Position};

use crate::{
    config::DataArgs,
    engines::read_log,
    outcome::{Failure, Outcome},
    show,
};

/// What if?
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// The terms that differ: TOML, or JSON if the name ends in .json
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Only this tenant's history
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Only up to and including this position
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// Also accounts and sellers for whom nothing is different
    #[arg(long)]
    all: bool,
    /// Answer as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Answer as CSV, amounts in minor units
    #[arg(long)]
    csv: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let change = read_policy(&args.policy)?;
    let log = read_log(&args.data).await?;
    let head = log.head().await.map_err(Failure::unavailable)?.position;
    if args.through.is_some_and(|through| through > head.0) {
        return Err(Failure::usage(format!("the log ends at position {head}")));
    }
    let scope = Scope { tenant: args.tenant, through: args.through.map(Position) };
    let bar = show::bar("reading");
    bar.set_length(head.0);
    let mut deciding = false;
    let report = what_if(&*log, Arc::new(MemoryLog::new()), change, scope, |stage| match stage {
        Stage::Reading(position) => bar.set_position(position.0),
        Stage::Deciding(position) => {
            if !std::mem::replace(&mut deciding, true) {
                bar.set_message("deciding anew");
                bar.set_length(args.through.unwrap_or(head.0));
            }
            bar.set_position(position.0);
        }
    })
    .await;
    bar.finish_and_clear();
    log.close().await;
    let report = report.map_err(Failure::check)?;
    if args.json {
        show::json(&report)?;
    } else if args.csv {
        write_csv(&report, args.all)?;
    } else {
        tell(&report, args.all);
    }
    judge(&report)
}

/// Terms from a file.
fn read_policy(file: &Path) -> Outcome<PolicyChange> {
    let wrong = |problem: String| Failure::usage(format!("{}: {problem}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let is_json = file.extension().is_some_and(|end| end == "json");
    let given: serde_json::Value = if is_json {
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?
    } else {
        toml::from_str(&text).map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?
    };
    PolicyChange::read(&given).map_err(|error| wrong(error.to_string()))
}

/// Whether the other books are books at all.
fn judge(report: &Report) -> Outcome {
    if let Some(violation) = report.violations.first() {
        return Err(Failure::check(format!("the other books are not sound: {violation}")));
    }
    let sums = report.trial.iter().find(|row| row.actual != 0 || row.what_if != 0);
    match sums {
        Some(row) => Err(Failure::check(format!(
            "the trial balance of {} in {} is {} really and {} here",
            row.book, row.currency, row.actual, row.what_if
        ))),
        None => Ok(()),
    }
}

/// An amount for people; beyond 64 bits, in minor units.
fn amount(minor: i128, currency: Currency) -> String {
    i64::try_from(minor).map_or_else(
        |_| format!("{minor} minor units"),
        |minor| Money::new(minor, currency).amount_text(),
    )
}

fn tell(report: &Report, all: bool) {
    println!("terms");
    let terms = report.terms.iter().map(|TermChange { term, actual, what_if }| {
        vec![term.clone(), actual.join(", "), what_if.clone()]
    });
    println!("{}", show::table(&["term", "actual", "what if"], &[], terms.collect()));
    let several = report.accounts.iter().any(|row| row.tenant != report.accounts[0].tenant);
    let tenant = |tenant: &TenantId, rest: Vec<String>| {
        if several { [vec![tenant.to_string()], rest].concat() } else { rest }
    };
    let table = |header: &[&str], figures: usize, rows: Vec<Vec<String>>| {
        let header = if several { [&["tenant"], header].concat() } else { header.to_vec() };
        let numbers: Vec<usize> = (header.len() - figures..header.len()).collect();
        println!("{}", show::table(&header, &numbers, rows));
    };
    println!("accounts, each kind on its normal side");
    let rows = report.accounts.iter().filter(|row| all || is_shown(row)).map(|row| {
        let [actual, what_if, difference] =
            [row.actual, row.what_if, row.difference].map(|minor| amount(minor, row.currency));
        let (book, family) = (row.book.to_owned(), row.family.to_owned());
        let cells = vec![book, family, row.currency.to_string(), actual, what_if, difference];
        tenant(&row.tenant, cells)
    });
    let header = ["book", "account", "currency", "actual", "what if", "difference"];
    table(&header, 3, rows.collect());
    println!("trial balances, debits less credits");
    let rows = report.trial.iter().map(|row| {
        let [actual, what_if] = [row.actual, row.what_if].map(|minor| amount(minor, row.currency));
        let cells = vec![row.book.to_owned(), row.currency.to_string(), actual, what_if];
        tenant(&row.tenant, cells)
    });
    table(&["book", "currency", "actual", "what if"], 2, rows.collect());
    println!("sellers; \"total\" is all a seller has less what he owes");
    let rows = report.sellers.iter().filter(|row| all || row.difference != 0).map(|row| {
        let [actual, what_if, difference] =
            [row.actual, row.what_if, row.difference].map(|minor| amount(minor, row.currency));
        let name = row.reference.clone().unwrap_or_else(|| row.seller.to_string());
        let cells =
            vec![name, row.currency.to_string(), row.part.to_owned(), actual, what_if, difference];
        tenant(&row.tenant, cells)
    });
    let header = ["seller", "currency", "part", "actual", "what if", "difference"];
    table(&header, 3, rows.collect());
    tell_decisions(report);
}

/// Everything but what is nothing on both sides.
const fn is_shown(row: &AccountRow) -> bool {
    row.actual != 0 || row.what_if != 0
}

fn tell_decisions(report: &Report) {
    let decisions = &report.decisions;
    println!(
        "{} events to position {}: {} commits taken over as they happened, {} decisions came out the \
         same, {} otherwise; {} transfers to sellers stay as they were",
        report.events,
        report.through,
        decisions.taken_over,
        decisions.same,
        decisions.different,
        decisions.payouts_kept
    );
    for (what, by_type) in [("only here", &decisions.additional), ("not here", &decisions.omitted)]
    {
        if !by_type.is_empty() {
            let list: Vec<_> = by_type.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
            println!("decided {what}: {}", list.join(", "));
        }
    }
    println!(
        "{} accounts stand elsewhere; the invariants held after each of {} events of the other history",
        report.accounts_differing, report.scratch_events
    );
    if report.remarks.is_empty() {
        println!("everything was replayed faithfully");
    }
    for remark in &report.remarks {
        let money: Vec<_> = remark
            .minor
            .iter()
            .map(|(currency, minor)| {
                let shown = currency.parse().map(|currency| amount(*minor, currency));
                format!("{} {currency}", shown.unwrap_or_else(|_| minor.to_string()))
            })
            .collect();
        let money =
            if money.is_empty() { String::new() } else { format!(" ({})", money.join(", ")) };
        println!("not replayed faithfully: {} {}{money}", remark.count, remark.kind);
        for example in &remark.examples {
            println!("    {example}");
        }
    }
}

fn write_csv(report: &Report, all: bool) -> Outcome {
    let mut writer = csv::Writer::from_writer(io::stdout());
    let mut write = |row: [String; 9]| writer.write_record(row).map_err(Failure::unavailable);
    write(
        ["kind", "tenant", "book", "name", "part", "currency", "actual", "what_if", "difference"]
            .map(str::to_owned),
    )?;
    for row in report.accounts.iter().filter(|row| all || is_shown(row)) {
        write([
            "account".to_owned(),
            row.tenant.to_string(),
            row.book.to_owned(),
            row.family.to_owned(),
            String::new(),
            row.currency.to_string(),
            row.actual.to_string(),
            row.what_if.to_string(),
            row.difference.to_string(),
        ])?;
    }
    for row in report.sellers.iter().filter(|row| all || row.difference != 0) {
        write([
            "seller".to_owned(),
            row.tenant.to_string(),
            "platform".to_owned(),
            row.reference.clone().unwrap_or_else(|| row.seller.to_string()),
            row.part.to_owned(),
            row.currency.to_string(),
            row.actual.to_string(),
            row.what_if.to_string(),
            row.difference.to_string(),
        ])?;
    }
    for remark in &report.remarks {
        write([
            "remark".to_owned(),
            String::new(),
            String::new(),
            remark.kind.to_string(),
            String::new(),
            String::new(),
            String::new(),
            remark.count.to_string(),
            String::new(),
        ])?;
    }
    writer.flush().map_err(Failure::unavailable)
}
