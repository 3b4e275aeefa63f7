//! Figures from spans and from pages of lines, against the sum of every line there is.

use std::{collections::BTreeMap, str::FromStr};

use kernel::{Currency, SellerId, TenantId, Timestamp};
use projections::{
    Projection, Rows,
    balance_series::{BalancesOverTime, Posted},
    chart::{Account, Book, Side},
    journal::{Journal, JournalLine},
    postings::Nature,
    selectors::{FIGURES, Figure, Narrowing, Selector},
};
use proptest::prelude::*;
use store::{
    Checkpoint, LogId, MemoryLog, MemoryViews, Position, RowWrite, Table, Views, ViewsTransaction,
};
use uuid::Uuid;

use super::*;
use crate::explain::{Question, explain_figure};

const QUARTER: i64 = 15 * 60 * 1000;

fn tenant() -> TenantId {
    TenantId::derived(&["pond"])
}

fn seller() -> SellerId {
    SellerId::derived(&["potter"])
}

/// Accounts of every kind: alone, of a few, of a seller, of an object.
fn accounts() -> Vec<Account> {
    [
        "assets:stripe:balance".to_owned(),
        "liabilities:tax:DE".to_owned(),
        "income:commission".to_owned(),
        "assets:clearing:stripe:charge:ch_1".to_owned(),
        "assets:clearing:stripe:charge:ch_2".to_owned(),
        format!("liabilities:seller:{}:pending", seller()),
        format!("assets:receivable:seller:{}", seller()),
    ]
    .iter()
    .map(|name| Account::from_str(name).unwrap())
    .collect()
}

