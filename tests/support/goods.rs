//! What is sold in the tests: orders as a storefront would price them.

use serde_json::{Value, json};

/// A plain order of one seller: one line per price, 10 % commission, no tax, nothing to ship.
#[must_use]
pub fn order(seller: &str, prices: &[i64]) -> Value {
    let lines: Vec<Value> = prices.iter().map(|price| line(seller, *price)).collect();
    let goods: i64 = prices.iter().sum();
    let fee: i64 = prices.iter().map(|price| price / 10).sum();
    json!({
        "currency": "USD",
        "buyer": { "account": "cust-77" },
        "lines": lines,
        "totals": {
            "goods": goods, "discount": 0, "shipping": 0, "tax": 0, "total": goods,
            "fee": fee, "seller_net": goods - fee,
        },
    })
}

/// One thing at a price that is a multiple of 10 minor units.
#[must_use]
pub fn line(seller: &str, price: i64) -> Value {
    let fee = price / 10;
    json!({
        "listing": "lamp-1", "title": "Paper lamp", "seller": seller, "quantity": 1,
        "unit_price": price, "fee_bps": 1000,
        "amounts": {
            "list": price, "discount": 0, "item": price, "shipping": 0, "tax": 0, "fee": fee,
            "seller_net": price - fee, "total": price,
        },
    })
}

/// The order that the accounting guide takes as its example: two sellers, shipping for the first,
/// tax on both, and a discount that the platform pays. The buyer pays 103.25.
#[must_use]
pub fn example_order(first: &str, second: &str) -> Value {
    let shipped = json!({
        "listing": "chair-9", "title": "Walnut chair", "seller": first, "quantity": 1,
        "unit_price": 6000, "shippable": true, "taxable": true, "fee_bps": 1000,
        "amounts": {
            "list": 6000, "discount": 600, "item": 5400, "shipping": 500, "tax": 512, "fee": 600,
            "seller_net": 5900, "total": 6412,
        },
    });
    let downloaded = json!({
        "listing": "plan-3", "title": "Plan of a chair", "seller": second, "quantity": 1,
        "unit_price": 4000, "taxable": true, "fee_bps": 1000,
        "amounts": {
            "list": 4000, "discount": 400, "item": 3600, "shipping": 0, "tax": 313, "fee": 400,
            "seller_net": 3600, "total": 3913,
        },
    });
    json!({
        "reference": "A-1001",
        "currency": "USD",
        "buyer": { "account": "cust-77" },
        "ship_to": {
            "name": "Sam Sample", "line1": "1 Example Street", "city": "Sampleton",
            "postal_code": "00000", "country": "US",
        },
        "lines": [shipped, downloaded],
        "discount": { "amount": 1000, "funded_by": "platform", "code": "SPRING" },
        "shipping": 500,
        "tax": 825,
        "tax_jurisdiction": "US-CA",
        "totals": {
            "goods": 10_000, "discount": 1000, "shipping": 500, "tax": 825, "total": 10_325,
            "fee": 1000, "seller_net": 9500,
        },
    })
}
