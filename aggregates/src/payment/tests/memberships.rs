//! Money that pays a period of a membership.

use super::*;
use crate::vocabulary::PeriodTerms;

fn terms() -> PeriodTerms {
    PeriodTerms {
        period: "2026".into(),
        start: "2026-01-01".parse().unwrap(),
        end: "2027-01-01".parse().unwrap(),
        zone: chrono_tz::Tz::UTC,
        product: "gold".to_owned(),
        tax: 0,
        tax_jurisdiction: "none".to_owned(),
        replaces: None,
    }
}

fn to_membership() -> PaymentCommand {
    PaymentCommand::AttributeToMembership {
        membership: "mem_1".into(),
        terms: Box::new(terms()),
        reason: "invoice in_1".to_owned(),
    }
}

fn refused_by_it() -> PaymentCommand {
    PaymentCommand::SetAside { charge: "ch_1".into(), reason: SetAsideReason::Conflict }
}

fn attributed_to_it(available_on: Option<Timestamp>) -> PaymentEvent {
    PaymentEvent::AttributedToMembership {
        charge: "ch_1".into(),
        amount: usd(10_000),
        membership: "mem_1".into(),
        terms: terms(),
        reason: "invoice in_1".to_owned(),
        available_on,
        occurred_at: at(5),
        at: at(NOW),
    }
}

fn paying() -> Vec<PaymentEvent> {
    and(unclaimed(), vec![attributed_to_it(None)])
}

fn fee() -> PaymentCommand {
    PaymentCommand::RecordFee {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        fee: usd(320),
        net: usd(9_680),
        available_on: at(900),
        exchange_rate: None,
        occurred_at: at(6),
    }
}

#[test]
fn set_aside_money_pays_a_membership_once() {
    payment(unclaimed()).when(to_membership()).then_expect_events(vec![attributed_to_it(None)]);
    payment(paying()).when(to_membership()).then_expect_events(vec![]);
    let after = fold(paying());
    assert_eq!((after.status(), after.set_aside()), (PaymentStatus::Captured, Some(usd(0))));
}

#[test]
fn money_that_still_waits_is_set_aside_for_it_at_once() {
    let aside = set_aside(SetAsideReason::Unattributed);
    payment(vec![captured(None)])
        .when(to_membership())
        .then_expect_events(vec![aside, attributed_to_it(None)]);
}

#[test]
fn what_the_membership_refuses_is_set_aside_again_and_can_go_to_it_once_more() {
    let again = set_aside_of("ch_1", 10_000, SetAsideReason::Conflict, at(NOW));
    payment(paying()).when(refused_by_it()).then_expect_events(vec![again.clone()]);
    let after = and(paying(), vec![again]);
    assert_eq!(fold(after.clone()).status(), PaymentStatus::SetAside);
    payment(after).when(to_membership()).then_expect_events(vec![attributed_to_it(None)]);
}

#[test]
fn a_membership_is_told_when_its_money_becomes_available() {
    let recorded = PaymentEvent::FeeRecorded {
        charge: "ch_1".into(),
        txn: "txn_1".into(),
        fee: usd(320),
        net: usd(9_680),
        available_on: at(900),
        exchange_rate: None,
        order: None,
        at: at(NOW),
    };
    let funded = PaymentEvent::MembershipFunded {
        charge: "ch_1".into(),
        membership: "mem_1".into(),
        period: "2026".into(),
        available_on: at(900),
        at: at(NOW),
    };
    payment(paying()).when(fee()).then_expect_events(vec![recorded.clone(), funded.clone()]);
    payment(and(paying(), vec![recorded.clone(), funded])).when(fee()).then_expect_events(vec![]);
    // Known before, it goes with the attribution.
    payment(and(unclaimed(), vec![recorded]))
        .when(to_membership())
        .then_expect_events(vec![attributed_to_it(Some(at(900)))]);
}

#[test]
fn a_membership_is_told_when_the_bank_takes_its_money_back() {
    let fact = charge_reversed("ch_1", 60);
    let reversed = PaymentEvent::MembershipCaptureReversed {
        charge: "ch_1".into(),
        txn: "txn_r".into(),
        amount: usd(10_000),
        membership: "mem_1".into(),
        occurred_at: fact.occurred_at,
        at: at(NOW),
    };
    let events = payment(paying()).when(merge(fact.clone())).inspect_result().unwrap();
    let [PaymentEvent::FactMerged { .. }, told] = events.as_slice() else { panic!("{events:?}") };
    let (
        PaymentEvent::MembershipCaptureReversed { amount, membership, occurred_at, .. },
        PaymentEvent::MembershipCaptureReversed {
            amount: expected,
            membership: known,
            occurred_at: then,
            ..
        },
    ) = (told, &reversed)
    else {
        panic!("{told:?}")
    };
    assert_eq!((amount, membership, occurred_at), (expected, known, then));
    let after = fold(and(paying(), events));
    assert_eq!(after.status(), PaymentStatus::Reversed);
}

#[test]
fn what_cannot_pay_a_membership_is_refused() {
    payment(vec![]).when(to_membership()).then_expect_error(PaymentError::NotCaptured);
    payment(with_order())
        .when(to_membership())
        .then_expect_error(PaymentError::AlreadyAttributed { order: order("a").to_string() });
    payment(and(unclaimed(), vec![reserved("own", 10_000)]))
        .when(to_membership())
        .then_expect_error(PaymentError::NothingSetAside);
    payment(and(vec![captured(None)], vec![reversed_event(10_000, None)]))
        .when(to_membership())
        .then_expect_error(PaymentError::NothingSetAside);
    payment(and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated)]))
        .when(to_membership())
        .then_expect_error(PaymentError::ChargeUnderDispute);
}
