//! `daybook restatement`: what is different about a month, or any window, since it was reported.

use engine::figures::{Figures, KnownAt, Moment, Restatement, month, zone_of};
use kernel::Money;
use projections::chart::Book;

use crate::{
    config::DataArgs,
    engines::read_log,
    house::{Reading, some_tenant_of},
    outcome::{Failure, Outcome},
    show,
};

/// Which window, and what was known when.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// What was known first: at a position of the log, at an instant, or at the end of a day
    #[arg(long)]
    from: KnownAt,
    /// What was known later; now, unless it is said
    #[arg(long)]
    to: Option<KnownAt>,
    /// The month, such as 2026-03
    #[arg(long, conflicts_with_all = ["since", "until"])]
    month: Option<String>,
    /// What took effect from this day or instant on
    #[arg(long)]
    since: Option<Moment>,
    /// What took effect before this day or instant
    #[arg(long)]
    until: Option<Moment>,
    /// In which book: a connected account, unless the platform's
    #[arg(long, default_value = "platform")]
    book: Book,
    /// Show at most so many lines
    #[arg(long, default_value_t = 100)]
    lines: usize,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let zone = zone_of(&*log, tenant).await.map_err(Failure::unavailable)?;
    let first = args.from.position(&*log, zone).await.map_err(Failure::unavailable)?;
    let second = match args.to {
        Some(known) => Some(known.position(&*log, zone).await.map_err(Failure::unavailable)?),
        None => None,
    };
    let window = match &args.month {
        Some(text) => {
            let (from, to) = month(text, zone)
                .ok_or_else(|| Failure::usage(format!("\"{text}\" is no month like 2026-03")))?;
            (Some(from), Some(to))
        }
        None => {
            (args.since.map(|since| since.begin(zone)), args.until.map(|until| until.begin(zone)))
        }
    };
    let names = ["journal", "balance_series"];
    let reading = Reading::of(log, &names, &show::bar("reading")).await?;
    let engine = &reading.engine;
    let figures = Figures { log: &**engine.log(), views: &**engine.views(), tenant };
    let compared = figures.restatement(&args.book, window, (first, second), args.lines).await;
    reading.close().await;
    let restatement = compared.map_err(Failure::usage)?;
    if args.json {
        return show::json(&restatement);
    }
    tell(&restatement);
    Ok(())
}

fn tell(restatement: &Restatement) {
    println!(
        "known at position {} and at position {}: {} lines were recorded in between",
        restatement.first, restatement.second, restatement.lines
    );
    let rows = restatement
        .accounts
        .iter()
        .map(|row| {
            let amount = |minor| Money::new(minor, row.currency).amount_text();
            vec![
                row.account.clone(),
                row.currency.to_string(),
                amount(row.before),
                amount(row.after),
                amount(row.change),
            ]
        })
        .collect();
    let header = ["account", "currency", "first", "later", "change"];
    println!("{}", show::table(&header, &[2, 3, 4], rows));
    let rows = restatement
        .changes
        .iter()
        .map(|change| {
            let first = change.causes.first();
            let root = change.causes.last();
            let why = root.map_or_else(String::new, |root| {
                let webhook = root.webhook.as_ref();
                webhook.map_or_else(|| root.event_type.clone(), |id| format!("webhook {id}"))
            });
            vec![
                change.position.to_string(),
                change.event_type.clone(),
                change.effective_at.to_string(),
                first.map_or_else(String::new, |step| step.recorded_at.clone()),
                change.account.clone(),
                Money::new(change.minor, change.currency).amount_text(),
                first.map_or_else(String::new, |step| step.actor.clone()),
                why,
            ]
        })
        .collect();
    let header =
        ["position", "event", "effective", "recorded", "account", "amount", "actor", "because of"];
    println!("{}", show::table(&header, &[0, 5], rows));
}
