//! Periods are paid: what they are made of, and what is refused.

use super::*;

#[test]
fn a_period_of_the_platforms_own_is_deferred_net_of_tax() {
    let mut year = year();
    year.terms.tax = 912;
    year.paid = usd(12_912);
    known(vec![started(platform())], noon("2026-01-01"))
        .when(record(year.clone()).1)
        .then_expect_events(vec![MembershipEvent::PeriodPaid {
            membership: id(),
            terms: year.terms.clone(),
            paid: usd(12_912),
            charge: Some("ch_2026".into()),
            payment: Some(payment()),
            sold_by: SoldBy::Platform,
            deferred: 12_000,
            carried: 0,
            commission: 0,
            months: vec![],
            mrr: 1_000,
            mrr_delta: 1_000,
            movement: Some(Movement::New),
            next: Some(NextDay { day: day("2026-01-01"), due: night("2026-01-01") }),
            policy: 3,
            occurred_at: noon("2026-01-01"),
            at: noon("2026-01-01"),
        }]);
}

#[test]
fn a_sellers_period_is_his_by_months_of_service() {
    let quarter = paid(terms("q", "2026-01-15", "2026-04-15"), 9_000);
    let quarter = PaidPeriod { available_on: Some(noon("2026-02-03")), ..quarter };
    let (_, events) = lived(vec![start(agent(CommissionIncome::AtOnce)), record(quarter)]);
    let MembershipEvent::PeriodPaid { deferred, commission, months, mrr, next, .. } = &events[1]
    else {
        panic!("{events:?}")
    };
    assert_eq!((*deferred, *commission, *mrr, *next), (0, 900, 300, None));
    let month = |number: usize, amount, last| ServiceMonth {
        claim: format!("mem_1:q:{number}").into(),
        amount,
        until: night(last),
    };
    // 81.00 over 90 days: 17, 28, 31 and 14 of them.
    assert_eq!(
        *months,
        [
            month(0, 1_530, "2026-01-31"),
            month(1, 2_520, "2026-02-28"),
            month(2, 2_790, "2026-03-31"),
            month(3, 1_260, "2026-04-14"),
        ]
    );
    let MembershipEvent::FundsExpected { releases, .. } = &events[2] else { panic!("{events:?}") };
    let dues: Vec<Timestamp> = releases.iter().map(|(_, due)| *due).collect();
    // The first month is over before Stripe has the money.
    let expected =
        [noon("2026-02-03"), night("2026-02-28"), night("2026-03-31"), night("2026-04-14")];
    assert_eq!(dues, expected);
}

#[test]
fn a_deferred_commission_is_what_is_recognised() {
    let quarter = paid(terms("q", "2026-01-01", "2026-04-01"), 9_000);
    let (membership, _) = lived(vec![start(agent(CommissionIncome::Deferred)), record(quarter)]);
    assert_eq!((membership.periods()[0].billed(), membership.periods()[0].deferred()), (900, 900));
}

#[test]
fn funds_that_become_known_later_are_noted_once() {
    let quarter = paid(terms("q", "2026-01-01", "2026-02-01"), 9_000);
    let note = |name: &str| MembershipCommand::NoteFunds {
        period: name.into(),
        available_on: noon("2026-01-05"),
    };
    let (mut membership, _) =
        lived(vec![start(agent(CommissionIncome::AtOnce)), record(quarter.clone())]);
    let events = decide(&membership, note("q"), noon("2026-01-03")).unwrap();
    assert_eq!(
        events,
        [MembershipEvent::FundsExpected {
            period: "q".into(),
            seller: seller(),
            available_on: noon("2026-01-05"),
            releases: vec![("mem_1:q:0".into(), night("2026-01-31"))],
            at: noon("2026-01-03"),
        }]
    );
    membership.evolve(events[0].clone());
    assert_eq!(decide(&membership, note("q"), noon("2026-01-04")), Ok(vec![]));
    assert_eq!(decide(&membership, note("other"), noon("2026-01-04")), Ok(vec![]));
    let (own, _) = lived(vec![start(platform()), record(quarter)]);
    assert_eq!(decide(&own, note("q"), noon("2026-01-03")), Ok(vec![]));
}

