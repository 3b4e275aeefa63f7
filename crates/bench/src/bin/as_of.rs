//! How long a balance as of an instant takes on a long journal, warm and cold, beside adding up the
//! lines: `cargo run --release -p bench --bin as_of -- --lines 1000000 --lines 10000000`.
//!
//! The journal is made up and written into a SQLite store directly: three years of lines of 400
//! sellers, 2 in 100 of them late by up to 30 days. A longer journal is a denser one: the worse case.
//! Cold is a store opened anew for one question; the operating system keeps its pages.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Parser;
use engine::figures::Figures;
use kernel::{Currency, SellerId, TenantId, Timestamp};
use projections::{
    Projection, Rows,
    balance_series::{BalancesOverTime, Posted},
    chart::{Account, Book, Side},
    journal::{Journal, JournalLine},
    postings::Nature,
    selectors::{Narrowing, Selector},
};
use store::{Checkpoint, LogId, MemoryLog, Position, RowWrite, Table, Views, ViewsTransaction};
use store_sqlite::SqliteViews;
use uuid::Uuid;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Measures balances as of an instant.
#[derive(Debug, Parser)]
struct Args {
    /// How many journal lines; may be given several times.
    #[arg(long, default_values_t = [1_000_000])]
    lines: Vec<u64>,
    /// How many questions of each kind.
    #[arg(long, default_value_t = 1000)]
    questions: u64,
    /// Where the stores are made and removed again.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

const BATCH: u64 = 50_000;
const SELLERS: u64 = 400;
/// Three years in milliseconds.
const SPAN: u64 = 3 * 365 * 86_400_000;
const START: i64 = 1_700_000_000_000;

/// A sequence that is the same in every run (splitmix64).
struct Sequence(u64);

impl Sequence {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn tenant() -> TenantId {
    TenantId::derived(&["as of"])
}

fn seller(number: u64) -> SellerId {
    SellerId::derived(&["as of", &number.to_string()])
}

fn instant(offset: u64) -> Timestamp {
    Timestamp::from_millis(START.saturating_add(i64::try_from(offset).unwrap_or(0)))
}

fn line(position: u64, of: u64, sequence: &mut Sequence) -> Outcome<JournalLine> {
    let whose = seller(sequence.below(SELLERS));
    let name = match sequence.below(8) {
        0 | 1 => "assets:stripe:balance".to_owned(),
        2 | 3 => format!("assets:clearing:stripe:charge:ch_{}", position / 8),
        4 => "income:commission".to_owned(),
        5 => "liabilities:tax:US-CA".to_owned(),
        6 => format!("liabilities:seller:{whose}:pending"),
        _ => format!("liabilities:seller:{whose}:available"),
    };
    let account = Account::parse(&name)?;
    let late = if sequence.below(50) == 0 { sequence.below(30 * 86_400_000) } else { 0 };
    let at = u64::try_from(u128::from(SPAN) * u128::from(position) / u128::from(of))?;
    let size = i64::try_from(1 + sequence.below(50_000))?;
    Ok(JournalLine {
        tenant: tenant(),
        position: Position(position),
        entry: 0,
        line: 0,
        event_id: Uuid::from_u128(u128::from(position)),
        event_type: "order.paid".to_owned(),
        nature: Nature::Sale,
        book: Book::Platform,
        family: account.family().pattern.to_owned(),
        minor: if sequence.below(2) == 0 { size } else { -size },
        currency: Currency::USD,
        effective_at: instant(at.saturating_sub(late)),
        prior_period: None,
        policy: None,
        seller: account.seller(),
        account,
        organizer: None,
        order_id: None,
        order_line: None,
        product: None,
        payment: None,
        charge: None,
        refund: None,
        dispute: None,
        payout: None,
        claim: None,
        txn: None,
        available_on: None,
        membership: None,
        event: None,
        channel: None,
    })
}

fn versioned(projection: &dyn Projection) -> String {
    format!("{}@{}", projection.name(), projection.version())
}

async fn write(
    views: &SqliteViews,
    projection: &dyn Projection,
    (before, position): (u64, u64),
    writes: BTreeMap<&'static str, Vec<RowWrite>>,
) -> Outcome {
    let checkpoint = Checkpoint {
        projection: versioned(projection),
        log: LogId("as-of".into()),
        position: Position(position),
        event_id: Uuid::nil(),
        state_hash: "0".repeat(64),
        rows: position,
        stopped: None,
    };
    let expected = (before > 0).then(|| (Position(before), Uuid::nil()));
    views.apply(ViewsTransaction { expected, checkpoint, writes }).await?;
    Ok(())
}

async fn fill(path: &Path, lines: u64) -> Outcome<Duration> {
    let begun = Instant::now();
    let views = SqliteViews::open(path).await?;
    for projection in [&Journal as &dyn Projection, &BalancesOverTime] {
        views.prepare(&versioned(projection), projection.tables()).await?;
    }
    let mut sequence = Sequence(7);
    let mut rows = Rows::from_nothing();
    let mut done = 0;
    while done < lines {
        let end = (done + BATCH).min(lines);
        let mut journal = Vec::new();
        for position in done + 1..=end {
            let line = line(position, lines, &mut sequence)?;
            let posted = Posted {
                tenant: line.tenant,
                position: line.position,
                book: &line.book,
                account: &line.account,
                currency: line.currency,
                effective: line.effective_at,
                minor: line.minor,
            };
            posted.fold(&mut rows)?;
            journal.push(RowWrite::Put(line.to_values()));
        }
        let journal = BTreeMap::from([(JournalLine::TABLE.name, journal)]);
        write(&views, &Journal, (done, end), journal).await?;
        write(&views, &BalancesOverTime, (done, end), rows.take_writes()?.rows).await?;
        done = end;
    }
    for projection in [&Journal as &dyn Projection, &BalancesOverTime] {
        views.make_live(&versioned(projection), projection.tables()).await?;
    }
    views.close().await;
    Ok(begun.elapsed())
}

/// One question: a series, an instant, and for every other one a position.
fn question(number: u64, lines: u64, sequence: &mut Sequence) -> Selector {
    let name = match number % 4 {
        0 => "assets:stripe:balance".to_owned(),
        1 => "assets:clearing:stripe:charge:*".to_owned(),
        2 => "liabilities:tax:US-CA".to_owned(),
        _ => format!("liabilities:seller:{}:available", seller(sequence.below(SELLERS))),
    };
    let known_at = (sequence.below(2) == 0).then(|| Position(1 + sequence.below(lines)));
    let to = Some(instant(sequence.below(SPAN)));
    Selector::balance(&name, Side::Debit, Narrowing { to, known_at, ..Narrowing::default() })
}

async fn ask(views: &SqliteViews, log: &MemoryLog, selector: &Selector) -> Outcome<Duration> {
    let figures = Figures { log, views, tenant: tenant() };
    let begun = Instant::now();
    figures.figure(selector).await?;
    Ok(begun.elapsed())
}

/// The same by adding up the lines in SQL.
fn add_up(connection: &rusqlite::Connection, selector: &Selector) -> Outcome<Duration> {
    let name = selector.parts.first().and_then(|part| part.accounts.first());
    let name = name.ok_or("a question names an account")?;
    let column = if name.ends_with('*') { "family" } else { "account" };
    let sql = format!(
        "SELECT SUM(minor) FROM journal_lines WHERE tenant = ?1 AND {column} = ?2 \
         AND book = 'platform' AND currency = 'USD' AND effective_at < ?3 AND position <= ?4"
    );
    let narrowing = &selector.narrowing;
    let to = narrowing.to.map(|to| to.to_string());
    let known = narrowing.known_at.and_then(|known| i64::try_from(known.0).ok());
    let begun = Instant::now();
    let _: Option<i64> = connection.query_row(
        &sql,
        rusqlite::params![tenant().to_string(), name, to, known.unwrap_or(i64::MAX)],
        |row| row.get(0),
    )?;
    Ok(begun.elapsed())
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

fn tell(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort();
    let (p50, p99) = (at(&times, 50), at(&times, 99));
    println!("  {what:<28} p50 {p50:>12.1?}   p99 {p99:>12.1?}   ({} questions)", times.len());
    p99
}

async fn measure(args: &Args, lines: u64) -> Outcome<(Duration, Duration)> {
    let folder = tempfile::Builder::new().prefix("as-of-").tempdir_in(&args.folder)?;
    let path = folder.path().join("views.sqlite");
    let filled = fill(&path, lines).await?;
    let bytes = std::fs::metadata(&path)?.len();
    println!("{lines} lines, written in {filled:.0?}, {} MB", bytes / 1_000_000);
    let log = MemoryLog::new();
    let mut sequence = Sequence(11);
    let asked: Vec<Selector> =
        (0..args.questions).map(|number| question(number, lines, &mut sequence)).collect();
    let mut cold = Vec::new();
    for selector in asked.iter().take(200) {
        let views = SqliteViews::open(&path).await?;
        cold.push(ask(&views, &log, selector).await?);
        views.close().await;
    }
    let views = SqliteViews::open(&path).await?;
    let mut warm = Vec::new();
    for selector in asked.iter().chain(&asked) {
        warm.push(ask(&views, &log, selector).await?);
    }
    views.close().await;
    let connection = rusqlite::Connection::open(&path)?;
    let naive = asked
        .iter()
        .take(40)
        .map(|selector| add_up(&connection, selector))
        .collect::<Outcome<Vec<_>>>()?;
    let cold = tell("cold (store opened anew)", cold);
    let warm = tell("warm", warm.split_off(asked.len()));
    tell("adding up the lines in SQL", naive);
    Ok((cold, warm))
}

#[tokio::main]
async fn main() -> Outcome {
    let args = Args::parse();
    std::fs::create_dir_all(&args.folder)?;
    let mut first: Option<(Duration, Duration)> = None;
    for lines in &args.lines {
        let (cold, warm) = measure(&args, *lines).await?;
        if let Some((cold_first, warm_first)) = first {
            let ratio = |now: Duration, then: Duration| {
                now.as_secs_f64() / then.as_secs_f64().max(f64::EPSILON)
            };
            println!(
                "  p99 beside the first: cold {:.2}, warm {:.2}",
                ratio(cold, cold_first),
                ratio(warm, warm_first)
            );
        }
        first = first.or(Some((cold, warm)));
    }
    Ok(())
}
