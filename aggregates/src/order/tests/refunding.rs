//! The refundable budget: what may be set apart, and where it goes.

use super::*;
use crate::{
    order::PaymentStatus,
    vocabulary::{Components, LineShare, Organizer},
};

fn share(line: u16, components: Components) -> LineShare {
    let seller = if line == 2 { bruno() } else { anna() };
    LineShare {
        line: LineNo(line),
        seller,
        organizer: Organizer(seller.to_string()),
        product: ["print", "ebook", "vase"][usize::from(line)].to_owned(),
        components,
    }
}

fn components(fee: i64, seller: i64, shipping: i64, tax: i64) -> Components {
    Components { fee, seller, shipping, tax, discount: 0 }
}

#[test]
fn a_refund_sets_the_whole_line_apart_with_all_that_a_refund_needs() {
    let story = Story::paid().and(reserve("r", 0, None));
    assert_eq!(
        story.last(),
        &OrderEvent::RefundReserved {
            refund: refund("r"),
            payment: payment("first"),
            charge: charge("first"),
            currency: Currency::USD,
            tax_jurisdiction: "US-CA".to_owned(),
            share: share(0, components(300, 2700, 350, 442)),
            amount: 3792,
            commission_retained: false,
            reason: "did not fit".to_owned(),
            requested_by: Person::from("buyer"),
            approved: false,
            policy_version: 1,
            decision_hours: 72,
            second_person_above: 0,
            at: minutes(1),
        }
    );
    assert!(story.order().refund_open(LineNo(0)));
    story.ignores(reserve("r", 0, None));
    story.refuses(reserve("r2", 0, None), OrderError::RefundAlreadyOpen);
    story.and(reserve("r2", 1, None));
}

#[test]
fn the_golden_refunds_of_line_one_are_split_over_what_remains() {
    let mut story = Story::paid_with(partial_refunds);
    for (name, amount, expected) in [
        ("a", 1000, components(79, 712, 92, 117)),
        ("b", 1, components(0, 1, 0, 0)),
        ("c", 2791, components(221, 1987, 258, 325)),
    ] {
        story = story.and(reserve(name, 0, Some(amount)));
        let OrderEvent::RefundReserved { share, .. } = story.last() else {
            panic!("{:?}", story.last());
        };
        assert_eq!(share.components, expected);
        story = story.and(settle(name));
    }
    assert_eq!(story.order().payment_status(), PaymentStatus::PartiallyRefunded);
    story.refuses(
        reserve("d", 0, Some(1)),
        OrderError::RefundExceedsRefundable { remaining: usd(0) },
    );
    story.refuses(reserve("d", 0, None), OrderError::NothingToRefund);
}

#[test]
fn partial_refunds_cannot_add_up_to_more_than_the_line() {
    let story = Story::paid_with(partial_refunds).and(reserve_approved("a", 0, Some(3000)));
    story.refuses(
        reserve_approved("b", 0, Some(793)),
        OrderError::RefundExceedsRefundable { remaining: usd(792) },
    );
    story.and(reserve_approved("b", 0, Some(792)));
}

#[test]
fn a_tenant_may_allow_whole_lines_only() {
    let story = Story::paid();
    story.refuses(reserve("r", 0, Some(1000)), OrderError::PartialRefundsDisabled);
    story.clone().and(reserve("r", 0, Some(3792)));
    story.and(reserve_approved("r", 0, Some(1000)));
}

#[test]
fn refunds_are_refused_with_a_reason() {
    let story = Story::paid_with(partial_refunds);
    Story::placed().refuses(reserve("r", 0, None), OrderError::NotPaid);
    story.refuses(reserve("r", 9, None), OrderError::LineUnknown { line: 9 });
    story.refuses(reserve("r", 0, Some(0)), OrderError::AmountNotPositive);
    story.refuses(
        reserve("r", 0, Some(3793)),
        OrderError::RefundExceedsRefundable { remaining: usd(3792) },
    );
    let in_euro = OrderCommand::ReserveRefund {
        refund: refund("r"),
        line: LineNo(0),
        amount: Some(Money::new(1, Currency::EUR)),
        reason: String::new(),
        by: Person::from("buyer"),
        approved: false,
        despite_inquiry: false,
    };
    let mismatch = OrderError::CurrencyMismatch { expected: Currency::USD, given: Currency::EUR };
    story.refuses(in_euro, mismatch);
    story.refuses(settle("r"), OrderError::RefundUnknown { refund: refund("r").to_string() });
    story.refuses(release("r"), OrderError::RefundUnknown { refund: refund("r").to_string() });
}

