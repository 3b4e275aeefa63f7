//! `daybook balance`: the trial balance or a seller's balance, as of an instant and as known at a
//! position, straight from the log.

use std::collections::BTreeMap;

use aggregates::fact::Fact;
use engine::figures::{KnownAt, Moment, zone_of};
use kernel::{Currency, Money, SellerId, TenantId, Timestamp};
use projections::{dating::Calendar, postings::postings};
use serde::Serialize;
use store::{Log, Position, Recorded};

use crate::{
    config::DataArgs,
    engines::read_log,
    house::some_tenant_of,
    outcome::{Failure, Outcome},
    show,
};

/// Which balances.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Only this seller's accounts
    #[arg(long)]
    seller: Option<SellerId>,
    /// Only this currency
    #[arg(long)]
    currency: Option<Currency>,
    /// What had taken effect by the end of this day, or before this instant (RFC 3339)
    #[arg(long)]
    as_of: Option<Moment>,
    /// What was known at this position of the log, at this instant, or at the end of this day
    #[arg(long)]
    known_at: Option<KnownAt>,
    /// Also accounts whose balance is zero
    #[arg(long)]
    all: bool,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// One account's balance; debits positive, minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Line {
    book: String,
    account: String,
    currency: Currency,
    minor: i64,
    amount: String,
}

/// What counts, with days and instants resolved.
struct Wanted {
    seller: Option<SellerId>,
    currency: Option<Currency>,
    as_of: Option<Timestamp>,
    known_at: Option<Position>,
}

type Sums = BTreeMap<(String, String, Currency), i128>;

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let tenant = some_tenant_of(&*log).await?;
    let zone = zone_of(&*log, tenant).await.map_err(Failure::unavailable)?;
    let wanted = Wanted {
        seller: args.seller,
        currency: args.currency,
        as_of: args.as_of.map(|as_of| as_of.end(zone)),
        known_at: match args.known_at {
            Some(known) => Some(known.position(&*log, zone).await.map_err(Failure::unavailable)?),
            None => None,
        },
    };
    let sums = sums(&*log, tenant, &wanted).await?;
    let lines = lines_of(sums, args.all)?;
    if args.json {
        return show::json(&lines);
    }
    let rows = lines
        .iter()
        .map(|line| {
            let money = Money::new(line.minor, line.currency);
            let (debit, credit) = if line.minor >= 0 {
                (money.amount_text(), String::new())
            } else {
                let mirrored =
                    line.minor.checked_neg().map(|minor| Money::new(minor, line.currency));
                (String::new(), mirrored.unwrap_or(money).amount_text())
            };
            vec![line.book.clone(), line.account.clone(), line.currency.to_string(), debit, credit]
        })
        .collect();
    let header = ["book", "account", "currency", "debit", "credit"];
    println!("{}", show::table(&header, &[3, 4], rows));
    Ok(())
}

async fn sums(log: &dyn Log, tenant: TenantId, wanted: &Wanted) -> Outcome<Sums> {
    let head = log.head().await.map_err(Failure::unavailable)?.position;
    let through = wanted.known_at.map_or(head, |position| position.min(head));
    let bar = show::bar("reading");
    bar.set_length(through.0);
    let mut sums = Sums::new();
    let mut calendar = Calendar::default();
    let mut after = Position::START;
    while after < through {
        let page = log.read_all(after, 2000).await.map_err(Failure::unavailable)?;
        let Some(end) = page.events.last().map(|recorded| recorded.position) else { break };
        for recorded in page.events.iter().filter(|one| one.position <= through) {
            if recorded.stream.tenant == tenant {
                let fact = Fact::decode(&recorded.stream.category, &recorded.payload)
                    .map_err(Failure::check)?;
                calendar.note(tenant, recorded.position, &fact);
                add(&mut sums, recorded, &fact, (wanted, &calendar)).map_err(|error| {
                    Failure::check(format!("position {}: {error}", recorded.position))
                })?;
            }
        }
        after = end;
        bar.set_position(after.0);
    }
    bar.finish_and_clear();
    Ok(sums)
}

fn add(
    sums: &mut Sums,
    recorded: &Recorded,
    fact: &Fact,
    (wanted, calendar): (&Wanted, &Calendar),
) -> Result<(), projections::postings::PostingFault> {
    let mut entries = postings(&recorded.stream, fact)?;
    calendar.date(recorded.stream.tenant, recorded.position, &mut entries);
    for entry in entries {
        let in_effect = wanted.as_of.is_none_or(|as_of| entry.effective() < as_of);
        let is_wanted = wanted.currency.is_none_or(|currency| entry.currency() == currency);
        if !in_effect || !is_wanted {
            continue;
        }
        for posting in entry.lines() {
            let account = posting.account().to_string();
            if wanted.seller.is_some_and(|seller| !account.contains(&seller.to_string())) {
                continue;
            }
            let key = (entry.book().to_string(), account, entry.currency());
            *sums.entry(key).or_default() += i128::from(posting.signed());
        }
    }
    Ok(())
}

fn lines_of(sums: Sums, all: bool) -> Outcome<Vec<Line>> {
    sums.into_iter()
        .filter(|(_, sum)| all || *sum != 0)
        .map(|((book, account, currency), sum)| {
            let minor = i64::try_from(sum)
                .map_err(|_| Failure::check(format!("{account} exceeds 64-bit minor units")))?;
            let amount = Money::new(minor, currency).amount_text();
            Ok(Line { book, account, currency, minor, amount })
        })
        .collect()
}
