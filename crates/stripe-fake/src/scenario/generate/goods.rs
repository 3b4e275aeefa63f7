//! What is sold: orders with lines, discounts, shipping and tax, spread over the month.

use super::{Action, DAYS, Placed, Plan, TICKS_A_DAY, of_cents, round_down, step_of};
use crate::scenario::arithmetic::basis_points;
use crate::scenario::order::{
    OrderTotals, PlannedBuyer, PlannedDiscount, PlannedLine, PlannedOrder, Snapshot,
};
use crate::scenario::random::Random;

/// Orders of a whole month, besides each seller's first and the free ones.
const ORDERS: usize = 3_200;
/// Orders that cost nothing.
const FREE: usize = 24;

struct Product {
    listing: &'static str,
    title: &'static str,
    shippable: bool,
    taxable: bool,
    /// US cents.
    from: i64,
    to: i64,
}

const fn product(
    listing: &'static str,
    title: &'static str,
    (shippable, taxable): (bool, bool),
    (from, to): (i64, i64),
) -> Product {
    Product { listing, title, shippable, taxable, from, to }
}

const PRODUCTS: [Product; 10] = [
    product("chair", "Walnut chair", (true, true), (9_000, 32_000)),
    product("print", "Signed print", (true, true), (1_800, 9_500)),
    product("scarf", "Wool scarf", (true, true), (2_400, 7_800)),
    product("tea", "Spring harvest tea", (true, false), (900, 4_200)),
    product("book", "Illustrated book", (true, true), (1_200, 5_600)),
    product("lamp", "Paper lamp", (true, true), (3_500, 14_000)),
    product("course", "Online course", (false, true), (2_900, 19_900)),
    product("album", "Album download", (false, true), (700, 1_500)),
    product("ticket", "Workshop ticket", (false, true), (2_500, 12_000)),
    product("pattern", "Knitting pattern", (false, false), (500, 1_400)),
];

impl Plan {
    /// Places the orders of the month; how they are paid is decided afterwards.
    pub(super) fn place_orders(&mut self) -> Vec<Placed> {
        let mut random = self.random("orders");
        let mut placed = Vec::new();
        let traders: Vec<_> = self.sellers.iter().filter(|s| s.sells).cloned().collect();
        for (place, seller) in traders.iter().enumerate() {
            let mut order = self.order(&mut random, 0, &seller.currencies[0], false);
            order.lines.truncate(1);
            order.lines[0].seller.clone_from(&seller.key);
            order.lines[0].listing = format!("{}-first", seller.key);
            reprice(&mut order, &mut random);
            let tick = 1 + place % 3;
            placed.push(Placed { key: format!("first/{}", seller.key), tick, order });
        }
        for number in 1..=self.scale.of(ORDERS) {
            let tick = busy_tick(&mut random);
            let currency = match random.between(1, 100) {
                1..=48 => "usd",
                49..=78 => "eur",
                79..=91 => "jpy",
                _ => "kwd",
            };
            let order = self.order(&mut random, tick, currency, false);
            placed.push(Placed { key: format!("order/{number:04}"), tick, order });
        }
        for number in 1..=self.scale.of(FREE) {
            let tick = busy_tick(&mut random);
            let order = self.order(&mut random, tick, "usd", true);
            self.place(&Placed { key: format!("free/{number:02}"), tick, order });
        }
        placed
    }

    /// The step by which an order comes to be.
    pub(super) fn place(&mut self, placed: &Placed) {
        let mut order = placed.order.clone();
        order.reference = placed.key.replace('/', "-").to_uppercase();
        self.ours(placed.key.clone(), placed.tick, Action::PlaceOrder(Box::new(order)));
    }

