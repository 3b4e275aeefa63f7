//! What each thing that happens to an order does to its rows.

use aggregates::{
    order::events::{Buyer, OrderEvent},
    vocabulary::LineShare,
};
use kernel::{DisputeId, RefundId, Timestamp};

use super::{Keys, Order, OrderDispute, OrderLine, OrderRefund, Shipment};
use crate::{
    FoldError, Rows,
    projection::add,
    words::{json, word},
};

const WHAT: &str = "money of an order";

/// Which lines an event changes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no line")]
pub(super) fn lines_of(event: &OrderEvent) -> Vec<u16> {
    match event {
        OrderEvent::Placed { lines, .. } => lines.iter().map(|line| line.line.0).collect(),
        OrderEvent::Cancelled { lines, .. } | OrderEvent::ShippingOverdue { lines, .. } => {
            lines.iter().map(|line| line.0).collect()
        }
        OrderEvent::PayabilitySet { lines, .. } => lines.iter().map(|(line, _)| line.0).collect(),
        OrderEvent::LinesShipped { lines, .. } | OrderEvent::LinesDelivered { lines, .. } => {
            lines.iter().map(|line| line.line.0).collect()
        }
        OrderEvent::DisputeApplied { shares, .. }
        | OrderEvent::DisputeReleased { shares, .. }
        | OrderEvent::DisputeConclusionRevised { shares, .. }
        | OrderEvent::CaptureReversed { shares, .. } => {
            shares.iter().map(|share| share.line.0).collect()
        }
        OrderEvent::DisputeConcluded { shares, .. } => {
            shares.iter().map(|share| share.lost.line.0).collect()
        }
        _ => Vec::new(),
    }
}

/// Which shipment an event changes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no shipment")]
pub(super) fn shipment_of(event: &OrderEvent) -> Option<&str> {
    match event {
        OrderEvent::LinesShipped { shipment, .. }
        | OrderEvent::TrackingAmended { shipment, .. }
        | OrderEvent::LinesDelivered { shipment, .. } => Some(shipment),
        _ => None,
    }
}

/// Which refund an event changes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no refund")]
pub(super) fn refund_of(event: &OrderEvent) -> Option<RefundId> {
    match event {
        OrderEvent::RefundReserved { refund, .. }
        | OrderEvent::RefundSettled { refund, .. }
        | OrderEvent::RefundReleased { refund, .. }
        | OrderEvent::ExternalRefundAllocated { refund, .. } => Some(*refund),
        _ => None,
    }
}

/// Which dispute an event changes.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others change no dispute")]
pub(super) fn dispute_of(event: &OrderEvent) -> Option<DisputeId> {
    match event {
        OrderEvent::DisputeApplied { dispute, .. }
        | OrderEvent::DisputeReleased { dispute, .. }
        | OrderEvent::DisputeConcluded { dispute, .. }
        | OrderEvent::DisputeConclusionRevised { dispute, .. } => Some(*dispute),
        _ => None,
    }
}

pub(super) fn fold(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    match event {
        OrderEvent::Placed { .. } => placed(keys, event, rows),
        OrderEvent::CheckoutStarted { .. }
        | OrderEvent::PaymentAwaited { .. }
        | OrderEvent::PaymentAttemptFailed { .. }
        | OrderEvent::Paid { .. }
        | OrderEvent::Confirmed { .. }
        | OrderEvent::Conflicted { .. }
        | OrderEvent::DuplicatePaymentReceived { .. }
        | OrderEvent::LatePaymentReceived { .. }
        | OrderEvent::Revived { .. }
        | OrderEvent::Expired { .. }
        | OrderEvent::FundsExpected { .. }
        | OrderEvent::Completed { .. } => {
            let Some(order) = rows.update::<Order>(keys.order())? else { return Ok(()) };
            lived(order, event)
        }
        OrderEvent::Cancelled { .. } => cancelled(keys, event, rows),
        OrderEvent::PayabilitySet { lines, payable_at, .. } => {
            for (line, _) in lines {
                if let Some(row) = rows.update::<OrderLine>(keys.line(line.0))? {
                    row.payable_at = Some(*payable_at);
                }
            }
            Ok(())
        }
        OrderEvent::LinesShipped { .. }
        | OrderEvent::TrackingAmended { .. }
        | OrderEvent::LinesDelivered { .. }
        | OrderEvent::ShippingOverdue { .. } => travelled(keys, event, rows),
        OrderEvent::RefundReserved { .. }
        | OrderEvent::RefundSettled { .. }
        | OrderEvent::RefundReleased { .. }
        | OrderEvent::ExternalRefundAllocated { .. } => refunded(keys, event, rows),
        OrderEvent::DisputeApplied { .. }
        | OrderEvent::DisputeReleased { .. }
        | OrderEvent::DisputeConcluded { .. }
        | OrderEvent::DisputeConclusionRevised { .. }
        | OrderEvent::CaptureReversed { .. } => disputed(keys, event, rows),
    }
}

