//! Money goes back: from what is not rendered first, then from what was income.

use super::*;

fn parts(events: &[MembershipEvent]) -> Vec<GivenBack> {
    let of = |event: &MembershipEvent| match event {
        MembershipEvent::PeriodRefunded { given_back, .. }
        | MembershipEvent::CaptureReversed { given_back, .. } => Some(*given_back),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn a_refund_takes_what_is_not_rendered_and_then_income() {
    // Through 2 July 183 of 365 days: 60.16 are income, 59.84 are not.
    let (membership, events) =
        lived(vec![start(platform()), record(year()), give_back("2026-07-03", Some(usd(10_000)))]);
    assert_eq!(
        events[3],
        MembershipEvent::PeriodRefunded {
            membership: id(),
            period: "2026".into(),
            product: "gold".to_owned(),
            refund: refund_id(),
            payment: payment(),
            charge: "ch_2026".into(),
            amount: usd(10_000),
            given_back: GivenBack { tax: 0, deferred: 5_984, income: 4_016, seller: 0 },
            agent: None,
            about: None,
            tax_jurisdiction: "US-CA".to_owned(),
            reason: words(),
            by: person(),
            policy: 3,
            at: noon("2026-07-03"),
        }
    );
    let period = &membership.periods()[0];
    assert_eq!((period.deferred(), period.refundable()), (0, 2_000));
}

#[test]
fn what_is_left_after_a_refund_is_spread_over_the_days_that_are_left() {
    let january = paid(terms("2026", "2026-01-01", "2026-02-01"), 3_100);
    let (membership, events) = lived(vec![
        start(platform()),
        record(january),
        give_back("2026-01-11", Some(usd(1_050))),
        recognise(night("2026-01-12"), "2026-01-12"),
        recognise(noon("2026-03-01"), "2026-01-31"),
    ]);
    let days: Vec<i64> = events
        .iter()
        .filter_map(|event| match event {
            MembershipEvent::RevenueRecognized { days, .. } => Some(days),
            _ => None,
        })
        .flatten()
        .map(|day| day.amount)
        .collect();
    let expected: Vec<i64> = [vec![100; 10], vec![50; 21]].concat();
    assert_eq!(days, expected);
    assert_eq!(membership.periods()[0].deferred(), 0);
}

#[test]
fn tax_goes_back_with_its_price_however_the_refund_is_cut_up() {
    let mut taxed = year();
    taxed.terms.tax = 1_000;
    taxed.paid = usd(13_000);
    let (mut membership, _) = lived(vec![start(platform()), record(taxed)]);
    let mut tax = 0;
    for (number, minor) in [(0, 4_333), (1, 1), (2, 8_666)] {
        let refund = RefundId::derived(&[&number.to_string()]);
        let (period, amount) = ("2026".into(), Some(usd(minor)));
        let (reason, by) = (words(), person());
        let command = MembershipCommand::RefundPeriod { refund, period, amount, reason, by };
        let events = decide(&membership, command, noon("2025-12-31")).unwrap();
        tax += parts(&events)[0].tax;
        events.into_iter().for_each(|event| membership.evolve(event));
    }
    assert_eq!((tax, membership.periods()[0].deferred()), (1_000, 0));
}

#[test]
fn a_seller_gives_his_part_back_and_the_platform_its_commission() {
    let (_, events) = lived(vec![
        start(agent(CommissionIncome::AtOnce)),
        record(year()),
        give_back("2026-07-03", Some(usd(6_000))),
    ]);
    assert_eq!(parts(&events), [GivenBack { tax: 0, deferred: 0, income: 600, seller: 5_400 }]);
}

#[test]
fn a_deferred_commission_goes_back_from_what_is_not_rendered() {
    let (membership, events) = lived(vec![
        start(agent(CommissionIncome::Deferred)),
        record(year()),
        give_back("2026-07-03", None),
    ]);
    // Of 12.00, 6.01 are income through 183 days.
    let all = GivenBack { tax: 0, deferred: 599, income: 601, seller: 10_800 };
    assert_eq!((parts(&events), membership.periods()[0].deferred()), (vec![all], 0));
}

#[test]
fn a_commission_that_is_kept_is_the_sellers_to_bear() {
    let terms = agent(CommissionIncome::AtOnce);
    let SoldBy::Agent { seller, organizer, commission, income, .. } = terms.sold_by.clone() else {
        panic!("it is an agent's")
    };
    let sold_by =
        SoldBy::Agent { seller, organizer, commission, income, commission_returned: false };
    let terms = MembershipTerms { sold_by, ..terms };
    let (_, events) = lived(vec![start(terms), record(year()), give_back("2026-07-03", None)]);
    assert_eq!(parts(&events), [GivenBack { tax: 0, deferred: 0, income: 0, seller: 12_000 }]);
}

#[test]
fn a_refund_is_made_once_and_reverted_once() {
    let refund = give_back("2026-07-03", Some(usd(500)));
    let (mut membership, _) = lived(vec![start(platform()), record(year()), refund.clone()]);
    assert_eq!(decide(&membership, refund.1, refund.0), Ok(vec![]));
    let revert = MembershipCommand::RevertRefund { refund: refund_id() };
    let events = decide(&membership, revert.clone(), noon("2026-07-09")).unwrap();
    assert_eq!(
        events,
        [MembershipEvent::RefundReverted {
            membership: id(),
            period: "2026".into(),
            product: "gold".to_owned(),
            refund: refund_id(),
            amount: usd(500),
            given_back: GivenBack { tax: 0, deferred: 500, income: 0, seller: 0 },
            agent: None,
            tax_jurisdiction: "US-CA".to_owned(),
            at: noon("2026-07-09"),
        }]
    );
    events.into_iter().for_each(|event| membership.evolve(event));
    assert_eq!(decide(&membership, revert, noon("2026-07-09")), Ok(vec![]));
    assert_eq!(membership.periods()[0].refundable(), 12_000);
}

#[test]
fn money_the_bank_takes_back_ends_the_period() {
    let reverse = MembershipCommand::ReverseCapture {
        charge: "ch_2026".into(),
        amount: usd(12_000),
        occurred_at: noon("2026-07-01"),
    };
    let (membership, events) =
        lived(vec![start(platform()), record(year()), (noon("2026-07-03"), reverse.clone())]);
    let whole = GivenBack { tax: 0, deferred: 5_984, income: 6_016, seller: 0 };
    assert_eq!(parts(&events), [whole]);
    assert!(matches!(events[4], MembershipEvent::PeriodCancelled { forfeited: 0, .. }));
    assert_eq!(decide(&membership, reverse, noon("2026-07-03")), Ok(vec![]));
    let other = MembershipCommand::ReverseCapture {
        charge: "ch_other".into(),
        amount: usd(1),
        occurred_at: noon("2026-07-01"),
    };
    assert_eq!(decide(&membership, other, noon("2026-07-03")), Ok(vec![]));
}

#[test]
fn what_cannot_be_given_back_is_refused() {
    let free = paid(terms("free", "2027-01-01", "2028-01-01"), 0);
    let given = vec![start(platform()), record(year()), record(free)];
    let (membership, _) = lived(given);
    let try_it = |period: &str, amount| {
        let (reason, by) = (words(), person());
        let (refund, period) = (refund_id(), period.into());
        let command = MembershipCommand::RefundPeriod { refund, period, amount, reason, by };
        decide(&membership, command, noon("2026-07-03")).unwrap_err()
    };
    let (remaining, period) = (usd(12_000), "free".to_owned());
    assert_eq!(try_it("2026", Some(usd(12_001))), MembershipError::RefundExceedsPaid { remaining });
    assert_eq!(try_it("2026", Some(usd(0))), MembershipError::AmountNotPositive);
    let (expected, given) = (Currency::USD, Currency::EUR);
    assert_eq!(
        try_it("2026", Some(Money::new(1, given))),
        MembershipError::CurrencyMismatch { expected, given }
    );
    assert_eq!(try_it("1999", None), MembershipError::PeriodUnknown { period: "1999".to_owned() });
    let nothing = MembershipError::NothingToRefund { period };
    assert_eq!(try_it("free", None), nothing);
    assert_eq!(try_it("free", Some(usd(1))), nothing);
    let revert = MembershipCommand::RevertRefund { refund: refund_id() };
    let unknown = MembershipError::RefundUnknown { refund: refund_id().to_string() };
    assert_eq!(decide(&membership, revert, noon("2026-07-03")), Err(unknown));
}
