//! Money that pays no order as expected, and refunds of it.

use kernel::SellerId;

use super::*;

const THREE_DAYS: i64 = 72 * 60 * 60;

#[test]
fn money_an_order_refused_is_set_aside_once() {
    let command = put_aside(SetAsideReason::Duplicate);
    let event = set_aside(SetAsideReason::Duplicate);
    payment(with_order()).when(command.clone()).then_expect_events(vec![event.clone()]);
    let after = and(with_order(), vec![event]);
    assert_eq!(fold(after.clone()).status(), PaymentStatus::SetAside);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(10_000)));
    payment(after.clone()).when(command).then_expect_events(vec![]);
    payment(after).when(put_aside(SetAsideReason::Late)).then_expect_events(vec![]);
}

#[test]
fn money_that_never_came_is_not_set_aside() {
    for known in [vec![], vec![linked("a")]] {
        payment(known)
            .when(put_aside(SetAsideReason::Late))
            .then_expect_error(PaymentError::NotCaptured);
    }
    let other = PaymentCommand::SetAside { charge: "ch_9".into(), reason: SetAsideReason::Late };
    payment(with_order()).when(other).then_expect_error(PaymentError::NotCaptured);
}

#[test]
fn money_the_bank_took_back_is_not_set_aside_any_more() {
    payment(and(with_order(), vec![reversed_event(10_000, Some(order("a")))]))
        .when(put_aside(SetAsideReason::Conflict))
        .then_expect_events(vec![]);
}

#[test]
fn money_that_nobody_claims_is_set_aside_after_72_hours() {
    let due = at(NOW + THREE_DAYS);
    payment(vec![captured(None)])
        .when(PaymentCommand::GiveUpWaiting)
        .then_expect_error(PaymentError::TooEarly { due });
    let event = PaymentEvent::SetAside {
        charge: "ch_1".into(),
        amount: usd(10_000),
        reason: SetAsideReason::Unattributed,
        occurred_at: due,
        at: at(NOW + THREE_DAYS + 60),
    };
    payment_at(at(NOW + THREE_DAYS + 60), vec![captured(None)])
        .when(PaymentCommand::GiveUpWaiting)
        .then_expect_events(vec![event.clone()]);
    payment_at(at(NOW + THREE_DAYS + 60), vec![captured(None), event])
        .when(PaymentCommand::GiveUpWaiting)
        .then_expect_events(vec![]);
}

#[test]
fn nobody_gives_up_on_claimed_money_or_on_money_that_never_came() {
    payment_at(at(NOW + THREE_DAYS), with_order())
        .when(PaymentCommand::GiveUpWaiting)
        .then_expect_events(vec![]);
    payment(vec![])
        .when(PaymentCommand::GiveUpWaiting)
        .then_expect_error(PaymentError::NotCaptured);
}

#[test]
fn a_late_link_attributes_unclaimed_money() {
    let command = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::Metadata };
    let expected =
        vec![linked("a"), attributed("a", 10_000, LinkedVia::Metadata, "the order became known")];
    payment(unclaimed()).when(command).then_expect_events(expected.clone());
    let after = fold(and(unclaimed(), expected));
    assert_eq!((after.status(), after.set_aside()), (PaymentStatus::Captured, Some(usd(0))));
    assert_eq!(after.order(), Some(order("a")));
}

#[test]
fn a_late_link_leaves_alone_what_is_on_its_way_back() {
    let command = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::Metadata };
    payment(and(unclaimed(), vec![reserved("own", 10_000)]))
        .when(command)
        .then_expect_events(vec![linked("a")]);
}

#[test]
fn a_person_attributes_to_an_order() {
    let command = to_order("b");
    let event = attributed("b", 10_000, LinkedVia::Person, "he sent the receipt");
    payment(unclaimed()).when(command.clone()).then_expect_events(vec![event.clone()]);
    let after = and(unclaimed(), vec![event]);
    payment(after.clone()).when(command).then_expect_events(vec![]);
    payment(after)
        .when(to_order("c"))
        .then_expect_error(PaymentError::AlreadyAttributed { order: order("b").to_string() });
}

