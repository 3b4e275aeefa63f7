//! What follows from facts: policies, and timers on the test clock.

use aggregates::{
    balance_transaction::{BalanceTransaction, BalanceTransactionCommand},
    link::{Link, LinkCommand, Subject},
    payment::{
        Payment, classes,
        commands::{PaymentCommand, PaymentFact, PaymentFactKind},
        events::FactObject,
    },
    refund::{Refund, commands::RefundCommand, events::RefundSource},
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::FactRank,
};
use kernel::{Currency, Money, RefundId, Timestamp};

use super::{
    Machine, PATIENCE, assert_live_equals_replayed,
    toy_translator::{payment, record},
};
use crate::testing::NOON;

async fn transaction_recorded(machine: &Machine) {
    let record = BalanceTransactionCommand::Record(Box::new(record("txn_1", "ch_1")));
    machine.house.send::<BalanceTransaction>("txn_1", record, "txn").await.unwrap();
}

async fn charge_captured(machine: &Machine) {
    let payment = payment("ch_1");
    let establish =
        LinkCommand::Establish { object: "ch_1".to_owned(), subject: Subject::Payment(payment) };
    machine.house.send::<Link>("ch_1", establish, "link").await.unwrap();
    let fact = PaymentFact {
        object: FactObject::Charge,
        id: "ch_1".to_owned(),
        rank: FactRank {
            class: classes::charge("succeeded"),
            created: NOON / 1000,
            event: "evt_1".into(),
        },
        kind: PaymentFactKind::Succeeded {
            charge: Some("ch_1".into()),
            intent: Some("pi_1".into()),
            amount: Money::new(10_00, Currency::EUR),
        },
        order: None,
        occurred_at: Timestamp::from_millis(NOON),
    };
    let merge = PaymentCommand::MergeFact { payment, fact: Box::new(fact) };
    machine.house.send::<Payment>(&payment.to_string(), merge, "captured").await.unwrap();
}

#[tokio::test]
async fn a_fee_finds_its_payment_in_either_order_of_arrival() {
    for transaction_first in [true, false] {
        let machine = Machine::new().await;
        let engine = machine.start(None).await;
        if transaction_first {
            transaction_recorded(&machine).await;
            engine.settle(PATIENCE).await.unwrap();
        }
        charge_captured(&machine).await;
        if !transaction_first {
            engine.settle(PATIENCE).await.unwrap();
            assert_eq!(machine.count("payment.fee_recorded").await, 0);
            transaction_recorded(&machine).await;
        }
        engine.settle(PATIENCE).await.unwrap();
        let recorded = machine.payloads("payment.fee_recorded").await;
        assert_eq!(recorded.len(), 1, "transaction first: {transaction_first}");
        assert!(recorded[0].contains("txn_1"), "{recorded:?}");
        assert_live_equals_replayed(&engine).await;
    }
}

/// A refund that somebody must decide within 72 hours.
pub(super) fn undecided() -> (String, RefundCommand) {
    let refund = RefundId::derived(&["r1"]);
    let request = RefundCommand::Request {
        refund,
        source: RefundSource::Unallocated,
        payment: payment("ch_1"),
        charge: "ch_1".into(),
        amount: Money::new(7_50, Currency::EUR),
        reason: "too late".to_owned(),
        requested_by: "key_wanda".into(),
        decision_hours: 72,
        second_person_above: 0,
        approved: None,
    };
    (refund.to_string(), request)
}

#[tokio::test]
async fn a_timer_fires_when_the_test_clock_has_come_there_and_not_before() {
    let machine = Machine::new().await;
    let (refund, request) = undecided();
    machine.house.send::<Refund>(&refund, request, "ask").await.unwrap();
    let engine = machine.start(None).await;
    for (hours, expected) in [(71, 0), (72, 1), (500, 1)] {
        let to = Timestamp::from_millis(NOON).plus_seconds(hours * 3600);
        let advance = TenantCommand::AdvanceClock { to };
        let id = format!("clock {hours}");
        // The engine's own bus, so that this test is also about its directory.
        let envelope = machine.house.envelope(&id);
        let tenant = machine.house.tenant.to_string();
        engine.bus().send::<Tenant>(&tenant, advance, envelope).await.unwrap();
        engine.settle(PATIENCE).await.unwrap();
        assert_eq!(machine.count("refund.escalated").await, expected, "after {hours} hours");
    }
    assert!(engine.status().await.unwrap().timers.fired >= 1);
}

#[tokio::test]
async fn money_that_nobody_claims_is_set_aside_after_three_days() {
    let machine = Machine::new().await;
    charge_captured(&machine).await;
    let engine = machine.rest(None).await;
    let to = Timestamp::from_millis(NOON).plus_days(4);
    let advance = TenantCommand::AdvanceClock { to };
    let envelope = machine.house.envelope("clock");
    let tenant = machine.house.tenant.to_string();
    engine.bus().send::<Tenant>(&tenant, advance, envelope).await.unwrap();
    engine.settle(PATIENCE).await.unwrap();
    assert_eq!(machine.count("payment.set_aside").await, 1);
    assert_live_equals_replayed(&engine).await;
}