#[test]
fn the_same_period_again_is_no_news() {
    let (membership, _) = lived(vec![start(platform()), record(year())]);
    assert_eq!(decide(&membership, record(year()).1, noon("2026-01-02")), Ok(vec![]));
}

#[test]
fn revenue_a_month_moves_with_the_periods() {
    let month =
        |name: &str, start: &str, end: &str, minor| record(paid(terms(name, start, end), minor));
    let (membership, events) = lived(vec![
        start(platform()),
        month("1", "2026-01-01", "2026-02-01", 1_000),
        month("2", "2026-02-01", "2026-03-01", 1_000),
        month("3", "2026-03-01", "2026-04-01", 1_500),
        month("4", "2026-04-01", "2026-05-01", 700),
        (noon("2026-05-15"), MembershipCommand::Lapse),
        month("5", "2026-06-01", "2026-07-01", 700),
    ]);
    let moved: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            MembershipEvent::PeriodPaid { mrr_delta, movement, .. } => {
                Some((*mrr_delta, *movement))
            }
            MembershipEvent::Lapsed { mrr_delta, .. } => Some((*mrr_delta, Some(Movement::Churn))),
            _ => None,
        })
        .collect();
    assert_eq!(
        moved,
        [
            (1_000, Some(Movement::New)),
            (0, None),
            (500, Some(Movement::Expansion)),
            (-800, Some(Movement::Contraction)),
            (-700, Some(Movement::Churn)),
            (700, Some(Movement::Reactivation)),
        ]
    );
    assert_eq!((membership.mrr(), membership.status()), (700, MembershipStatus::Active));
}

#[test]
fn a_change_of_plan_carries_over_what_is_not_rendered() {
    // On 11 January 10 of 31 days of 31.00 are rendered; 21.00 go to the better plan, paid 9.00 more.
    let better = PeriodTerms {
        product: "platinum".to_owned(),
        replaces: Some("jan".into()),
        ..terms("jan-platinum", "2026-01-11", "2026-02-01")
    };
    let (membership, events) = lived(vec![
        start(platform()),
        record(paid(terms("jan", "2026-01-01", "2026-02-01"), 3_100)),
        record(paid(better, 900)),
    ]);
    assert!(matches!(
        &events[2],
        MembershipEvent::RevenueRecognized { cumulative: 1_000, next: Some(_), .. }
    ));
    assert_eq!(
        events[3],
        MembershipEvent::PeriodReplaced {
            membership: id(),
            period: "jan".into(),
            by: "jan-platinum".into(),
            product: "gold".to_owned(),
            into: "platinum".to_owned(),
            day: day("2026-01-11"),
            carried: usd(2_100),
            at: noon("2026-01-11"),
        }
    );
    let MembershipEvent::PeriodPaid { deferred, carried, .. } = &events[4] else {
        panic!("{events:?}")
    };
    assert_eq!((*deferred, *carried), (3_000, 2_100));
    let old = &membership.periods()[0];
    assert_eq!(
        (old.billed(), old.recognized(), old.taken_out(), old.deferred()),
        (3_100, 1_000, 2_100, 0)
    );
}

#[test]
fn a_change_to_a_cheaper_plan_may_cost_nothing() {
    let cheaper = PeriodTerms {
        replaces: Some("2026".into()),
        ..terms("silver", "2026-07-01", "2027-07-01")
    };
    let (membership, _) = lived(vec![start(platform()), record(year()), record(paid(cheaper, 0))]);
    let silver = &membership.periods()[1];
    assert_eq!((silver.billed(), silver.refundable()), (6_050, 0));
}

