//! `daybook report`: trial balance, statements, revenue and the others, from the log itself or from
//! a running server.

use engine::reports::{self, Asked};
use kernel::TenantId;
use projections::reports::{Cell, Report, ReportName, Row, Unit};
use serde_json::Value as Json;

use crate::{
    config::DataArgs,
    engines::read_log,
    house::{Reading, some_tenant_of},
    outcome::{Failure, Outcome},
    remote::{Remote, RemoteArgs},
    show,
};

/// What a report is made of.
const PROJECTIONS: [&str; 5] = ["journal", "memberships", "orders", "payouts", "sellers"];

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal
    Table,
    /// With the lines that each amount is the sum of
    Json,
    /// One table, amounts as decimal numbers
    Csv,
    /// A page to be printed
    Html,
}

impl Format {
    /// What a server is asked for. A terminal's table is made of the CSV.
    const fn asked(self) -> &'static str {
        match self {
            Self::Table | Self::Csv => "csv",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

/// Which report, over which time.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    remote: RemoteArgs,
    /// Which report; without a name, what there is
    name: Option<String>,
    /// How it is written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// A calendar month, such as 2026-03
    #[arg(long)]
    month: Option<String>,
    /// The first day or instant that counts
    #[arg(long)]
    from: Option<String>,
    /// The first day or instant that does not count any more
    #[arg(long)]
    to: Option<String>,
    /// What had taken effect before this instant, or by the end of this day
    #[arg(long)]
    as_of: Option<String>,
    /// What was known at this position of the log, at this instant, or by the end of this day
    #[arg(long)]
    known_at: Option<String>,
    /// Which seller (seller-statement)
    #[arg(long)]
    seller: Option<String>,
    /// Which account, or family of accounts with a * (general-ledger)
    #[arg(long)]
    account: Option<String>,
    /// Only this currency
    #[arg(long)]
    currency: Option<String>,
    /// Whose books: platform, all, or a connected account
    #[arg(long)]
    book: Option<String>,
    /// How much is told apart: families or accounts (trial-balance)
    #[arg(long)]
    detail: Option<String>,
}

impl Args {
    /// What is asked, parameter by parameter.
    fn parameters(&self) -> impl Iterator<Item = (&'static str, &String)> {
        [
            ("month", &self.month),
            ("from", &self.from),
            ("to", &self.to),
            ("as_of", &self.as_of),
            ("known_at", &self.known_at),
            ("seller", &self.seller),
            ("account", &self.account),
            ("currency", &self.currency),
            ("book", &self.book),
            ("detail", &self.detail),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

pub(crate) async fn run(args: Args) -> Outcome {
    let Some(name) = &args.name else {
        for name in ReportName::all() {
            println!("{:<18}{}", name.to_string(), name.summary());
        }
        return Ok(());
    };
    let name = reports::named(name).map_err(Failure::usage)?;
    match args.remote.remote()? {
        Some(remote) => from_server(&remote, name, &args).await,
        None => from_log(name, &args).await,
    }
}

async fn from_log(name: ReportName, args: &Args) -> Outcome {
    let mut asked = Asked::default();
    for (parameter, value) in args.parameters() {
        asked.set(parameter, value.clone()).map_err(Failure::usage)?;
    }
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let reading = Reading::of(log, &PROJECTIONS, &show::bar("reading")).await?;
    let made = make(&reading, tenant, name, &asked).await;
    reading.close().await;
    let (report, tenant_name) = made?;
    match args.format {
        Format::Table => tell(&report),
        Format::Json => show::json(&reports::json(&report))?,
        Format::Csv => print!("{}", reports::csv_text(&report).map_err(Failure::unavailable)?),
        Format::Html => {
            let page = api::paper::html(&report, &tenant_name).map_err(Failure::unavailable)?;
            print!("{page}");
        }
    }
    match report.checks.iter().find(|check| !check.holds) {
        Some(check) => Err(Failure::check(format!("{} does not hold: {}", check.name, check.says))),
        None => Ok(()),
    }
}

/// The report, and the name of the tenant.
async fn make(
    reading: &Reading,
    tenant: TenantId,
    name: ReportName,
    asked: &Asked,
) -> Outcome<(Report, String)> {
    let directory = reading.engine.bus().directory();
    let info = directory.tenant(tenant).await.map_err(Failure::unavailable)?;
    let info = info.ok_or_else(|| Failure::usage("the log has no tenant"))?;
    let now = directory.now(Some(&info));
    let (log, views) = (&**reading.engine.log(), &**reading.engine.views());
    let known = reports::known(log, views, info.zone, asked).await.map_err(Failure::usage)?;
    let request = asked.resolve(name, info.zone, now, known).map_err(Failure::usage)?;
    let report = reports::make(views, tenant, &request).await;
    Ok((report.map_err(Failure::usage)?, info.name.clone()))
}

async fn from_server(remote: &Remote, name: ReportName, args: &Args) -> Outcome {
    let mut path = format!("/v1/reports/{name}?format={}", args.format.asked());
    for (parameter, value) in args.parameters() {
        path.push_str(&format!("&{parameter}={}", encoded(value)));
    }
    match (args.format, remote.get(&path).await?) {
        (Format::Table, Json::String(text)) => tell_csv(&text),
        (_, Json::String(text)) => {
            print!("{text}");
            Ok(())
        }
        (_, json) => show::json(&json),
    }
}

/// A value of an address, percent-encoded.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn tell(report: &Report) {
    let about = report.subject.as_ref().map_or_else(String::new, |subject| format!(", {subject}"));
    let from = report.window.from.map_or_else(|| "the beginning".to_owned(), |at| at.to_string());
    println!("{}{about}", report.name.title());
    println!(
        "from {from}, before {}, as known at position {}; days in {}",
        report.window.to, report.known_at, report.zone
    );
    let header: Vec<_> = report.columns.iter().map(|column| column.title).collect();
    let numbers: Vec<usize> = (0..)
        .zip(&report.columns)
        .filter(|(_, column)| match column.unit {
            Unit::Count | Unit::Money | Unit::Ratio => true,
            Unit::Text | Unit::Instant => false,
        })
        .map(|(place, _)| place)
        .collect();
    for section in &report.sections {
        let rows = section.rows.iter().chain(&section.totals).map(says).collect();
        println!("\n{}\n{}", section.heading, show::table(&header, &numbers, rows));
    }
    if report.sections.is_empty() {
        println!("\nThere is nothing to report for this time.");
    }
    for check in &report.checks {
        println!("{} {}", if check.holds { "holds:" } else { "DOES NOT HOLD:" }, check.says);
    }
    for note in &report.notes {
        println!("{note}");
    }
}

fn says(row: &Row) -> Vec<String> {
    let says = |cell: &Cell| match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Instant(instant) => instant.to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Ratio(ratio) => ratio.to_string(),
        Cell::Money(money, _) => money.amount_text(),
    };
    row.cells.iter().map(says).collect()
}

fn tell_csv(text: &str) -> Outcome {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(Failure::unavailable)?.clone();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(Failure::unavailable)?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    let header: Vec<_> = header.iter().collect();
    println!("{}", show::table(&header, &[], rows));
    Ok(())
}
