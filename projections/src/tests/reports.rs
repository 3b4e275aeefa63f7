//! The reports: on the month of the story with figures written out, and on random books.

use kernel::{Currency, Timestamp};
use proptest::prelude::*;
use store::Position;

use super::{
    shelf::Shelf,
    story::{a_month, day, order, payout, potter, weaver},
};
use crate::{
    chart::{Account, Book, SellerPart, StripeFee},
    journal::{Journal, JournalLine},
    payouts::{Payout, Payouts},
    postings::Nature,
    reports::{
        AgedClearing, AgedReceivables, Cell, Detail, Fees, Fold, GeneralLedger, Gmv, Month, Mrr,
        MrrMovement, MrrMovementKind, Names, PayoutRegister, Report, Revenue, Row, Scope,
        SellerStatement, TakeRate, TaxLiability, TrialBalance, Window,
    },
    seller_balances::{SellerBalance, SellerBalances},
};

const BERLIN: chrono_tz::Tz = chrono_tz::Europe::Berlin;

fn journal() -> Vec<JournalLine> {
    Shelf::folded(&Journal, &a_month(), 5).rows()
}

fn scope(from: Option<Timestamp>, to: Timestamp) -> Scope {
    let window = Window { from, to };
    let book = Some(Book::Platform);
    Scope { window, zone: BERLIN, known_at: u64::MAX, book, currency: None }
}

fn whole() -> Scope {
    scope(None, day(60))
}

fn names() -> Names {
    Names {
        orders: [(order(), "A-1".to_owned())].into(),
        sellers: [(potter(), "potter-7".to_owned())].into(),
    }
}

fn make(mut fold: impl Fold + 'static, lines: &[JournalLine]) -> Report {
    for line in lines {
        fold.take(line).unwrap();
    }
    Box::new(fold).finish(&names()).unwrap()
}

/// What a row says: words as they are, amounts in minor units.
fn says(row: &Row) -> Vec<String> {
    let says = |cell: &Cell| match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Instant(instant) => instant.to_string(),
        Cell::Count(count) => count.to_string(),
        Cell::Money(money, _) => money.minor().to_string(),
        Cell::Ratio(ratio) => ratio.to_string(),
    };
    row.cells.iter().map(says).collect()
}

fn rows(report: &Report, section: usize) -> Vec<Vec<String>> {
    let section = &report.sections[section];
    section.rows.iter().chain(&section.totals).map(says).collect()
}

fn assert_rows<const N: usize>(found: &[Vec<String>], expected: &[[&str; N]]) {
    let expected: Vec<Vec<String>> =
        expected.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
    assert_eq!(found, expected);
}

/// Every figure is the sum of the lines it names, and every check holds.
fn assert_explained(report: &Report, lines: &[JournalLine]) {
    for section in &report.sections {
        for row in section.rows.iter().chain(&section.totals) {
            assert_eq!(row.cells.len(), report.columns.len());
            for (column, cell) in report.columns.iter().zip(&row.cells) {
                let Cell::Money(money, Some(figure)) = cell else { continue };
                let sum: i128 = lines.iter().map(|line| figure.value(line).unwrap()).sum();
                let place = (report.name, &section.heading, says(row), column.name);
                assert_eq!(i128::from(money.minor()), sum, "{place:?}: {figure:?}");
            }
        }
    }
    assert!(report.holds(), "{:?}", report.checks);
}

fn payouts() -> Vec<Payout> {
    Shelf::folded(&Payouts, &a_month(), 5).rows()
}

fn every_report(scope: &Scope, lines: &[JournalLine], payouts: &[Payout]) -> Vec<Report> {
    let all = Scope { book: None, ..scope.clone() };
    let mut reports = vec![
        make(TrialBalance::new(all.clone(), Detail::Families), lines),
        make(TrialBalance::new(all.clone(), Detail::Accounts), lines),
        make(SellerStatement::new(scope.clone(), potter()), lines),
        make(Revenue::new(scope.clone()), lines),
        make(TaxLiability::new(scope.clone()), lines),
        make(AgedClearing::new(scope.clone()), lines),
        make(AgedReceivables::new(scope.clone()), lines),
        make(PayoutRegister::new(scope.clone(), payouts.to_vec()).unwrap(), lines),
        make(Fees::new(scope.clone()), lines),
        make(Gmv::new(scope.clone()), lines),
        make(TakeRate::new(scope.clone()), lines),
    ];
    for account in ["assets:stripe:balance", "assets:clearing:internal:claim:*"] {
        reports.push(make(GeneralLedger::new(all.clone(), account.to_owned()), lines));
    }
    reports
}

