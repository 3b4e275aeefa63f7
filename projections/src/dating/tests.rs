//! No line is ever effective in a period that was closed before its event.

use aggregates::{period::events::Evidence, topup::events::TopupEvent};
use kernel::{Currency, Money};
use proptest::prelude::*;
use store::StreamId;

use super::*;
use crate::postings::postings;

const DAY: i64 = 86_400;

fn day(number: i64) -> Timestamp {
    Timestamp::from_unix_seconds(number * DAY)
}

fn tenant() -> TenantId {
    TenantId::derived(&["a tenant"])
}

fn closed(through: Timestamp) -> Fact {
    Fact::Period(PeriodEvent::Closed {
        day: String::new(),
        through,
        time_zone: "UTC".to_owned(),
        evidence: Evidence::default(),
        by: "key_1".into(),
        at: through,
    })
}

fn reopened(through: Timestamp, closed_through: Option<Timestamp>) -> Fact {
    Fact::Period(PeriodEvent::Reopened {
        through,
        closed_through,
        reason: "a mistake".to_owned(),
        requested_by: "key_1".into(),
        approved_by: "key_2".into(),
        at: through,
    })
}

/// A fact that takes effect then.
fn money(effective: Timestamp) -> Fact {
    Fact::Topup(TopupEvent::Credited {
        topup: "tu_1".into(),
        txn: "txn_1".into(),
        amount: Money::new(100, Currency::USD),
        occurred_at: effective,
        at: effective,
    })
}

fn dated(
    calendar: &Calendar,
    position: u64,
    effective: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    let stream = StreamId::new("topup", tenant(), "tu_1");
    let mut entries = postings(&stream, &money(effective)).unwrap();
    calendar.date(tenant(), Position(position), &mut entries);
    (entries[0].effective(), entries[0].prior_period())
}

#[test]
fn what_comes_after_a_closing_takes_effect_in_the_open_period() {
    let mut calendar = Calendar::default();
    calendar.note(tenant(), Position(10), &closed(day(31)));
    assert_eq!(dated(&calendar, 9, day(3)), (day(3), None));
    assert_eq!(dated(&calendar, 11, day(3)), (day(31), Some(day(3))));
    assert_eq!(dated(&calendar, 11, day(31)), (day(31), None));
    calendar.note(tenant(), Position(20), &closed(day(59)));
    calendar.note(tenant(), Position(20), &closed(day(59)));
    assert_eq!(dated(&calendar, 15, day(40)), (day(40), None));
    assert_eq!(dated(&calendar, 21, day(40)), (day(59), Some(day(40))));
    calendar.note(tenant(), Position(30), &reopened(day(59), Some(day(31))));
    assert_eq!(dated(&calendar, 31, day(40)), (day(40), None));
    assert_eq!(dated(&calendar, 31, day(3)), (day(31), Some(day(3))));
    assert_eq!(dated(&calendar, 25, day(40)), (day(59), Some(day(40))));
}

#[test]
fn one_tenants_periods_are_nobody_elses() {
    let mut calendar = Calendar::default();
    calendar.note(TenantId::derived(&["another"]), Position(10), &closed(day(31)));
    assert_eq!(dated(&calendar, 11, day(3)), (day(3), None));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Money(i64),
    Close(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..400_i64).prop_map(Step::Money),
        2 => (1..40_i64).prop_map(Step::Close),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #[test]
    fn no_line_is_ever_effective_in_a_closed_period(steps in prop::collection::vec(step(), 1..120)) {
        let mut calendar = Calendar::default();
        let mut closings: Vec<Timestamp> = Vec::new();
        // What a report of each closed period said when it was closed: entries before the instant.
        let mut lines: Vec<Timestamp> = Vec::new();
        let mut reports: Vec<(Timestamp, usize)> = Vec::new();
        for (position, step) in (1_u64..).zip(steps) {
            match step {
                Step::Close(days) => {
                    let last = closings.last().map_or(0, |last| last.unix_seconds() / DAY);
                    let through = day(last + days);
                    calendar.note(tenant(), Position(position), &closed(through));
                    closings.push(through);
                    reports.push((through, lines.iter().filter(|line| **line < through).count()));
                }
                Step::Reopen => {
                    let Some(through) = closings.pop() else { continue };
                    let still = closings.last().copied();
                    calendar.note(tenant(), Position(position), &reopened(through, still));
                    reports.retain(|(reported, _)| *reported != through);
                }
                Step::Money(number) => {
                    let (effective, prior) = dated(&calendar, position, day(number));
                    let open_from = closings.last().copied();
                    prop_assert!(open_from.is_none_or(|open_from| effective >= open_from));
                    prop_assert_eq!(prior.is_some(), effective != day(number));
                    prop_assert_eq!(prior.unwrap_or(effective), day(number));
                    lines.push(effective);
                }
            }
            for (through, count) in &reports {
                prop_assert_eq!(lines.iter().filter(|line| *line < through).count(), *count);
            }
        }
    }
}