/// One line of a made-up journal.
#[derive(Debug, Clone)]
struct Drawn {
    account: usize,
    minor: i64,
    at: i64,
    sale: bool,
    mirror: bool,
    euro: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    // Times close together and far apart, on the edges of spans and beside them, before 1970 too.
    let times = prop_oneof![
        (-3_i64..200, -1_i64..2).prop_map(|(quarter, beside)| quarter * QUARTER + beside),
        (-2_i64..5, -1_i64..2).prop_map(|(span, beside)| span * QUARTER * 4096 + beside),
        -1_000_000_000_i64..20_000_000_000,
    ];
    let amount = prop_oneof![1_i64..500, -500_i64..0];
    let flags = (any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (0_usize..7, amount, times, flags).prop_map(|(account, minor, at, (sale, mirror, euro))| {
        Drawn { account, minor, at, sale, mirror, euro }
    })
}

fn line(position: u64, drawn: &Drawn) -> JournalLine {
    let account = accounts().swap_remove(drawn.account);
    JournalLine {
        tenant: tenant(),
        position: Position(position),
        entry: 0,
        line: 0,
        event_id: Uuid::from_u128(u128::from(position)),
        event_type: "test.posted".to_owned(),
        nature: if drawn.sale { Nature::Sale } else { Nature::Refund },
        book: if drawn.mirror { Book::Mirror("acct_1".into()) } else { Book::Platform },
        family: account.family().pattern.to_owned(),
        minor: drawn.minor,
        currency: if drawn.euro { Currency::EUR } else { Currency::USD },
        effective_at: Timestamp::from_millis(drawn.at),
        prior_period: None,
        policy: None,
        seller: account.seller().or_else(|| drawn.sale.then(seller)),
        account,
        organizer: None,
        order_id: None,
        order_line: None,
        product: drawn.sale.then(|| "bowl".to_owned()),
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
    }
}

async fn put(
    views: &MemoryViews,
    projection: &dyn Projection,
    position: u64,
    writes: BTreeMap<&'static str, Vec<RowWrite>>,
) {
    let name = format!("{}@{}", projection.name(), projection.version());
    views.prepare(&name, projection.tables()).await.unwrap();
    let checkpoint = Checkpoint {
        projection: name.clone(),
        log: LogId("pond".into()),
        position: Position(position),
        event_id: Uuid::nil(),
        state_hash: "0".repeat(64),
        rows: 0,
        stopped: None,
    };
    views.apply(ViewsTransaction { expected: None, checkpoint, writes }).await.unwrap();
    views.make_live(&name, projection.tables()).await.unwrap();
}

async fn stored(lines: &[JournalLine]) -> MemoryViews {
    let views = MemoryViews::new();
    let mut rows = Rows::from_nothing();
    for line in lines {
        let posted = Posted {
            tenant: line.tenant,
            position: line.position,
            book: &line.book,
            account: &line.account,
            currency: line.currency,
            effective: line.effective_at,
            minor: line.minor,
        };
        posted.fold(&mut rows).unwrap();
    }
    let head = lines.len() as u64;
    put(&views, &BalancesOverTime, head, rows.take_writes().unwrap().rows).await;
    let journal = lines.iter().map(|line| RowWrite::Put(line.to_values())).collect();
    put(&views, &Journal, head, BTreeMap::from([(JournalLine::TABLE.name, journal)])).await;
    views
}

fn naive(selector: &Selector, lines: &[JournalLine], currency: Currency) -> (i128, i64) {
    let selector = selector.in_currency(currency);
    let mut found = (0, 0);
    for part in &selector.parts {
        for minor in lines.iter().filter_map(|line| selector.counts(part, line)) {
            found = (found.0 + minor, found.1 + 1);
        }
    }
    found
}

/// Every kind of selector: whole series, lines of accounts, of a seller, of a product.
fn selectors() -> Vec<Selector> {
    let mut selectors: Vec<Selector> = accounts()
        .iter()
        .flat_map(|account| [account.name(), account.family().pattern.to_owned()])
        .map(|name| Selector::balance(&name, Side::Debit, Narrowing::default()))
        .collect();
    for name in
        ["seller_total", "gross", "fees", "net", "tax", "paid_by_buyers_net", "clearing_open"]
    {
        let figure = Figure::named(name).unwrap();
        let of_seller = Narrowing { seller: Some(seller()), ..Narrowing::default() };
        let of_product = Narrowing { product: Some("bowl".to_owned()), ..Narrowing::default() };
        selectors
            .extend([Narrowing::default(), of_seller, of_product].map(|one| figure.selector(one)));
    }
    let book = Some(Book::Mirror("acct_1".into()));
    let mirror = Narrowing { book, ..Narrowing::default() };
    selectors.push(Selector::balance("assets:stripe:balance", Side::Debit, mirror));
    selectors
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_figure_at_any_time_known_at_any_position_is_the_sum_of_its_lines(
        drawn in prop::collection::vec(drawn(), 1..250),
        moments in prop::collection::vec((0_usize..250, -1_i64..2, 0_u64..260, any::<bool>()), 6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let lines: Vec<JournalLine> =
                (1..).zip(&drawn).map(|(position, drawn)| line(position, drawn)).collect();
            let views = stored(&lines).await;
            let log = MemoryLog::new();
            let figures = Figures { log: &log, views: &views, tenant: tenant() };
            for (near, beside, known, windowed) in moments {
                // On an instant of a line and beside it, where mistakes would be.
                let at = lines[near % lines.len()].effective_at.millis() + beside;
                let to = Timestamp::from_millis(at);
                let from = windowed.then(|| Timestamp::from_millis(at - 7 * QUARTER));
                for selector in selectors() {
                    let asked = selector.within(from, Some(to), Some(Position(known)));
                    let answer = figures.figure(&asked).await.unwrap();
                    for currency in [Currency::USD, Currency::EUR] {
                        let found = answer.amounts.iter().find(|one| one.currency == currency);
                        let found = found.map_or((0, 0), |one| (i128::from(one.minor), one.lines));
                        assert_eq!(found, naive(&asked, &lines, currency), "{asked:?}");
                    }
                }
            }
        });
    }
}

fn sample() -> Vec<JournalLine> {
    (1..=400_u64)
        .map(|position| {
            let n = i64::try_from(position).unwrap();
            // Every tenth line is late by up to three months.
            let late = if n % 10 == 0 { (n % 90) * 96 * QUARTER } else { 0 };
            let drawn = Drawn {
                account: usize::try_from(position % 7).unwrap(),
                minor: if n % 3 == 0 { -n } else { 2 * n },
                at: n * 40 * QUARTER - late,
                sale: n % 2 == 0,
                mirror: false,
                euro: false,
            };
            line(position, &drawn)
        })
        .collect()
}