#[test]
fn every_figure_of_every_report_is_the_sum_of_the_lines_it_names() {
    let (lines, payouts) = (journal(), payouts());
    for from in [None, Some(day(-3)), Some(day(5)), Some(day(9))] {
        for to in [day(9), day(10), day(15), day(21), day(60)] {
            for known_at in [u64::MAX, 30, 20] {
                if from.is_none_or(|from| from < to) {
                    let scope = Scope { known_at, ..scope(from, to) };
                    // What the register says is of now; what the books say may be of then.
                    let register = if known_at == u64::MAX { payouts.as_slice() } else { &[] };
                    for report in every_report(&scope, &lines, register) {
                        assert_explained(&report, &lines);
                    }
                }
            }
        }
    }
}

#[test]
fn the_trial_balance_of_the_month() {
    let lines = journal();
    let scope = Scope { book: None, ..whole() };
    let report = make(TrialBalance::new(scope, Detail::Families), &lines);
    assert_eq!(report.sections[0].heading, "platform, USD");
    assert_rows(
        &rows(&report, 0),
        &[
            ["assets:stripe:balance", "", "3682"],
            ["assets:receivable:seller:*", "2050", ""],
            ["liabilities:tax:US-CA", "", "247"],
            ["income:commission", "", "1000"],
            ["income:commission-refunded", "700", ""],
            ["income:discounts", "300", ""],
            ["expenses:stripe-fees:processing", "379", ""],
            ["expenses:stripe-fees:dispute", "1500", ""],
            ["Total", "4929", "4929"],
        ],
    );
    assert_eq!(report.sections[1].heading, "acct_1, USD");
    assert_rows(
        &rows(&report, 1),
        &[
            ["assets:stripe:balance", "5000", ""],
            ["liabilities:owner", "", "5000"],
            ["Total", "5000", "5000"],
        ],
    );
}

#[test]
fn a_trial_balance_with_a_beginning_shows_what_moved() {
    let report = make(TrialBalance::new(scope(Some(day(5)), day(8)), Detail::Accounts), &journal());
    let found = rows(&report, 0);
    let pending = Account::Seller(potter(), SellerPart::Pending).name();
    let row = found.iter().find(|row| row[0] == pending).unwrap();
    assert_eq!(row[1..], ["-5900", "5900", "0", "0", ""].map(str::to_owned));
    let total = found.last().unwrap();
    assert_eq!((total[1].as_str(), &total[2], &total[4]), ("0", &total[3], &total[5]));
}

#[test]
fn the_general_ledger_of_an_account() {
    let account = Account::StripeFees(StripeFee::Processing).name();
    let report =
        make(GeneralLedger::new(scope(Some(day(1)), day(60)), account.clone()), &journal());
    let found = rows(&report, 0);
    let shown: Vec<_> = found.iter().map(|row| (&*row[2], &*row[6], &*row[7], &*row[8])).collect();
    assert_eq!(
        shown,
        [
            ("Opening balance", "", "", "329"),
            ("balance_transaction.recorded", "50", "", "379"),
            ("Closing balance", "50", "0", "379"),
        ]
    );
    assert_eq!(found[1][0], day(21).to_string());
}

#[test]
fn a_sellers_statement_ends_in_his_balance() {
    let lines = journal();
    let report = make(SellerStatement::new(scope(Some(day(5)), day(60)), potter()), &lines);
    assert_eq!(report.subject.as_deref(), Some("potter-7"));
    assert_rows(
        &rows(&report, 0),
        &[
            ["", "Opening balance", "", "", "5900"],
            ["", "Sales before commission", "", "0", ""],
            ["", "Commission and fees, less what came back", "", "300", ""],
            ["", "Refunds", "", "0", ""],
            ["", "Disputes", "", "-3250", ""],
            ["", "Other", "", "0", ""],
            ["", "Paid out", "", "-5000", ""],
            ["", "Payouts returned", "", "0", ""],
            ["", "Closing balance", "", "", "-2050"],
        ],
    );
    let (seventh, twentieth) = (day(7).to_string(), day(20).to_string());
    let claim = format!("{}", payout());
    assert_rows(
        &rows(&report, 1),
        &[
            [&seventh, "Payout", &claim, "-5000", "900"],
            [&twentieth, "Dispute", "A-1", "-2950", "-2050"],
            ["", "Closing balance", "", "", "-2050"],
        ],
    );
    assert_rows(
        &rows(&report, 2),
        &[
            ["", "pending", "", "0", ""],
            ["", "available", "", "0", ""],
            ["", "in reserve", "", "0", ""],
            ["", "held for disputes", "", "0", ""],
            ["", "owed by the seller", "", "-2050", ""],
            ["", "Closing balance", "", "", "-2050"],
        ],
    );
}

