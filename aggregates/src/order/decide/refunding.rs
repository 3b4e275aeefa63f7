//! The budget of refunds: what is set apart, what is gone, and what comes back.

use kernel::{Money, RefundId, Timestamp};

use super::{Decision, completing, disputing, line_of, placed};
use crate::{
    SplitError,
    order::{
        errors::OrderError,
        events::OrderEvent,
        sharing,
        state::{DisputeStage, LineState, Order, PaidBy, RefundStage, Terms},
    },
    vocabulary::{Components, LineNo, Person, RefundGranularity, StripeRefundRef},
};

/// What somebody wants refunded.
pub(super) struct Wish {
    pub(super) refund: RefundId,
    pub(super) line: LineNo,
    pub(super) amount: Option<Money>,
    pub(super) reason: String,
    pub(super) by: Person,
    pub(super) approved: bool,
    pub(super) despite_inquiry: bool,
}

pub(super) fn reserve(order: &Order, wish: Wish, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    if order.refunds.contains_key(&wish.refund) {
        return Ok(vec![]);
    }
    if terms.totals.total == 0 {
        return Err(OrderError::NothingToRefund);
    }
    let paid = order.standing_payment().ok_or(OrderError::NotPaid)?;
    let line = line_of(order, wish.line)?;
    permitted(order, terms, paid, &wish, now)?;
    let components = part(line, terms, &wish)?;
    Ok(vec![OrderEvent::RefundReserved {
        refund: wish.refund,
        payment: paid.payment,
        charge: paid.charge.clone(),
        currency: terms.currency,
        tax_jurisdiction: terms.tax_jurisdiction.clone(),
        amount: components.cash(),
        share: line.share(components),
        commission_retained: !terms.policy.commission_returned,
        reason: wish.reason,
        requested_by: wish.by,
        approved: wish.approved,
        policy_version: terms.policy.version,
        decision_hours: terms.policy.refund_decision_hours,
        second_person_above: terms.policy.second_person_above,
        at: now,
    }])
}

/// Whether refunds are possible now: no dispute in the way and, for a wish that somebody still has
/// to decide, no other open and the time to ask not over.
fn permitted(
    order: &Order,
    terms: &Terms,
    paid: &PaidBy,
    wish: &Wish,
    now: Timestamp,
) -> Result<(), OrderError> {
    // An inquiry can be answered by refunding everything, and only everything.
    let answers_inquiry = wish.despite_inquiry && wish.amount.is_none();
    if order.has_dispute(DisputeStage::Chargeback)
        || (order.has_dispute(DisputeStage::Inquiry) && !answers_inquiry)
    {
        return Err(OrderError::ChargeUnderDispute);
    }
    if wish.approved {
        return Ok(());
    }
    if order.refund_open(wish.line) {
        return Err(OrderError::RefundAlreadyOpen);
    }
    let until = paid.occurred_at.plus_days(i64::from(terms.policy.refund_window_days));
    if now >= until {
        return Err(OrderError::RefundWindowClosed { until });
    }
    Ok(())
}

/// The part of what remains of the line.
fn part(line: &LineState, terms: &Terms, wish: &Wish) -> Result<Components, OrderError> {
    let remaining = line.remaining();
    let money = |minor| Money::new(minor, terms.currency);
    let Some(amount) = wish.amount else {
        return if remaining.cash() > 0 { Ok(remaining) } else { Err(OrderError::NothingToRefund) };
    };
    if amount.currency() != terms.currency {
        return Err(OrderError::CurrencyMismatch {
            expected: terms.currency,
            given: amount.currency(),
        });
    }
    let components = remaining.split(amount.minor()).map_err(|problem| match problem {
        SplitError::NotPositive => OrderError::AmountNotPositive,
        SplitError::Exceeds { remaining } => {
            OrderError::RefundExceedsRefundable { remaining: money(remaining) }
        }
    })?;
    let whole_only = terms.policy.refund_granularity == RefundGranularity::FullLine;
    if whole_only && !wish.approved && components != remaining {
        return Err(OrderError::PartialRefundsDisabled);
    }
    Ok(components)
}

pub(super) fn settle(order: &Order, refund: RefundId, now: Timestamp) -> Decision {
    match stage(order, refund)? {
        RefundStage::Settled | RefundStage::Released => Ok(vec![]),
        RefundStage::Reserved => Ok(vec![completing(order, |complete_at| {
            OrderEvent::RefundSettled { refund, complete_at, at: now }
        })]),
    }
}

pub(super) fn release(order: &Order, refund: RefundId, now: Timestamp) -> Decision {
    match stage(order, refund)? {
        RefundStage::Released => Ok(vec![]),
        RefundStage::Reserved | RefundStage::Settled => {
            let released = OrderEvent::RefundReleased { refund, at: now };
            let mut after = order.clone();
            after.evolve(&released);
            let mut events = vec![released];
            events.extend(disputing::reapply(&after, refund, now));
            Ok(events)
        }
    }
}

fn stage(order: &Order, refund: RefundId) -> Result<RefundStage, OrderError> {
    placed(order)?;
    let unknown = || OrderError::RefundUnknown { refund: refund.to_string() };
    order.refunds.get(&refund).map(|part| part.stage).ok_or_else(unknown)
}

pub(super) fn allocate_external(
    order: &Order,
    refund: RefundId,
    stripe_refund: StripeRefundRef,
    amount: Money,
    occurred_at: Timestamp,
    now: Timestamp,
) -> Decision {
    let terms = placed(order)?;
    if order.refunds.contains_key(&refund) {
        return Ok(vec![]);
    }
    // Money in another currency cannot be any line's: all of it is excess.
    let ours = if amount.currency() == terms.currency { amount.minor() } else { 0 };
    let parts = sharing::take(&order.remainders(), ours);
    Ok(vec![completing(order, |complete_at| OrderEvent::ExternalRefundAllocated {
        refund,
        stripe_refund: stripe_refund.clone(),
        currency: amount.currency(),
        tax_jurisdiction: terms.tax_jurisdiction.clone(),
        shares: order.shares(&parts),
        commission_retained: !terms.policy.commission_returned,
        policy_version: Some(terms.policy.version),
        excess: amount.minor() - sharing::cash(&parts),
        complete_at,
        occurred_at,
        at: now,
    })])
}
