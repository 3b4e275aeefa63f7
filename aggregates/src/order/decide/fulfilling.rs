//! Where the goods go: shipments, deliveries, and the end of the order.

use std::collections::BTreeMap;

use kernel::Timestamp;

use super::{Decision, completing, line_of, placed, standing};
use crate::{
    order::{
        errors::OrderError,
        events::{DeliveredBy, OrderEvent, ShippedLine},
        state::{Lifecycle, Order, Shipment},
    },
    vocabulary::LineNo,
};

pub(super) fn ship(
    order: &Order,
    shipment: String,
    lines: Vec<ShippedLine>,
    carrier: String,
    tracking: Option<String>,
    now: Timestamp,
) -> Decision {
    let terms = placed(order)?;
    if let Some(known) = order.shipments.get(&shipment) {
        let same = known.lines == lines && known.carrier == carrier && known.tracking == tracking;
        return if same { Ok(vec![]) } else { Err(OrderError::ShipmentExists { shipment }) };
    }
    standing(order)?;
    shippable(order, &lines)?;
    let auto_deliver_at = now.plus_days(i64::from(terms.policy.auto_deliver_days));
    let shipped =
        OrderEvent::LinesShipped { shipment, lines, carrier, tracking, auto_deliver_at, at: now };
    Ok(vec![shipped])
}

fn shippable(order: &Order, lines: &[ShippedLine]) -> Result<(), OrderError> {
    let invalid = |line: usize, problem: &str| {
        Err(OrderError::InvalidLine { line, problem: problem.to_owned() })
    };
    if lines.is_empty() {
        return invalid(0, "a shipment needs at least one line");
    }
    let mut wanted: BTreeMap<LineNo, u32> = BTreeMap::new();
    for part in lines {
        if part.quantity == 0 {
            return invalid(part.line.0.into(), "the quantity must be at least 1");
        }
        let sum = wanted.entry(part.line).or_default();
        *sum = sum.saturating_add(part.quantity);
    }
    for (line, quantity) in wanted {
        let state = line_of(order, line)?;
        let line = line.0;
        if !state.sold.shippable {
            return Err(OrderError::NotShippable { line });
        }
        if state.cancelled_at.is_some() {
            return Err(OrderError::QuantityExceeds { line, left: 0 });
        }
        let left = state.sold.quantity.saturating_sub(state.shipped);
        if left == 0 {
            return Err(OrderError::AlreadyShipped { line });
        }
        if quantity > left {
            return Err(OrderError::QuantityExceeds { line, left });
        }
    }
    Ok(())
}

pub(super) fn amend(
    order: &Order,
    shipment: String,
    carrier: String,
    tracking: String,
    now: Timestamp,
) -> Decision {
    let known = shipment_of(order, &shipment)?;
    let current = match &known.amended {
        Some((carrier, tracking)) => (carrier, Some(tracking)),
        None => (&known.carrier, known.tracking.as_ref()),
    };
    if current == (&carrier, Some(&tracking)) {
        return Ok(vec![]);
    }
    Ok(vec![OrderEvent::TrackingAmended { shipment, carrier, tracking, at: now }])
}

pub(super) fn deliver(
    order: &Order,
    shipment: String,
    how: DeliveredBy,
    now: Timestamp,
) -> Decision {
    let known = shipment_of(order, &shipment)?;
    if known.delivered {
        return Ok(vec![]);
    }
    Ok(vec![completing(order, |complete_at| OrderEvent::LinesDelivered {
        shipment: shipment.clone(),
        lines: known.lines.clone(),
        how,
        complete_at,
        at: now,
    })])
}

pub(super) fn auto_deliver(order: &Order, shipment: String, now: Timestamp) -> Decision {
    let known = shipment_of(order, &shipment)?;
    let due = known.auto_deliver_at;
    if !known.delivered && now < due {
        return Err(OrderError::TooEarly { due });
    }
    // It arrived when it was due, whenever the timer got round to it.
    deliver(order, shipment, DeliveredBy::Automatically, due)
}

pub(super) fn note_overdue(order: &Order, now: Timestamp) -> Decision {
    placed(order)?;
    let Some(due) = order.ship_by.filter(|_| !order.overdue_noted) else { return Ok(vec![]) };
    let lines: Vec<LineNo> = order
        .lines
        .iter()
        .filter(|line| line.awaits_shipping())
        .map(|line| line.sold.line)
        .collect();
    if order.lifecycle != Lifecycle::Confirmed || lines.is_empty() {
        return Ok(vec![]);
    }
    if now < due {
        return Err(OrderError::TooEarly { due });
    }
    Ok(vec![OrderEvent::ShippingOverdue { lines, at: due }])
}

pub(super) fn complete(order: &Order, now: Timestamp) -> Decision {
    placed(order)?;
    // Without a time the last line is not done yet; its delivery will say when.
    match order.completion() {
        Some(due) if now < due => Err(OrderError::TooEarly { due }),
        Some(due) => Ok(vec![OrderEvent::Completed { at: due }]),
        None => Ok(vec![]),
    }
}

fn shipment_of<'a>(order: &'a Order, shipment: &str) -> Result<&'a Shipment, OrderError> {
    placed(order)?;
    order
        .shipments
        .get(shipment)
        .ok_or_else(|| OrderError::ShipmentUnknown { shipment: shipment.to_owned() })
}
