//! Sales, refunds, releases and reserves.

use super::*;

#[test]
fn a_sale_is_owed_and_waits() {
    let credited = Event::Credited {
        seller: id(),
        claim: "a".into(),
        currency: USD,
        amount: 5900,
        organizer: "spring-fair".into(),
        order: Some(order()),
        line: Some(LineNo(0)),
        product: "Walnut bowl".to_owned(),
        occurred_at: at(-9),
        at: at(0),
    };
    seller(ready()).when(credit("a", 5900)).then_expect_events(vec![credited.clone()]);
    let history = and(ready(), vec![credited]);
    seller(history.clone()).when(credit("a", 5900)).then_expect_events(vec![]);
    let position = position(history);
    assert_eq!((position.pending(), position.pending_of(&"a".into())), (5900, 5900));
    assert_eq!(position.total(), 5900);
}

#[test]
fn a_claim_is_applied_once_in_each_way_and_never_with_another_amount() {
    let history = || after(vec![credit("a", 900), debit("a", 100, None), credit_back("a", 50)]);
    for same in [credit("a", 900), debit("a", 100, None), credit_back("a", 50)] {
        seller(history()).when(same).then_expect_events(vec![]);
    }
    let differs = || Refusal::ClaimDiffers { claim: "a".to_owned() };
    for other in [credit("a", 901), debit("a", 101, None), credit_back("a", 51), credit("a", 0)] {
        seller(history()).when(other).then_expect_error(differs());
    }
    let euros = Money::new(900, Currency::EUR);
    seller(history()).when(credit_in("a", euros)).then_expect_error(differs());
}

#[test]
fn nothing_moves_nothing_and_less_than_nothing_is_refused() {
    for (nothing, less) in [
        (credit("a", 0), credit("a", -1)),
        (debit("a", 0, None), debit("a", -1, None)),
        (credit_back("a", 0), credit_back("a", -1)),
        (hold_for_dispute("a", 0, &[]), hold_for_dispute("a", -1, &[])),
    ] {
        seller(ready()).when(nothing).then_expect_events(vec![]);
        seller(ready()).when(less).then_expect_error(Refusal::AmountNotPositive);
    }
}

#[test]
fn amounts_that_do_not_fit_are_refused() {
    let full = || after(vec![credit("a", i64::MAX)]);
    seller(full()).when(credit("b", 1)).then_expect_error(Refusal::Overflow);
    seller(full()).when(credit_back("b", 1)).then_expect_error(Refusal::Overflow);
    seller(after(vec![debit("a", i64::MAX, None)]))
        .when(debit("b", 1, None))
        .then_expect_error(Refusal::Overflow);
    seller(full()).when(hold_for_dispute("d", i64::MAX, &[])).then_expect_error(Refusal::Overflow);
}

#[test]
fn a_debit_takes_pending_then_available_then_reserve_and_the_rest_is_owed() {
    let history = || {
        after(vec![
            credit("old", 1000),
            credit("own", 1000),
            credit("new", 1000),
            credit("free", 1000),
            release("free", 1000),
        ])
    };
    seller(history()).when(debit("r", 1500, Some("own"))).then_expect_events(vec![debited(
        "r",
        1500,
        split(&[("own", 1000), ("old", 500)], 0, &[], 0),
    )]);
    seller(history()).when(debit("r", 1500, None)).then_expect_events(vec![debited(
        "r",
        1500,
        split(&[("old", 1000), ("own", 500)], 0, &[], 0),
    )]);
    seller(history()).when(debit("r", 4300, Some("own"))).then_expect_events(vec![
        debited(
            "r",
            4300,
            split(&[("own", 1000), ("old", 1000), ("new", 1000)], 900, &[("free", 100)], 300),
        ),
        opened(300),
    ]);
}

#[test]
fn the_reserve_of_the_claim_it_is_about_is_taken_before_older_ones() {
    let history = after(vec![
        credit("old", 1000),
        credit("own", 1000),
        release("old", 10_000),
        release("own", 10_000),
    ]);
    seller(history).when(debit("r", 1500, Some("own"))).then_expect_events(vec![debited(
        "r",
        1500,
        split(&[], 0, &[("own", 1000), ("old", 500)], 0),
    )]);
}

#[test]
fn owing_more_is_not_told_twice() {
    let history = after(vec![debit("r1", 300, None)]);
    seller(history).when(debit("r2", 200, None)).then_expect_events(vec![debited(
        "r2",
        200,
        split(&[], 0, &[], 200),
    )]);
}

#[test]
fn the_golden_release_of_33_77_keeps_a_tenth_in_the_sellers_favour() {
    let history = after(vec![credit("a", 3377)]);
    seller(history.clone())
        .when(release("a", 1000))
        .then_expect_events(vec![released(3377, 0, 337, 3040)]);
    let position = position(and(history, vec![released(3377, 0, 337, 3040)]));
    assert_eq!((position.pending(), position.reserve(), position.available()), (0, 337, 3040));
    assert_eq!(position.reserve_until(&"a".into()), Some(at(90 * DAY)));
}

#[test]
fn what_a_seller_owes_is_netted_from_a_release_before_the_reserve_is_taken() {
    let history = after(vec![debit("r", 377, None), credit("a", 3377)]);
    seller(history)
        .when(release("a", 1000))
        .then_expect_events(vec![released(3377, 377, 300, 2700), closed()]);
    let history = after(vec![debit("r", 4000, None), credit("a", 3377)]);
    let events = vec![released(3377, 3377, 0, 0)];
    seller(history.clone()).when(release("a", 1000)).then_expect_events(events.clone());
    assert_eq!(position(and(history, events)).receivable(), 623);
}

