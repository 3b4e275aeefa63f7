//! Whatever the order in which facts arrive, and however often, a refund ends in the same state.

use super::*;
use crate::testing::orders;

/// The facts of a refund that succeeds and then fails, as Stripe's six events tell them.
fn facts() -> Vec<RefundFact> {
    let untold = |fact: RefundFact| RefundFact { balance_transaction: None, ..fact };
    let not_back = |fact: RefundFact| RefundFact { failure_balance_transaction: None, ..fact };
    vec![
        untold(fact("pending", 1)),
        fact("pending", 2),
        untold(fact("succeeded", 3)),
        fact("succeeded", 4),
        not_back(fact("failed", 5)),
        fact("failed", 6),
    ]
}

fn live(start: &Refund, facts: &[RefundFact], order: &[usize]) -> (Refund, Vec<RefundEvent>) {
    let mut refund = start.clone();
    let mut events = Vec::new();
    // Each is delivered twice, and the whole batch is replayed.
    let twice = order.iter().flat_map(|index| [index, index]);
    for index in twice.chain(order) {
        let command = merge(facts[*index].clone());
        for event in super::super::decide::decide(&refund, command, hours(0)).unwrap() {
            refund.apply(event.clone());
            events.push(event);
        }
    }
    (refund, events)
}

fn count(events: &[RefundEvent], name: &str) -> usize {
    events.iter().filter(|event| event.as_ref() == name).count()
}

#[test]
fn all_720_orders_of_a_refund_that_fails_after_it_succeeded_end_in_one_state() {
    let start = Story::submitted().refund();
    let facts = facts();
    let all = orders(facts.len());
    assert_eq!(all.len(), 720);
    let (expected, _) = live(&start, &facts, &all[0]);
    assert!(expected.is_owed());
    for order in all {
        let (refund, events) = live(&start, &facts, &order);
        assert_eq!(refund, expected, "{order:?}");
        for name in ["accepted", "debited", "failed", "reversed"] {
            assert_eq!(count(&events, name), 1, "{name} in {order:?}");
        }
        assert!(count(&events, "succeeded") <= 1, "{order:?}");
        assert_eq!(count(&events, "canceled") + count(&events, "reverted"), 0);
    }
}

#[test]
fn all_orders_of_a_cancelled_refund_end_in_one_state_and_revert_it_once() {
    let start = Story::approved().refund();
    let facts = [
        fact("pending", 1),
        fact("requires_action", 2),
        fact("pending", 3),
        fact("canceled", 4),
        fact("canceled", 5),
    ];
    let (expected, _) = live(&start, &facts, &[0, 1, 2, 3, 4]);
    for order in orders(facts.len()) {
        let (refund, events) = live(&start, &facts, &order);
        assert_eq!(refund, expected, "{order:?}");
        assert_eq!((count(&events, "canceled"), count(&events, "reverted")), (1, 1), "{order:?}");
    }
}

#[test]
fn a_refund_that_hangs_between_two_states_ends_in_the_last_one_stripe_told() {
    let start = Story::approved().refund();
    let facts = [fact("pending", 1), fact("requires_action", 2), fact("pending", 3)];
    for order in orders(facts.len()) {
        let (refund, _) = live(&start, &facts, &order);
        assert_eq!(refund.status(), RefundStatus::Pending, "{order:?}");
    }
}

#[test]
fn an_observed_refund_ends_the_same_whichever_fact_was_seen_first() {
    let facts = facts();
    let mut ends = Vec::new();
    for order in orders(facts.len()) {
        let start = Story::begin().and(observe(facts[order[0]].clone())).refund();
        ends.push(live(&start, &facts, &order).0);
    }
    ends.dedup();
    assert_eq!(ends.len(), 1);
}
