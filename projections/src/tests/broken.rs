//! Each invariant broken on purpose: exactly its alarm is raised, by the checker in memory and by the
//! read model alike, however the events come.

use aggregates::{
    balance_transaction::{BalanceTransactionEvent, Provenance, TransactionRecord},
    fact::Fact,
    payout::events::PayoutEvent,
    period::events::{Evidence, PeriodEvent},
    tenant::events::TenantEvent,
    vocabulary::{ClaimRef, LineNo},
};
use kernel::{Currency, Timestamp};
use store::Position;

use super::{
    shelf::Shelf,
    story::{Told, a_month, day, order, potter, refund, tenant, usd, weaver},
};
use crate::{
    chart::{Account, Book, CHART, Class, SellerPart, Side},
    invariants::{AGE_LIMITS, Alarm, AlarmState, Checker, Invariant, Invariants},
    postings::{Dimensions, Entry, Nature},
};
use Side::{Credit, Debit};

/// Somebody's decision that does this to the books.
fn decided(entries: Vec<Entry>) -> Told {
    let resumed = Fact::Tenant(TenantEvent::Resumed { at: day(0) });
    Told::one(tenant(), day(0), resumed).posting(entries)
}

fn entry(
    kind: (&'static str, Nature),
    currency: Currency,
    at: Timestamp,
    lines: Vec<(Account, Side, i64)>,
) -> Entry {
    about(kind, currency, at, Dimensions::default(), lines)
}

fn about(
    kind: (&'static str, Nature),
    currency: Currency,
    at: Timestamp,
    dimensions: Dimensions,
    lines: Vec<(Account, Side, i64)>,
) -> Entry {
    let lines = lines.into_iter().map(|(account, side, minor)| {
        let seller = account.seller().or(dimensions.seller);
        (account, side, minor, Dimensions { seller, ..dimensions.clone() })
    });
    Entry::unchecked(kind, Book::Platform, currency, at, lines.collect())
}

const MADE: (&str, Nature) = ("test.made", Nature::Adjustment);

fn bank() -> Account {
    Account::Bank("main".to_owned())
}

fn claim() -> Account {
    Account::Claim(ClaimRef("test:claim".to_owned()))
}

fn moved(debit: Account, credit: Account, minor: i64, at: Timestamp) -> Told {
    let lines = vec![(debit, Debit, minor), (credit, Credit, minor)];
    decided(vec![entry(MADE, Currency::USD, at, lines)])
}

/// Numbers the events, and lets everybody look at them.
fn alarms(history: Vec<Told>) -> Vec<Alarm> {
    let history: Vec<Told> =
        (1_u64..).zip(history).map(|(position, told)| told.at(position)).collect();
    let mut checker = Checker::new();
    let mut seen = Vec::new();
    for told in &history {
        seen.extend(checker.check(&told.occurrence()));
    }
    let alarms = checker.alarms();
    for found in &seen {
        let named =
            |alarm: &&Alarm| (alarm.invariant, &alarm.subject) == (found.invariant, &found.subject);
        assert!(alarms.iter().any(|alarm| named(&alarm)), "{found}");
    }
    let mut stored: Vec<Alarm> = Shelf::folded(&Invariants, &history, 1).rows();
    assert_eq!(stored, Shelf::folded(&Invariants, &history, 3).rows());
    assert_eq!(stored, Shelf::rebuilt(&Invariants, &history).rows());
    // What is on its way and in time is no alarm yet.
    stored.retain(|row| row.invariant != Invariant::I5 || alarms.contains(row));
    stored.sort_by(|a, b| (a.invariant, &a.subject).cmp(&(b.invariant, &b.subject)));
    assert_eq!(stored, alarms);
    alarms
}

fn names(alarms: &[Alarm]) -> Vec<(Invariant, AlarmState)> {
    alarms.iter().map(|alarm| (alarm.invariant, alarm.state)).collect()
}

/// Exactly one alarm, which is open.
#[track_caller]
fn only(invariant: Invariant, history: Vec<Told>) -> Alarm {
    let found = alarms(history);
    assert_eq!(names(&found), [(invariant, AlarmState::Open)], "{found:?}");
    found.into_iter().next().unwrap()
}

fn transaction(kind: &str, counterpart: Option<&str>, net: i64) -> TransactionRecord {
    TransactionRecord {
        txn: "txn_1".into(),
        account: None,
        kind: kind.to_owned(),
        category: kind.to_owned(),
        source: Some("x_1".to_owned()),
        counterpart: counterpart.map(Into::into),
        currency: Currency::USD,
        amount: net,
        fee: 0,
        net,
        fee_details: Vec::new(),
        exchange_rate: None,
        available_on: day(2),
        occurred_at: day(0),
        provenance: Provenance::Fetched,
    }
}

fn recorded(record: TransactionRecord) -> Told {
    let fact = BalanceTransactionEvent::Recorded { record, at: day(0) };
    Told::one("txn_1", day(0), Fact::BalanceTransaction(fact))
}

#[test]
fn a_healthy_month_raises_no_alarm() {
    assert_eq!(alarms(a_month()), []);
}

#[test]
fn i1_an_entry_whose_amounts_are_not_positive_is_named() {
    let lines = vec![(bank(), Debit, -5), (Account::Goodwill, Credit, -5)];
    let alarm = only(
        Invariant::I1,
        vec![
            moved(bank(), Account::Opening, 100, day(0)),
            decided(vec![entry(MADE, Currency::USD, day(0), lines)]),
        ],
    );
    assert_eq!((alarm.entries.as_str(), alarm.count), ("2", 1));
    assert_eq!((alarm.first_position, alarm.last_position), (Position(2), Position(2)));
    assert!(alarm.what.contains("-5 minor units on assets:bank:main"), "{}", alarm.what);
}

#[test]
fn i1_and_i2_an_entry_out_of_balance_is_named_and_takes_the_trial_balance_with_it() {
    let lopsided = |debit, credit| {
        let lines = vec![(bank(), Debit, debit), (Account::Opening, Credit, credit)];
        decided(vec![entry(MADE, Currency::USD, day(0), lines)])
    };
    let found = alarms(vec![lopsided(100, 90)]);
    let open = AlarmState::Open;
    assert_eq!(names(&found), [(Invariant::I1, open), (Invariant::I2, open)]);
    assert_eq!((found[1].subject.as_str(), found[1].amount), ("platform USD", Some(10)));
    // What was too much comes off again: the books balance, the entries never will.
    let found = alarms(vec![lopsided(100, 90), lopsided(90, 100)]);
    assert_eq!(names(&found), [(Invariant::I1, open), (Invariant::I2, AlarmState::Cleared)]);
    assert_eq!(found[0].entries, "1 2");
    assert_eq!(found[1].cleared_position, Some(Position(2)));
}

#[test]
fn i1_a_fact_that_cannot_be_posted_is_named_and_stops_nothing() {
    let mut record = transaction("charge", None, i64::MIN);
    record.fee = 1;
    let broken = Fact::BalanceTransaction(BalanceTransactionEvent::Recorded {
        record: record.clone(),
        at: day(0),
    });
    let told = recorded(transaction("charge", None, 5)).posting(Vec::new()).stating(broken);
    let found = alarms(vec![told, moved(bank(), Account::Opening, 100, day(0))]);
    assert_eq!(found[0].invariant, Invariant::I1);
    assert!(found[0].what.starts_with("cannot be posted"), "{}", found[0].what);
}

#[test]
fn i3_an_amount_on_its_way_that_changes_its_currency_is_named() {
    let lines = vec![(bank(), Debit, 5), (claim(), Credit, 5)];
    let alarm = only(
        Invariant::I3,
        vec![
            moved(claim(), bank(), 5, day(0)),
            decided(vec![entry(MADE, Currency::EUR, day(0), lines)]),
        ],
    );
    assert_eq!(alarm.subject, "assets:clearing:internal:claim:test:claim");
    assert_eq!(alarm.entries, "2");
}

#[test]
fn i4_a_decision_that_moves_stripes_balance_is_named() {
    only(Invariant::I4, vec![moved(Account::StripeBalance, Account::Commission, 5, day(0))]);
}

#[test]
fn i4_a_transaction_that_moves_another_amount_than_its_net_is_named() {
    let dimensions = Dimensions { txn: Some("txn_1".into()), ..Dimensions::default() };
    let lines = vec![(Account::StripeBalance, Debit, 7), (Account::Goodwill, Credit, 7)];
    let kind = ("balance_transaction.recorded", Nature::Settlement);
    let posted = about(kind, Currency::USD, day(0), dimensions, lines);
    let told = recorded(transaction("charge", None, 8)).posting(vec![posted]);
    let alarm = only(Invariant::I4, vec![told]);
    assert_eq!((alarm.subject.as_str(), alarm.amount), ("txn_1", Some(-1)));
}

#[test]
fn i5_an_account_that_stays_open_is_an_alarm_when_its_time_is_up_and_not_before() {
    let open = || moved(claim(), bank(), 5, day(0));
    let elsewhere = |at| moved(bank(), Account::Opening, 1, at);
    assert_eq!(alarms(vec![open(), elsewhere(day(2))]), []);
    let alarm = only(Invariant::I5, vec![open(), elsewhere(day(3))]);
    assert_eq!((alarm.since, alarm.amount, alarm.entries.as_str()), (day(3), Some(5), "1"));
    // It arrives in time, or late.
    assert_eq!(alarms(vec![open(), moved(bank(), claim(), 5, day(2)), elsewhere(day(9))]), []);
    let late = alarms(vec![open(), elsewhere(day(3)), moved(bank(), claim(), 5, day(4))]);
    assert_eq!(names(&late), [(Invariant::I5, AlarmState::Cleared)]);
    assert_eq!((late[0].amount, late[0].cleared_position), (Some(0), Some(Position(3))));
}

#[test]
fn i5_every_kind_of_clearing_has_its_limit() {
    for family in CHART.iter().filter(|family| family.must_return_to_zero) {
        let has_limit = AGE_LIMITS.iter().any(|limit| limit.family == family.pattern);
        let is_apart =
            matches!(family.pattern, "assets:suspense:stripe" | "liabilities:refunds-payable");
        assert!(has_limit != is_apart, "{}", family.pattern);
    }
    let known = |limit: &&crate::invariants::AgeLimit| {
        CHART.iter().any(|family| family.pattern == limit.family)
    };
    assert!(AGE_LIMITS.iter().all(|limit| known(&limit)));
}

#[test]
fn i6_what_is_owed_and_negative_is_named_until_it_is_not() {
    let taken = moved(Account::RefundsPayable, bank(), 5, day(0));
    let alarm = only(Invariant::I6, vec![taken]);
    assert_eq!(alarm.subject, "liabilities:refunds-payable USD");
    assert_eq!(alarm.amount, Some(-5));
    let pending = || Account::Seller(potter(), SellerPart::Pending);
    let taken = || moved(pending(), bank(), 5, day(0));
    let given = moved(bank(), pending(), 5, day(0));
    let found = alarms(vec![taken(), taken(), given]);
    assert_eq!(found[0].entries, "1 2 3", "it is still negative after the third");
    let found = alarms(vec![taken(), moved(bank(), pending(), 5, day(0))]);
    assert_eq!(names(&found), [(Invariant::I6, AlarmState::Cleared)]);
}

#[test]
fn i6_a_seller_who_owes_and_is_owed_after_a_release_is_named() {
    let part = |part| Account::Seller(potter(), part);
    let release =
        vec![(part(SellerPart::Pending), Debit, 5), (part(SellerPart::Available), Credit, 5)];
    let kind = ("seller_account.released", Nature::Release);
    let alarm = only(
        Invariant::I6,
        vec![
            moved(Account::Receivable(potter()), bank(), 3, day(0)),
            moved(bank(), part(SellerPart::Pending), 5, day(0)),
            decided(vec![entry(kind, Currency::USD, day(0), release)]),
        ],
    );
    assert_eq!((alarm.entries.as_str(), alarm.amount), ("3", Some(3)));
}

fn of_line(kind: (&'static str, Nature), lines: Vec<(Account, Side, i64)>) -> Told {
    let dimensions =
        Dimensions { order: Some(order()), line: Some(LineNo(0)), ..Dimensions::default() };
    decided(vec![about(kind, Currency::USD, day(0), dimensions, lines)])
}

fn sold(minor: i64) -> Told {
    of_line(("order.paid", Nature::Sale), vec![(bank(), Debit, minor), (claim(), Credit, minor)])
}

fn returned(minor: i64) -> Told {
    let lines = vec![(claim(), Debit, minor), (bank(), Credit, minor)];
    of_line(("refund.approved", Nature::Refund), lines)
}

#[test]
fn i7_an_order_that_gives_back_more_than_it_took_in_is_named() {
    assert_eq!(alarms(vec![sold(10), returned(10)]), []);
    let alarm = only(Invariant::I7, vec![sold(10), returned(6), returned(5)]);
    assert_eq!((alarm.subject, alarm.entries), (order().to_string(), "3".to_owned()));
    assert_eq!(alarm.amount, Some(1));
}

#[test]
fn i7_money_that_came_in_for_no_line_is_named() {
    let lines = vec![(bank(), Debit, 5), (Account::Commission, Credit, 5)];
    let kind = ("order.paid", Nature::Sale);
    only(Invariant::I7, vec![decided(vec![entry(kind, Currency::USD, day(0), lines)])]);
}

fn deferred(
    membership: &str,
    kind: (&'static str, Nature),
    lines: Vec<(Account, Side, i64)>,
) -> Told {
    let dimensions =
        Dimensions { membership: Some(membership.to_owned()), ..Dimensions::default() };
    decided(vec![about(kind, Currency::USD, day(0), dimensions, lines)])
}

#[test]
fn i8_revenue_recognised_beyond_what_was_billed_is_named_also_for_one_membership() {
    let account = || Account::DeferredRevenue("gold".to_owned());
    let billed = |membership, minor| {
        let lines = vec![(bank(), Debit, minor), (account(), Credit, minor)];
        deferred(membership, ("test.billed", Nature::Sale), lines)
    };
    let recognised = |membership, minor| {
        let lines = vec![(account(), Debit, minor), (Account::Membership, Credit, minor)];
        deferred(membership, ("test.recognised", Nature::Recognition), lines)
    };
    let refunded = |membership, minor| {
        let lines = vec![(account(), Debit, minor), (Account::RefundsPayable, Credit, minor)];
        deferred(membership, ("test.refunded", Nature::Refund), lines)
    };
    assert_eq!(alarms(vec![billed("m1", 10), recognised("m1", 4), refunded("m1", 6)]), []);
    let all = vec![billed("m1", 10), billed("m2", 10), recognised("m1", 4), refunded("m1", 7)];
    let alarm = only(Invariant::I8, all);
    assert_eq!(alarm.subject, "liabilities:deferred-revenue:gold USD m1");
    assert_eq!((alarm.amount, alarm.entries.as_str()), (Some(-1), "4"));
    let strange = deferred(
        "m1",
        ("test.strange", Nature::Settlement),
        vec![(account(), Debit, 1), (bank(), Credit, 1)],
    );
    let alarm = only(Invariant::I8, vec![billed("m1", 10), strange]);
    assert!(alarm.what.contains("for no reason"), "{}", alarm.what);
}

fn reconciled(difference: i64) -> Told {
    let event = PayoutEvent::Reconciled {
        stripe_payout: "po_1".into(),
        transactions: 2,
        sum: usd(90),
        difference,
        at: day(0),
    };
    Told::one(super::story::payout(), day(0), Fact::Payout(event))
}

#[test]
fn i9_a_payout_that_is_not_the_sum_of_its_transactions_is_named_until_it_is() {
    let alarm = only(Invariant::I9, vec![reconciled(10)]);
    assert_eq!((alarm.subject.as_str(), alarm.amount), ("po_1", Some(10)));
    let found = alarms(vec![reconciled(10), reconciled(0)]);
    assert_eq!(names(&found), [(Invariant::I9, AlarmState::Cleared)]);
    assert_eq!(alarms(vec![reconciled(0)]), []);
}

#[test]
fn i10_a_transfer_that_does_not_arrive_in_the_mirror_book_is_named() {
    let sent = recorded(transaction("transfer", Some("acct_1"), -5));
    let whole: Vec<Entry> = sent.occurrence().entries.to_vec();
    assert_eq!(whole.len(), 2);
    let alarm = only(Invariant::I10, vec![sent.posting(vec![whole[0].clone()])]);
    assert_eq!((alarm.subject.as_str(), alarm.amount), ("acct_1", Some(5)));
    assert_eq!(only(Invariant::I10, vec![recorded(transaction("transfer", None, -5))]).count, 1);
}

#[test]
fn i11_tax_that_is_neither_collected_refunded_nor_remitted_is_named() {
    let tax = || Account::Tax("DE".to_owned());
    let kinds =
        |kind, nature, lines| decided(vec![entry((kind, nature), Currency::USD, day(0), lines)]);
    let collected = || {
        kinds("test.sold", Nature::Sale, vec![(Account::Goodwill, Debit, 9), (tax(), Credit, 9)])
    };
    let remitted =
        kinds("test.remitted", Nature::Adjustment, vec![(tax(), Debit, 9), (bank(), Credit, 9)]);
    assert_eq!(alarms(vec![collected(), remitted]), []);
    let strange = kinds(
        "test.strange",
        Nature::Settlement,
        vec![(tax(), Debit, 2), (Account::Goodwill, Credit, 2)],
    );
    let alarm = only(Invariant::I11, vec![collected(), strange]);
    assert_eq!((alarm.subject.as_str(), alarm.amount), ("liabilities:tax:DE USD", Some(-2)));
    assert!(alarm.what.contains("raised 9"), "{}", alarm.what);
}

#[test]
fn i12_a_reversal_posted_twice_is_named() {
    let dimensions = Dimensions { refund: Some(refund()), ..Dimensions::default() };
    let lines = || vec![(bank(), Debit, 5), (Account::Goodwill, Credit, 5)];
    let kind = ("refund.reverted", Nature::Unallocated);
    let reverted =
        || decided(vec![about(kind, Currency::USD, day(0), dimensions.clone(), lines())]);
    assert_eq!(alarms(vec![reverted()]), []);
    let alarm = only(Invariant::I12, vec![reverted(), reverted()]);
    assert_eq!(alarm.entries, "2");
}

#[test]
fn i12_a_line_sold_twice_is_named() {
    let alarm = only(Invariant::I12, vec![sold(10), sold(10)]);
    assert_eq!(alarm.subject, format!("order.paid {}", order()));
}

#[test]
fn i12_an_event_taken_in_twice_is_named() {
    let told = moved(bank(), Account::Opening, 5, day(0)).at(7);
    let mut checker = Checker::new();
    assert_eq!(checker.check(&told.occurrence()), []);
    let again = checker.check(&told.occurrence());
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].invariant, again[0].position), (Invariant::I12, Position(7)));
}

#[test]
fn i15_an_entry_in_a_closed_period_is_named() {
    let closed = |through| {
        let event = PeriodEvent::Closed {
            day: "2026-03-31".to_owned(),
            through,
            time_zone: "UTC".to_owned(),
            evidence: Evidence::default(),
            by: "key_1".into(),
            at: day(6),
        };
        Told::one(tenant(), day(6), Fact::Period(event))
    };
    let posted = |at| moved(bank(), Account::Opening, 5, at);
    assert_eq!(alarms(vec![posted(day(4)), closed(day(5)), posted(day(5))]), []);
    let alarm = only(Invariant::I15, vec![closed(day(5)), posted(day(4)), posted(day(6))]);
    assert_eq!(alarm.entries, "2");
}

#[test]
fn i16_money_in_suspense_is_an_alarm_until_it_has_left() {
    let unknown = || recorded(transaction("a_kind_of_tomorrow", None, 5));
    let alarm = only(Invariant::I16, vec![unknown()]);
    assert_eq!((alarm.amount, alarm.subject.as_str()), (Some(-5), "assets:suspense:stripe USD"));
    let mapped = moved(Account::SuspenseStripe, Account::Commission, 5, day(1));
    let found = alarms(vec![unknown(), mapped]);
    assert_eq!(names(&found), [(Invariant::I16, AlarmState::Cleared)]);
}

#[test]
fn i17_an_account_for_rounding_is_named_and_the_chart_has_none() {
    let own = |path: &str| Account::Own(Class::Expenses, path.to_owned());
    let alarm = only(Invariant::I17, vec![moved(own("rounding"), bank(), 1, day(0))]);
    assert_eq!(alarm.subject, "expenses:own:rounding");
    only(Invariant::I17, vec![moved(own("misc:rounding-cents"), bank(), 1, day(0))]);
    assert_eq!(alarms(vec![moved(own("rent"), bank(), 1, day(0))]), []);
    assert!(CHART.iter().all(|family| !family.pattern.contains("rounding")));
}

#[test]
fn a_sellers_money_posted_in_the_name_of_another_breaks_the_earnings() {
    let dimensions = Dimensions { seller: Some(weaver()), ..Dimensions::default() };
    let account = Account::Seller(potter(), SellerPart::Pending);
    let lines = vec![(bank(), Debit, 5, Dimensions::default()), (account, Credit, 5, dimensions)];
    let entry = Entry::unchecked(MADE, Book::Platform, Currency::USD, day(0), lines);
    only(Invariant::Earnings, vec![decided(vec![entry])]);
}

#[test]
fn every_invariant_has_a_name_and_a_sentence_of_its_own() {
    for invariant in Invariant::ALL {
        assert_eq!(invariant.to_string().parse(), Ok(invariant));
        let same = Invariant::ALL.iter().filter(|other| other.sentence() == invariant.sentence());
        assert_eq!(same.count(), 1);
    }
}

#[test]
fn the_checker_forgets_what_has_come_and_gone_and_stays_right() {
    let mut checker = Checker::new();
    for round in 0_u64..12_000 {
        let there = moved(claim(), bank(), 5, day(0)).at(2 * round + 1);
        let back = moved(bank(), claim(), 5, day(0)).at(2 * round + 2);
        assert_eq!(checker.check(&there.occurrence()), []);
        assert_eq!(checker.check(&back.occurrence()), []);
    }
    assert_eq!((checker.open_accounts(), checker.events()), (Vec::new(), 24_000));
    assert_eq!(checker.checked(Invariant::I1), 24_000);
}
