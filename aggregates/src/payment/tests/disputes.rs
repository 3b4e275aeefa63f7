//! Where disputes belong, and how they end.

use super::*;

#[test]
fn a_dispute_goes_to_the_order_that_has_the_money() {
    let routed = dispute_routed(false, Destination::Order(order("a")));
    payment(with_order()).when(route_dispute(false)).then_expect_events(vec![routed.clone()]);
    for inquiry in [false, true] {
        payment(and(with_order(), vec![routed.clone()]))
            .when(route_dispute(inquiry))
            .then_expect_events(vec![]);
    }
}

#[test]
fn an_inquiry_that_becomes_a_chargeback_is_routed_again() {
    let to = Destination::Order(order("a"));
    payment(and(with_order(), vec![dispute_routed(true, to), conclusion_routed("a")]))
        .when(route_dispute(false))
        .then_expect_events(vec![dispute_routed(false, to)]);
    payment(vec![dispute_held(true)])
        .when(route_dispute(false))
        .then_expect_events(vec![dispute_held(false)]);
}

#[test]
fn a_dispute_of_refused_money_goes_to_what_is_set_aside() {
    payment(refused(SetAsideReason::Duplicate))
        .when(route_dispute(false))
        .then_expect_events(vec![dispute_routed(false, Destination::Unallocated)]);
}

#[test]
fn a_dispute_waits_until_it_is_known_what_was_paid() {
    for known in [vec![], vec![linked("a")], vec![captured(None)]] {
        payment(known).when(route_dispute(false)).then_expect_events(vec![dispute_held(false)]);
    }
    let fact = charge_succeeded("ch_1", 5);
    payment(vec![linked("a"), dispute_held(false)]).when(merge(fact.clone())).then_expect_events(
        vec![
            merged(&fact, "succeeded"),
            captured(Some(order("a"))),
            dispute_routed(false, Destination::Order(order("a"))),
        ],
    );
}

#[test]
fn an_open_dispute_follows_the_money() {
    let given = attributed("b", 10_000, LinkedVia::Person, "he sent the receipt");
    let command = PaymentCommand::AttributeToOrder {
        order: order("b"),
        reason: "he sent the receipt".to_owned(),
    };
    let open = and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated)]);
    payment(open)
        .when(command)
        .then_expect_events(vec![given, dispute_routed(false, Destination::Order(order("b")))]);
    let refuse =
        PaymentCommand::SetAside { charge: "ch_1".into(), reason: SetAsideReason::Conflict };
    let known = and(with_order(), vec![dispute_routed(false, Destination::Order(order("a")))]);
    payment(known).when(refuse).then_expect_events(vec![
        set_aside(SetAsideReason::Conflict),
        dispute_routed(false, Destination::Unallocated),
    ]);
}

#[test]
fn the_end_of_a_dispute_is_told_to_the_order_once() {
    let known = and(with_order(), vec![dispute_routed(false, Destination::Order(order("a")))]);
    payment(known.clone()).when(conclude(true)).then_expect_events(vec![conclusion_routed("a")]);
    payment(and(known, vec![conclusion_routed("a")]))
        .when(conclude(true))
        .then_expect_events(vec![]);
}

#[test]
fn the_end_of_an_unknown_dispute_is_refused() {
    let refusal = PaymentError::DisputeUnknown { dispute: dispute().to_string() };
    payment(with_order()).when(conclude(true)).then_expect_error(refusal.clone());
    payment(with_order()).when(revise(500)).then_expect_error(refusal);
}

#[test]
fn what_was_lost_comes_out_of_set_aside_money_as_far_as_it_reaches() {
    let open = and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated)]);
    payment(open.clone()).when(conclude(true)).then_expect_events(vec![lost(9000, 0)]);
    let spent = and(open.clone(), vec![refund_routed("re", 4000, Destination::Unallocated)]);
    payment(spent.clone()).when(conclude(true)).then_expect_events(vec![lost(6000, 3000)]);
    let after = and(spent, vec![lost(6000, 3000)]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(0)));
    payment(after).when(conclude(true)).then_expect_events(vec![]);
    payment(open).when(conclude(false)).then_expect_events(vec![lost(0, 0)]);
}

#[test]
fn after_its_end_set_aside_money_can_be_refunded_again() {
    let over = and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated), lost(0, 0)]);
    payment(over).when(reserve("own", None)).then_expect_events(vec![reserved("own", 10_000)]);
}