#[test]
fn refused_money_can_go_to_another_order_and_be_refused_again() {
    let given = attributed("b", 10_000, LinkedVia::Person, "he sent the receipt");
    let known = and(refused(SetAsideReason::Duplicate), vec![given]);
    assert_eq!(fold(known.clone()).order(), Some(order("b")));
    payment(known)
        .when(put_aside(SetAsideReason::Conflict))
        .then_expect_events(vec![set_aside_of("ch_1", 10_000, SetAsideReason::Conflict, at(NOW))]);
}

#[test]
fn money_does_not_go_to_an_order_that_has_refused_it() {
    let refusal = |name| PaymentError::RefusedByOrder { order: order(name).to_string() };
    for reason in [SetAsideReason::Duplicate, SetAsideReason::Conflict, SetAsideReason::Late] {
        payment(refused(reason)).when(to_order("a")).then_expect_error(refusal("a"));
    }
    let given = attributed("b", 10_000, LinkedVia::Person, "he sent the receipt");
    let again = set_aside_of("ch_1", 10_000, SetAsideReason::Conflict, at(NOW));
    let twice = and(refused(SetAsideReason::Duplicate), vec![given, again]);
    for name in ["a", "b"] {
        payment(twice.clone()).when(to_order(name)).then_expect_error(refusal(name));
    }
    let third = attributed("c", 10_000, LinkedVia::Person, "he sent the receipt");
    payment(twice).when(to_order("c")).then_expect_events(vec![third]);
}

#[test]
fn only_set_aside_money_is_attributed() {
    payment(vec![]).when(to_order("a")).then_expect_error(PaymentError::NotCaptured);
    payment(vec![captured(None)])
        .when(to_order("a"))
        .then_expect_error(PaymentError::NothingSetAside);
    payment(with_order()).when(to_order("a")).then_expect_events(vec![]);
    payment(with_order())
        .when(to_order("b"))
        .then_expect_error(PaymentError::AlreadyAttributed { order: order("a").to_string() });
    payment(and(unclaimed(), vec![reserved("own", 10_000)]))
        .when(to_order("a"))
        .then_expect_error(PaymentError::NothingSetAside);
}

#[test]
fn a_person_divides_exactly_what_is_there_among_sellers() {
    let event = to_sellers_event(&[(9000, 1000)]);
    payment(unclaimed()).when(to_sellers(&[(9000, 1000)])).then_expect_events(vec![event.clone()]);
    let after = and(unclaimed(), vec![event]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(0)));
    payment(after.clone()).when(to_sellers(&[(9000, 1000)])).then_expect_events(vec![]);
    payment(after)
        .when(to_sellers(&[(8000, 2000)]))
        .then_expect_error(PaymentError::NothingSetAside);
}

#[test]
fn shares_that_do_not_sum_are_refused() {
    let refusal = |shares, available| PaymentError::SharesDoNotSum {
        shares: usd(shares),
        available: usd(available),
    };
    payment(unclaimed()).when(to_sellers(&[(9000, 999)])).then_expect_error(refusal(9999, 10_000));
    payment(unclaimed()).when(to_sellers(&[])).then_expect_error(refusal(0, 10_000));
    payment(and(unclaimed(), vec![reserved("own", 4000)]))
        .when(to_sellers(&[(10_000, 0)]))
        .then_expect_error(refusal(10_000, 6000));
    payment(unclaimed())
        .when(to_sellers(&[(11_000, -1000)]))
        .then_expect_error(PaymentError::AmountNotPositive);
}

#[test]
fn sellers_get_nothing_that_is_not_there_or_under_dispute() {
    payment(vec![]).when(to_sellers(&[(1, 0)])).then_expect_error(PaymentError::NotCaptured);
    payment(with_order())
        .when(to_sellers(&[(1, 0)]))
        .then_expect_error(PaymentError::NothingSetAside);
    payment(and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated)]))
        .when(to_sellers(&[(10_000, 0)]))
        .then_expect_error(PaymentError::ChargeUnderDispute);
}

