//! The read models of money.

use kernel::{Currency, TenantId, Timestamp};
use store::RowHash;

use super::{
    shelf::Shelf,
    story::{a_month, day, order, potter, tenant, until, weaver},
};
use crate::{
    account_balances::{AccountBalance, AccountBalances, balance_hash},
    chart::{Account, Book, SellerPart},
    earnings::{DailyEarnings, Earnings, day_in},
    journal::{Journal, JournalLine},
    order_reconciliation::{OrderReconciliation, OrderReconciliations},
    postings::Nature,
    seller_balances::{SellerBalance, SellerBalances},
    seller_entries::{SellerEntries, SellerEntry},
};

#[test]
fn the_journal_holds_every_line_and_adds_up_to_nothing() {
    let month = a_month();
    let lines: Vec<JournalLine> = Shelf::folded(&Journal, &month, 5).rows();
    assert_eq!(lines.iter().map(|line| line.minor).sum::<i64>(), 0);
    let paid: Vec<_> = lines.iter().filter(|line| line.event_type == "order.paid").collect();
    assert_eq!(paid.len(), 9);
    assert_eq!((paid[0].minor, paid[0].nature), (10_325, Nature::Sale));
    assert_eq!(paid[0].account.name(), "assets:clearing:stripe:charge:ch_1");
    assert_eq!((paid[1].minor, paid[1].order_line), (-5900, Some(0)));
    assert_eq!((paid[1].seller, paid[1].order_id), (Some(potter()), Some(order())));
    assert_eq!(paid[1].effective_at, day(0));
}

#[test]
fn the_trial_balance_is_the_list_of_accounts() {
    let rows: Vec<AccountBalance> = Shelf::folded(&AccountBalances, &a_month(), 5).rows();
    let balance = |name: &str| {
        let row = rows.iter().find(|row| row.account.name() == name && row.book == Book::Platform);
        row.map_or(0, |row| row.balance)
    };
    // 103.25 - 3.29 - 50.00 - 39.30 - 63.95 - 15.00 + 31.97, and 7.00 - 0.50 - 7.00.
    assert_eq!(balance("assets:stripe:balance"), 9996 - 5000 - 3930 - 6395 - 1500 + 3197 - 50);
    assert_eq!(balance("income:commission"), -1000);
    assert_eq!(balance("income:commission-refunded"), 700);
    assert_eq!(balance("expenses:stripe-fees:processing"), 379);
    assert_eq!(balance("expenses:stripe-fees:dispute"), 1500);
    assert_eq!(balance("liabilities:tax:US-CA"), -(825 - 330 - 248));
    for book in [Book::Platform, Book::Mirror("acct_1".into())] {
        let of_book = rows.iter().filter(|row| row.book == book);
        assert_eq!(of_book.clone().map(|row| row.balance).sum::<i64>(), 0, "{book}");
        assert!(of_book.clone().all(|row| row.balance == row.debits - row.credits));
    }
    let pending = rows
        .iter()
        .find(|row| row.account == Account::Seller(potter(), SellerPart::Pending))
        .unwrap();
    assert_eq!((pending.debits, pending.credits, pending.balance), (5900, 5900, 0));
}

#[test]
fn a_sellers_balances_follow_his_postings() {
    let rows: Vec<SellerBalance> = Shelf::folded(&SellerBalances, &a_month(), 5).rows();
    assert_eq!(rows.len(), 2);
    let of = |seller| rows.iter().find(|row| row.seller == seller).unwrap();
    let (first, second) = (of(potter()), of(weaver()));
    assert_eq!((first.pending, first.available, first.reserve, first.dispute_hold), (0, 0, 0, 0));
    // Paid out 50.00 of 53.10; then 29.50 of 59.00 were lost: he owes what was held beyond 9.00.
    assert_eq!(first.receivable, 5000 - 2950);
    assert_eq!((first.transferred, first.reversed), (5000, 0));
    assert_eq!((first.gross, first.fees), (6500, 600 - 300));
    assert_eq!((first.refunds, first.disputes, first.adjustments), (0, 2950 + 300, 0));
    assert_eq!(first.net, 6500 - 300 - 3250);
    assert_eq!(first.net, first.position().unwrap() + first.transferred - first.reversed);
    assert_eq!((second.gross, second.fees, second.refunds, second.net), (4000, 0, 4000, 0));
    assert_eq!(second.position(), Ok(0));
}

#[test]
fn the_earnings_identity_holds_after_every_event() {
    let month = a_month();
    for place in 1..=month.len() {
        let rows: Vec<SellerBalance> = Shelf::folded(&SellerBalances, &month[..place], 9).rows();
        for row in rows {
            let position = row.position().unwrap();
            assert_eq!(row.net, position + row.transferred - row.reversed, "event {place}");
        }
    }
}