fn placed(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let OrderEvent::Placed {
        reference,
        buyer,
        currency,
        origin,
        lines,
        discount,
        tax_jurisdiction,
        ship_to,
        totals,
        policy,
        expires_at,
        at,
        ..
    } = event
    else {
        return Ok(());
    };
    let (subject, guest) = match buyer {
        Buyer::Registered(subject) => (*subject, None),
        Buyer::Guest { subject, email, token_hash } => (*subject, Some((email, token_hash))),
    };
    rows.put(Order {
        tenant: keys.tenant,
        order_id: keys.order,
        reference: reference.clone(),
        status: "placed".to_owned(),
        payment_status: "none".to_owned(),
        origin: word(origin),
        currency: *currency,
        goods: totals.goods,
        discount: totals.discount,
        discount_funded_by: discount.as_ref().map(|discount| word(&discount.funded_by)),
        discount_code: discount.as_ref().and_then(|discount| discount.code.clone()),
        shipping: totals.shipping,
        tax: totals.tax,
        total: totals.total,
        fee: totals.fee,
        seller_net: totals.seller_net,
        tax_jurisdiction: tax_jurisdiction.clone(),
        buyer: subject,
        guest: guest.is_some(),
        guest_email: guest.map(|(email, _)| json(email)),
        guest_token_hash: guest.map(|(_, hash)| hash.clone()),
        ship_to: *ship_to,
        lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
        policy_version: policy.version,
        placed_at: *at,
        expires_at: *expires_at,
        payment: None,
        session: None,
        charge: None,
        paid_at: None,
        confirmed_at: None,
        completed_at: None,
        closed_at: None,
        cancel_reason: None,
        available_on: None,
        refunded: 0,
        refund_reserved: 0,
        disputed: 0,
        lost: 0,
        misdirected: 0,
    })?;
    for line in lines {
        rows.put(line_row(keys, line, *currency, *at))?;
    }
    Ok(())
}

