//! Holding a seller's part of a dispute, and what becomes of it.

use super::*;

#[test]
fn a_dispute_is_held_from_the_disputed_claims_first() {
    let history = || after(vec![credit("old", 1000), credit("own", 1000), credit("too", 1000)]);
    let events =
        vec![held("d", 2500, split(&[("too", 1000), ("own", 1000), ("old", 500)], 0, &[], 0))];
    seller(history())
        .when(hold_for_dispute("d", 2500, &["too", "own", "too"]))
        .then_expect_events(events.clone());
    let held = || and(history(), events.clone());
    seller(held()).when(hold_for_dispute("d", 2500, &[])).then_expect_events(vec![]);
    seller(held())
        .when(hold_for_dispute("d", 2501, &[]))
        .then_expect_error(Refusal::ClaimDiffers { claim: "d".to_owned() });
    let position = position(held());
    assert_eq!((position.pending(), position.dispute_hold(), position.total()), (500, 2500, 3000));
}

#[test]
fn the_golden_hold_of_45_00_pays_30_40_owed_and_frees_14_60() {
    // The seller was paid out before the dispute, so the hold is what he owes; then he sold again.
    let history = after(vec![hold_for_dispute("d", 4500, &[]), credit("a", 1460), release("a", 0)]);
    assert_eq!(position(history.clone()).receivable(), 3040);
    let events = vec![let_go("d", 4500, 3040, 1460), closed()];
    seller(history.clone()).when(conclude("d", 0)).then_expect_events(events.clone());
    let position = position(and(history, events));
    assert_eq!(
        (position.receivable(), position.available(), position.dispute_hold()),
        (0, 1460, 0)
    );
}

#[test]
fn a_hold_that_cannot_be_covered_is_owed() {
    seller(after(vec![credit("a", 100)]))
        .when(hold_for_dispute("d", 300, &["a"]))
        .then_expect_events(vec![held("d", 300, split(&[("a", 100)], 0, &[], 200)), opened(200)]);
}

#[test]
fn a_lost_dispute_consumes_its_hold() {
    let history = || after(vec![credit("a", 4500), hold_for_dispute("d", 4500, &["a"])]);
    seller(history()).when(conclude("d", 4500)).then_expect_events(vec![consumed("d", 4500, true)]);
    let over = || and(history(), vec![consumed("d", 4500, true)]);
    assert_eq!(position(over()).total(), 0);
    seller(over()).when(conclude("d", 4500)).then_expect_events(vec![]);
    seller(over())
        .when(conclude("d", 4400))
        .then_expect_error(Refusal::ClaimDiffers { claim: "d".to_owned() });
    seller(over()).when(hold_for_dispute("d", 9, &[])).then_expect_events(vec![]);
}

#[test]
fn a_dispute_lost_in_part_consumes_that_part_and_frees_the_rest() {
    let history = || after(vec![credit("a", 4500), hold_for_dispute("d", 4500, &["a"])]);
    let events = || vec![consumed("d", 1500, true), let_go("d", 3000, 0, 3000)];
    seller(history()).when(conclude("d", 1500)).then_expect_events(events());
    let over = and(history(), events());
    assert_eq!(position(over.clone()).available(), 3000);
    seller(over).when(conclude("d", 1500)).then_expect_events(vec![]);
}

#[test]
fn what_is_lost_beyond_the_hold_is_held_first() {
    let history = after(vec![credit("a", 1000), hold_for_dispute("d", 1000, &["a"])]);
    seller(history.clone()).when(conclude("d", 1300)).then_expect_events(vec![
        held("d", 300, split(&[], 0, &[], 300)),
        opened(300),
        consumed("d", 1300, true),
    ]);
    let over =
        after(vec![credit("a", 1000), hold_for_dispute("d", 1000, &["a"]), conclude("d", 1300)]);
    assert_eq!(position(over.clone()).total(), -300);
    seller(over.clone()).when(conclude("d", 1300)).then_expect_events(vec![]);
    seller(over).when(hold_for_dispute("d", 1000, &[])).then_expect_events(vec![]);
}

#[test]
fn a_dispute_that_was_never_held_is_taken_when_it_is_lost() {
    seller(ready()).when(conclude("d", 0)).then_expect_events(vec![]);
    let mut taken = held("d", 700, split(&[("a", 700)], 0, &[], 0));
    if let Event::DisputeHeld { order, .. } = &mut taken {
        *order = None;
    }
    seller(after(vec![credit("a", 1000)]))
        .when(conclude("d", 700))
        .then_expect_events(vec![taken, consumed("d", 700, false)]);
}

#[test]
fn a_conclusion_in_another_currency_or_below_nothing_is_refused() {
    let history = || after(vec![credit("a", 1000), hold_for_dispute("d", 1000, &["a"])]);
    let euros = Command::ConcludeDisputeHold {
        claim: "d".into(),
        lost: Money::new(1000, Currency::EUR),
        occurred_at: at(0),
    };
    seller(history())
        .when(euros)
        .then_expect_error(Refusal::ClaimDiffers { claim: "d".to_owned() });
    seller(history()).when(conclude("d", -1)).then_expect_error(Refusal::AmountNotPositive);
}

fn held(claim: &str, minor: i64, split: Split) -> Event {
    Event::DisputeHeld {
        seller: id(),
        claim: claim.into(),
        currency: USD,
        amount: minor,
        organizer: "spring-fair".into(),
        order: Some(order()),
        split,
        at: at(0),
    }
}

fn consumed(claim: &str, minor: i64, has_order: bool) -> Event {
    Event::DisputeHoldConsumed {
        seller: id(),
        claim: claim.into(),
        currency: USD,
        amount: minor,
        organizer: "spring-fair".into(),
        order: has_order.then(order),
        occurred_at: at(-9),
        at: at(0),
    }
}

fn let_go(claim: &str, minor: i64, receivable: i64, available: i64) -> Event {
    Event::DisputeHoldReleased {
        seller: id(),
        claim: claim.into(),
        currency: USD,
        amount: minor,
        receivable,
        available,
        at: at(0),
    }
}
