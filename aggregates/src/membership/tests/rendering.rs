//! Days pass: each becomes income on its own day, once, however late it is noticed.

use super::*;

#[test]
fn the_first_day_of_a_year_of_120_is_32_cents() {
    let (membership, _) = lived(vec![start(platform()), record(year())]);
    let (_, command) = recognise(night("2026-01-01"), "2026-01-01");
    assert_eq!(
        decide(&membership, command, night("2026-01-01")),
        Ok(vec![MembershipEvent::RevenueRecognized {
            membership: id(),
            period: "2026".into(),
            product: "gold".to_owned(),
            agent: None,
            currency: Currency::USD,
            through: day("2026-01-01"),
            days: vec![RecognizedDay {
                day: day("2026-01-01"),
                amount: 32,
                effective_at: night("2026-01-01"),
            }],
            cumulative: 32,
            next: Some(NextDay { day: day("2026-01-02"), due: night("2026-01-02") }),
            policy: 3,
            at: night("2026-01-01"),
        }])
    );
}

#[test]
fn a_day_that_is_not_over_is_not_recognised() {
    let (membership, _) = lived(vec![start(platform()), record(year())]);
    let (_, command) = recognise(noon("2026-01-01"), "2026-01-01");
    assert_eq!(
        decide(&membership, command, noon("2026-01-01")),
        Err(MembershipError::TooEarly { due: night("2026-01-01") })
    );
}

#[test]
fn a_day_is_recognised_once() {
    let first = recognise(night("2026-01-01"), "2026-01-01");
    let (membership, _) = lived(vec![start(platform()), record(year()), first.clone()]);
    assert_eq!(decide(&membership, first.1, night("2026-01-01")), Ok(vec![]));
    let (_, before) = recognise(night("2026-01-01"), "2025-12-31");
    assert_eq!(decide(&membership, before, night("2026-01-01")), Ok(vec![]));
}

#[test]
fn days_that_were_missed_are_caught_up_each_on_its_own_day() {
    // Nobody looked between the 29th of January and the 2nd of February.
    let (_, events) = lived(vec![
        start(platform()),
        record(year()),
        recognise(night("2026-01-29"), "2026-01-01"),
        recognise(noon("2026-02-03"), "2026-01-30"),
    ]);
    let MembershipEvent::RevenueRecognized { days, through, cumulative, .. } = &events[3] else {
        panic!("{events:?}")
    };
    assert_eq!((*through, *cumulative), (day("2026-02-02"), 1_084));
    let of = |day: &RecognizedDay| (day.day.to_string(), day.amount, day.effective_at);
    assert_eq!(
        days.iter().map(of).collect::<Vec<_>>(),
        [
            ("2026-01-30".to_owned(), 33, night("2026-01-30")),
            ("2026-01-31".to_owned(), 33, night("2026-01-31")),
            ("2026-02-01".to_owned(), 33, night("2026-02-01")),
            ("2026-02-02".to_owned(), 32, night("2026-02-02")),
        ]
    );
}

#[test]
fn days_are_those_of_the_periods_zone() {
    let zone: Tz = "America/Los_Angeles".parse().unwrap();
    let january = PeriodTerms { zone, ..terms("2026", "2026-01-01", "2026-02-01") };
    let (membership, _) = lived(vec![start(platform()), record(paid(january, 3_100))]);
    // 7:59:59.999 UTC is the end of the day in California.
    let due: Timestamp = "2026-01-02T07:59:59.999Z".parse().unwrap();
    let (_, command) = recognise(due, "2026-01-01");
    let early = Err(MembershipError::TooEarly { due });
    assert_eq!(
        decide(&membership, command.clone(), Timestamp::from_millis(due.millis() - 1)),
        early
    );
    let events = decide(&membership, command, due).unwrap();
    let MembershipEvent::RevenueRecognized { days, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((days[0].amount, days[0].effective_at), (100, due));
}

#[test]
fn the_last_day_takes_all_and_nothing_follows() {
    let (membership, events) =
        lived(vec![start(platform()), record(year()), recognise(noon("2027-03-01"), "2026-12-31")]);
    let MembershipEvent::RevenueRecognized { days, next, cumulative, .. } = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!((days.len(), *cumulative, *next), (365, 12_000, None));
    assert_eq!(membership.periods()[0].deferred(), 0);
}

#[test]
fn what_goes_on_for_longer_than_an_event_holds_becomes_several() {
    let long = paid(terms("2026", "2026-01-01", "2028-12-31"), 109_500);
    let (membership, events) =
        lived(vec![start(platform()), record(long), recognise(noon("2029-01-01"), "2026-01-01")]);
    let counts: Vec<usize> = events
        .iter()
        .filter_map(|event| match event {
            MembershipEvent::RevenueRecognized { days, .. } => Some(days.len()),
            _ => None,
        })
        .collect();
    assert_eq!((counts, membership.periods()[0].recognized()), (vec![400, 400, 295], 109_500));
}

#[test]
fn a_commission_that_was_income_at_once_has_no_days() {
    let (membership, _) = lived(vec![start(agent(CommissionIncome::AtOnce)), record(year())]);
    let (_, command) = recognise(night("2026-01-01"), "2026-01-01");
    assert_eq!(decide(&membership, command, night("2026-01-01")), Ok(vec![]));
}

#[test]
fn a_period_nobody_knows_has_no_days() {
    let (membership, _) = lived(vec![start(platform())]);
    let (_, command) = recognise(night("2026-01-01"), "2026-01-01");
    let unknown = MembershipError::PeriodUnknown { period: "2026".to_owned() };
    assert_eq!(decide(&membership, command, night("2026-01-01")), Err(unknown));
}