/// Without a charge the caller is told; with one, the money must go back to where it came from.
fn refused(given: &[(Timestamp, MembershipCommand)], period: PaidPeriod, why: MembershipError) {
    let (membership, _) = lived(given.to_vec());
    let now = noon("2026-03-01");
    assert_eq!(membership.check(&period, now), Err(why.clone()), "{period:?}");
    let command = MembershipCommand::RecordPaidPeriod(Box::new(period.clone()));
    match period.charge {
        None => assert_eq!(decide(&membership, command, now), Err(why)),
        Some((payment, charge)) => assert_eq!(
            decide(&membership, command, now),
            Ok(vec![MembershipEvent::PeriodRefused {
                period: period.terms.period,
                charge,
                payment: Some(payment),
                amount: period.paid,
                code: why.as_ref().to_owned(),
                reason: why.to_string(),
                at: now,
            }])
        ),
    }
}

#[test]
fn what_cannot_be_sold_is_refused_and_its_money_is_not_lost() {
    let given = [start(platform()), record(year())];
    let next = || paid(terms("next", "2027-01-01", "2028-01-01"), 12_000);
    let with = |change: &dyn Fn(&mut PaidPeriod)| {
        let mut period = next();
        change(&mut period);
        period
    };
    refused(&[], next(), MembershipError::Unknown);
    let ended = [start(platform()), (noon("2026-02-01"), end())];
    refused(&ended, next(), MembershipError::Ended);
    let (expected, given_in) = (Currency::USD, Currency::EUR);
    refused(
        &given,
        with(&|period| period.paid = Money::new(12_000, Currency::EUR)),
        MembershipError::CurrencyMismatch { expected, given: given_in },
    );
    let nothing = |period: &mut PaidPeriod| period.charge = None;
    refused(
        &given,
        with(&|period| {
            nothing(period);
            period.paid = usd(-1);
        }),
        MembershipError::AmountNotPositive,
    );
    refused(&given, with(&nothing), MembershipError::ChargeMissing);
    refused(&given, with(&|period| period.paid = usd(0)), MembershipError::ChargeMissing);
    for tax in [-1, 12_001] {
        refused(&given, with(&|period| period.terms.tax = tax), MembershipError::TaxInvalid);
    }
    for end in ["2027-01-01", "2026-12-31", "2030-01-07"] {
        refused(
            &given,
            with(&|period| period.terms.end = day(end)),
            MembershipError::PeriodInvalid,
        );
    }
    for name in ["", "a:b"] {
        refused(
            &given,
            with(&|period| period.terms.period = name.into()),
            MembershipError::PeriodInvalid,
        );
    }
    refused(
        &given,
        with(&|period| period.terms.product = "a:b".to_owned()),
        MembershipError::ProductInvalid { product: "a:b".to_owned() },
    );
    let name = "2026".to_owned();
    refused(
        &given,
        with(&|period| period.terms.period = "2026".into()),
        MembershipError::PeriodExists { period: name.clone() },
    );
    refused(
        &given,
        with(&|period| period.terms.start = day("2026-12-31")),
        MembershipError::PeriodOverlaps { period: name },
    );
}

#[test]
fn what_cannot_be_replaced_is_not() {
    let given = [start(platform()), record(year())];
    let instead = |replaced: &str, start: &str| {
        let replaces = Some(replaced.into());
        paid(PeriodTerms { replaces, ..terms("next", start, "2028-01-01") }, 12_000)
    };
    let unknown = MembershipError::PeriodUnknown { period: "1999".to_owned() };
    refused(&given, instead("1999", "2026-02-01"), unknown);
    let nothing = |text: &str| MembershipError::NothingToReplace {
        period: "2026".to_owned(),
        day: day(text),
    };
    refused(&given, instead("2026", "2027-01-01"), nothing("2027-01-01"));
    refused(&given, instead("2026", "2025-12-31"), nothing("2025-12-31"));
    let early = MembershipError::ReplacedTooEarly { day: day("2026-03-02") };
    refused(&given, instead("2026", "2026-03-02"), early);
    let of_seller = [start(agent(CommissionIncome::AtOnce)), record(year())];
    refused(&of_seller, instead("2026", "2026-02-01"), MembershipError::CarryOverNotPossible);
}

fn end() -> MembershipCommand {
    MembershipCommand::End { reason: words(), by: person() }
}