#[test]
fn set_aside_money_is_reserved_for_a_refund() {
    for (minor, expected) in [(None, 10_000), (Some(4000), 4000)] {
        payment(unclaimed())
            .when(reserve("own", minor))
            .then_expect_events(vec![reserved("own", expected)]);
    }
    let after = and(unclaimed(), vec![reserved("own", 4000)]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(6000)));
    payment(after.clone()).when(reserve("own", None)).then_expect_events(vec![]);
    payment(after).when(reserve("next", None)).then_expect_events(vec![reserved("next", 6000)]);
}

#[test]
fn no_more_is_reserved_than_is_set_aside() {
    payment(vec![]).when(reserve("own", None)).then_expect_error(PaymentError::NotCaptured);
    payment(with_order())
        .when(reserve("own", None))
        .then_expect_error(PaymentError::NothingSetAside);
    payment(unclaimed())
        .when(reserve("own", Some(10_001)))
        .then_expect_error(PaymentError::ExceedsSetAside { available: usd(10_000) });
    payment(unclaimed())
        .when(reserve("own", Some(0)))
        .then_expect_error(PaymentError::AmountNotPositive);
    let euros = PaymentCommand::ReserveUnallocatedRefund {
        refund: refund("own"),
        amount: Some(Money::new(1, Currency::EUR)),
        reason: String::new(),
    };
    payment(unclaimed()).when(euros).then_expect_error(PaymentError::CurrencyMismatch {
        expected: Currency::USD,
        given: Currency::EUR,
    });
}

#[test]
fn money_under_dispute_is_not_refunded_but_an_inquiry_may_be() {
    payment(and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated)]))
        .when(reserve("own", None))
        .then_expect_error(PaymentError::ChargeUnderDispute);
    payment(and(unclaimed(), vec![dispute_routed(true, Destination::Unallocated)]))
        .when(reserve("own", None))
        .then_expect_events(vec![reserved("own", 10_000)]);
}

#[test]
fn a_refund_that_will_not_happen_sets_the_money_aside_again() {
    let command = PaymentCommand::ReleaseUnallocatedRefund { refund: refund("own") };
    let released = PaymentEvent::UnallocatedRefundReleased {
        refund: refund("own"),
        amount: usd(4000),
        at: at(NOW),
    };
    let known = and(unclaimed(), vec![reserved("own", 4000)]);
    payment(known.clone()).when(command.clone()).then_expect_events(vec![released.clone()]);
    let after = and(known, vec![released]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(10_000)));
    payment(after).when(command.clone()).then_expect_events(vec![]);
    payment(unclaimed())
        .when(command)
        .then_expect_error(PaymentError::RefundUnknown { refund: refund("own").to_string() });
}

#[test]
fn a_refund_made_at_stripe_goes_to_the_order_that_has_the_money() {
    let routed = refund_routed("re", 3000, Destination::Order(order("a")));
    payment(with_order()).when(route_refund("re", 3000)).then_expect_events(vec![routed.clone()]);
    payment(and(with_order(), vec![routed]))
        .when(route_refund("re", 3000))
        .then_expect_events(vec![]);
}

#[test]
fn a_refund_of_refused_money_takes_what_is_set_aside_and_no_more() {
    let known = refused(SetAsideReason::Conflict);
    let routed = refund_routed("re", 10_000, Destination::Unallocated);
    payment(known.clone())
        .when(route_refund("re", 12_000))
        .then_expect_events(vec![routed.clone()]);
    let after = and(known, vec![routed]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(0)));
    payment(after)
        .when(route_refund("next", 500))
        .then_expect_events(vec![refund_held("next", 500)]);
}

#[test]
fn a_refund_of_attributed_money_goes_to_its_new_order() {
    let given = attributed("b", 10_000, LinkedVia::Person, "he sent the receipt");
    payment(and(refused(SetAsideReason::Late), vec![given]))
        .when(route_refund("re", 3000))
        .then_expect_events(vec![refund_routed("re", 3000, Destination::Order(order("b")))]);
}

