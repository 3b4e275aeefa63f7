//! The same order again, under other terms: what would have been placed if the platform had taken
//! another commission or had had another policy.

use kernel::Rate;

use super::{
    commands::{PlaceOrder, PricedLine},
    errors::OrderError,
    events::{Line, LineAmounts, OrderEvent, Totals},
    pricing,
};
use crate::vocabulary::CommercePolicy;

/// The command that places an order again as it was placed, but under this policy and at these rates
/// of commission. What the buyer pays stays as it was: commission is the seller's affair. `None` for
/// an event that places no order.
///
/// # Errors
/// [`OrderError`] when the order cannot be priced under these terms.
pub fn placed_again(
    event: &OrderEvent,
    policy: CommercePolicy,
    rate: impl Fn(Rate) -> Rate,
) -> Result<Option<PlaceOrder>, OrderError> {
    let OrderEvent::Placed {
        order,
        reference,
        buyer,
        currency,
        origin,
        lines,
        discount,
        tax_jurisdiction,
        ship_to,
        totals,
        expires_at,
        ..
    } = event
    else {
        return Ok(None);
    };
    let mut place = PlaceOrder {
        order: *order,
        reference: reference.clone(),
        buyer: buyer.clone(),
        currency: *currency,
        origin: *origin,
        lines: lines.iter().map(|line| line_again(line, rate(line.fee_bps))).collect(),
        discount: discount.clone(),
        shipping: totals.shipping,
        tax: totals.tax,
        tax_jurisdiction: tax_jurisdiction.clone(),
        ship_to: *ship_to,
        claimed: Totals::default(),
        policy,
        pay_by: Some(*expires_at),
    };
    let priced = pricing::price(&place)?;
    for (line, priced) in place.lines.iter_mut().zip(&priced.lines) {
        line.claimed = priced.amounts;
    }
    place.claimed = priced.totals;
    Ok(Some(place))
}

fn line_again(line: &Line, fee_bps: Rate) -> PricedLine {
    PricedLine {
        listing: line.listing.clone(),
        title: line.title.clone(),
        seller: line.seller,
        // He was, or it would not have been placed.
        seller_ready: true,
        organizer: Some(line.organizer.clone()),
        quantity: line.quantity,
        unit_price: line.unit_price,
        shippable: line.shippable,
        taxable: line.taxable,
        fee_bps,
        claimed: LineAmounts::default(),
    }
}
