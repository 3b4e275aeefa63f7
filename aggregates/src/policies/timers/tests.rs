//! Given a fact, these timers.

use chrono_tz::Tz;
use kernel::{OrderId, Rate, SellerId, Timestamp};

use super::{Timer, TimerChange, TimerKind, changes};
use crate::{
    fact::Fact,
    order::{commands::OrderCommand, events::OrderEvent},
    policies::Command,
    seller_account::{commands::SellerAccountCommand, events::PayoutInterval},
    vocabulary::{Claim, LineNo},
};

#[test]
fn payable_lines_are_released_when_due_and_not_before() {
    let order = OrderId::derived(&["test"]);
    let seller = SellerId::derived(&["test"]);
    let due = Timestamp::from_unix_seconds(1_780_000_000);
    let event = OrderEvent::PayabilitySet {
        lines: vec![(LineNo(2), seller)],
        payable_at: due,
        reserve_bps: Rate::try_from_bps(1000).unwrap(),
        reserve_days: 90,
        at: due.plus_days(-7),
    };
    let set = changes(&Fact::Order(event), &order.to_string());
    let [TimerChange::Set(timer)] = set.as_slice() else { panic!("{set:?}") };
    assert_eq!((timer.due, timer.kind), (due, TimerKind::Release));
    let claim = Claim::of_line(order, LineNo(2));
    assert_eq!(
        timer.command(Tz::UTC),
        Some(Command::SellerAccount(
            seller,
            SellerAccountCommand::Release {
                claim,
                reserve: Rate::try_from_bps(1000).unwrap(),
                reserve_days: 90,
            }
        ))
    );
}

#[test]
fn an_expired_order_needs_no_timer_any_more() {
    let order = OrderId::derived(&["test"]).to_string();
    let at = Timestamp::EPOCH;
    let awaited = OrderEvent::PaymentAwaited { payment: Default::default(), until: at, at };
    let set = changes(&Fact::Order(awaited), &order);
    let [TimerChange::Set(timer)] = set.as_slice() else { panic!("{set:?}") };
    let command = timer.command(Tz::UTC);
    assert!(matches!(command, Some(Command::Order(_, OrderCommand::Expire))));
    let cleared = changes(&Fact::Order(OrderEvent::Expired { at }), &order);
    assert_eq!(cleared, [TimerChange::Clear(timer.key.clone())]);
}

#[test]
fn a_schedule_says_itself_when_it_is_due_next() {
    let timer = Timer {
        key: "payout_schedule:x".to_owned(),
        due: "2026-11-23T02:00:00Z".parse().unwrap(),
        kind: TimerKind::PayoutSchedule,
        subject: SellerId::derived(&["test"]).to_string(),
        detail: serde_json::to_string(&PayoutInterval::Weekly(1)).unwrap(),
    };
    let Some(Command::SellerAccount(_, SellerAccountCommand::RunSchedule { due, next_due })) =
        timer.command(Tz::UTC)
    else {
        panic!("a schedule runs")
    };
    assert_eq!(due, timer.due);
    assert_eq!(next_due, Some("2026-11-30T02:00:00Z".parse().unwrap()));
}

#[test]
fn a_timer_of_another_version_is_left_alone() {
    let timer = Timer {
        key: "release:x".to_owned(),
        due: Timestamp::EPOCH,
        kind: TimerKind::Release,
        subject: "not a seller".to_owned(),
        detail: String::new(),
    };
    assert_eq!(timer.command(Tz::UTC), None);
}
