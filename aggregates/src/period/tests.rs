//! Given, when, then: periods close forwards, open again by two people, and lock for good; what was
//! exchanged is valued at stated rates.

use chrono::NaiveDate;
use chrono_tz::Tz;
use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, Timestamp};

use super::{
    commands::{Converted, PeriodCommand as Command, StatedRate},
    events::{Evidence, PeriodEvent as Event, Revaluation, Total},
    *,
};
use crate::testing::{assert_golden, context};

const NOW: &str = "2026-05-02T12:00:00Z";

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn evidence() -> Evidence {
    Evidence {
        position: 41,
        balance_hash: "00ff".to_owned(),
        totals: vec![Total {
            book: "platform".to_owned(),
            currency: Currency::EUR,
            debits: 5,
            credits: 5,
        }],
    }
}

fn close(last: &str) -> Command {
    Command::Close {
        day: day(last),
        zone: Tz::Europe__Berlin,
        evidence: evidence(),
        by: "key_1".into(),
    }
}

fn closed(day: &str, through: &str) -> Event {
    Event::Closed {
        day: day.to_owned(),
        through: instant(through),
        time_zone: "Europe/Berlin".to_owned(),
        evidence: evidence(),
        by: "key_1".into(),
        at: instant(NOW),
    }
}

fn march() -> Event {
    closed("2026-03-31", "2026-03-31T22:00:00Z")
}

fn april() -> Event {
    closed("2026-04-30", "2026-04-30T22:00:00Z")
}

fn reopen(by: &str) -> Command {
    Command::Reopen { reason: "an invoice was missing".to_owned(), by: by.into() }
}

fn requested() -> Event {
    Event::ReopenRequested {
        through: instant("2026-04-30T22:00:00Z"),
        reason: "an invoice was missing".to_owned(),
        by: "key_1".into(),
        at: instant(NOW),
    }
}

fn reopened() -> Event {
    Event::Reopened {
        through: instant("2026-04-30T22:00:00Z"),
        closed_through: Some(instant("2026-03-31T22:00:00Z")),
        reason: "an invoice was missing".to_owned(),
        requested_by: "key_1".into(),
        approved_by: "key_2".into(),
        at: instant(NOW),
    }
}

fn lock() -> Command {
    Command::Lock { by: "key_1".into() }
}

fn locked(closings: &[&str]) -> Event {
    let closings: Vec<_> = closings.iter().map(|text| instant(text)).collect();
    let through = *closings.last().unwrap();
    Event::Locked { through, closings, by: "key_1".into(), at: instant(NOW) }
}

fn given(events: Vec<Event>) -> AggregateTestExecutor<Period> {
    TestFramework::with(context(instant(NOW))).given(events)
}

#[test]
fn a_day_ends_where_the_next_begins_in_the_tenants_zone() {
    given(vec![]).when(close("2026-03-31")).then_expect_events(vec![march()]);
    given(vec![march()]).when(close("2026-03-31")).then_expect_events(vec![]);
    given(vec![march()]).when(close("2026-04-30")).then_expect_events(vec![april()]);
}

#[test]
fn a_day_whose_midnight_is_skipped_ends_when_the_next_begins() {
    // Clocks in Beirut went from midnight to one o'clock on 29 March 2026.
    let command = Command::Close {
        day: day("2026-03-28"),
        zone: Tz::Asia__Beirut,
        evidence: Evidence::default(),
        by: "key_1".into(),
    };
    let through = instant("2026-03-28T22:00:00Z");
    given(vec![]).when(command).then_expect_events(vec![Event::Closed {
        day: "2026-03-28".to_owned(),
        through,
        time_zone: "Asia/Beirut".to_owned(),
        evidence: Evidence::default(),
        by: "key_1".into(),
        at: instant(NOW),
    }]);
}

#[test]
fn closing_goes_forward_and_not_beyond_today() {
    given(vec![april()]).when(close("2026-03-31")).then_expect_error(PeriodError::AlreadyClosed {
        closed_through: instant("2026-04-30T22:00:00Z"),
    });
    given(vec![])
        .when(close("2026-05-02"))
        .then_expect_error(PeriodError::DayNotOver { ends: instant("2026-05-02T22:00:00Z") });
    let never = Command::Close {
        day: NaiveDate::MAX,
        zone: Tz::UTC,
        evidence: evidence(),
        by: "key_1".into(),
    };
    given(vec![]).when(never).then_expect_error(PeriodError::DayInvalid);
}

#[test]
fn two_people_undo_the_last_closing() {
    let both = || vec![march(), april()];
    let and = |more: Vec<Event>| [both(), more].concat();
    given(both()).when(reopen("key_1")).then_expect_events(vec![requested()]);
    given(and(vec![requested()])).when(reopen("key_2")).then_expect_events(vec![reopened()]);
    given(and(vec![requested()]))
        .when(reopen("key_1"))
        .then_expect_error(PeriodError::NeedsSecondApprover { first: "key_1".to_owned() });
    given(vec![]).when(reopen("key_1")).then_expect_error(PeriodError::NothingClosed);
    let silent = Command::Reopen { reason: " ".to_owned(), by: "key_1".into() };
    given(both()).when(silent).then_expect_error(PeriodError::ReasonMissing);
    // April can be closed once more, and a request that was overtaken by a closing is forgotten.
    given(and(vec![requested(), reopened()]))
        .when(close("2026-04-30"))
        .then_expect_events(vec![april()]);
}

