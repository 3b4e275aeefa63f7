//! Given, when, then: the first link of a Stripe object stays.

use cqrs_es::test::{AggregateTestExecutor, TestFramework};

use super::*;
use crate::testing::{assert_golden, at, context};

#[test]
fn the_first_link_is_established() {
    known(vec![]).when(establish(payment("first"))).then_expect_events(vec![established()]);
}

#[test]
fn the_same_link_again_is_no_news() {
    known(vec![established()]).when(establish(payment("first"))).then_expect_events(vec![]);
}

#[test]
fn another_claim_is_disputed_and_the_first_link_stays() {
    known(vec![established()])
        .when(establish(payment("second")))
        .then_expect_events(vec![disputed("second")]);
    let mut link = Link::default();
    link.apply(established());
    link.apply(disputed("second"));
    assert_eq!(link.subject(), Some(payment("first")));
}

#[test]
fn the_same_other_claim_is_told_once_and_a_third_one_anew() {
    known(vec![established(), disputed("second")])
        .when(establish(payment("second")))
        .then_expect_events(vec![]);
    known(vec![established(), disputed("second")])
        .when(establish(payment("third")))
        .then_expect_events(vec![disputed("third")]);
}

#[test]
fn a_link_to_another_kind_of_thing_is_another_claim() {
    let refund = Subject::Refund(RefundId::derived(&["first"]));
    known(vec![established()]).when(establish(refund)).then_expect_events(vec![
        LinkEvent::Disputed { object: "ch_1".to_owned(), claimed: refund, at: at(10) },
    ]);
}

#[test]
fn stored_lines_read_back_for_ever() {
    assert_golden::<LinkEvent>(include_str!("golden.jsonl"));
}

fn known(events: Vec<LinkEvent>) -> AggregateTestExecutor<Link> {
    TestFramework::with(context(at(10))).given(events)
}

fn payment(name: &str) -> Subject {
    Subject::Payment(PaymentId::derived(&[name]))
}

fn establish(subject: Subject) -> LinkCommand {
    LinkCommand::Establish { object: "ch_1".to_owned(), subject }
}

fn established() -> LinkEvent {
    LinkEvent::Established { object: "ch_1".to_owned(), subject: payment("first"), at: at(10) }
}

fn disputed(name: &str) -> LinkEvent {
    LinkEvent::Disputed { object: "ch_1".to_owned(), claimed: payment(name), at: at(10) }
}
