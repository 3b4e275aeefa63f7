//! Given, when, then: a refusal is recorded once.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::testing::{assert_golden, at, context};

#[test]
fn a_refusal_is_recorded() {
    known(vec![]).when(record("order.already_paid")).then_expect_events(vec![recorded()]);
}

#[test]
fn one_request_is_refused_once() {
    known(vec![recorded()]).when(record("order.expired")).then_expect_events(vec![]);
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<RejectionEvent>(include_str!("golden.jsonl"));
}

fn known(events: Vec<RejectionEvent>) -> AggregateTestExecutor<Rejection> {
    TestFramework::with(context(at(10))).given(events)
}

fn record(code: &str) -> RejectionCommand {
    RejectionCommand::Record {
        command: "order.cancel".to_owned(),
        target: "order/ord_1".to_owned(),
        code: code.to_owned(),
        message: "the order is paid".to_owned(),
    }
}

fn recorded() -> RejectionEvent {
    RejectionEvent::Recorded {
        command: "order.cancel".to_owned(),
        target: "order/ord_1".to_owned(),
        code: "order.already_paid".to_owned(),
        message: "the order is paid".to_owned(),
        at: at(10),
    }
}
