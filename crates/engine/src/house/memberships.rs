//! Days of a membership pass on the test clock, also while nobody is there to see them.

use aggregates::{
    membership::{
        Membership,
        commands::{MembershipCommand, PaidPeriod},
        events::{MembershipTerms, SoldBy},
    },
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::PeriodTerms,
};
use kernel::{Currency, Money, SubjectRef, Timestamp};

use super::{Machine, PATIENCE, assert_live_equals_replayed, toy_translator::payment};
use crate::{Engine, testing::NOON};

/// Ten days for 10.00.
async fn ten_days_are_paid(machine: &Machine) {
    let price = Money::new(10_00, Currency::EUR);
    let start = Timestamp::from_millis(NOON).to_datetime().date_naive();
    let terms = MembershipTerms {
        member: SubjectRef::derived(&["a member"]),
        reference: None,
        product: "gold".to_owned(),
        sold_by: SoldBy::Platform,
        price,
        policy: 1,
    };
    let period = PaidPeriod {
        membership: "mem_1".into(),
        terms: PeriodTerms {
            period: "first".into(),
            start,
            end: start + chrono::Days::new(10),
            zone: chrono_tz::Tz::UTC,
            product: "gold".to_owned(),
            tax: 0,
            tax_jurisdiction: "none".to_owned(),
            replaces: None,
        },
        paid: price,
        charge: Some((payment("ch_1"), "ch_1".into())),
        available_on: None,
        occurred_at: Timestamp::from_millis(NOON),
    };
    let begin = MembershipCommand::Start { membership: "mem_1".into(), terms: Box::new(terms) };
    machine.house.send::<Membership>("mem_1", begin, "start").await.unwrap();
    let pay = MembershipCommand::RecordPaidPeriod(Box::new(period));
    machine.house.send::<Membership>("mem_1", pay, "pay").await.unwrap();
}

async fn days_later(machine: &Machine, engine: &Engine, days: i64) {
    let to = Timestamp::from_millis(NOON).plus_days(days);
    let advance = TenantCommand::AdvanceClock { to };
    let envelope = machine.house.envelope(&format!("clock {days}"));
    let tenant = machine.house.tenant.to_string();
    engine.bus().send::<Tenant>(&tenant, advance, envelope).await.unwrap();
}

/// The days that became income, in the order of the log, and how many events told of them.
async fn rendered(machine: &Machine) -> (usize, Vec<(String, i64)>) {
    let told = machine.payloads("membership.revenue_recognized").await;
    let mut days = Vec::new();
    for payload in &told {
        let event: serde_json::Value = serde_json::from_str(payload).unwrap();
        for day in event["revenue_recognized"]["days"].as_array().unwrap() {
            let amount = day["amount"].as_i64().unwrap();
            days.push((day["day"].as_str().unwrap().to_owned(), amount));
        }
    }
    (told.len(), days)
}

#[tokio::test]
async fn each_day_is_recognised_once_whoever_is_killed_in_between() {
    let machine = Machine::new().await;
    ten_days_are_paid(&machine).await;
    let engine = machine.rest(None).await;
    assert_eq!(rendered(&machine).await.0, 0, "the first day is not over");
    days_later(&machine, &engine, 1).await;
    engine.settle(PATIENCE).await.unwrap();
    assert_eq!(rendered(&machine).await.1.len(), 1);
    // The process dies as soon as the clock has moved; its rows may be old or new.
    days_later(&machine, &engine, 4).await;
    drop(engine);
    let engine = machine.rest(None).await;
    let (_, days) = rendered(&machine).await;
    assert_eq!(days.len(), 4, "{days:?}");
    drop(engine);
    let engine = machine.rest(None).await;
    days_later(&machine, &engine, 40).await;
    engine.settle(PATIENCE).await.unwrap();
    let (_, days) = rendered(&machine).await;
    let mut names: Vec<&String> = days.iter().map(|(day, _)| day).collect();
    names.dedup();
    assert_eq!((names.len(), days.len()), (10, 10), "{days:?}");
    assert!(days.iter().all(|(_, amount)| *amount == 100), "{days:?}");
    assert_eq!(machine.count("membership.lapsed").await, 1);
    assert_live_equals_replayed(&engine).await;
}
