//! Periods are cut short, memberships end and lapse.

use super::*;

fn end(text: &str) -> (Timestamp, MembershipCommand) {
    (noon(text), MembershipCommand::End { reason: words(), by: person() })
}

fn lapse(text: &str) -> (Timestamp, MembershipCommand) {
    (noon(text), MembershipCommand::Lapse)
}

fn cancelled(recognized: i64, refunded: i64, forfeited: i64) -> MembershipEvent {
    MembershipEvent::PeriodCancelled {
        membership: id(),
        period: "2026".into(),
        product: "gold".to_owned(),
        agent: None,
        currency: Currency::USD,
        day: day("2026-01-11"),
        recognized,
        refunded,
        forfeited,
        reason: words(),
        by: person(),
        policy: 3,
        at: noon("2026-01-11"),
    }
}

fn ended(text: &str, mrr_delta: i64, at: Timestamp) -> MembershipEvent {
    MembershipEvent::Ended {
        product: "gold".to_owned(),
        currency: Currency::USD,
        mrr_delta,
        day: day(text),
        reason: words(),
        by: person(),
        at,
    }
}

/// January for 31.00.
fn january() -> (Timestamp, MembershipCommand) {
    record(paid(terms("2026", "2026-01-01", "2026-02-01"), 3_100))
}

#[test]
fn cancelled_with_a_refund_of_the_time_left_nothing_but_the_hours_used_is_forfeited() {
    let refund = CancelRefund::ProRata(refund_id());
    let (membership, events) =
        lived(vec![start(platform()), january(), cancel("2026-01-11", refund)]);
    // 20.5 of 31 days are left at noon; ten are rendered, the half day is forfeited.
    let MembershipEvent::PeriodRefunded { amount, given_back, .. } = &events[3] else {
        panic!("{events:?}")
    };
    assert_eq!((*amount, given_back.deferred, given_back.income), (usd(2_050), 2_050, 0));
    let expected = [cancelled(1_000, 2_050, 50), ended("2026-01-11", -3_100, noon("2026-01-11"))];
    assert_eq!(events[4..], expected);
    assert_eq!(
        (membership.status(), membership.mrr(), membership.periods()[0].deferred()),
        (MembershipStatus::Ended, 0, 0)
    );
}

#[test]
fn cancelled_without_a_refund_the_rest_is_income() {
    let (_, events) =
        lived(vec![start(platform()), january(), cancel("2026-01-11", CancelRefund::Nothing)]);
    assert_eq!(events[3], cancelled(1_000, 0, 2_100));
}

#[test]
fn cancelled_with_more_than_is_left_the_rest_comes_out_of_income() {
    let refund = CancelRefund::Amount(refund_id(), usd(3_100));
    let (_, events) = lived(vec![start(platform()), january(), cancel("2026-01-11", refund)]);
    let MembershipEvent::PeriodRefunded { given_back, .. } = &events[3] else {
        panic!("{events:?}")
    };
    assert_eq!((given_back.deferred, given_back.income), (2_100, 1_000));
    assert_eq!(events[4], cancelled(1_000, 3_100, 0));
}

#[test]
fn what_was_carried_over_counts_as_paid_but_no_more_than_the_charge_goes_back() {
    let better =
        PeriodTerms { replaces: Some("jan".into()), ..terms("2026", "2026-01-11", "2026-02-01") };
    let (_, events) = lived(vec![
        start(platform()),
        record(paid(terms("jan", "2026-01-01", "2026-02-01"), 3_100)),
        record(paid(better, 900)),
        cancel("2026-01-11", CancelRefund::ProRata(refund_id())),
    ]);
    let MembershipEvent::PeriodRefunded { amount, given_back, .. } = &events[5] else {
        panic!("{events:?}")
    };
    assert_eq!((*amount, given_back.deferred), (usd(900), 900));
    let MembershipEvent::PeriodCancelled { forfeited, .. } = &events[6] else {
        panic!("{events:?}")
    };
    assert_eq!(*forfeited, 2_100);
}

