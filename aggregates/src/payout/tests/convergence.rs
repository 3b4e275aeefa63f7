//! However Stripe's news of one payout arrive, the same payout is left behind.

use super::*;
use crate::testing::orders;

#[test]
fn the_24_orders_of_a_payout_that_was_paid_and_then_failed_end_in_one_state() {
    let mut failure = fact("failed", 4);
    failure.failure_balance_transaction = Some("txn_3".into());
    let facts = [fact("pending", 1), fact("in_transit", 2), fact("paid", 3), failure];
    for history in [in_the_account(), vec![]] {
        let mut ends = orders(facts.len()).into_iter().map(|order| {
            let mut payout = state(history.clone());
            // Everything twice, and the whole batch once more.
            let twice = order.iter().flat_map(|index| [*index, *index]);
            let seen = deliver(&mut payout, &facts, twice.chain(order.iter().copied()));
            for crossing in ["in_transit", "paid", "failed", "returned", "sent", "observed"] {
                let count = seen.iter().filter(|event| event.as_ref() == crossing).count();
                assert!(count <= 1, "{crossing} happened {count} times in order {order:?}");
            }
            assert_eq!(seen.iter().filter(|event| event.as_ref() == "failed").count(), 1);
            assert_eq!(seen.iter().filter(|event| event.as_ref() == "returned").count(), 1);
            payout
        });
        let first = ends.next().unwrap();
        assert_eq!(first.state(), "returned");
        assert!(ends.all(|end| end == first));
    }
}

#[test]
fn news_that_come_in_their_own_order_cross_each_line_once() {
    let facts = [fact("pending", 1), fact("in_transit", 2), fact("paid", 3), fact("failed", 4)];
    let mut payout = state(in_the_account());
    let seen = deliver(&mut payout, &facts, [0, 1, 2, 3]);
    let crossings: Vec<&str> =
        seen.iter().map(AsRef::as_ref).filter(|name| *name != "fact_merged").collect();
    assert_eq!(crossings, ["sent", "in_transit", "paid", "failed"]);
}

#[test]
fn the_transfer_and_its_reversal_may_come_in_any_order_and_twice() {
    let news = [
        note_transfer(3040),
        Command::NoteReversal {
            payout: id(),
            seller: Some(seller()),
            fact: reversal_fact("trr_1", 1000),
        },
        Command::NoteReversal {
            payout: id(),
            seller: Some(seller()),
            fact: reversal_fact("trr_2", 40),
        },
    ];
    for order in orders(news.len()) {
        let mut payout = state(vec![requested(true), reserved(), submitted("transfer")]);
        for index in order.iter().chain(&order) {
            run(&mut payout, news[*index].clone());
        }
        assert_eq!(payout.transfer_remaining(), Some(usd(2000)), "{order:?}");
        assert_eq!(payout.transfer(), Some((&"tr_1".into(), usd(3040))));
    }
}

fn deliver(
    payout: &mut Payout,
    facts: &[PayoutFact],
    order: impl IntoIterator<Item = usize>,
) -> Vec<Event> {
    order.into_iter().flat_map(|index| run(payout, merge(facts[index].clone()))).collect()
}

fn run(payout: &mut Payout, command: Command) -> Vec<Event> {
    let context = context(at(0));
    let events = decide::decide(payout, command, context.tenant, context.now).unwrap();
    for event in &events {
        payout.apply(event.clone());
    }
    events
}
