//! An order as the storefront prices it, with every amount that Daybook will recompute.

use serde::{Deserialize, Serialize};

use super::arithmetic::{Parts, basis_points, largest_remainder};

/// Who buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannedBuyer {
    /// A customer with an account at the storefront.
    Account(String),
    /// A guest, known by e-mail only.
    GuestEmail(String),
}

/// A discount on the goods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedDiscount {
    /// Minor units.
    pub amount: i64,
    /// Whether the sellers pay for it; otherwise the platform does.
    pub by_seller: bool,
    /// The code the buyer typed.
    pub code: String,
}

/// What one line comes to. Amounts are minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the storefront's price snapshot")]
pub struct Snapshot {
    pub list: i64,
    pub discount: i64,
    pub item: i64,
    pub shipping: i64,
    pub tax: i64,
    pub fee: i64,
    pub seller_net: i64,
    pub total: i64,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedLine {
    /// The storefront's name of what is sold.
    pub listing: String,
    /// What the buyer reads.
    pub title: String,
    /// The key of the seller.
    pub seller: String,
    /// How many.
    pub quantity: u32,
    /// Minor units each.
    pub unit_price: i64,
    /// Must it be shipped?
    pub shippable: bool,
    /// Does tax apply?
    pub taxable: bool,
    /// The platform's commission in basis points.
    pub fee_bps: u16,
    /// What it comes to.
    pub amounts: Snapshot,
}

/// What an order comes to. Amounts are minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the storefront's price snapshot")]
pub struct OrderTotals {
    pub goods: i64,
    pub discount: i64,
    pub shipping: i64,
    pub tax: i64,
    pub total: i64,
    pub fee: i64,
    pub seller_net: i64,
}

/// A full priced order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedOrder {
    /// The storefront's number.
    pub reference: String,
    /// Who buys.
    pub buyer: PlannedBuyer,
    /// The currency of every amount, lower case.
    pub currency: String,
    /// At least one.
    pub lines: Vec<PlannedLine>,
    /// A discount on the goods.
    pub discount: Option<PlannedDiscount>,
    /// Shipping for the whole order.
    pub shipping: i64,
    /// Tax for the whole order.
    pub tax: i64,
    /// Whom the tax is owed to; `none` without tax.
    pub tax_jurisdiction: String,
    /// When it must be paid, if later than usual; Unix seconds.
    pub pay_by: Option<i64>,
    /// What it comes to.
    pub totals: OrderTotals,
}

impl PlannedOrder {
    /// Works out every line and the totals: the discount over list prices, shipping over lines that
    /// are shipped by item price, tax over taxable lines by item and shipping, each by largest
    /// remainder; the commission in basis points of the list price, or of the lower item price if
    /// the sellers fund the discount.
    pub(crate) fn price(&mut self) {
        let lists: Vec<i128> = self
            .lines
            .iter()
            .map(|line| i128::from(line.unit_price) * i128::from(line.quantity))
            .collect();
        let discount = self.discount.as_ref().map_or(0, |discount| discount.amount);
        let by_seller = self.discount.as_ref().is_some_and(|discount| discount.by_seller);
        let discounts = largest_remainder(i128::from(discount), &lists);
        let items: Vec<i128> = lists.iter().zip(&discounts).map(|(list, off)| list - off).collect();
        let shippings = self.spread(self.shipping, &items, |line| line.shippable);
        let bases: Vec<i128> =
            items.iter().zip(&shippings).map(|(item, part)| item + part).collect();
        let taxes = self.spread(self.tax, &bases, |line| line.taxable);
        for (place, line) in self.lines.iter_mut().enumerate() {
            let base = if by_seller { items[place] } else { lists[place] };
            let fee = basis_points(base, i128::from(line.fee_bps));
            line.amounts = Snapshot {
                list: minor(lists[place]),
                discount: minor(discounts[place]),
                item: minor(items[place]),
                shipping: minor(shippings[place]),
                tax: minor(taxes[place]),
                fee: minor(fee),
                seller_net: minor(base - fee + shippings[place]),
                total: minor(items[place] + shippings[place] + taxes[place]),
            };
        }
        let sum = |of: fn(&Snapshot) -> i64| self.lines.iter().map(|line| of(&line.amounts)).sum();
        self.totals = OrderTotals {
            goods: sum(|amounts| amounts.list),
            discount: sum(|amounts| amounts.discount),
            shipping: sum(|amounts| amounts.shipping),
            tax: sum(|amounts| amounts.tax),
            total: sum(|amounts| amounts.total),
            fee: sum(|amounts| amounts.fee),
            seller_net: sum(|amounts| amounts.seller_net),
        };
    }

    /// What tax applies to before it is known, minor units.
    pub(crate) fn taxable_base(&mut self) -> i64 {
        self.tax = 0;
        self.price();
        let taxable = self.lines.iter().filter(|line| line.taxable);
        taxable.map(|line| line.amounts.item + line.amounts.shipping).sum()
    }

    fn spread(
        &self,
        amount: i64,
        weights: &[i128],
        falls_on: impl Fn(&PlannedLine) -> bool,
    ) -> Vec<i128> {
        let weights: Vec<i128> = self
            .lines
            .iter()
            .zip(weights)
            .map(|(line, weight)| if falls_on(line) { *weight } else { 0 })
            .collect();
        largest_remainder(i128::from(amount), &weights)
    }

    /// What each line's money consists of once it is paid.
    pub(crate) fn parts(&self) -> Vec<Parts> {
        let by_platform = self.discount.as_ref().is_some_and(|discount| !discount.by_seller);
        self.lines
            .iter()
            .map(|line| Parts {
                fee: i128::from(line.amounts.fee),
                seller: i128::from(line.amounts.seller_net - line.amounts.shipping),
                shipping: i128::from(line.amounts.shipping),
                tax: i128::from(line.amounts.tax),
                discount: if by_platform { i128::from(line.amounts.discount) } else { 0 },
            })
            .collect()
    }
}

/// Sums and shares of `i64` prices stay far below the limits of `i64` in any month that is made.
fn minor(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit_price: i64, shippable: bool, taxable: bool) -> PlannedLine {
        PlannedLine {
            listing: "thing".into(),
            title: "A thing".into(),
            seller: "seller-01".into(),
            quantity: 1,
            unit_price,
            shippable,
            taxable,
            fee_bps: 1000,
            amounts: Snapshot::default(),
        }
    }

    #[test]
    fn the_published_example_comes_out() {
        let mut order = PlannedOrder {
            reference: "1".into(),
            buyer: PlannedBuyer::Account("cust-1".into()),
            currency: "usd".into(),
            lines: vec![line(3333, true, true), line(3333, false, true), line(3334, true, false)],
            discount: Some(PlannedDiscount { amount: 1000, by_seller: true, code: "X".into() }),
            shipping: 700,
            tax: 837,
            tax_jurisdiction: "US-CA".into(),
            pay_by: None,
            totals: OrderTotals::default(),
        };
        order.price();
        let lines: Vec<[i64; 6]> = order
            .lines
            .iter()
            .map(|line| line.amounts)
            .map(|a| [a.item, a.shipping, a.tax, a.fee, a.seller_net, a.total])
            .collect();
        assert_eq!(
            lines,
            [
                [3000, 350, 442, 300, 3050, 3792],
                [3000, 0, 395, 300, 2700, 3395],
                [3000, 350, 0, 300, 3050, 3350]
            ]
        );
    }
}