#[test]
fn a_period_to_come_is_cancelled_whole_and_the_running_one_goes_on() {
    let february = record(paid(terms("feb", "2026-02-01", "2026-03-01"), 2_800));
    let february = (noon("2026-01-20"), february.1);
    let refund = CancelRefund::ProRata(refund_id());
    let (membership, events) =
        lived(vec![start(platform()), january(), february, cancel("2026-01-21", refund)]);
    let MembershipEvent::PeriodRefunded { amount, period, .. } = &events[3] else {
        panic!("{events:?}")
    };
    assert_eq!((*amount, period.as_str()), (usd(2_800), "feb"));
    assert_eq!((events.len(), membership.status()), (5, MembershipStatus::Active));
}

#[test]
fn what_is_cancelled_again_stays_as_it_is() {
    let given = vec![start(platform()), january(), cancel("2026-01-11", CancelRefund::Nothing)];
    let (membership, _) = lived(given);
    let again = |period| MembershipCommand::Cancel {
        period,
        refund: CancelRefund::Nothing,
        reason: words(),
        by: person(),
    };
    assert_eq!(decide(&membership, again(None), noon("2026-01-12")), Ok(vec![]));
    assert_eq!(decide(&membership, again(Some("2026".into())), noon("2026-01-12")), Ok(vec![]));
}

#[test]
fn where_nothing_runs_nothing_is_cut_short() {
    let (membership, _) = lived(vec![start(platform()), january()]);
    let try_it = |membership: &Membership, period: Option<&str>, refund| {
        let (period, reason) = (period.map(PeriodRef::from), words());
        let command = MembershipCommand::Cancel { period, refund, reason, by: person() };
        decide(membership, command, noon("2026-02-01"))
    };
    let refund = CancelRefund::ProRata(refund_id());
    assert_eq!(try_it(&membership, None, refund), Err(MembershipError::NothingRuns));
    assert_eq!(try_it(&membership, Some("2026"), refund), Err(MembershipError::NothingRuns));
    let unknown = MembershipError::PeriodUnknown { period: "1999".to_owned() };
    assert_eq!(try_it(&membership, Some("1999"), refund), Err(unknown));
    let nobody = Membership::default();
    assert_eq!(try_it(&nobody, None, CancelRefund::Nothing), Err(MembershipError::Unknown));
    let over = ended("2026-02-01", -3_100, noon("2026-02-01"));
    assert_eq!(try_it(&membership, None, CancelRefund::Nothing), Ok(vec![over]));
}

#[test]
fn an_ended_membership_is_rendered_to_its_last_paid_day() {
    let (membership, events) = lived(vec![
        start(platform()),
        january(),
        end("2026-01-11"),
        recognise(noon("2026-02-01"), "2026-01-31"),
    ]);
    // Revenue stops recurring when the paid days are over.
    assert_eq!(events[2], ended("2026-02-01", -3_100, noon("2026-01-11")));
    assert_eq!(membership.periods()[0].recognized(), 3_100);
    assert_eq!(decide(&membership, end("2026-02-01").1, noon("2026-02-01")), Ok(vec![]));
    let unknown = decide(&Membership::default(), end("2026-02-01").1, noon("2026-02-01"));
    assert_eq!(unknown, Err(MembershipError::Unknown));
}

#[test]
fn a_membership_nobody_pays_any_more_lapses() {
    let (membership, _) = lived(vec![start(platform()), january()]);
    let due: Timestamp = "2026-02-15T00:00:00Z".parse().unwrap();
    let early = decide(&membership, lapse("2026-02-14").1, noon("2026-02-14"));
    assert_eq!(early, Err(MembershipError::TooEarly { due }));
    let lapsed = MembershipEvent::Lapsed {
        product: "gold".to_owned(),
        currency: Currency::USD,
        mrr_delta: -3_100,
        day: day("2026-02-01"),
        at: due,
    };
    assert_eq!(decide(&membership, lapse("2026-02-15").1, due), Ok(vec![lapsed]));
}

#[test]
fn what_has_ended_or_lapsed_or_never_begun_does_not_lapse() {
    for given in [
        vec![],
        vec![start(platform())],
        vec![start(platform()), january(), end("2026-01-11")],
        vec![start(platform()), january(), lapse("2026-02-15")],
    ] {
        let (membership, _) = lived(given);
        assert_eq!(decide(&membership, MembershipCommand::Lapse, noon("2026-03-01")), Ok(vec![]));
    }
}