#[test]
fn a_refund_waits_until_it_is_known_what_was_paid() {
    for known in [vec![], vec![linked("a")], vec![captured(None)]] {
        payment(known)
            .when(route_refund("re", 3000))
            .then_expect_events(vec![refund_held("re", 3000)]);
    }
    payment(vec![refund_held("re", 3000)])
        .when(route_refund("re", 3000))
        .then_expect_events(vec![]);
    payment(vec![]).when(route_refund("re", 0)).then_expect_error(PaymentError::AmountNotPositive);
}

#[test]
fn a_waiting_refund_is_routed_with_the_capture_the_link_or_the_setting_aside() {
    let to_order = refund_routed("re", 3000, Destination::Order(order("a")));
    let fact = charge_succeeded("ch_1", 5);
    payment(vec![linked("a"), refund_held("re", 3000)])
        .when(merge(fact.clone()))
        .then_expect_events(vec![
            merged(&fact, "succeeded"),
            captured(Some(order("a"))),
            to_order.clone(),
        ]);
    let link = PaymentCommand::LinkOrder { order: order("a"), via: LinkedVia::Metadata };
    let events =
        payment(vec![captured(None), refund_held("re", 3000)]).when(link).inspect_result().unwrap();
    assert_eq!(events[1..], [to_order]);
    let events = payment_at(at(NOW + THREE_DAYS), vec![captured(None), refund_held("re", 3000)])
        .when(PaymentCommand::GiveUpWaiting)
        .inspect_result()
        .unwrap();
    assert_eq!(fold(and(vec![captured(None)], events)).set_aside(), Some(usd(7000)));
}

#[test]
fn a_refund_that_found_nothing_waits_for_a_release() {
    let known = and(unclaimed(), vec![reserved("own", 10_000), refund_held("re", 3000)]);
    let events = payment(known)
        .when(PaymentCommand::ReleaseUnallocatedRefund { refund: refund("own") })
        .inspect_result()
        .unwrap();
    assert_eq!(events[1..], [refund_routed("re", 3000, Destination::Unallocated)]);
}

#[test]
fn refunds_follow_money_that_an_order_never_took() {
    let routed = refund_routed("re", 3000, Destination::Order(order("a")));
    for (reason, expected) in [
        (SetAsideReason::Conflict, vec![refund_routed("re", 3000, Destination::Unallocated)]),
        (SetAsideReason::Late, vec![refund_routed("re", 3000, Destination::Unallocated)]),
        // It was paid by another payment and may have used that one's money.
        (SetAsideReason::Duplicate, vec![]),
    ] {
        payment(and(with_order(), vec![routed.clone()]))
            .when(put_aside(reason))
            .then_expect_events(and(vec![set_aside(reason)], expected));
    }
}

fn put_aside(reason: SetAsideReason) -> PaymentCommand {
    PaymentCommand::SetAside { charge: "ch_1".into(), reason }
}

fn to_order(name: &str) -> PaymentCommand {
    PaymentCommand::AttributeToOrder {
        order: order(name),
        reason: "he sent the receipt".to_owned(),
    }
}

fn shares(amounts: &[(i64, i64)]) -> Vec<AttributedShare> {
    let share = |(seller_net, fee): &(i64, i64)| AttributedShare {
        seller: SellerId::derived(&["a"]),
        organizer: "Harbour Market".into(),
        seller_net: *seller_net,
        fee: *fee,
    };
    amounts.iter().map(share).collect()
}

fn to_sellers(amounts: &[(i64, i64)]) -> PaymentCommand {
    let reason = "sold at the stand".to_owned();
    PaymentCommand::AttributeToSellers { shares: shares(amounts), reason }
}

fn to_sellers_event(amounts: &[(i64, i64)]) -> PaymentEvent {
    PaymentEvent::AttributedToSellers {
        charge: "ch_1".into(),
        currency: Currency::USD,
        shares: shares(amounts),
        reason: "sold at the stand".to_owned(),
        occurred_at: at(NOW),
        at: at(NOW),
    }
}
