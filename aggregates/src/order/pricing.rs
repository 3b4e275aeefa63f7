//! What an order comes to, computed from prices, quantities, discount, shipping, tax and fee rates.

use kernel::{Money, allocate};

use super::{
    commands::{PlaceOrder, PricedLine},
    errors::OrderError,
    events::{Line, LineAmounts, Totals},
};
use crate::vocabulary::{Components, FundedBy, LineNo, Organizer};

/// Every line with its amounts, and their sums.
#[derive(Debug)]
pub(super) struct Priced {
    pub(super) lines: Vec<Line>,
    pub(super) totals: Totals,
}

/// Computes what the order comes to; what the storefront claims is not looked at.
///
/// # Errors
/// [`OrderError`] when an amount is negative, does not fit, or has no line it could fall on.
pub(super) fn price(order: &PlaceOrder) -> Result<Priced, OrderError> {
    let lists = lists(order)?;
    let goods = sum(&lists)?;
    let discount = order.discount.as_ref().map_or(0, |discount| discount.amount);
    if discount < 0 || order.shipping < 0 || order.tax < 0 {
        return Err(OrderError::AmountNotPositive);
    }
    if discount > goods {
        return Err(OrderError::DiscountTooLarge { discount, goods });
    }
    // Whatever is computed from here on is at most this sum, so it fits where the sum fits.
    sum(&[goods, order.shipping, order.tax])?;

    let discounts = spread(discount, &lists, |_| true, order).ok_or(OrderError::EmptyOrder)?;
    let items: Vec<i64> = lists.iter().zip(&discounts).map(|(list, part)| list - part).collect();
    let shippings = spread(order.shipping, &items, |line| line.shippable, order)
        .ok_or_else(|| mismatch("totals.shipping", order.shipping, 0))?;
    let taxables: Vec<i64> = items.iter().zip(&shippings).map(|(item, part)| item + part).collect();
    let taxes = spread(order.tax, &taxables, |line| line.taxable, order)
        .ok_or_else(|| mismatch("totals.tax", order.tax, 0))?;

    let by_seller =
        order.discount.as_ref().is_some_and(|discount| discount.funded_by == FundedBy::Seller);
    let lines: Vec<Line> = (0_u16..)
        .zip(&order.lines)
        .enumerate()
        .map(|(index, (number, line))| {
            // What the seller's price is: a discount he funds lowers it, and the fee with it.
            let base = if by_seller { items[index] } else { lists[index] };
            let fee = line.fee_bps.of(Money::new(base, order.currency)).minor();
            let amounts = LineAmounts {
                list: lists[index],
                discount: discounts[index],
                item: items[index],
                shipping: shippings[index],
                tax: taxes[index],
                fee,
                seller_net: base - fee + shippings[index],
                total: items[index] + shippings[index] + taxes[index],
            };
            snapshot(LineNo(number), line, amounts)
        })
        .collect();
    let totals = Totals {
        goods,
        discount,
        shipping: order.shipping,
        tax: order.tax,
        total: goods - discount + order.shipping + order.tax,
        fee: lines.iter().map(|line| line.amounts.fee).sum(),
        seller_net: lines.iter().map(|line| line.amounts.seller_net).sum(),
    };
    Ok(Priced { lines, totals })
}

/// Compares every figure the storefront claims with the computed one.
///
/// # Errors
/// [`OrderError::PriceMismatch`] naming the first figure that differs.
pub(super) fn compare(order: &PlaceOrder, priced: &Priced) -> Result<(), OrderError> {
    for (index, (claim, line)) in order.lines.iter().zip(&priced.lines).enumerate() {
        let (claimed, computed) = (&claim.claimed, &line.amounts);
        for (name, claimed, computed) in [
            ("list", claimed.list, computed.list),
            ("discount", claimed.discount, computed.discount),
            ("item", claimed.item, computed.item),
            ("shipping", claimed.shipping, computed.shipping),
            ("tax", claimed.tax, computed.tax),
            ("fee", claimed.fee, computed.fee),
            ("seller_net", claimed.seller_net, computed.seller_net),
            ("total", claimed.total, computed.total),
        ] {
            same(&format!("lines[{index}].{name}"), claimed, computed)?;
        }
    }
    let (claimed, computed) = (&order.claimed, &priced.totals);
    same("totals.goods", claimed.goods, computed.goods)?;
    same("totals.discount", claimed.discount, computed.discount)?;
    same("totals.shipping", claimed.shipping, computed.shipping)?;
    same("totals.tax", claimed.tax, computed.tax)?;
    same("totals.total", claimed.total, computed.total)?;
    same("totals.fee", claimed.fee, computed.fee)?;
    same("totals.seller_net", claimed.seller_net, computed.seller_net)
}