fn line_row(
    keys: Keys,
    line: &aggregates::order::events::Line,
    currency: kernel::Currency,
    placed_at: Timestamp,
) -> OrderLine {
    let amounts = line.amounts;
    OrderLine {
        tenant: keys.tenant,
        order_id: keys.order,
        line: u32::from(line.line.0),
        listing: line.listing.clone(),
        title: line.title.clone(),
        seller: line.seller,
        organizer: line.organizer.0.clone(),
        quantity: line.quantity,
        unit_price: line.unit_price,
        shippable: line.shippable,
        taxable: line.taxable,
        fee_bps: u32::from(line.fee_bps.bps()),
        currency,
        list: amounts.list,
        discount: amounts.discount,
        item: amounts.item,
        shipping: amounts.shipping,
        tax: amounts.tax,
        fee: amounts.fee,
        seller_net: amounts.seller_net,
        total: amounts.total,
        fulfilment: if line.shippable { "unfulfilled" } else { "not_required" }.to_owned(),
        shipped: 0,
        delivered: 0,
        overdue: false,
        disputed: 0,
        lost: 0,
        payable_at: None,
        placed_at,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller sends only these")]
fn lived(order: &mut Order, event: &OrderEvent) -> Result<(), FoldError> {
    match event {
        OrderEvent::CheckoutStarted { payment, session, .. } => {
            order.payment = Some(*payment);
            order.session = Some(session.0.clone());
            set_unpaid(order, "awaiting");
        }
        OrderEvent::PaymentAwaited { payment, .. } => {
            order.payment = Some(*payment);
            set_unpaid(order, "processing");
        }
        OrderEvent::PaymentAttemptFailed { .. } => set_unpaid(order, "awaiting"),
        OrderEvent::Paid { payment, charge, occurred_at, .. } => {
            order.payment = Some(*payment);
            order.charge = Some(charge.0.clone());
            order.paid_at = Some(*occurred_at);
            settle_status(order);
        }
        OrderEvent::Confirmed { at, .. } => {
            "confirmed".clone_into(&mut order.status);
            order.confirmed_at = Some(*at);
        }
        OrderEvent::Conflicted { received, .. } => {
            "conflicted".clone_into(&mut order.status);
            add(&mut order.misdirected, received.minor(), WHAT)?;
        }
        OrderEvent::DuplicatePaymentReceived { received, .. }
        | OrderEvent::LatePaymentReceived { received, accepted: false, .. } => {
            add(&mut order.misdirected, received.minor(), WHAT)?;
        }
        OrderEvent::Revived { .. } => {
            "placed".clone_into(&mut order.status);
            order.closed_at = None;
            order.cancel_reason = None;
        }
        OrderEvent::Expired { at } => {
            "expired".clone_into(&mut order.status);
            order.closed_at = Some(*at);
        }
        OrderEvent::FundsExpected { available_on, .. } => order.available_on = Some(*available_on),
        OrderEvent::Completed { at } => {
            "completed".clone_into(&mut order.status);
            order.completed_at = Some(*at);
        }
        _ => {}
    }
    Ok(())
}

/// A status of a payment that counts only until the money came.
fn set_unpaid(order: &mut Order, status: &str) {
    if order.paid_at.is_none() {
        status.clone_into(&mut order.payment_status);
    }
}

/// What the payment has become, from the amounts.
fn settle_status(order: &mut Order) {
    let status = if order.paid_at.is_none() {
        return;
    } else if order.lost > 0 {
        "charged_back"
    } else if order.refunded >= order.total {
        "refunded"
    } else if order.refunded > 0 {
        "partially_refunded"
    } else {
        "paid"
    };
    status.clone_into(&mut order.payment_status);
}

fn cancelled(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let OrderEvent::Cancelled { lines, whole, reason, at, .. } = event else { return Ok(()) };
    if let Some(order) = rows.update::<Order>(keys.order())? {
        order.cancel_reason = Some(reason.clone());
        if *whole {
            "cancelled".clone_into(&mut order.status);
            order.closed_at = Some(*at);
        }
    }
    for line in lines {
        if let Some(row) = rows.update::<OrderLine>(keys.line(line.0))? {
            "cancelled".clone_into(&mut row.fulfilment);
        }
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller sends only these")]
fn travelled(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    match event {
        OrderEvent::LinesShipped { shipment, lines, carrier, tracking, auto_deliver_at, at } => {
            rows.put(Shipment {
                tenant: keys.tenant,
                order_id: keys.order,
                shipment: shipment.clone(),
                lines: json(lines),
                carrier: carrier.clone(),
                tracking: tracking.clone(),
                shipped_at: *at,
                auto_deliver_at: *auto_deliver_at,
                delivered_at: None,
                delivered_how: None,
            })?;
            for line in lines {
                if let Some(row) = rows.update::<OrderLine>(keys.line(line.line.0))? {
                    row.shipped = row.shipped.saturating_add(line.quantity);
                    row.overdue = false;
                    "shipped".clone_into(&mut row.fulfilment);
                }
            }
        }
        OrderEvent::TrackingAmended { shipment, carrier, tracking, .. } => {
            if let Some(row) = rows.update::<Shipment>(keys.shipment(shipment))? {
                row.carrier.clone_from(carrier);
                row.tracking = Some(tracking.clone());
            }
        }
        OrderEvent::LinesDelivered { shipment, lines, how, at, .. } => {
            if let Some(row) = rows.update::<Shipment>(keys.shipment(shipment))? {
                row.delivered_at = Some(*at);
                row.delivered_how = Some(word(how));
            }
            for line in lines {
                if let Some(row) = rows.update::<OrderLine>(keys.line(line.line.0))? {
                    row.delivered = row.delivered.saturating_add(line.quantity);
                    if row.delivered >= row.quantity {
                        "delivered".clone_into(&mut row.fulfilment);
                    }
                }
            }
        }
        OrderEvent::ShippingOverdue { lines, .. } => {
            for line in lines {
                if let Some(row) = rows.update::<OrderLine>(keys.line(line.0))? {
                    row.overdue = true;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn cash(shares: &[LineShare]) -> Result<i64, FoldError> {
    let mut total = 0;
    for share in shares {
        add(&mut total, share.components.cash(), WHAT)?;
    }
    Ok(total)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller sends only these")]
fn refunded(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let row = |refund, amount, status: &str, external, shares: &[LineShare]| OrderRefund {
        tenant: keys.tenant,
        order_id: keys.order,
        refund,
        amount,
        status: status.to_owned(),
        external,
        shares: json(&shares),
    };
    // What is set apart, and what is gone for good.
    let (reserved, settled) = match event {
        OrderEvent::RefundReserved { refund, share, amount, .. } => {
            let shares = std::slice::from_ref(share);
            rows.put(row(*refund, *amount, "reserved", false, shares))?;
            (*amount, 0)
        }
        OrderEvent::RefundSettled { refund, .. } => {
            let amount = moved(rows, keys, *refund, "settled")?;
            (-amount, amount)
        }
        OrderEvent::RefundReleased { refund, .. } => (-moved(rows, keys, *refund, "released")?, 0),
        OrderEvent::ExternalRefundAllocated { refund, shares, .. } => {
            let amount = cash(shares)?;
            rows.put(row(*refund, amount, "settled", true, shares))?;
            (0, amount)
        }
        _ => (0, 0),
    };
    if let Some(order) = rows.update::<Order>(keys.order())? {
        add(&mut order.refund_reserved, reserved, WHAT)?;
        add(&mut order.refunded, settled, WHAT)?;
        settle_status(order);
    }
    Ok(())
}

/// Moves a reserved refund on; its amount, or nothing if it was not reserved.
fn moved(rows: &mut Rows, keys: Keys, refund: RefundId, status: &str) -> Result<i64, FoldError> {
    match rows.update::<OrderRefund>(keys.refund(refund))? {
        Some(row) if row.status == "reserved" => {
            status.clone_into(&mut row.status);
            Ok(row.amount)
        }
        Some(_) | None => Ok(0),
    }
}

/// By line: what is set apart more (or less), and what is lost more (or less).
type Changes = Vec<(u16, i64, i64)>;

#[expect(clippy::wildcard_enum_match_arm, reason = "the others end a dispute")]
fn disputed(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<(), FoldError> {
    let changes = match event {
        OrderEvent::DisputeApplied { .. } => dispute_applied(keys, event, rows)?,
        OrderEvent::CaptureReversed { shares, .. } => {
            shares.iter().map(|share| (share.line.0, 0, share.components.cash())).collect()
        }
        _ => dispute_ended(keys, event, rows)?,
    };
    for (line, held, lost) in &changes {
        if let Some(row) = rows.update::<OrderLine>(keys.line(*line))? {
            add(&mut row.disputed, *held, WHAT)?;
            add(&mut row.lost, *lost, WHAT)?;
        }
    }
    if let Some(order) = rows.update::<Order>(keys.order())? {
        for (_, held, lost) in changes {
            add(&mut order.disputed, held, WHAT)?;
            add(&mut order.lost, lost, WHAT)?;
        }
        settle_status(order);
    }
    Ok(())
}

/// A dispute may be applied again with more lines (when a refund that overlapped it will not happen)
/// or for real after an inquiry; what it holds now replaces what it held before.
fn dispute_applied(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<Changes, FoldError> {
    let OrderEvent::DisputeApplied {
        dispute,
        amount,
        shares,
        overlap,
        excess,
        on_sellers,
        inquiry,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let held: &[LineShare] = if *inquiry { &[] } else { shares };
    let before: Vec<LineShare> = rows
        .get::<OrderDispute>(keys.dispute(*dispute))?
        .and_then(|row| serde_json::from_str(&row.shares).ok())
        .unwrap_or_default();
    rows.put(OrderDispute {
        tenant: keys.tenant,
        order_id: keys.order,
        dispute: *dispute,
        status: if *inquiry { "inquiry" } else { "open" }.to_owned(),
        amount: *amount,
        on_sellers: *on_sellers,
        overlap: *overlap,
        excess: *excess,
        lost: 0,
        shares: json(&held),
    })?;
    let no_more = before.iter().map(|share| (share.line.0, -share.components.cash(), 0));
    let now = held.iter().map(|share| (share.line.0, share.components.cash(), 0));
    Ok(no_more.chain(now).collect())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller sends only these")]
fn dispute_ended(keys: Keys, event: &OrderEvent, rows: &mut Rows) -> Result<Changes, FoldError> {
    let (dispute, status, changes, overlap, excess): (_, _, Changes, _, _) = match event {
        OrderEvent::DisputeReleased { dispute, shares, .. } => {
            let changes = shares.iter().map(|share| (share.line.0, -share.components.cash(), 0));
            (*dispute, "released", changes.collect(), 0, 0)
        }
        OrderEvent::DisputeConcluded { dispute, shares, overlap_lost, excess, .. } => {
            let changes = shares.iter().map(|share| {
                let lost = share.lost.components.cash();
                (share.lost.line.0, -share.held.cash(), lost)
            });
            (*dispute, "concluded", changes.collect(), *overlap_lost, *excess)
        }
        OrderEvent::DisputeConclusionRevised {
            dispute, shares, overlap_returned, excess, ..
        } => {
            let changes = shares.iter().map(|share| (share.line.0, 0, -share.components.cash()));
            (*dispute, "concluded", changes.collect(), -*overlap_returned, *excess)
        }
        _ => return Ok(Vec::new()),
    };
    if let Some(row) = rows.update::<OrderDispute>(keys.dispute(dispute))? {
        status.clone_into(&mut row.status);
        for (_, _, lost) in &changes {
            add(&mut row.lost, *lost, WHAT)?;
        }
        if matches!(event, OrderEvent::DisputeConclusionRevised { .. }) {
            add(&mut row.overlap, overlap, WHAT)?;
            row.excess = row.excess.saturating_sub(excess).max(0);
        } else {
            (row.overlap, row.excess) = (overlap, excess);
        }
        "[]".clone_into(&mut row.shares);
    }
    Ok(changes)
}
