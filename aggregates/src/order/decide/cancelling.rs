//! Cancelling an order before it is paid, or lines of it that were not shipped.

use std::collections::BTreeSet;

use kernel::{Timestamp, allocate};

use super::{Decision, completing, line_of, placed};
use crate::{
    order::{
        errors::OrderError,
        events::OrderEvent,
        state::{Lifecycle, Order, Terms},
    },
    vocabulary::LineNo,
};

pub(super) fn cancel(
    order: &Order,
    lines: Option<Vec<LineNo>>,
    reason: String,
    fee: i64,
    now: Timestamp,
) -> Decision {
    let terms = placed(order)?;
    if fee < 0 {
        return Err(OrderError::AmountNotPositive);
    }
    let all = || order.lines().map(|line| line.line).collect();
    let named: BTreeSet<LineNo> = lines.map_or_else(all, |lines| lines.into_iter().collect());
    for line in &named {
        line_of(order, *line)?;
    }
    match order.lifecycle {
        Lifecycle::Unplaced => Err(OrderError::Unknown),
        Lifecycle::Expired => Err(OrderError::Expired),
        Lifecycle::Cancelled => Ok(vec![]),
        Lifecycle::Completed => Err(OrderError::Completed),
        // The payment is for the whole order, so before it only the whole can be cancelled.
        Lifecycle::Placed | Lifecycle::Conflicted if named.len() < order.lines.len() => {
            Err(OrderError::NotPaid)
        }
        Lifecycle::Placed | Lifecycle::Conflicted => Ok(vec![OrderEvent::Cancelled {
            lines: named.into_iter().collect(),
            whole: true,
            reason,
            cancellation_fee: 0,
            currency: terms.currency,
            refunds: vec![],
            complete_at: None,
            at: now,
        }]),
        Lifecycle::Confirmed => cancel_lines(order, terms, &named, &reason, fee, now),
    }
}

fn cancel_lines(
    order: &Order,
    terms: &Terms,
    named: &BTreeSet<LineNo>,
    reason: &str,
    fee: i64,
    now: Timestamp,
) -> Decision {
    let mut lines = Vec::new();
    for line in named {
        let state = line_of(order, *line)?;
        if state.shipped > 0 {
            return Err(OrderError::AlreadyShipped { line: line.0 });
        }
        if state.cancelled_at.is_none() {
            lines.push((*line, state.remaining().cash()));
        }
    }
    if lines.is_empty() {
        return Ok(vec![]);
    }
    if order.dispute_open() {
        return Err(OrderError::ChargeUnderDispute);
    }
    let (refunds, fee) = refunds(&lines, fee);
    Ok(vec![completing(order, |complete_at| OrderEvent::Cancelled {
        lines: lines.iter().map(|(line, _)| *line).collect(),
        whole: false,
        reason: reason.to_owned(),
        cancellation_fee: fee,
        currency: terms.currency,
        refunds: refunds.clone(),
        complete_at,
        at: now,
    })])
}

/// What is refunded per line after the fee, which is at most what is left to refund.
fn refunds(lines: &[(LineNo, i64)], fee: i64) -> (Vec<(LineNo, i64)>, i64) {
    let weights: Vec<i64> = lines.iter().map(|(_, cash)| *cash).collect();
    let fee = fee.min(weights.iter().sum());
    // Without anything to refund there is nothing a fee could be kept of.
    let kept = allocate(fee, &weights).unwrap_or_else(|_| vec![0; lines.len()]);
    let refunds = lines
        .iter()
        .zip(kept)
        .map(|((line, cash), kept)| (*line, cash - kept))
        .filter(|(_, refund)| *refund > 0)
        .collect();
    (refunds, fee)
}