#[test]
fn an_end_that_comes_too_early_waits_with_its_dispute() {
    let waiting = vec![dispute_held(false), conclusion_held(1000, None)];
    payment(vec![dispute_held(false)])
        .when(conclude(true))
        .then_expect_events(vec![conclusion_held(1000, None)]);
    payment(waiting.clone()).when(conclude(true)).then_expect_events(vec![]);
    let fact = of_order(charge_succeeded("ch_1", 5), "a");
    payment(waiting).when(merge(fact.clone())).then_expect_events(vec![
        linked("a"),
        merged(&fact, "succeeded"),
        captured(Some(order("a"))),
        dispute_routed(false, Destination::Order(order("a"))),
        conclusion_routed("a"),
    ]);
}

#[test]
fn what_comes_back_while_the_end_waits_is_part_of_it() {
    let waiting = vec![dispute_held(false), conclusion_held(1000, None)];
    let revised = conclusion_held(1500, Some("txn_3"));
    payment(waiting.clone()).when(revise(500)).then_expect_events(vec![revised.clone()]);
    payment(and(waiting, vec![revised])).when(revise(500)).then_expect_events(vec![]);
}

#[test]
fn what_comes_back_afterwards_is_told_to_the_order_once() {
    let known = and(
        with_order(),
        vec![dispute_routed(false, Destination::Order(order("a"))), conclusion_routed("a")],
    );
    let event = PaymentEvent::DisputeRevisionRouted {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        order: order("a"),
        txn: "txn_3".into(),
        reinstated: 500,
        occurred_at: at(70),
        at: at(NOW),
    };
    payment(known.clone()).when(revise(500)).then_expect_events(vec![event.clone()]);
    payment(and(known, vec![event])).when(revise(500)).then_expect_events(vec![]);
}

#[test]
fn what_comes_back_afterwards_makes_good_the_platforms_loss_first() {
    let known = and(
        unclaimed(),
        vec![
            dispute_routed(false, Destination::Unallocated),
            refund_routed("re", 4000, Destination::Unallocated),
            lost(6000, 3000),
        ],
    );
    payment(known.clone()).when(revise(3500)).then_expect_events(vec![revision(500, 3000)]);
    let after = and(known, vec![revision(500, 3000)]);
    assert_eq!(fold(after.clone()).set_aside(), Some(usd(500)));
    payment(after).when(revise(3500)).then_expect_events(vec![]);
}

#[test]
fn what_comes_back_of_a_dispute_that_lost_nothing_changes_nothing() {
    let won = and(unclaimed(), vec![dispute_routed(false, Destination::Unallocated), lost(0, 0)]);
    payment(won).when(revise(9000)).then_expect_events(vec![]);
}

fn conclude(lost: bool) -> PaymentCommand {
    PaymentCommand::ConcludeDispute {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        withdrawn: 10_000,
        reinstated: 1000,
        lost,
        occurred_at: at(60),
    }
}

fn conclusion_routed(name: &str) -> PaymentEvent {
    PaymentEvent::DisputeConclusionRouted {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        order: order(name),
        withdrawn: 10_000,
        reinstated: 1000,
        lost: true,
        occurred_at: at(60),
        at: at(NOW),
    }
}

fn conclusion_held(reinstated: i64, revised_by: Option<&str>) -> PaymentEvent {
    PaymentEvent::DisputeConclusionHeld {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        withdrawn: 10_000,
        reinstated,
        lost: true,
        revised_by: revised_by.map(Into::into),
        occurred_at: at(60),
        at: at(NOW),
    }
}

fn lost(lost: i64, excess_lost: i64) -> PaymentEvent {
    PaymentEvent::UnallocatedDisputeConcluded {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        lost,
        excess_lost,
        occurred_at: at(60),
        at: at(NOW),
    }
}

fn revise(reinstated: i64) -> PaymentCommand {
    PaymentCommand::ReviseDispute {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        txn: "txn_3".into(),
        reinstated,
        occurred_at: at(70),
    }
}

fn revision(returned: i64, excess_returned: i64) -> PaymentEvent {
    PaymentEvent::UnallocatedDisputeRevised {
        dispute: dispute(),
        stripe_dispute: "dp_1".into(),
        charge: "ch_1".into(),
        currency: Currency::USD,
        txn: "txn_3".into(),
        returned,
        excess_returned,
        occurred_at: at(70),
        at: at(NOW),
    }
}
