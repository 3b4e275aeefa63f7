//! Cancelling before payment, and lines of a paid order.

use super::*;
use crate::order::{Fulfilment, OrderStatus};

fn cancelled(lines: &[u16], refunds: &[(u16, i64)], fee: i64, whole: bool) -> OrderEvent {
    OrderEvent::Cancelled {
        lines: lines.iter().copied().map(LineNo).collect(),
        whole,
        reason: "out of stock".to_owned(),
        cancellation_fee: fee,
        currency: Currency::USD,
        refunds: refunds.iter().map(|(line, amount)| (LineNo(*line), *amount)).collect(),
        complete_at: None,
        at: if whole { minutes(0) } else { minutes(1) },
    }
}

#[test]
fn before_payment_the_whole_order_is_cancelled_and_nothing_is_refunded() {
    for story in [Story::placed(), Story::placed().and(confirm("odd", usd(1)))] {
        story.answers(cancel(None, 500), vec![cancelled(&[0, 1, 2], &[], 0, true)]);
        story.refuses(cancel(Some(vec![0]), 0), OrderError::NotPaid);
        let story = story.and(cancel(None, 0));
        assert_eq!(story.order().status(), OrderStatus::Cancelled);
        story.ignores(cancel(None, 0));
        story.ignores(OrderCommand::Expire);
    }
}

#[test]
fn a_seller_cancels_his_lines_with_shipping_and_tax_and_nobody_elses() {
    let story = Story::paid();
    story.answers(cancel(Some(vec![2, 2]), 0), vec![cancelled(&[2], &[(2, 3350)], 0, false)]);
    let story = story.and(cancel(Some(vec![2]), 0));
    assert_eq!(story.order().status(), OrderStatus::Confirmed);
    assert_eq!(story.order().fulfilment(LineNo(2)), Some(Fulfilment::Cancelled));
    story.ignores(cancel(Some(vec![2]), 0));
    story.ignores(cancel(Some(vec![]), 0));
    story.answers(cancel(None, 0), vec![cancelled(&[0, 1], &[(0, 3792), (1, 3395)], 0, false)]);
}

#[test]
fn a_paid_order_can_be_cancelled_as_a_whole() {
    let story = Story::paid().and(cancel(None, 0));
    assert_eq!(story.last(), &cancelled(&[0, 1, 2], &[(0, 3792), (1, 3395), (2, 3350)], 0, false));
    assert_eq!(story.order().status(), OrderStatus::Cancelled);
    let story = story.and(reserve_approved("r", 0, Some(3792))).and(settle("r"));
    assert_eq!(story.order().remaining(LineNo(0)).cash(), 0);
}

#[test]
fn a_cancellation_fee_is_kept_of_each_line_and_never_exceeds_what_is_left() {
    let story = Story::paid();
    story.answers(
        cancel(Some(vec![0, 1]), 1000),
        vec![cancelled(&[0, 1], &[(0, 3792 - 528), (1, 3395 - 472)], 1000, false)],
    );
    story.answers(cancel(Some(vec![2]), 99_999), vec![cancelled(&[2], &[], 3350, false)]);
    let refunded = Story::paid_with(partial_refunds).and(reserve("r", 2, Some(3000)));
    refunded.answers(cancel(Some(vec![2]), 99_999), vec![cancelled(&[2], &[], 350, false)]);
    story.refuses(cancel(None, -1), OrderError::AmountNotPositive);
}

#[test]
fn what_was_shipped_is_not_cancelled() {
    let story = Story::paid().and(ship("S1", &[(0, 1)]));
    story.refuses(cancel(None, 0), OrderError::AlreadyShipped { line: 0 });
    story.refuses(cancel(Some(vec![0]), 0), OrderError::AlreadyShipped { line: 0 });
    story.refuses(cancel(Some(vec![9]), 0), OrderError::LineUnknown { line: 9 });
    assert!(matches!(story.and(cancel(Some(vec![2]), 0)).last(), OrderEvent::Cancelled { .. }));
}

#[test]
fn under_dispute_nothing_is_cancelled_because_nothing_could_be_refunded() {
    let story = Story::paid().and(apply("d", usd(100), false));
    story.refuses(cancel(None, 0), OrderError::ChargeUnderDispute);
}

#[test]
fn the_refund_of_a_cancelled_line_waits_for_nobodys_open_request() {
    let story = Story::paid_with(partial_refunds).and(reserve("asked", 2, Some(1000)));
    let story = story.and(cancel(Some(vec![2]), 0));
    let OrderEvent::Cancelled { refunds, .. } = story.last() else { panic!("{:?}", story.last()) };
    assert_eq!(refunds, &[(LineNo(2), 2350)]);
    let story = story.and(reserve_approved("cancelled", 2, Some(2350)));
    assert_eq!(story.order().remaining(LineNo(2)).cash(), 0);
}
