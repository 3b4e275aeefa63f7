//! When the sellers' money may be released: the condition is met and the money is there.

use std::collections::BTreeMap;

use kernel::{Rate, SellerId, Timestamp};

use super::{Decision, placed};
use crate::{
    order::{
        errors::OrderError,
        events::OrderEvent,
        state::{LineState, Order},
    },
    vocabulary::{ChargeRef, LineNo},
};

pub(super) fn note_funds(
    order: &Order,
    charge: ChargeRef,
    available_on: Timestamp,
    now: Timestamp,
) -> Decision {
    placed(order)?;
    let of_another = order.paid.as_ref().is_some_and(|paid| paid.charge != charge);
    if of_another || order.funds.get(&charge) == Some(&available_on) {
        return Ok(vec![]);
    }
    Ok(vec![OrderEvent::FundsExpected { charge, available_on, at: now }])
}

pub(super) fn assume_funds(order: &Order, now: Timestamp) -> Decision {
    placed(order)?;
    let Some(paid) = &order.paid else { return Err(OrderError::NotPaid) };
    let Some(due) = order.assume_funds_at.filter(|_| !order.funds.contains_key(&paid.charge))
    else {
        return Ok(vec![]);
    };
    if now < due {
        return Err(OrderError::TooEarly { due });
    }
    Ok(vec![OrderEvent::FundsExpected { charge: paid.charge.clone(), available_on: due, at: due }])
}

/// For lines of which it can now be said: when their money may be released.
pub(super) fn payability(order: &Order, now: Timestamp) -> Vec<OrderEvent> {
    let (Some(terms), Some(funds)) = (&order.terms, order.funds_at()) else { return vec![] };
    let delay = i64::from(terms.policy.delay_days);
    let mut by_time: BTreeMap<Timestamp, Vec<(LineNo, SellerId)>> = BTreeMap::new();
    for line in order.lines.iter().filter(|line| !line.payable && owes_seller(line)) {
        if let Some(condition) = order.release_condition(line) {
            let payable_at = condition.plus_days(delay).max(funds);
            by_time.entry(payable_at).or_default().push((line.sold.line, line.sold.seller));
        }
    }
    // A tenant's policy is checked when it is set; a share beyond the whole keeps all of it.
    let reserve_bps = Rate::try_from_bps(terms.policy.reserve_bps.min(10_000));
    by_time
        .into_iter()
        .map(|(payable_at, lines)| OrderEvent::PayabilitySet {
            lines,
            payable_at,
            reserve_bps: reserve_bps.unwrap_or(Rate::ZERO),
            reserve_days: terms.policy.reserve_days,
            at: now,
        })
        .collect()
}

/// Whether something of the line may stay the seller's. Disputed money may still come back to him,
/// and so may what is set apart for a refund that is not decided: whether the buyer asked before or
/// after the funds were known must make no difference. What a cancellation refunds does not stay.
fn owes_seller(line: &LineState) -> bool {
    let mut rest = line.remaining().plus(&line.held);
    if line.cancelled_at.is_none() {
        rest = rest.plus(&line.reserved);
    }
    let refunded_next = line.cancelled_at.is_some() && rest.cash() <= line.cancellation_due;
    rest.seller_part() > 0 && !refunded_next
}