#[test]
fn the_window_for_asking_closes_but_not_for_who_decides() {
    let until = minutes(1).plus_days(30);
    let story = Story::paid().at(until);
    story.refuses(reserve("r", 0, None), OrderError::RefundWindowClosed { until });
    story.clone().and(reserve_approved("r", 0, None));
    story.at(until.plus_seconds(-1)).and(reserve("r", 0, None));
}

#[test]
fn commission_is_retained_if_the_policy_said_so_at_placement() {
    let story = Story::paid_with(|place| place.policy.commission_returned = false);
    let story = story.and(reserve("r", 0, None));
    let OrderEvent::RefundReserved { commission_retained, share, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert!(commission_retained);
    assert_eq!(share.components.fee, 300, "the split itself does not change");
}

#[test]
fn a_refund_is_settled_once_or_released_once() {
    let story = Story::paid().and(reserve("r", 0, None));
    let settled = story.clone().and(settle("r"));
    let expected =
        OrderEvent::RefundSettled { refund: refund("r"), complete_at: None, at: minutes(1) };
    assert_eq!(settled.last(), &expected);
    settled.ignores(settle("r"));
    assert_eq!(settled.order().remaining(LineNo(0)).cash(), 0);

    let released = story.and(release("r"));
    let expected = OrderEvent::RefundReleased { refund: refund("r"), at: minutes(1) };
    assert_eq!(released.last(), &expected);
    released.ignores(release("r"));
    released.ignores(settle("r"));
    released.ignores(reserve("r", 0, None));
    assert_eq!(released.order().remaining(LineNo(0)).cash(), 3792);
    released.and(reserve("r2", 0, None));
}

#[test]
fn a_refund_that_failed_after_it_was_settled_and_is_forgone_comes_back_into_the_budget() {
    let story = Story::paid().and(reserve("r", 0, None)).and(settle("r")).and(release("r"));
    assert_eq!(story.order().remaining(LineNo(0)).cash(), 3792);
    assert_eq!(story.order().payment_status(), PaymentStatus::Paid);
}

#[test]
fn a_fully_refunded_order_says_so() {
    let mut story = Story::paid();
    for line in 0..3 {
        let name = format!("r{line}");
        story = story.and(reserve(&name, line, None)).and(settle(&name));
    }
    assert_eq!(story.order().payment_status(), PaymentStatus::Refunded);
}

#[test]
fn a_refund_made_at_stripe_is_spread_over_what_remains() {
    let story = Story::paid_with(partial_refunds).and(reserve("ours", 0, Some(1000)));
    let story = story.and(external("theirs", usd(954)));
    let OrderEvent::ExternalRefundAllocated { shares, excess, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    let cash: Vec<_> = shares.iter().map(|share| share.components.cash()).collect();
    // 2792, 3395 and 3350 remain.
    assert_eq!((cash, *excess), (vec![279, 340, 335], 0));
    story.ignores(external("theirs", usd(954)));
    story.ignores(settle("theirs"));
    let left: i64 = (0..3).map(|line| story.order().remaining(LineNo(line)).cash()).sum();
    assert_eq!(left, 10_537 - 1000 - 954);
    let released = story.and(release("theirs"));
    let left: i64 = (0..3).map(|line| released.order().remaining(LineNo(line)).cash()).sum();
    assert_eq!(left, 10_537 - 1000);
}

#[test]
fn a_refund_made_at_stripe_is_never_refused_whatever_it_exceeds() {
    let excess_of = |story: Story| {
        let OrderEvent::ExternalRefundAllocated { shares, excess, .. } = story.last() else {
            panic!("{:?}", story.last());
        };
        (shares.len(), *excess)
    };
    assert_eq!(excess_of(Story::placed().and(external("x", usd(500)))), (0, 500));
    assert_eq!(excess_of(Story::paid().and(external("x", usd(10_600)))), (3, 63));
    let in_euro = Money::new(500, Currency::EUR);
    assert_eq!(excess_of(Story::paid().and(external("x", in_euro))), (0, 500));
    let reversed = Story::paid().and(reverse("first", usd(10_537)));
    assert_eq!(excess_of(reversed.and(external("x", usd(5)))), (0, 5));
}
