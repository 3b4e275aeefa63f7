//! What Stripe's balance transactions say of a payment's charges: the fee, and what was exchanged.
//!
//! The buyer's currency is known from the charge, the balance's from its transaction. Either may come
//! first: a transaction that finds no charge here changes nothing but the fee, and whoever learns of
//! the charge asks for its transaction again.

use kernel::{Money, Timestamp};

use crate::{
    payment::{commands::PaymentCommand, events::PaymentEvent, state::Payment},
    vocabulary::{ChargeRef, Settlement},
};

pub(super) fn record_fee(
    payment: &Payment,
    command: PaymentCommand,
    now: Timestamp,
) -> Vec<PaymentEvent> {
    let PaymentCommand::RecordFee {
        charge,
        txn,
        fee,
        net,
        available_on,
        exchange_rate,
        occurred_at,
    } = command
    else {
        return vec![];
    };
    let order = payment.order_of(&charge);
    let settled = Money::new(net.minor().saturating_add(fee.minor()), net.currency());
    let settlement =
        Settlement { txn: txn.clone(), settled, exchange_rate: exchange_rate.clone(), occurred_at };
    let exchanged = payment
        .came_with(&charge)
        .and_then(|came| converted(payment, charge.clone(), came, settlement, now));
    let is_known = payment.fees.contains_key(&charge);
    let membership = payment.pot(&charge).and_then(|pot| pot.membership.clone());
    let funded = membership.filter(|_| !is_known).map(|(membership, period, _)| {
        let charge = charge.clone();
        PaymentEvent::MembershipFunded { charge, membership, period, available_on, at: now }
    });
    let recorded = (!is_known).then_some(PaymentEvent::FeeRecorded {
        charge,
        txn,
        fee,
        net,
        available_on,
        exchange_rate,
        order,
        at: now,
    });
    recorded.into_iter().chain(funded).chain(exchanged).collect()
}

/// A reversal is found by its transaction, which the reversed charge names.
pub(super) fn record_reversal(
    payment: &Payment,
    settlement: Settlement,
    now: Timestamp,
) -> Vec<PaymentEvent> {
    let Some((charge, amount)) = payment.reversals.get(&settlement.txn).cloned() else {
        return vec![];
    };
    converted(payment, charge, amount, settlement, now).into_iter().collect()
}

fn converted(
    payment: &Payment,
    charge: ChargeRef,
    amount: Money,
    settlement: Settlement,
    now: Timestamp,
) -> Option<PaymentEvent> {
    let presented = settlement.exchanged_for(amount)?;
    if payment.converted.contains(&settlement.txn) {
        return None;
    }
    let order = payment.order_of(&charge);
    let Settlement { txn, settled, exchange_rate, occurred_at } = settlement;
    Some(PaymentEvent::Converted {
        charge,
        txn,
        presented,
        settled,
        exchange_rate,
        order,
        occurred_at,
        at: now,
    })
}
