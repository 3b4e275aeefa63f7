//! A charge that Stripe settles in another currency: what was exchanged is told once, in any order.

use super::*;
use crate::vocabulary::Settlement;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn settled(charge: &str, txn: &str) -> PaymentCommand {
    PaymentCommand::RecordFee {
        charge: charge.into(),
        txn: txn.into(),
        fee: eur(345),
        net: eur(8905),
        available_on: at(172_800),
        exchange_rate: Some("0.925".to_owned()),
        occurred_at: at(7),
    }
}

fn converted(charge: &str, txn: &str, presented: i64, settled: i64) -> PaymentEvent {
    PaymentEvent::Converted {
        charge: charge.into(),
        txn: txn.into(),
        presented: usd(presented),
        settled: eur(settled),
        exchange_rate: Some("0.925".to_owned()),
        order: None,
        occurred_at: at(7),
        at: at(NOW),
    }
}

/// The events of these commands, one after the other.
fn told(commands: Vec<PaymentCommand>) -> Vec<PaymentEvent> {
    let mut state = Payment::default();
    let mut events = Vec::new();
    for command in commands {
        for event in super::super::decide::decide(&state, command, at(NOW)).unwrap() {
            state.evolve(event.clone());
            events.push(event);
        }
    }
    events
}

fn conversions(events: &[PaymentEvent]) -> Vec<PaymentEvent> {
    let is_conversion = |event: &&PaymentEvent| matches!(event, PaymentEvent::Converted { .. });
    events.iter().filter(is_conversion).cloned().collect()
}

#[test]
fn a_charge_and_its_transaction_tell_what_was_exchanged_in_either_order() {
    let charge = merge(charge_succeeded("ch_1", 100));
    let fee = settled("ch_1", "txn_1");
    let expected = [converted("ch_1", "txn_1", 10_000, 9250)];
    let after = told(vec![charge.clone(), fee.clone(), fee.clone()]);
    assert_eq!(conversions(&after), expected);
    // The captured charge asks for its transaction again.
    let before = told(vec![fee.clone(), charge, fee.clone(), fee]);
    assert_eq!(conversions(&before), expected);
}

#[test]
fn a_second_charge_of_the_payment_is_exchanged_by_its_own_transaction() {
    let events = told(vec![
        merge(charge_succeeded("ch_1", 100)),
        merge(charge_succeeded("ch_2", 101)),
        settled("ch_2", "txn_2"),
    ]);
    assert_eq!(conversions(&events), [converted("ch_2", "txn_2", 10_000, 9250)]);
}

#[test]
fn nothing_is_exchanged_where_there_is_one_currency() {
    let fee = requests::record_fee();
    let events = told(vec![merge(charge_succeeded("ch_1", 100)), fee]);
    assert_eq!(conversions(&events), []);
}

#[test]
fn a_charge_the_bank_took_back_is_exchanged_back() {
    let reversed = merge(of_order(
        fact(
            FactObject::Charge,
            "ch_1",
            classes::CHARGE_REVERSED,
            900,
            PaymentFactKind::Reversed {
                charge: "ch_1".into(),
                txn: "txn_back".into(),
                amount: usd(10_000),
            },
        ),
        "a",
    ));
    let back = PaymentCommand::RecordSettlement(Settlement {
        txn: "txn_back".into(),
        settled: eur(-9300),
        exchange_rate: Some("0.925".to_owned()),
        occurred_at: at(7),
    });
    let events = told(vec![back.clone(), reversed, back.clone(), back]);
    let [PaymentEvent::Converted { presented, settled, txn, order: known, .. }] =
        &conversions(&events)[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!((*presented, *settled), (usd(-10_000), eur(-9300)));
    assert_eq!((txn.as_str(), *known), ("txn_back", Some(order("a"))));
}
