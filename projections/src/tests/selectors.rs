//! Figures as selectors: the same as the read models, and as what stands in the series.

use kernel::{Currency, SellerId};

use super::{
    shelf::Shelf,
    story::{a_month, potter, weaver},
};
use crate::{
    account_balances::{AccountBalance, AccountBalances},
    balance_series::{BalanceSeries, BalanceSpan, BalancesOverTime, LEVELS, span_start},
    chart::{Account, Book, CHART, Family},
    journal::{Journal, JournalLine},
    selectors::{FIGURES, Figure, Narrowing, Selector},
    seller_balances::{SellerBalance, SellerBalances},
};

fn sum(selector: &Selector, lines: &[JournalLine]) -> i128 {
    let of_part = |part| lines.iter().filter_map(move |line| selector.counts(part, line));
    selector.parts.iter().flat_map(of_part).sum()
}

fn figure(name: &str, seller: Option<SellerId>, lines: &[JournalLine]) -> i64 {
    let narrowing = Narrowing { seller, currency: Some(Currency::USD), ..Narrowing::default() };
    let figure = Figure::named(name).unwrap();
    i64::try_from(sum(&figure.selector(narrowing), lines)).unwrap()
}

#[test]
fn a_sellers_figures_are_those_of_his_balances_after_every_event() {
    let month = a_month();
    for place in 1..=month.len() {
        let lines: Vec<JournalLine> = Shelf::folded(&Journal, &month[..place], 9).rows();
        let rows: Vec<SellerBalance> = Shelf::folded(&SellerBalances, &month[..place], 9).rows();
        for row in rows {
            let of = |name| figure(name, Some(row.seller), &lines);
            let figures = [
                ("seller_total", row.position().unwrap()),
                ("seller_pending", row.pending),
                ("seller_available", row.available),
                ("seller_reserve", row.reserve),
                ("seller_dispute_hold", row.dispute_hold),
                ("seller_receivable", row.receivable),
                ("gross", row.gross),
                ("fees", row.fees),
                ("refunds", row.refunds),
                ("disputes", row.disputes),
                ("adjustments", row.adjustments),
                ("net", row.net),
                ("transferred", row.transferred),
                ("reversed", row.reversed),
            ];
            for (name, minor) in figures {
                assert_eq!(of(name), minor, "{name} after event {place}");
            }
        }
    }
}

#[test]
fn the_platforms_figures_are_those_of_all_sellers_together() {
    let lines: Vec<JournalLine> = Shelf::folded(&Journal, &a_month(), 9).rows();
    for name in ["gross", "fees", "refunds", "disputes", "net", "seller_total"] {
        let each = [potter(), weaver()].map(|seller| figure(name, Some(seller), &lines));
        assert_eq!(figure(name, None, &lines), each.iter().sum::<i64>(), "{name}");
    }
    assert_eq!(figure("commission_gross", None, &lines), 1000);
    assert_eq!(figure("commission_refunded", None, &lines), 700);
    assert_eq!(figure("stripe_fees", None, &lines), 379 + 1500);
    assert_eq!(figure("tax", None, &lines), 825 - 330 - 248);
    // The order, and the membership whose money the bank took back.
    assert_eq!(figure("gmv_gross", None, &lines), 10_325 + 3_300);
    assert_eq!(figure("refunded_to_buyers", None, &lines), 3930);
    assert_eq!(figure("clearing_open", None, &lines), 0);
}

#[test]
fn every_figure_names_accounts_of_the_chart_and_itself_once() {
    let mut names: Vec<_> = FIGURES.iter().map(|figure| figure.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FIGURES.len());
    for figure in FIGURES {
        for term in figure.terms {
            for account in term.accounts {
                let known = Family::named(account).is_some() || Account::parse(account).is_ok();
                assert!(known, "{}: {account}", figure.name);
            }
        }
    }
}

#[test]
fn series_add_up_to_the_balances_of_accounts_and_families() {
    let month = a_month();
    let shelf = Shelf::folded(&BalancesOverTime, &month, 4);
    let series: Vec<BalanceSeries> = shelf.rows();
    let spans: Vec<BalanceSpan> = shelf.rows();
    let balances: Vec<AccountBalance> = Shelf::folded(&AccountBalances, &month, 4).rows();
    for one in &series {
        let members = balances.iter().filter(|row| {
            let is_member = if one.is_family {
                row.account.family().pattern == one.name
            } else {
                row.account.name() == one.name
            };
            is_member && row.book == one.book && row.currency == one.currency
        });
        let (debits, credits) = members
            .fold((0, 0), |(debits, credits), row| (debits + row.debits, credits + row.credits));
        assert_eq!((one.debits, one.credits), (debits, credits), "{}", one.name);
        for level in 0..2_u32 {
            let inside = spans.iter().filter(|span| {
                (&span.book, &span.name, span.currency, span.level)
                    == (&one.book, &one.name, one.currency, level)
            });
            let (debits, lines) = inside
                .fold((0, 0), |(debits, lines), span| (debits + span.debits, lines + span.lines));
            assert_eq!((debits, lines), (one.debits, one.lines), "{} level {level}", one.name);
        }
    }
    // Families have one each; a charge has none, a seller has.
    assert!(series.iter().all(|one| !one.name.ends_with(":ch_1")));
    assert!(series.iter().any(|one| one.name == "assets:clearing:stripe:charge:*"));
    let own = format!("liabilities:seller:{}:pending", potter());
    assert!(series.iter().any(|one| one.name == own && !one.is_family));
    assert!(series.iter().any(|one| one.book != Book::Platform));
    for span in &spans {
        let length = LEVELS[usize::try_from(span.level).unwrap()];
        assert_eq!(span_start(span.start, length), span.start);
        assert!(span.first_position <= span.last_position);
    }
    assert!(CHART.len() > 50);
}