#[test]
fn every_statement_closes_with_the_sellers_row() {
    let lines = journal();
    let balances: Vec<SellerBalance> = Shelf::folded(&SellerBalances, &a_month(), 5).rows();
    assert_eq!(balances.len(), 2);
    for balance in balances {
        let report = make(SellerStatement::new(whole(), balance.seller), &lines);
        let closing = report.sections[0].totals[0].cells[4].money().unwrap();
        assert_eq!(closing.minor(), balance.position().unwrap());
        assert_eq!(closing.currency(), balance.currency);
        let found = rows(&report, 0);
        let amount = |what: &str| {
            let row = found.iter().find(|row| row[1] == what).unwrap();
            row[3].parse::<i64>().unwrap()
        };
        assert_eq!(amount("Sales before commission"), balance.gross);
        assert_eq!(-amount("Commission and fees, less what came back"), balance.fees);
        assert_eq!(-amount("Refunds"), balance.refunds);
        assert_eq!(-amount("Disputes"), balance.disputes);
        assert_eq!(-amount("Paid out"), balance.transferred);
    }
    let weavers = make(SellerStatement::new(whole(), weaver()), &lines);
    let found: Vec<_> = rows(&weavers, 1).into_iter().map(|row| row[3].clone()).collect();
    assert_eq!(found, ["3600", "-3600", ""]);
}

#[test]
fn revenue_of_the_month() {
    let report = make(Revenue::new(whole()), &journal());
    assert_rows(
        &rows(&report, 0),
        &[
            ["2026-03", "Commission", "1000", "700", "300"],
            ["2026-03", "Discounts", "0", "300", "-300"],
            ["Total", "Commission", "1000", "700", "300"],
            ["Total", "Discounts", "0", "300", "-300"],
            ["Total", "All streams", "1000", "1000", "0"],
        ],
    );
}

#[test]
fn fees_sales_and_the_take_rate_of_the_month() {
    let lines = journal();
    assert_rows(
        &rows(&make(Fees::new(whole()), &lines), 0)[1..],
        &[["Total", "379", "1500", "0", "0", "0", "1879", "0", "1879", "0", "300"]],
    );
    assert_rows(
        &rows(&make(Gmv::new(whole()), &lines), 0)[..1],
        &[["2026-03", "10500", "4000", "3250", "0", "3250"]],
    );
    // 3.00 of 32.50, and -18.79 of 32.50.
    assert_rows(
        &rows(&make(TakeRate::new(whole()), &lines), 0)[1..],
        &[["Total", "3250", "300", "300", "1879", "-1879", "0.0923", "-0.5782"]],
    );
    // Before the refund and the dispute, commission was a tenth of 105.00 to the fourth digit.
    let early = rows(&make(TakeRate::new(scope(None, day(8))), &lines), 0);
    assert_eq!(early[0][6], "0.0952");
}

#[test]
fn tax_is_collected_refunded_and_owed() {
    let lines = journal();
    assert_rows(
        &rows(&make(TaxLiability::new(whole()), &lines), 0),
        &[
            ["US-CA", "2026-03", "825", "578", "0", "247"],
            ["US-CA", "2026-04", "300", "300", "0", "247"],
            ["Total", "", "1125", "878", "0", "247"],
        ],
    );
    assert_rows(
        &rows(&make(TaxLiability::new(scope(Some(day(5)), day(10))), &lines), 0),
        &[
            ["US-CA", "brought forward", "", "", "", "825"],
            ["US-CA", "2026-03", "0", "330", "0", "495"],
            ["Total", "", "0", "330", "0", "495"],
        ],
    );
}

