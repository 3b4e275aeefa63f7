//! Paying: money that fits, money that does not, twice, late, and the deadline.

use super::*;
use crate::{
    order::{OrderStatus, PaymentStatus},
    vocabulary::Components,
};

#[test]
fn exact_money_pays_and_confirms_with_all_that_the_books_need() {
    let story = Story::paid();
    let [_, OrderEvent::Paid { lines, amount, assume_funds_at, occurred_at, at, .. }, confirmed] =
        &story.events[..]
    else {
        panic!("{:?}", story.events);
    };
    assert_eq!((*amount, *assume_funds_at), (10_537, None));
    assert_eq!((*occurred_at, *at), (minutes(1), minutes(1)));
    assert_eq!(lines[0].product, "print");
    assert_eq!(
        lines[0].components,
        Components { fee: 300, seller: 2700, shipping: 350, tax: 442, discount: 0 }
    );
    assert_eq!(lines.iter().map(|line| line.components.cash()).sum::<i64>(), 10_537);
    assert_eq!(
        confirmed,
        &OrderEvent::Confirmed {
            free: false,
            ship_by: Some(minutes(1).plus_days(14)),
            complete_at: None,
            at: minutes(1),
        }
    );
    let order = story.order();
    assert_eq!(order.status(), OrderStatus::Confirmed);
    assert_eq!(order.payment_status(), PaymentStatus::Paid);
    assert_eq!(order.payment().map(|paid| paid.charge.as_str()), Some("ch_first"));
    assert_eq!(order.remaining(LineNo(0)).cash(), 3792);
    story.ignores(confirm("first", usd(10_537)));
}

#[test]
fn other_money_than_placed_is_a_conflict_until_the_right_money_comes() {
    for received in [usd(10_536), Money::new(10_537, Currency::EUR)] {
        let story = Story::placed().and(confirm("odd", received));
        assert_eq!(
            story.last(),
            &OrderEvent::Conflicted {
                payment: payment("odd"),
                charge: charge("odd"),
                expected: usd(10_537),
                received,
                at: minutes(0),
            }
        );
        assert_eq!(story.order().status(), OrderStatus::Conflicted);
        story.ignores(confirm("odd", received));
        story.ignores(OrderCommand::Expire);
        story.refuses(note_checkout("p", "cs", minutes(9)), OrderError::InConflict);
        story.refuses(ship("S1", &[(0, 1)]), OrderError::InConflict);
        let story = story.and(confirm("first", usd(10_537)));
        assert_eq!(story.order().status(), OrderStatus::Confirmed);
    }
}

#[test]
fn a_second_payment_is_told_apart_once() {
    let story = Story::paid();
    story.answers(
        confirm("second", usd(10_537)),
        vec![OrderEvent::DuplicatePaymentReceived {
            payment: payment("second"),
            charge: charge("second"),
            received: usd(10_537),
            at: minutes(1),
        }],
    );
    story.and(confirm("second", usd(10_537))).ignores(confirm("second", usd(10_537)));
}

#[test]
fn a_payment_for_a_free_order_goes_back() {
    let free = Story::placed_with(|place| {
        place.lines.iter_mut().for_each(|line| line.unit_price = 0);
        place.discount = None;
        place.shipping = 0;
        place.tax = 0;
    });
    let last = free.and(confirm("first", usd(100)));
    assert!(matches!(last.last(), OrderEvent::DuplicatePaymentReceived { .. }));
}

fn late(accepted: bool) -> OrderEvent {
    OrderEvent::LatePaymentReceived {
        payment: payment("first"),
        charge: charge("first"),
        received: usd(10_537),
        accepted,
        at: minutes(61),
    }
}

fn expired(accept_late_payments: bool) -> Story {
    Story::placed_with(|place| place.policy.accept_late_payments = accept_late_payments)
        .at(minutes(61))
        .and(OrderCommand::Expire)
}

#[test]
fn a_payment_after_expiry_revives_the_order_if_the_policy_accepts_it() {
    let story = expired(true);
    let known = story.events.len();
    let story = story.and(confirm("first", usd(10_537)));
    assert_eq!(
        story.events[known..known + 2],
        [late(true), OrderEvent::Revived { at: minutes(61) }]
    );
    assert!(matches!(story.events[known + 2], OrderEvent::Paid { amount: 10_537, .. }));
    assert!(matches!(story.events[known + 3], OrderEvent::Confirmed { free: false, .. }));
    assert_eq!(story.order().status(), OrderStatus::Confirmed);
    story.ignores(confirm("first", usd(10_537)));
}

#[test]
fn a_payment_after_expiry_goes_back_if_the_policy_says_so_or_it_does_not_fit() {
    let story = expired(false);
    story.answers(confirm("first", usd(10_537)), vec![late(false)]);
    story.and(confirm("first", usd(10_537))).ignores(confirm("first", usd(10_537)));
    let short = expired(true).and(confirm("first", usd(10_536)));
    let OrderEvent::LatePaymentReceived { accepted, .. } = short.last() else {
        panic!("{:?}", short.last());
    };
    assert!(!accepted);
    assert_eq!(short.order().status(), OrderStatus::Expired);
}