#[test]
fn only_what_remains_of_a_claim_is_released_and_only_once() {
    let history = || after(vec![credit("a", 3377), debit("r", 377, Some("a"))]);
    let event = released(3000, 0, 0, 3000);
    seller(history()).when(release("a", 0)).then_expect_events(vec![event.clone()]);
    seller(and(history(), vec![event])).when(release("a", 0)).then_expect_events(vec![]);
    let gone = after(vec![credit("a", 3377), debit("r", 3377, Some("a"))]);
    seller(gone).when(release("a", 0)).then_expect_events(vec![]);
    seller(history())
        .when(release("b", 0))
        .then_expect_error(Refusal::ClaimUnknown { claim: "b".to_owned() });
}

#[test]
fn a_reserve_is_let_go_at_its_time_and_not_before() {
    let let_go = || Command::ReleaseReserve { claim: "a".into() };
    let history = || after(vec![credit("a", 3377), release("a", 1000)]);
    let due = at(90 * DAY);
    let event = |netted, at| Event::ReserveReleased {
        seller: id(),
        claim: "a".into(),
        currency: USD,
        amount: 337,
        netted,
        available: 337 - netted,
        at,
    };
    seller_at(history(), at(90 * DAY - 1))
        .when(let_go())
        .then_expect_error(Refusal::TooEarly { due });
    seller_at(history(), due).when(let_go()).then_expect_events(vec![event(0, due)]);
    seller_at(and(history(), vec![event(0, due)]), due).when(let_go()).then_expect_events(vec![]);
    let missing = Refusal::ClaimUnknown { claim: "a".to_owned() };
    seller_at(ready(), due).when(let_go()).then_expect_error(missing);
    // A debit takes a reserve before anything becomes owed, so to owe and to have a reserve, he
    // must have been given the reserve afterwards.
    let owing = after(vec![credit("b", 10), release("b", 0), debit("r", 4000, None)]);
    let closing = Event::RecoveryClosed { currency: USD, at: due };
    let more = vec![credited_raw(337), released_raw(337)];
    seller_at(and(owing, more), due).when(let_go()).then_expect_events(vec![event(337, due)]);
    let small = and(after(vec![debit("r", 37, None)]), vec![credited_raw(337), released_raw(337)]);
    seller_at(small, due).when(let_go()).then_expect_events(vec![event(37, due), closing]);
}

#[test]
fn what_is_given_back_pays_what_is_owed_first() {
    let back = |receivable, available| Event::CreditedBack {
        seller: id(),
        claim: "b".into(),
        currency: USD,
        amount: 500,
        reason: CreditBackReason::RefundReverted,
        organizer: "spring-fair".into(),
        order: Some(order()),
        receivable,
        available,
        occurred_at: at(-9),
        at: at(0),
    };
    seller(ready()).when(credit_back("b", 500)).then_expect_events(vec![back(0, 500)]);
    seller(after(vec![debit("r", 300, None)]))
        .when(credit_back("b", 500))
        .then_expect_events(vec![back(300, 200), closed()]);
    seller(after(vec![debit("r", 600, None)]))
        .when(credit_back("b", 500))
        .then_expect_events(vec![back(500, 0)]);
}

#[test]
fn currencies_never_mix() {
    let history =
        after(vec![credit_in("a", Money::new(900, Currency::EUR)), debit("r", 100, Some("a"))]);
    let account = state(history);
    assert_eq!(account.position(Currency::EUR).pending(), 900);
    assert_eq!(account.position(USD).receivable(), 100);
    assert_eq!(account.positions().count(), 2);
}

#[test]
fn a_cloned_account_shares_what_is_large_until_one_of_them_changes() {
    let account = state(after((0..500).map(|n| credit(&format!("c{n}"), 1)).collect()));
    let mut copy = account.clone();
    for event in decide::decide(&copy, credit("more", 7), at(0)).unwrap() {
        copy.apply(event);
    }
    assert_eq!(account.position(USD).pending(), 500);
    assert_eq!(copy.position(USD).pending(), 507);
    assert_eq!(account.position(USD).pending_of(&"more".into()), 0);
    assert_eq!(decide::decide(&copy, credit("c9", 1), at(0)), Ok(vec![]));
}

fn released(amount: i64, netted: i64, reserved: i64, available: i64) -> Event {
    Event::Released {
        seller: id(),
        claim: "a".into(),
        currency: USD,
        amount,
        netted,
        reserved,
        available,
        reserve_until: (reserved > 0).then_some(at(90 * DAY)),
        at: at(0),
    }
}

/// A claim that was wholly put into reserve while he owed, as an older policy might have left it.
fn credited_raw(amount: i64) -> Event {
    Event::Credited {
        seller: id(),
        claim: "a".into(),
        currency: USD,
        amount,
        organizer: "spring-fair".into(),
        order: None,
        line: None,
        product: String::new(),
        occurred_at: at(0),
        at: at(0),
    }
}

fn released_raw(amount: i64) -> Event {
    Event::Released {
        seller: id(),
        claim: "a".into(),
        currency: USD,
        amount,
        netted: 0,
        reserved: amount,
        available: 0,
        reserve_until: Some(at(0)),
        at: at(0),
    }
}