#[test]
fn what_is_locked_stays_closed() {
    let (march_ends, april_ends) = ("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z");
    given(vec![]).when(lock()).then_expect_error(PeriodError::NothingClosed);
    given(vec![march(), april()])
        .when(lock())
        .then_expect_events(vec![locked(&[march_ends, april_ends])]);
    given(vec![march(), locked(&[march_ends])]).when(lock()).then_expect_events(vec![]);
    given(vec![march(), locked(&[march_ends]), april()])
        .when(lock())
        .then_expect_events(vec![locked(&[april_ends])]);
    given(vec![march(), locked(&[march_ends])])
        .when(reopen("key_1"))
        .then_expect_error(PeriodError::Locked { through: instant(march_ends) });
    given(vec![march(), locked(&[march_ends]), april()])
        .when(reopen("key_1"))
        .then_expect_events(vec![requested()]);
}

fn rate(currency: Currency, rate: &str) -> StatedRate {
    StatedRate { currency, rate: rate.to_owned() }
}

fn part(currency: Currency, minor: i64, rate: &str, value: i64) -> Revaluation {
    Revaluation { currency, minor, rate: rate.to_owned(), value }
}

fn revalue(balances: &[(Currency, i64)], rates: Vec<StatedRate>) -> Command {
    let balances =
        balances.iter().map(|(currency, minor)| Converted { currency: *currency, minor: *minor });
    Command::Revalue {
        day: day("2026-04-30"),
        zone: Tz::Europe__Berlin,
        functional: Currency::USD,
        balances: balances.collect(),
        rates,
        source: "ECB".to_owned(),
        by: "key_1".into(),
    }
}

fn revalued(parts: Vec<Revaluation>, difference: i64) -> Event {
    Event::Revalued {
        functional: Currency::USD,
        day: "2026-04-30".to_owned(),
        effective: instant("2026-04-30T21:59:59.999Z"),
        parts,
        difference,
        source: "ECB".to_owned(),
        by: "key_1".into(),
        at: instant(NOW),
    }
}

#[test]
fn what_was_exchanged_is_valued_at_the_days_rates() {
    // 10.00 EUR were exchanged for 10.85 USD; the euro is dearer now, so it was a loss of 0.25.
    let balances = [(Currency::EUR, 1000), (Currency::USD, -1085)];
    given(vec![]).when(revalue(&balances, vec![rate(Currency::EUR, "1.1100")])).then_expect_events(
        vec![revalued(
            vec![part(Currency::EUR, 1000, "1.1100", 1110), part(Currency::USD, -1085, "1", -1085)],
            25,
        )],
    );
    // After it was booked, the same rates show no difference.
    let balances = [(Currency::EUR, 1000), (Currency::USD, -1110)];
    given(vec![]).when(revalue(&balances, vec![rate(Currency::EUR, "1.1100")])).then_expect_events(
        vec![revalued(
            vec![part(Currency::EUR, 1000, "1.1100", 1110), part(Currency::USD, -1110, "1", -1110)],
            0,
        )],
    );
}

#[test]
fn exponents_differ_and_halves_go_to_even() {
    let balances = [(Currency::JPY, 5000), (Currency::KWD, -12_345)];
    let rates = vec![rate(Currency::JPY, "0.006701"), rate(Currency::KWD, "3.25")];
    // 5000 JPY are 33.505 USD, half to even 33.50; 12.345 KWD are 40.12125 USD.
    given(vec![]).when(revalue(&balances, rates)).then_expect_events(vec![revalued(
        vec![
            part(Currency::JPY, 5000, "0.006701", 3350),
            part(Currency::KWD, -12_345, "3.25", -4012),
        ],
        -662,
    )]);
}

#[test]
fn a_revaluation_needs_balances_rates_and_a_source() {
    let balances = [(Currency::EUR, 1000), (Currency::USD, -1085)];
    let euro = |text: &str| vec![rate(Currency::EUR, text)];
    let refused = |command, error| given(vec![]).when(command).then_expect_error(error);
    refused(revalue(&[(Currency::EUR, 0)], vec![]), PeriodError::NothingConverted);
    let missing = || PeriodError::RateMissing { currency: Currency::EUR };
    refused(revalue(&balances, vec![]), missing());
    refused(revalue(&balances, [euro("1.1"), euro("1.2")].concat()), missing());
    for text in ["", "0", "-1.1", "one", "1,1", "1.0000000000000000000000000000001"] {
        let error = PeriodError::RateInvalid { rate: text.to_owned() };
        refused(revalue(&balances, euro(text)), error);
    }
    refused(revalue(&[(Currency::EUR, i64::MAX)], euro("10")), PeriodError::Overflow);
    let mut silent = revalue(&balances, euro("1.1"));
    if let Command::Revalue { source, .. } = &mut silent {
        source.clear();
    }
    refused(silent, PeriodError::SourceMissing);
    let mut later = revalue(&balances, euro("1.1"));
    if let Command::Revalue { day: last, .. } = &mut later {
        *last = day("2026-05-02");
    }
    refused(later, PeriodError::DayNotOver { ends: instant("2026-05-02T22:00:00Z") });
    given(vec![april()]).when(revalue(&balances, euro("1.1"))).then_expect_error(
        PeriodError::PeriodClosed { open_from: instant("2026-04-30T22:00:00Z") },
    );
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<PeriodEvent>(include_str!("golden.jsonl"));
}
