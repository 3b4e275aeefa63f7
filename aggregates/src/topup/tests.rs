//! Given, when, then: a top-up credits by its transaction, once, and any order of its messages
//! leads to the same end.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::{Currency, Money};

use super::{decide::decide, *};
use crate::{
    testing::{assert_golden, at, context, orders},
    vocabulary::{FactRank, TopupRef},
};

#[test]
fn the_first_message_makes_it_known() {
    known(vec![]).when(fact(1, "pending", None)).then_expect_events(vec![observed("pending", 1)]);
}

#[test]
fn its_transaction_credits_it() {
    known(vec![observed("pending", 1)])
        .when(fact(2, "succeeded", Some("txn_1")))
        .then_expect_events(vec![merged("succeeded", 2), credited()]);
}

#[test]
fn the_same_message_again_is_no_news() {
    known(vec![observed("pending", 1), merged("succeeded", 2), credited()])
        .when(fact(2, "succeeded", Some("txn_1")))
        .then_expect_events(vec![]);
}

#[test]
fn a_credited_top_up_that_is_reversed_goes_back() {
    known(vec![observed("succeeded", 2), credited()])
        .when(fact(3, "reversed", Some("txn_1")))
        .then_expect_events(vec![
            merged("reversed", 3),
            TopupEvent::Reversed {
                topup: topup(),
                amount: money(),
                occurred_at: at(3),
                at: at(10),
            },
        ]);
}

#[test]
fn a_top_up_that_fails_without_a_transaction_moved_nothing() {
    known(vec![observed("pending", 1)]).when(fact(3, "failed", None)).then_expect_events(vec![
        merged("failed", 3),
        TopupEvent::Failed { topup: topup(), status: "failed".to_owned(), at: at(10) },
    ]);
}

#[test]
fn an_older_message_still_tells_of_its_transaction() {
    known(vec![observed("failed", 3)])
        .when(fact(2, "succeeded", Some("txn_1")))
        .then_expect_events(vec![
            credited(),
            TopupEvent::Reversed {
                topup: topup(),
                amount: money(),
                occurred_at: at(2),
                at: at(10),
            },
        ]);
}

#[test]
fn any_order_of_arrival_leads_to_the_same_end() {
    let facts = [
        fact(1, "pending", None),
        fact(2, "succeeded", Some("txn_1")),
        fact(3, "reversed", Some("txn_1")),
    ];
    let mut ends = Vec::new();
    for order in orders(facts.len()) {
        let mut topup = Topup::default();
        let mut net = 0;
        for index in order.iter().flat_map(|index| [*index, *index]).chain(order.clone()) {
            for event in decide(&topup, facts[index].clone(), at(10)) {
                net += match &event {
                    TopupEvent::Credited { amount, .. } => amount.minor(),
                    TopupEvent::Reversed { amount, .. } => -amount.minor(),
                    TopupEvent::Observed { .. }
                    | TopupEvent::FactMerged { .. }
                    | TopupEvent::Failed { .. } => 0,
                };
                topup.evolve(event);
            }
        }
        assert_eq!((net, topup.reversed, topup.status()), (0, true, "reversed"), "{order:?}");
        ends.push(topup);
    }
    assert_eq!(ends.len(), 6);
    assert!(ends.iter().all(|end| *end == ends[0]));
}

#[test]
fn statuses_rank_as_stripe_moves_through_them() {
    assert_eq!(["pending", "succeeded", "reversed"].map(class), [0, 1, 2]);
    assert_eq!(class("failed"), class("canceled"));
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<TopupEvent>(include_str!("golden.jsonl"));
}

fn known(events: Vec<TopupEvent>) -> AggregateTestExecutor<Topup> {
    TestFramework::with(context(at(10))).given(events)
}

fn topup() -> TopupRef {
    "tu_1".into()
}

fn money() -> Money {
    Money::new(500_000, Currency::USD)
}

fn rank(status: &str, created: i64) -> FactRank {
    FactRank { class: class(status), created, event: format!("evt_{created}").into() }
}

fn fact(created: i64, status: &str, txn: Option<&str>) -> TopupCommand {
    TopupCommand::MergeFact {
        topup: topup(),
        amount: money(),
        status: status.to_owned(),
        rank: rank(status, created),
        txn: txn.map(Into::into),
        occurred_at: at(created),
    }
}

fn observed(status: &str, created: i64) -> TopupEvent {
    TopupEvent::Observed {
        topup: topup(),
        amount: money(),
        status: status.to_owned(),
        rank: rank(status, created),
        at: at(10),
    }
}

fn merged(status: &str, created: i64) -> TopupEvent {
    let rank = rank(status, created);
    TopupEvent::FactMerged { status: status.to_owned(), rank, at: at(10) }
}

fn credited() -> TopupEvent {
    TopupEvent::Credited {
        topup: topup(),
        txn: "txn_1".into(),
        amount: money(),
        occurred_at: at(2),
        at: at(10),
    }
}
