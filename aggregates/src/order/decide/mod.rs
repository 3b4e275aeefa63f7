//! What an order answers to each command: one small file per theme.

mod cancelling;
mod disputing;
mod fulfilling;
mod paying;
mod placing;
mod refunding;
mod releasing;

use kernel::Timestamp;

use super::{
    commands::OrderCommand,
    errors::OrderError,
    events::OrderEvent,
    state::{Lifecycle, LineState, Order, Terms},
};
use crate::vocabulary::LineNo;

type Decision = Result<Vec<OrderEvent>, OrderError>;

/// Chooses what happens, and adds what follows from it for the sellers' money.
pub(super) fn decide(order: &Order, command: OrderCommand, now: Timestamp) -> Decision {
    let mut events = choose(order, command, now)?;
    let pays = events.iter().any(|event| matches!(event, OrderEvent::Paid { .. }));
    if !events.is_empty() && (pays || order.paid.is_some()) {
        let mut after = order.clone();
        events.iter().for_each(|event| after.evolve(event));
        events.extend(releasing::payability(&after, now));
    }
    Ok(events)
}

#[expect(clippy::too_many_lines, reason = "one arm per command: the table of contents")]
fn choose(order: &Order, command: OrderCommand, now: Timestamp) -> Decision {
    match command {
        OrderCommand::Place(place) => placing::place(order, *place, now),
        OrderCommand::NoteCheckout { payment, session, session_expires_at } => {
            paying::note_checkout(order, payment, session, session_expires_at, now)
        }
        OrderCommand::NotePaymentProcessing { payment, occurred_at: _ } => {
            paying::note_processing(order, payment, now)
        }
        OrderCommand::NotePaymentFailed { payment, code } => {
            paying::note_failed(order, payment, code, now)
        }
        OrderCommand::ConfirmPayment { payment, charge, received, occurred_at } => {
            paying::confirm(order, paying::Received { payment, charge, received, occurred_at }, now)
        }
        OrderCommand::Expire => paying::expire(order, now),
        OrderCommand::Cancel { lines, reason, cancellation_fee } => {
            cancelling::cancel(order, lines, reason, cancellation_fee, now)
        }
        OrderCommand::NoteFundsExpected { charge, available_on } => {
            releasing::note_funds(order, charge, available_on, now)
        }
        OrderCommand::AssumeFundsAvailable => releasing::assume_funds(order, now),
        OrderCommand::Ship { shipment, lines, carrier, tracking } => {
            fulfilling::ship(order, shipment, lines, carrier, tracking, now)
        }
        OrderCommand::AmendTracking { shipment, carrier, tracking } => {
            fulfilling::amend(order, shipment, carrier, tracking, now)
        }
        OrderCommand::Deliver { shipment, how } => fulfilling::deliver(order, shipment, how, now),
        OrderCommand::AutoDeliver { shipment } => fulfilling::auto_deliver(order, shipment, now),
        OrderCommand::NoteShippingOverdue => fulfilling::note_overdue(order, now),
        OrderCommand::Complete => fulfilling::complete(order, now),
        OrderCommand::ReserveRefund {
            refund,
            line,
            amount,
            reason,
            by,
            approved,
            despite_inquiry,
        } => refunding::reserve(
            order,
            refunding::Wish { refund, line, amount, reason, by, approved, despite_inquiry },
            now,
        ),
        OrderCommand::SettleRefund { refund } => refunding::settle(order, refund, now),
        OrderCommand::ReleaseRefund { refund } => refunding::release(order, refund, now),
        OrderCommand::AllocateExternalRefund { refund, stripe_refund, amount, occurred_at } => {
            refunding::allocate_external(order, refund, stripe_refund, amount, occurred_at, now)
        }
        OrderCommand::ApplyDispute { dispute, amount, inquiry } => {
            disputing::apply(order, dispute, amount, inquiry, now)
        }
        OrderCommand::ConcludeDispute {
            dispute,
            stripe_dispute,
            withdrawn,
            reinstated,
            lost,
            occurred_at,
        } => {
            let end = disputing::End { stripe_dispute, withdrawn, reinstated, lost, occurred_at };
            disputing::conclude(order, dispute, end, now)
        }
        OrderCommand::ReviseDispute { dispute, stripe_dispute, txn, reinstated, occurred_at } => {
            let back = disputing::Return { stripe_dispute, txn, reinstated, occurred_at };
            disputing::revise(order, dispute, back, now)
        }
        OrderCommand::ReverseCapture { payment, charge, amount, occurred_at } => {
            disputing::reverse_capture(order, payment, charge, amount, occurred_at, now)
        }
    }
}

/// What was agreed, or the answer to a command about an order that was never placed.
fn placed(order: &Order) -> Result<&Terms, OrderError> {
    order.terms.as_deref().ok_or(OrderError::Unknown)
}

/// Whether the order stands, so that goods may move.
fn standing(order: &Order) -> Result<&Terms, OrderError> {
    let terms = placed(order)?;
    match order.lifecycle {
        Lifecycle::Confirmed | Lifecycle::Completed => Ok(terms),
        Lifecycle::Unplaced => Err(OrderError::Unknown),
        Lifecycle::Placed => Err(OrderError::NotPaid),
        Lifecycle::Conflicted => Err(OrderError::InConflict),
        Lifecycle::Expired => Err(OrderError::Expired),
        Lifecycle::Cancelled => Err(OrderError::Cancelled),
    }
}

fn line_of(order: &Order, line: LineNo) -> Result<&LineState, OrderError> {
    order.line(line).ok_or(OrderError::LineUnknown { line: line.0 })
}

/// An event that may leave nothing to be delivered, and so say when the order will be completed.
fn completing(order: &Order, event: impl Fn(Option<Timestamp>) -> OrderEvent) -> OrderEvent {
    let mut after = order.clone();
    after.evolve(&event(None));
    event(after.completion().filter(|due| order.completion() != Some(*due)))
}