#[test]
fn what_is_open_is_as_old_as_its_oldest_amount() {
    let lines = journal();
    let since = day(9).to_string();
    let owed = Account::Receivable(potter()).name();
    let at = |to| rows(&make(AgedReceivables::new(scope(None, to)), &lines), 0);
    let (young, old) = (at(day(12)), at(day(40)));
    assert_rows(&young[..1], &[[&owed, "potter-7", &since, "3", "5000", "", "", "", "", "5000"]]);
    // He has paid back the larger part since; what remains is of the ninth.
    assert_rows(
        &old,
        &[
            [&owed, "potter-7", &since, "31", "", "", "2050", "", "", "2050"],
            ["Total", "", "", "", "0", "0", "2050", "0", "0", "2050"],
        ],
    );
    let clearing = make(AgedClearing::new(scope(None, day(19))), &lines);
    assert_eq!(clearing.sections.len(), 1);
    assert_eq!(clearing.sections[0].heading, "assets:disputes-open:* (platform, USD)");
    assert_rows(
        &rows(&clearing, 0),
        &[
            ["assets:disputes-open:dp_1", "", &since, "10", "", "6395", "", "", "", "6395"],
            ["Total", "1 open", "", "", "0", "6395", "0", "0", "0", "6395"],
        ],
    );
    assert_eq!(make(AgedClearing::new(whole()), &lines).sections, []);
}

#[test]
fn what_was_known_earlier_is_reported_as_it_was_known() {
    let lines = journal();
    let txn = lines.iter().find(|line| line.txn.as_deref() == Some("txn_1")).unwrap();
    let scope = Scope { known_at: txn.position.0 - 1, ..whole() };
    let clearing = make(AgedClearing::new(scope), &lines);
    let charge = clearing.sections.iter().find(|section| section.heading.contains("charge"));
    assert_eq!(says(&charge.unwrap().rows[0])[9], "10325");
}

#[test]
fn the_payout_register_agrees_with_the_books() {
    let report = make(PayoutRegister::new(whole(), payouts()).unwrap(), &journal());
    let found = rows(&report, 0);
    let shown: Vec<_> = found[0][2..8].iter().map(String::as_str).collect();
    assert_eq!(shown, ["potter-7", "transferred", "5000", "tr_1", "5000", "0"]);
    assert_eq!(report.checks.len(), 1);
    assert!(report.holds());
}

#[test]
fn recurring_revenue_moves_from_opening_to_closing() {
    let movement = |month: &str, kind, delta| MrrMovement {
        month: month.parse().unwrap(),
        kind,
        currency: Currency::EUR,
        delta,
    };
    let movements = [
        movement("2026-01", MrrMovementKind::New, 1000),
        movement("2026-03", MrrMovementKind::New, 500),
        movement("2026-03", MrrMovementKind::Contraction, -200),
        movement("2026-04", MrrMovementKind::Churn, -1000),
        movement("2026-04", MrrMovementKind::Reactivation, 700),
    ];
    let report = make(Mrr::new(scope(Some(day(-2)), day(60)), movements).unwrap(), &[]);
    assert_rows(
        &rows(&report, 0),
        &[
            ["2026-03", "1000", "500", "0", "0", "-200", "0", "1300"],
            ["2026-04", "1300", "0", "0", "700", "0", "-1000", "1000"],
            ["Total", "1000", "500", "0", "700", "-200", "-1000", "1000"],
        ],
    );
}

