//! Placing an order: everything is recomputed, nothing is taken on trust.

use kernel::{Money, Timestamp};

use super::Decision;
use crate::{
    order::{
        commands::PlaceOrder,
        errors::OrderError,
        events::{Line, OrderEvent},
        pricing::{self, Priced},
        state::{Order, Terms},
    },
    vocabulary::CommercePolicy,
};

/// The most lines an order may have.
const LINES_MAX: usize = 1000;

/// The furthest a storefront may put off the payment.
const PAY_BY_DAYS_MAX: i64 = 366;

pub(super) fn place(order: &Order, place: PlaceOrder, now: Timestamp) -> Decision {
    if let Some(terms) = &order.terms {
        let known: Vec<&Line> = order.lines().collect();
        return if repeats(terms, &known, &place) {
            Ok(vec![])
        } else {
            Err(OrderError::AlreadyPlaced)
        };
    }
    if place.lines.is_empty() || place.lines.len() > LINES_MAX {
        return Err(OrderError::EmptyOrder);
    }
    let priced = pricing::price(&place)?;
    if let Some(line) = place.lines.iter().find(|line| !line.seller_ready) {
        return Err(OrderError::SellerNotReady { seller: line.seller });
    }
    if place.ship_to.is_none() && place.lines.iter().any(|line| line.shippable) {
        return Err(OrderError::AddressRequired);
    }
    pricing::compare(&place, &priced)?;
    chargeable(Money::new(priced.totals.total, place.currency))?;
    let expires_at = expiry(&place, now)?;
    Ok(placed(place, priced, expires_at, now))
}

fn placed(
    place: PlaceOrder,
    priced: Priced,
    expires_at: Timestamp,
    now: Timestamp,
) -> Vec<OrderEvent> {
    let free = priced.totals.total == 0;
    let shippable = priced.lines.iter().any(|line| line.shippable);
    let confirmed = confirmed(&place.policy, shippable, free, now);
    let mut events = vec![OrderEvent::Placed {
        order: place.order,
        reference: place.reference,
        buyer: place.buyer,
        currency: place.currency,
        origin: place.origin,
        lines: priced.lines,
        discount: place.discount,
        tax_jurisdiction: place.tax_jurisdiction,
        ship_to: place.ship_to,
        totals: priced.totals,
        policy: place.policy,
        expires_at,
        at: now,
    }];
    if free {
        events.push(confirmed);
    }
    events
}

/// The order stands from now on, with the deadlines that follow.
pub(super) fn confirmed(
    policy: &CommercePolicy,
    shippable: bool,
    free: bool,
    now: Timestamp,
) -> OrderEvent {
    let in_days = |days: u32| now.plus_days(i64::from(days));
    OrderEvent::Confirmed {
        free,
        ship_by: shippable.then(|| in_days(policy.ship_by_days)),
        complete_at: (!shippable).then(|| in_days(policy.issue_window_days)),
        at: now,
    }
}

fn chargeable(total: Money) -> Result<(), OrderError> {
    let facts = total.currency().facts();
    if total.minor() % facts.stripe_multiple != 0 {
        return Err(OrderError::NotChargeable {
            currency: total.currency(),
            multiple: facts.stripe_multiple,
            amount: total.minor(),
        });
    }
    if total.is_positive() && total.minor() < facts.min_charge {
        return Err(OrderError::AmountBelowProcessorMinimum {
            total,
            minimum: Money::new(facts.min_charge, total.currency()),
        });
    }
    Ok(())
}

fn expiry(place: &PlaceOrder, now: Timestamp) -> Result<Timestamp, OrderError> {
    let Some(pay_by) = place.pay_by else {
        return Ok(now.plus_seconds(i64::from(place.policy.order_expiry_minutes) * 60));
    };
    let latest = now.plus_days(PAY_BY_DAYS_MAX);
    if pay_by <= now || pay_by > latest {
        return Err(OrderError::PayByOutOfBounds { pay_by, latest });
    }
    Ok(pay_by)
}

/// Whether the same goods are ordered again under the same id. What is sealed anew each time (the
/// buyer's address) and what depends on the moment (policy, deadline) does not count.
fn repeats(terms: &Terms, known: &[&Line], place: &PlaceOrder) -> bool {
    terms.order == place.order
        && terms.reference == place.reference
        && terms.currency == place.currency
        && terms.origin == place.origin
        && terms.discount == place.discount
        && terms.tax_jurisdiction == place.tax_jurisdiction
        && terms.totals == place.claimed
        && known.len() == place.lines.len()
        && known.iter().zip(&place.lines).all(|(known, given)| {
            known.listing == given.listing
                && known.title == given.title
                && known.seller == given.seller
                && known.organizer == pricing::organizer(given)
                && known.quantity == given.quantity
                && known.unit_price == given.unit_price
                && known.shippable == given.shippable
                && known.taxable == given.taxable
                && known.fee_bps == given.fee_bps
                && known.amounts == given.claimed
        })
}