/// What the money of a line consists of. Its cash is the line's total.
pub(super) fn components(amounts: &LineAmounts, funded_by: Option<FundedBy>) -> Components {
    Components {
        fee: amounts.fee,
        seller: amounts.seller_net - amounts.shipping,
        shipping: amounts.shipping,
        tax: amounts.tax,
        discount: match funded_by {
            Some(FundedBy::Platform) => amounts.discount,
            Some(FundedBy::Seller) | None => 0,
        },
    }
}

/// Who organizes a line: the seller, unless somebody else is named.
pub(super) fn organizer(line: &PricedLine) -> Organizer {
    line.organizer.clone().unwrap_or_else(|| Organizer(line.seller.to_string()))
}

fn snapshot(number: LineNo, line: &PricedLine, amounts: LineAmounts) -> Line {
    Line {
        line: number,
        listing: line.listing.clone(),
        title: line.title.clone(),
        seller: line.seller,
        organizer: organizer(line),
        quantity: line.quantity,
        unit_price: line.unit_price,
        shippable: line.shippable,
        taxable: line.taxable,
        fee_bps: line.fee_bps,
        amounts,
    }
}

fn lists(order: &PlaceOrder) -> Result<Vec<i64>, OrderError> {
    let list = |(index, line): (usize, &PricedLine)| {
        let invalid =
            |problem: &str| OrderError::InvalidLine { line: index, problem: problem.to_owned() };
        if line.quantity == 0 {
            return Err(invalid("the quantity must be at least 1"));
        }
        if line.unit_price < 0 {
            return Err(invalid("the unit price must not be negative"));
        }
        line.unit_price.checked_mul(i64::from(line.quantity)).ok_or(OrderError::Overflow)
    };
    order.lines.iter().enumerate().map(list).collect()
}

fn sum(amounts: &[i64]) -> Result<i64, OrderError> {
    let sum: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum();
    i64::try_from(sum).map_err(|_| OrderError::Overflow)
}

/// Shares `amount` over the lines it falls on, by these weights; equally if all of them are zero.
/// `None` when there is something to share and no line it could fall on.
fn spread(
    amount: i64,
    weights: &[i64],
    falls_on: impl Fn(&PricedLine) -> bool,
    order: &PlaceOrder,
) -> Option<Vec<i64>> {
    if amount == 0 {
        return Some(vec![0; weights.len()]);
    }
    let chosen: Vec<bool> = order.lines.iter().map(falls_on).collect();
    let of_chosen = |(weight, chosen): (&i64, &bool)| if *chosen { *weight } else { 0 };
    let weights: Vec<i64> = weights.iter().zip(&chosen).map(of_chosen).collect();
    if weights.iter().any(|weight| *weight > 0) {
        return allocate(amount, &weights).ok();
    }
    let equal: Vec<i64> = chosen.iter().map(|chosen| i64::from(*chosen)).collect();
    allocate(amount, &equal).ok()
}

fn same(what: &str, claimed: i64, computed: i64) -> Result<(), OrderError> {
    if claimed == computed { Ok(()) } else { Err(mismatch(what, claimed, computed)) }
}

fn mismatch(what: &str, claimed: i64, computed: i64) -> OrderError {
    OrderError::PriceMismatch {
        what: what.to_owned(),
        claimed,
        computed,
        difference: claimed.saturating_sub(computed),
    }
}