#[tokio::test]
async fn an_explanation_ends_in_the_figure_page_by_page() {
    let lines = sample();
    let views = stored(&lines).await;
    let log = MemoryLog::new();
    let figures = Figures { log: &log, views: &views, tenant: tenant() };
    for named in FIGURES {
        let narrowing = Narrowing {
            seller: named.for_sellers.then(seller),
            to: Some(Timestamp::from_millis(9000 * QUARTER)),
            known_at: Some(Position(333)),
            ..Narrowing::default()
        };
        let whole = Question::of(named, narrowing.clone(), Currency::USD);
        let all = explain_figure(figures, &whole).await.unwrap();
        let expected = naive(&whole.selector, &lines, Currency::USD);
        assert_eq!((i128::from(all.minor), all.lines.len() as i64), expected, "{}", named.name);
        assert_eq!(all.opening, 0, "{}", named.name);
        assert_eq!(all.lines.last().map_or(0, |line| line.running), all.minor);
        let mut pages = Vec::new();
        let mut before = None;
        loop {
            let question = whole.clone().latest(7, before);
            let page = explain_figure(figures, &question).await.unwrap();
            assert_eq!(page.minor, all.minor, "{}", named.name);
            pages.splice(0..0, page.lines);
            match page.earlier {
                Some(cursor) => before = Some(cursor.parse().unwrap()),
                None => break,
            }
        }
        assert_eq!(pages, all.lines, "{}", named.name);
    }
}

#[tokio::test]
async fn the_trial_balance_adds_up_the_families() {
    let lines = sample();
    let views = stored(&lines).await;
    let log = MemoryLog::new();
    let figures = Figures { log: &log, views: &views, tenant: tenant() };
    let to = Timestamp::from_millis(8000 * QUARTER);
    let window = (None, Some(to));
    let (known, rows) =
        figures.trial_balance(&Book::Platform, window, Some(Position(300))).await.unwrap();
    assert_eq!(known, Position(300));
    let counted = |line: &&JournalLine| line.effective_at < to && line.position <= known;
    let all: i64 = lines.iter().filter(counted).map(|line| line.minor).sum();
    assert_eq!(rows.iter().map(|row| row.balance).sum::<i64>(), all);
    assert!(rows.iter().all(|row| row.balance == row.debits - row.credits));
    assert_eq!(rows.len(), 6, "the charges are one family");
}

#[tokio::test]
async fn a_restatement_names_every_line_that_came_later() {
    let lines = sample();
    let views = stored(&lines).await;
    let log = MemoryLog::new();
    let figures = Figures { log: &log, views: &views, tenant: tenant() };
    let (since, until) =
        (Timestamp::from_millis(3000 * QUARTER), Timestamp::from_millis(9001 * QUARTER + 5));
    let (first, second) = (Position(220), Position(390));
    let window = (Some(since), Some(until));
    let restated =
        figures.restatement(&Book::Platform, window, (first, Some(second)), 1000).await.unwrap();
    let expected: Vec<(u64, i64)> = lines
        .iter()
        .filter(|line| line.effective_at >= since && line.effective_at < until)
        .filter(|line| line.position > first && line.position <= second)
        .map(|line| (line.position.0, line.minor))
        .collect();
    assert!(expected.len() > 5);
    let found: Vec<_> =
        restated.changes.iter().map(|change| (change.position, change.minor)).collect();
    assert_eq!(found, expected);
    assert_eq!(restated.lines, expected.len() as u64);
    let change: i64 = restated.accounts.iter().map(|account| account.change).sum();
    assert_eq!(change, expected.iter().map(|(_, minor)| minor).sum::<i64>());
    assert!(restated.accounts.iter().all(|one| one.after - one.before == one.change));
    let few = figures.restatement(&Book::Platform, window, (first, None), 3).await.unwrap();
    assert_eq!(few.changes.len(), 3);
}

#[test]
fn days_end_where_the_next_begins_in_every_zone() {
    let day = |text: &str| text.parse::<Moment>().unwrap();
    let berlin = chrono_tz::Europe::Berlin;
    assert_eq!(day("2026-03-28").end(berlin).to_string(), "2026-03-28T23:00:00Z");
    assert_eq!(day("2026-03-29").end(berlin).to_string(), "2026-03-29T22:00:00Z");
    // In Beirut the clocks jumped over midnight on that day.
    let beirut = chrono_tz::Asia::Beirut;
    assert_eq!(day("2022-03-27").begin(beirut).to_string(), "2022-03-26T22:00:00Z");
    let instant = day("2026-03-28T10:00:00Z");
    assert_eq!(instant.end(berlin), instant.begin(berlin));
    assert_eq!("17".parse(), Ok(KnownAt::Position(Position(17))));
    assert!("yesterday".parse::<KnownAt>().is_err());
    let (from, to) = month("2026-12", chrono_tz::Tz::UTC).unwrap();
    assert_eq!(
        (from.to_string(), to.to_string()),
        ("2026-12-01T00:00:00Z".to_owned(), "2027-01-01T00:00:00Z".to_owned(),)
    );
}