    pub(super) fn order(
        &self,
        random: &mut Random,
        tick: usize,
        currency: &str,
        free: bool,
    ) -> PlannedOrder {
        // Single lines where amounts must end in zero, so that every line can be refunded alone.
        let count = match random.between(1, 100) {
            _ if free || step_of(currency) > 1 => 1,
            1..=60 => 1,
            61..=86 => 2,
            _ => 3,
        };
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.line(random, tick, currency, free, lines.last()));
        }
        let buyer = if random.chance(35) {
            PlannedBuyer::GuestEmail(format!("guest-{}@example.com", random.between(1, 900)))
        } else {
            PlannedBuyer::Account(format!("cust-{}", random.between(1, 1_200)))
        };
        let mut order = PlannedOrder {
            reference: String::new(),
            buyer,
            currency: currency.to_owned(),
            lines,
            discount: None,
            shipping: 0,
            tax: 0,
            tax_jurisdiction: "none".into(),
            pay_by: None,
            totals: OrderTotals::default(),
        };
        if free {
            let goods = order.lines.iter().map(|line| line.unit_price * i64::from(line.quantity));
            let amount = goods.sum();
            order.discount =
                Some(PlannedDiscount { amount, by_seller: false, code: "GIFT".into() });
            order.price();
        } else {
            reprice(&mut order, random);
        }
        order
    }

    fn line(
        &self,
        random: &mut Random,
        tick: usize,
        currency: &str,
        free: bool,
        before: Option<&PlannedLine>,
    ) -> PlannedLine {
        let again = before.filter(|_| random.chance(35)).map(|line| line.seller.clone());
        let seller = again.unwrap_or_else(|| self.seller(random, tick, currency));
        let digital: Vec<&Product> = PRODUCTS.iter().filter(|p| !p.shippable).collect();
        let product = if free {
            random.pick(&digital).copied().unwrap_or(&PRODUCTS[0])
        } else {
            random.pick(&PRODUCTS).unwrap_or(&PRODUCTS[0])
        };
        let cents = random.between(product.from / 50, product.to / 50) * 50;
        let quantity = if free || random.chance(80) { 1 } else { random.between(2, 3) };
        PlannedLine {
            listing: format!("{seller}-{}", product.listing),
            title: product.title.to_owned(),
            fee_bps: [1_000, 800, 1_250, 1_500][seller
                .len()
                .wrapping_add(usize::from(seller.as_bytes().last().copied().unwrap_or(0)))
                % 4],
            seller,
            quantity: u32::try_from(quantity).unwrap_or(1),
            unit_price: of_cents(cents, currency),
            shippable: product.shippable,
            taxable: product.taxable,
            amounts: Snapshot::default(),
        }
    }

    /// A seller who sells in this currency and can sell now.
    fn seller(&self, random: &mut Random, tick: usize, currency: &str) -> String {
        let able: Vec<&str> = self
            .sellers
            .iter()
            .filter(|s| s.sells && s.currencies.iter().any(|c| c == currency))
            .map(|s| s.key.as_str())
            .filter(|key| !self.is_away(key, tick))
            .collect();
        random.pick(&able).map_or_else(|| super::sellers::key(0), |key| (*key).to_owned())
    }
}

/// Discount, shipping and tax on what is in the order, and then every amount.
fn reprice(order: &mut PlannedOrder, random: &mut Random) {
    let currency = order.currency.clone();
    order.price();
    let goods = order.totals.goods;
    order.discount = random.chance(14).then(|| {
        let amount = round_down(goods * random.between(5, 20) / 100, &currency);
        let by_seller = random.chance(50);
        let code = if by_seller { "THANKYOU" } else { "MARCH" };
        PlannedDiscount { amount, by_seller, code: code.into() }
    });
    order.discount.take_if(|discount| discount.amount == 0);
    order.shipping = if order.lines.iter().any(|line| line.shippable) {
        of_cents(random.between(6, 40) * 50, &currency)
    } else {
        0
    };
    let (jurisdiction, points) = match currency.as_str() {
        "usd" => [("US-CA", 825), ("US-NY", 888), ("US-OR", 0)][random.below(3)],
        "eur" => [("DE", 1_900), ("FR", 2_000), ("AT", 2_000)][random.below(3)],
        "jpy" => ("JP", 1_000),
        _ => ("none", 0),
    };
    let base = order.taxable_base();
    let tax = i64::try_from(basis_points(i128::from(base), points)).unwrap_or(0);
    order.tax = round_down(tax, &currency);
    let has_tax = order.tax > 0;
    order.tax_jurisdiction = if has_tax { jurisdiction } else { "none" }.to_owned();
    order.price();
}

/// A tick from the second on; there is more to do by day than by night.
fn busy_tick(random: &mut Random) -> usize {
    let day = random.below(DAYS);
    let part = match random.between(1, 100) {
        1..=10 => 0,
        11..=35 => 1,
        36..=70 => 2,
        _ => 3,
    };
    (day * TICKS_A_DAY + part).max(1)
}
