//! When a seller is paid out without anybody asking.

use super::*;

#[test]
fn a_schedule_is_set_and_counted() {
    let set = |schedule, next_due| Command::SetPayoutSchedule { schedule, next_due };
    let event = |schedule, version, next_due| Event::PayoutScheduleSet {
        schedule,
        version,
        next_due,
        at: at(0),
    };
    let first = event(weekly(), 1, Some(at(DAY)));
    seller(ready()).when(set(weekly(), Some(at(DAY)))).then_expect_events(vec![first.clone()]);
    let known = || and(ready(), vec![first.clone()]);
    seller(known()).when(set(weekly(), Some(at(DAY)))).then_expect_events(vec![]);
    let manual = PayoutSchedule { interval: PayoutInterval::Manual, ..weekly() };
    seller(known())
        .when(set(manual.clone(), None))
        .then_expect_events(vec![event(manual, 2, None)]);
}

#[test]
fn an_impossible_schedule_is_refused_with_the_reason() {
    let with = |interval| PayoutSchedule { interval, ..weekly() };
    for (schedule, next_due, problem) in [
        (
            with(PayoutInterval::Weekly(0)),
            Some(at(DAY)),
            "day 0 of the week; 1 is Monday and 7 is Sunday",
        ),
        (
            with(PayoutInterval::Weekly(8)),
            Some(at(DAY)),
            "day 8 of the week; 1 is Monday and 7 is Sunday",
        ),
        (
            with(PayoutInterval::Monthly(32)),
            Some(at(DAY)),
            "day 32 of the month; it must be 1 to 31",
        ),
        (with(PayoutInterval::Manual), Some(at(DAY)), "a manual schedule is never due"),
        (with(PayoutInterval::Daily), None, "it must say when it is due first"),
        (
            PayoutSchedule { minimum: 0, ..weekly() },
            Some(at(DAY)),
            "the least amount must be at least one minor unit",
        ),
        (
            PayoutSchedule { reserve_bps: Some(10_001), ..weekly() },
            Some(at(DAY)),
            "a reserve cannot be more than 10000 basis points",
        ),
        (
            PayoutSchedule { delay_days: Some(366), ..weekly() },
            Some(at(DAY)),
            "money cannot wait for more than 365 days",
        ),
    ] {
        seller(ready())
            .when(Command::SetPayoutSchedule { schedule, next_due })
            .then_expect_error(Refusal::ScheduleInvalid { problem: problem.to_owned() });
    }
}

#[test]
fn a_schedule_pays_what_can_be_paid_in_every_currency() {
    let yen = Money::new(70, Currency::JPY);
    let euros = Money::new(900, Currency::EUR);
    let history = after(vec![
        Command::SetPayoutSchedule { schedule: weekly(), next_due: Some(at(DAY)) },
        credit("a", 1000),
        credit_in("b", euros),
        credit_in("c", yen),
        release("a", 0),
        release("b", 0),
        release("c", 0),
    ]);
    seller_at(history.clone(), at(DAY - 1))
        .when(run(DAY))
        .then_expect_error(Refusal::TooEarly { due: at(DAY) });
    let events = seller_at(history.clone(), at(DAY + 5)).when(run(DAY)).inspect_result().unwrap();
    assert_eq!(
        events[0],
        Event::ScheduleRan {
            due: at(DAY),
            next_due: Some(at(8 * DAY)),
            interval: PayoutInterval::Weekly(1),
            payouts: 2,
            at: at(DAY + 5),
        }
    );
    // 70 yen are less than the least amount.
    let reserved = |amount: Money| {
        let parts = [id().to_string(), at(DAY).to_string(), amount.currency().to_string()];
        Event::PayoutReserved {
            seller: id(),
            account: "acct_1".into(),
            payout: PayoutId::derived(&[&parts[0], &parts[1], &parts[2]]),
            currency: amount.currency(),
            amount: amount.minor(),
            minimum: 100,
            by_schedule: true,
            automatic_bank: false,
            requested_by: "schedule".into(),
            at: at(DAY + 5),
        }
    };
    assert_eq!(events[1..], [reserved(euros), reserved(usd(1000))]);
    let ran = and(history, events);
    seller_at(ran.clone(), at(DAY + 5)).when(run(DAY)).then_expect_events(vec![]);
    // The next one finds both lanes busy and skips them.
    let next = Command::RunSchedule { due: at(8 * DAY), next_due: Some(at(15 * DAY)) };
    let events = seller_at(ran, at(8 * DAY)).when(next).inspect_result().unwrap();
    assert!(matches!(events[..], [Event::ScheduleRan { payouts: 0, .. }]));
}

#[test]
fn e69_a_restricted_seller_is_skipped_and_the_schedule_goes_on() {
    let stopped = AccountFlags { payouts_enabled: false, ..ready_flags() };
    let history = after(vec![
        Command::SetPayoutSchedule { schedule: weekly(), next_due: Some(at(DAY)) },
        credit("a", 1000),
        release("a", 0),
        merge_status(stopped, 2),
    ]);
    let events = seller_at(history.clone(), at(DAY)).when(run(DAY)).inspect_result().unwrap();
    assert!(matches!(events[..], [Event::ScheduleRan { payouts: 0, .. }]));
    let account = state(and(history, events));
    assert_eq!(account.position(USD).available(), 1000);
    assert_eq!(account.next_due(), Some(at(8 * DAY)));
}

#[test]
fn a_due_time_of_an_older_schedule_is_no_news() {
    seller_at(ready(), at(DAY)).when(run(DAY)).then_expect_events(vec![]);
    let history =
        after(vec![Command::SetPayoutSchedule { schedule: weekly(), next_due: Some(at(2 * DAY)) }]);
    seller_at(history, at(DAY)).when(run(DAY)).then_expect_events(vec![]);
}

fn run(due: i64) -> Command {
    Command::RunSchedule { due: at(due), next_due: Some(at(due + 7 * DAY)) }
}
