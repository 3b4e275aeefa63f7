//! When the sellers' money may be released.

use super::*;
use crate::vocabulary::PayoutAfter;

fn payable(lines: &[(u16, SellerId)], payable_at: Timestamp, at: Timestamp) -> OrderEvent {
    OrderEvent::PayabilitySet {
        lines: lines.iter().map(|(line, seller)| (LineNo(*line), *seller)).collect(),
        payable_at,
        reserve_bps: Rate::ZERO,
        reserve_days: 90,
        at,
    }
}

fn all() -> [(u16, SellerId); 3] {
    [(0, anna()), (1, anna()), (2, bruno())]
}

fn paid_after(payout_after: PayoutAfter) -> Story {
    Story::paid_with(|place| place.policy.payout_after = payout_after)
        .at(minutes(2))
        .and(funds("first", minutes(2)))
}

#[test]
fn money_is_payable_after_the_delay_once_stripe_says_when_it_is_there() {
    let story = Story::paid();
    assert!(matches!(story.last(), OrderEvent::Confirmed { .. }), "not without the funds");
    let expected = |available_on| OrderEvent::FundsExpected {
        charge: charge("first"),
        available_on,
        at: minutes(1),
    };
    let after_delay = minutes(1).plus_days(7);
    for (available_on, payable_at) in [(days(2), after_delay), (days(9), days(9))] {
        story.answers(
            funds("first", available_on),
            vec![expected(available_on), payable(&all(), payable_at, minutes(1))],
        );
        let story = story.clone().and(funds("first", available_on));
        story.ignores(funds("first", available_on));
    }
}

#[test]
fn the_funds_may_be_known_before_the_order_is_paid() {
    let story = Story::placed().and(funds("first", days(2))).at(minutes(1));
    let story = story.and(confirm("first", usd(10_537)));
    assert_eq!(story.last(), &payable(&all(), minutes(1).plus_days(7), minutes(1)));
}

#[test]
fn the_funds_of_another_charge_say_nothing_about_the_order() {
    Story::paid().ignores(funds("second", days(2)));
}

#[test]
fn payable_after_shipping_waits_for_the_last_piece_of_each_line() {
    let story = Story::paid_with(|place| {
        place.policy.payout_after = PayoutAfter::Shipped;
        place.lines[0].quantity = 2;
        place.lines[0].unit_price = 1600;
    });
    let story = story.at(minutes(2)).and(funds("first", minutes(2)));
    let at_once = minutes(1).plus_days(7);
    assert_eq!(story.last(), &payable(&[(1, anna())], at_once, minutes(2)), "nothing to ship");
    let story = story.at(days(1)).and(ship("S1", &[(0, 1)]));
    assert!(matches!(story.last(), OrderEvent::LinesShipped { .. }), "one piece is missing");
    let story = story.at(days(3)).and(ship("S2", &[(0, 1), (2, 1)]));
    assert_eq!(story.last(), &payable(&[(0, anna()), (2, bruno())], days(10), days(3)));
}

#[test]
fn payable_after_delivery_counts_from_the_arrival() {
    let story = paid_after(PayoutAfter::Delivered).at(days(1)).and(ship("S1", &[(0, 1), (2, 1)]));
    assert!(matches!(story.last(), OrderEvent::LinesShipped { .. }));
    let story = story.at(days(4)).and(deliver("S1"));
    assert_eq!(story.last(), &payable(&[(0, anna()), (2, bruno())], days(11), days(4)));
}

#[test]
fn payable_after_completion_counts_from_the_end_of_the_issue_window() {
    let story = paid_after(PayoutAfter::Completed)
        .and(ship("S1", &[(0, 1), (2, 1)]))
        .at(days(4))
        .and(deliver("S1"))
        .at(days(30))
        .and(OrderCommand::Complete);
    assert_eq!(story.last(), &payable(&all(), days(4 + 14 + 7), days(30)));
}

#[test]
fn a_line_that_was_refunded_has_nothing_to_release() {
    let refunded = Story::paid().and(reserve("r", 2, None)).and(settle("r"));
    let rest = payable(&[(0, anna()), (1, anna())], minutes(1).plus_days(7), minutes(1));
    assert_eq!(refunded.and(funds("first", days(2))).last(), &rest);
}

#[test]
fn a_refund_that_is_not_decided_makes_no_difference_before_or_after_the_funds_are_known() {
    let all_at = payable(&all(), minutes(1).plus_days(7), minutes(1));
    let funds_first = Story::paid().and(funds("first", days(2)));
    assert_eq!(funds_first.last(), &all_at);
    let asked_first = Story::paid().and(reserve("r", 2, None)).and(funds("first", days(2)));
    assert_eq!(asked_first.last(), &all_at);
    let declined = asked_first.and(release("r"));
    assert!(matches!(declined.last(), OrderEvent::RefundReleased { .. }), "it was said already");
}

#[test]
fn what_a_cancellation_leaves_to_the_seller_is_payable() {
    let cancelled = paid_after(PayoutAfter::Shipped).at(days(1)).and(cancel(Some(vec![2]), 500));
    assert_eq!(cancelled.last(), &payable(&[(2, bruno())], days(8), days(1)));
    let refunded = paid_after(PayoutAfter::Shipped).at(days(1)).and(cancel(Some(vec![2]), 0));
    assert!(matches!(refunded.last(), OrderEvent::Cancelled { .. }), "nothing is left to him");
}

#[test]
fn a_policy_may_release_without_a_balance_transaction_after_some_days() {
    let policy = |place: &mut PlaceOrder| place.policy.release_without_bt_after_days = Some(10);
    let due = minutes(1).plus_days(10);
    Story::placed_with(policy).refuses(OrderCommand::AssumeFundsAvailable, OrderError::NotPaid);
    let story = Story::paid_with(policy);
    assert_eq!(story.order().due_times().assume_funds_at, Some(due));
    story.refuses(OrderCommand::AssumeFundsAvailable, OrderError::TooEarly { due });
    let story = story.at(days(20));
    let assumed = OrderEvent::FundsExpected { charge: charge("first"), available_on: due, at: due };
    story
        .answers(OrderCommand::AssumeFundsAvailable, vec![assumed, payable(&all(), due, days(20))]);
    story.and(OrderCommand::AssumeFundsAvailable).ignores(OrderCommand::AssumeFundsAvailable);
    Story::paid().at(days(20)).ignores(OrderCommand::AssumeFundsAvailable);
}

#[test]
fn nothing_is_released_of_a_capture_that_was_taken_back() {
    let story = Story::paid().and(reverse("first", usd(10_537))).and(funds("first", days(2)));
    assert!(matches!(story.last(), OrderEvent::FundsExpected { .. }));
}

#[test]
fn the_reserve_is_taken_from_the_policy_at_placement() {
    let story = Story::paid_with(|place| {
        place.policy.reserve_bps = 1000;
        place.policy.reserve_days = 30;
    });
    let story = story.and(funds("first", days(2)));
    let OrderEvent::PayabilitySet { reserve_bps, reserve_days, .. } = story.last() else {
        panic!("{:?}", story.last());
    };
    assert_eq!((reserve_bps.bps(), *reserve_days), (1000, 30));
}