#[test]
fn what_was_cancelled_is_not_revived_by_a_payment() {
    let story = Story::placed().and(cancel(None, 0)).at(minutes(61));
    story.answers(confirm("first", usd(10_537)), vec![late(false)]);
}

#[test]
fn a_payment_after_the_paid_order_was_cancelled_is_a_duplicate() {
    let story = Story::paid().and(cancel(None, 0)).and(confirm("second", usd(10_537)));
    assert!(matches!(story.last(), OrderEvent::DuplicatePaymentReceived { .. }));
}

#[test]
fn one_checkout_session_is_open_at_a_time() {
    let story = Story::placed().and(note_checkout("first", "cs_1", minutes(40)));
    assert_eq!(
        story.last(),
        &OrderEvent::CheckoutStarted {
            payment: payment("first"),
            session: SessionRef::from("cs_1"),
            session_expires_at: minutes(40),
            at: minutes(0),
        }
    );
    story.ignores(note_checkout("first", "cs_1", minutes(40)));
    story.refuses(
        note_checkout("second", "cs_2", minutes(50)),
        OrderError::CheckoutAlreadyOpen { session: "cs_1".to_owned(), until: minutes(40) },
    );
    assert!(story.order().open_checkout(minutes(39)).is_some());
    assert!(story.order().open_checkout(minutes(40)).is_none());
    let story = story.at(minutes(40)).and(note_checkout("second", "cs_2", minutes(50)));
    assert!(matches!(story.last(), OrderEvent::CheckoutStarted { .. }));
}

#[test]
fn checkout_is_for_orders_that_wait_for_their_payment() {
    let open = note_checkout("second", "cs_2", minutes(50));
    Story::paid().refuses(open.clone(), OrderError::AlreadyPaid);
    expired(true).refuses(open.clone(), OrderError::Expired);
    Story::placed().and(cancel(None, 0)).refuses(open, OrderError::Cancelled);
}

#[test]
fn an_unpaid_order_expires_at_its_due_time_whenever_the_timer_fires() {
    let story = Story::placed().at(minutes(59));
    story.refuses(OrderCommand::Expire, OrderError::TooEarly { due: minutes(60) });
    let story = story.at(minutes(75));
    story.answers(OrderCommand::Expire, vec![OrderEvent::Expired { at: minutes(60) }]);
    let story = story.and(OrderCommand::Expire);
    story.ignores(OrderCommand::Expire);
    story.refuses(ship("S1", &[(0, 1)]), OrderError::Expired);
    story.refuses(cancel(None, 0), OrderError::Expired);
    Story::paid().at(minutes(75)).ignores(OrderCommand::Expire);
}

#[test]
fn an_order_does_not_expire_while_a_payment_is_under_way() {
    let until = minutes(0).plus_days(14);
    let story = Story::placed().and(processing("slow"));
    assert_eq!(
        story.last(),
        &OrderEvent::PaymentAwaited { payment: payment("slow"), until, at: minutes(0) }
    );
    assert_eq!(story.order().payment_status(), PaymentStatus::Processing);
    story.ignores(processing("slow"));
    let story = story.at(minutes(61));
    story.refuses(OrderCommand::Expire, OrderError::TooEarly { due: until });
    story.clone().at(until).answers(OrderCommand::Expire, vec![OrderEvent::Expired { at: until }]);
    let paid = story.and(confirm("slow", usd(10_537)));
    assert_eq!(paid.order().status(), OrderStatus::Confirmed);
    paid.ignores(processing("slow"));
}

#[test]
fn an_order_expires_when_the_payment_it_waited_for_has_failed() {
    let story = Story::placed()
        .and(note_checkout("slow", "cs_1", minutes(600)))
        .and(processing("slow"))
        .at(minutes(90))
        .and(failed("slow", "bank_declined"));
    assert!(story.order().open_checkout(minutes(90)).is_none(), "its session is over too");
    let story = story.at(minutes(91));
    story.answers(OrderCommand::Expire, vec![OrderEvent::Expired { at: minutes(90) }]);
}

#[test]
fn a_failed_attempt_is_noted_and_the_buyer_may_try_again() {
    let story = Story::placed()
        .and(note_checkout("first", "cs_1", minutes(40)))
        .and(failed("first", "card_declined"));
    assert_eq!(
        story.last(),
        &OrderEvent::PaymentAttemptFailed {
            payment: payment("first"),
            code: "card_declined".to_owned(),
            at: minutes(0),
        }
    );
    story.ignores(failed("first", "card_declined"));
    assert!(story.order().open_checkout(minutes(1)).is_some(), "the session lives on");
    let story = story.and(failed("first", "insufficient_funds")).and(confirm("first", usd(10_537)));
    assert_eq!(story.order().status(), OrderStatus::Confirmed);
    story.ignores(failed("first", "card_declined"));
}
