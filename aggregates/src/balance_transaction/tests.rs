//! Given, when, then: a balance transaction is recorded once, and contradictions are visible.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};
use kernel::Currency;

use super::*;
use crate::testing::{assert_golden, at, context};

#[test]
fn the_first_statement_is_recorded() {
    known(vec![])
        .when(record(stated(10_325, 329)))
        .then_expect_events(vec![recorded(stated(10_325, 329))]);
}

#[test]
fn the_same_figures_again_are_no_news() {
    known(vec![recorded(stated(10_325, 329))])
        .when(record(stated(10_325, 329)))
        .then_expect_events(vec![]);
}

#[test]
fn the_same_figures_from_another_source_are_no_news_even_if_less_is_said() {
    let mut imported = stated(10_325, 329);
    imported.provenance = Provenance::Imported;
    imported.source = None;
    imported.fee_details = vec![];
    known(vec![recorded(stated(10_325, 329))]).when(record(imported)).then_expect_events(vec![]);
}

#[test]
fn other_figures_contradict_and_are_not_recorded() {
    known(vec![recorded(stated(10_325, 329))])
        .when(record(stated(10_325, 400)))
        .then_expect_events(vec![contradicted()]);
}

#[test]
fn another_object_for_the_same_id_contradicts() {
    let mut other = stated(10_325, 329);
    other.source = Some("ch_2".to_owned());
    let events = known(vec![recorded(stated(10_325, 329))]).when(record(other)).inspect_result();
    assert!(matches!(events.unwrap().as_slice(), [BalanceTransactionEvent::Contradicted { .. }]));
}

#[test]
fn a_contradiction_is_told_once() {
    known(vec![recorded(stated(10_325, 329)), contradicted()])
        .when(record(stated(10_325, 401)))
        .then_expect_events(vec![]);
}

#[test]
fn figures_that_do_not_add_are_refused() {
    let mut wrong = stated(10_325, 329);
    wrong.net = 9_997;
    let refusal = BalanceTransactionError::DoesNotAdd { amount: 10_325, fee: 329, net: 9_997 };
    known(vec![]).when(record(wrong)).then_expect_error(refusal);
}

#[test]
fn figures_beyond_64_bits_are_refused() {
    let mut wrong = stated(i64::MIN, 1);
    wrong.net = i64::MAX;
    let refusal = BalanceTransactionError::DoesNotAdd { amount: i64::MIN, fee: 1, net: i64::MAX };
    known(vec![]).when(record(wrong)).then_expect_error(refusal);
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<BalanceTransactionEvent>(include_str!("golden.jsonl"));
}

fn known(events: Vec<BalanceTransactionEvent>) -> AggregateTestExecutor<BalanceTransaction> {
    TestFramework::with(context(at(10))).given(events)
}

fn record(stated: TransactionRecord) -> BalanceTransactionCommand {
    BalanceTransactionCommand::Record(Box::new(stated))
}

fn recorded(record: TransactionRecord) -> BalanceTransactionEvent {
    BalanceTransactionEvent::Recorded { record, at: at(10) }
}

fn contradicted() -> BalanceTransactionEvent {
    BalanceTransactionEvent::Contradicted {
        known: stated(10_325, 329),
        given: stated(10_325, 400),
        at: at(10),
    }
}

fn stated(amount: i64, fee: i64) -> TransactionRecord {
    TransactionRecord {
        txn: "txn_1".into(),
        account: None,
        kind: "charge".to_owned(),
        category: "charge".to_owned(),
        source: Some("ch_1".to_owned()),
        counterpart: None,
        currency: Currency::USD,
        amount,
        fee,
        net: amount.saturating_sub(fee),
        fee_details: vec![FeeDetail { kind: "stripe_fee".to_owned(), amount: fee }],
        exchange_rate: None,
        available_on: at(172_800),
        occurred_at: at(0),
        provenance: Provenance::Fetched,
    }
}