/// A book of made-up entries: two lines each, over five months.
fn books() -> impl Strategy<Value = Vec<JournalLine>> {
    let template = journal().remove(0);
    let own = |part| Account::Seller(potter(), part);
    let accounts = vec![
        Account::StripeBalance,
        own(SellerPart::Pending),
        own(SellerPart::Available),
        Account::Receivable(potter()),
        Account::Commission,
        Account::CommissionRefunded,
        Account::Discounts,
        Account::Tax("US-CA".to_owned()),
        Account::Tax("DE".to_owned()),
        Account::StripeFees(StripeFee::Processing),
        Account::FeeRecovery,
        Account::ChargebackLoss,
        Account::RefundsPayable,
        Account::Claim("ord_1:0".into()),
        Account::Bank("main".to_owned()),
    ];
    let natures = vec![
        Nature::Sale,
        Nature::Refund,
        Nature::Chargeback,
        Nature::Payout,
        Nature::Adjustment,
        Nature::Settlement,
    ];
    let entry = (
        proptest::sample::select(accounts.clone()),
        proptest::sample::select(accounts),
        1..1_000_000_i64,
        proptest::sample::select(natures),
        0..150 * 24_i64,
        any::<bool>(),
    );
    proptest::collection::vec(entry, 0..60).prop_map(move |entries| {
        let lines = (1_u64..).zip(entries).flat_map(|(position, entry)| {
            let (debit, credit, minor, nature, hour, euro) = entry;
            let line = |number, account: &Account, minor| JournalLine {
                position: Position(position),
                entry: 0,
                line: number,
                account: account.clone(),
                family: account.family().pattern.to_owned(),
                minor,
                nature,
                currency: if euro { Currency::EUR } else { Currency::USD },
                effective_at: day(0).plus_seconds(hour * 3600),
                seller: Some(potter()),
                refund: None,
                payout: None,
                ..template.clone()
            };
            [line(0, &debit, minor), line(1, &credit, -minor)]
        });
        lines.collect()
    })
}

/// How a report is made of lines.
type Make = fn(&Scope, &[JournalLine]) -> Report;

/// The amounts of the last total of a currency, from these columns on.
fn totals(report: &Report, currency: &str, label: usize) -> Vec<i64> {
    let section = report.sections.iter().find(|section| section.heading == currency);
    let cells = section.and_then(|section| section.totals.last()).map(|row| &row.cells[label..]);
    let cells = cells.unwrap_or_default();
    cells.iter().filter_map(|cell| cell.money().map(kernel::Money::minor)).collect()
}

fn sums(reports: &[Report], currency: &str, label: usize) -> Vec<i64> {
    reports.iter().fold(Vec::new(), |mut sums, report| {
        let more = totals(report, currency, label);
        sums.resize(sums.len().max(more.len()), 0);
        for (sum, minor) in sums.iter_mut().zip(more) {
            *sum += minor;
        }
        sums
    })
}

fn months(window: Window) -> Vec<Scope> {
    let (mut month, mut months) = (Month::of(BERLIN, window.from.unwrap()), Vec::new());
    while month.start(BERLIN) < window.to {
        let part = window.within(month, BERLIN);
        months.push(scope(part.from, part.to));
        month = month.next();
    }
    months
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_months_add_up_to_the_whole(
        lines in books(),
        first in 0..100_i64,
        length in 1..60_i64,
    ) {
        let window = Window { from: Some(day(first)), to: day(first + length) };
        let (whole, parts) = (scope(window.from, window.to), months(window));
        let flows: [(Make, usize, usize); 5] = [
            (|scope, lines| make(Revenue::new(scope.clone()), lines), 2, 0),
            (|scope, lines| make(Fees::new(scope.clone()), lines), 1, 0),
            (|scope, lines| make(Gmv::new(scope.clone()), lines), 1, 0),
            (|scope, lines| make(TakeRate::new(scope.clone()), lines), 1, 0),
            // What is owed is no flow: it is left out.
            (|scope, lines| make(TaxLiability::new(scope.clone()), lines), 2, 1),
        ];
        for (make, label, last) in flows {
            let report = make(&whole, &lines);
            let of_months: Vec<Report> = parts.iter().map(|scope| make(scope, &lines)).collect();
            for currency in ["EUR", "USD"] {
                let mut expected = totals(&report, currency, label);
                let mut found = sums(&of_months, currency, label);
                expected.truncate(expected.len().saturating_sub(last));
                found.truncate(found.len().saturating_sub(last));
                // A report of nothing has no rows, and that is the same as zeros.
                found.resize(found.len().max(expected.len()), 0);
                expected.resize(found.len(), 0);
                prop_assert_eq!(expected, found, "{} {}", report.name, currency);
            }
        }
    }

    #[test]
    fn any_window_of_any_book_is_explained_and_balanced(
        lines in books(),
        from in proptest::option::of(0..100_i64),
        length in 1..100_i64,
        known_at in 0..70_u64,
    ) {
        let to = day(from.unwrap_or_default() + length);
        let scope = Scope { known_at, ..scope(from.map(day), to) };
        for report in every_report(&scope, &lines, &[]) {
            assert_explained(&report, &lines);
        }
    }
}