#[test]
fn a_statement_is_signed_from_the_sellers_point_of_view() {
    let rows: Vec<SellerEntry> = Shelf::folded(&SellerEntries, &a_month(), 5).rows();
    let of = |seller| {
        let rows = rows.iter().filter(move |row| row.seller == seller);
        rows.map(|row| (row.nature, row.amount)).collect::<Vec<_>>()
    };
    assert_eq!(
        of(potter()),
        [
            (Nature::Sale, 5900),
            (Nature::Release, 0),
            (Nature::Payout, -5000),
            (Nature::Hold, 0),
            (Nature::Chargeback, -2950),
            (Nature::Hold, 0),
        ]
    );
    assert_eq!(of(weaver()), [(Nature::Sale, 3600), (Nature::Refund, -3600)]);
    let release = rows.iter().find(|row| row.nature == Nature::Release).unwrap();
    assert_eq!((release.pending, release.reserve, release.available), (-5900, 590, 5310));
}

#[test]
fn earnings_fall_on_the_tenants_own_days() {
    let rows: Vec<DailyEarnings> = Shelf::folded(&Earnings, &a_month(), 5).rows();
    assert!(rows.iter().all(|row| row.organizer == "fair"));
    let days: Vec<_> = rows.iter().map(|row| (row.day.as_str(), row.seller, row.net)).collect();
    // The evening of the first in UTC is the second in Berlin.
    assert_eq!(day_in(chrono_tz::Tz::UTC, day(0)), "2026-03-01");
    assert_eq!(days.len(), 4);
    assert!(days.contains(&("2026-03-02", potter(), 5900)));
    assert!(days.contains(&("2026-03-02", weaver(), 3600)));
    assert!(days.contains(&("2026-03-10", weaver(), -3600)));
    assert!(days.contains(&("2026-03-22", potter(), -2950)));
    let refunded = rows.iter().find(|row| row.day == "2026-03-10").unwrap();
    assert_eq!((refunded.gross, refunded.fees, refunded.refunds), (0, -400, 4000));
}

#[test]
fn a_day_is_half_open_where_clocks_change() {
    let berlin = chrono_tz::Europe::Berlin;
    let at = |text: &str| day_in(berlin, text.parse::<Timestamp>().unwrap());
    assert_eq!(at("2026-03-28T22:59:59.999Z"), "2026-03-28");
    assert_eq!(at("2026-03-28T23:00:00Z"), "2026-03-29");
    // From the 29th on Berlin is two hours ahead.
    assert_eq!(at("2026-03-29T21:59:59Z"), "2026-03-29");
    assert_eq!(at("2026-03-29T22:00:00Z"), "2026-03-30");
}

#[test]
fn an_order_is_reconciled_to_its_last_cent() {
    let rows: Vec<OrderReconciliation> = Shelf::folded(&OrderReconciliations, &a_month(), 5).rows();
    let row = &rows[0];
    assert_eq!(rows.len(), 1);
    assert_eq!((row.captured, row.seller_net, row.commission), (10_325, 9500, 1000));
    assert_eq!((row.tax, row.discount, row.difference), (825, 1000, 0));
    assert_eq!((row.refunded, row.refunded_sellers), (3930, 3600));
    assert_eq!((row.lost, row.lost_sellers, row.lost_platform), (3198, 2950, 0));
    assert_eq!((row.released, row.stripe_fee), (5900, Some(329)));
    assert_eq!(row.stripe_fee_currency, Some(Currency::USD));
}

#[test]
fn the_balance_hash_does_not_see_how_a_sellers_money_is_split() {
    let row = |account, balance| AccountBalance {
        tenant: TenantId::default(),
        book: Book::Platform,
        account,
        currency: Currency::EUR,
        debits: 0,
        credits: 0,
        balance,
    };
    let part = |part, balance| row(Account::Seller(potter(), part), balance);
    let one = [part(SellerPart::Pending, -500), part(SellerPart::Available, -200)];
    let other = [
        part(SellerPart::Available, -900),
        row(Account::Receivable(potter()), 200),
        row(Account::Discounts, 0),
    ];
    assert_eq!(balance_hash(&one), balance_hash(&other));
    let more = [part(SellerPart::Pending, -701)];
    assert_ne!(balance_hash(&one), balance_hash(&more));
    let elsewhere = [row(Account::Seller(weaver(), SellerPart::Pending), -700)];
    assert_ne!(balance_hash(&one), balance_hash(&elsewhere));
    assert_eq!(balance_hash([]), RowHash::ZERO);

    let month: Vec<AccountBalance> = Shelf::folded(&AccountBalances, &a_month(), 5).rows();
    let early = Shelf::folded(&AccountBalances, &until("order.paid"), 5).rows();
    assert_ne!(balance_hash(&month), balance_hash(&early));
    assert!(month.iter().all(|row| row.tenant == tenant()));
}
