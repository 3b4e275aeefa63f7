//! The people and prices of a made-up marketplace: deterministic, so that every run fills the log
//! with the same kind of history.

use std::collections::BTreeMap;

use aggregates::{
    order::{
        commands::{OrderCommand, PlaceOrder, PricedLine},
        events::{Buyer, DeliveredBy, LineAmounts, Origin, ShippedLine, Totals},
    },
    vocabulary::{CommercePolicy, LineNo},
};
use kernel::{Currency, Money, OrderId, Rate, SellerId, SubjectRef, TenantId};
use stripe_fake::BarePayment;

use crate::fault::{Doing, Outcome};

/// What is sold, and for how many minor units.
const GOODS: [(&str, i64); 6] = [
    ("Oak bowl", 4_200),
    ("Wool scarf", 3_150),
    ("Clay jug", 2_700),
    ("Walnut spoon", 950),
    ("Linen apron", 5_400),
    ("Beeswax candle", 1_250),
];

/// One order of the made-up marketplace.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    number: u64,
    pub(super) order: OrderId,
    lines: u64,
    currency: &'static str,
}

impl Sale {
    pub(super) fn of(tenant: TenantId, number: u64) -> Self {
        // Most orders have one line, some two or three; most are in dollars.
        let lines = [1, 1, 2, 1, 3, 1, 1, 2][index(number, 8)];
        let currency = ["usd", "usd", "eur", "usd", "jpy"][index(number, 5)];
        let order = OrderId::derived(&[&tenant.to_string(), "bench", &number.to_string()]);
        Self { number, order, lines, currency }
    }

    /// The key of its payment at the fake.
    pub(super) fn payment_key(&self) -> String {
        format!("sale {}", self.number)
    }

    /// One in thirty is paid by somebody who ordered nothing.
    pub(super) const fn is_ordered(&self) -> bool {
        self.number % 30 != 29
    }

    /// One in twenty-five is refunded in Stripe's dashboard.
    pub(super) const fn is_refunded(&self) -> bool {
        self.number % 25 == 7
    }

    /// One in eighty is disputed.
    pub(super) const fn is_disputed(&self) -> bool {
        self.number % 80 == 33
    }

    fn total(&self) -> i64 {
        (0..self.lines).map(|line| self.price(line)).sum()
    }

    fn price(&self, line: u64) -> i64 {
        GOODS[index(self.number * 7 + line, GOODS.len())].1
    }

    /// The order as a storefront places it.
    pub(super) fn place(&self, sellers: &[SellerId]) -> Outcome<OrderCommand> {
        let currency: Currency = self.currency.to_uppercase().parse().doing("name a currency")?;
        let fee_bps = Rate::try_from_bps(1_200).doing("set a fee")?;
        let mut totals = Totals::default();
        let mut lines = Vec::new();
        for line in 0..self.lines {
            let (title, price) = GOODS[index(self.number * 7 + line, GOODS.len())];
            let fee = fee_bps.of(Money::new(price, currency)).minor();
            let claimed = LineAmounts {
                list: price,
                item: price,
                fee,
                seller_net: price - fee,
                total: price,
                ..LineAmounts::default()
            };
            totals.goods += price;
            totals.total += price;
            totals.fee += fee;
            totals.seller_net += claimed.seller_net;
            lines.push(PricedLine {
                listing: format!("listing-{}", title.to_lowercase().replace(' ', "-")),
                title: title.to_owned(),
                seller: sellers[index(self.number * 3 + line, sellers.len())],
                seller_ready: true,
                organizer: None,
                quantity: 1,
                unit_price: price,
                shippable: true,
                taxable: false,
                fee_bps,
                claimed,
            });
        }
        let buyer = SubjectRef::derived(&["buyer", &(self.number % 500).to_string()]);
        Ok(OrderCommand::Place(Box::new(PlaceOrder {
            order: self.order,
            reference: Some(format!("B-{}", self.number)),
            buyer: Buyer::Registered(buyer),
            currency,
            origin: Origin::Cart,
            lines,
            discount: None,
            shipping: 0,
            tax: 0,
            tax_jurisdiction: "none".to_owned(),
            ship_to: Some(buyer),
            claimed: totals,
            policy: CommercePolicy::default(),
            pay_by: None,
        })))
    }

    /// Its payment at Stripe.
    pub(super) fn payment(&self, tenant: TenantId) -> BarePayment {
        let mut metadata = BTreeMap::new();
        if self.is_ordered() {
            metadata.insert("daybook_tenant".to_owned(), tenant.to_string());
            metadata.insert("daybook_order".to_owned(), self.order.to_string());
        }
        BarePayment {
            amount: self.total(),
            currency: self.currency.to_owned(),
            metadata,
            transfer_group: self.is_ordered().then(|| self.order.to_string()),
            ..BarePayment::default()
        }
    }

    /// Everything in one parcel.
    pub(super) fn ship(&self) -> OrderCommand {
        let lines = (0_u16..).zip(0..self.lines);
        OrderCommand::Ship {
            shipment: "parcel-1".to_owned(),
            lines: lines.map(|(line, _)| ShippedLine { line: LineNo(line), quantity: 1 }).collect(),
            carrier: "Hedgehog Parcels".to_owned(),
            tracking: Some(format!("HP{:010}", self.number)),
        }
    }

    pub(super) fn arrive(&self) -> OrderCommand {
        OrderCommand::Deliver { shipment: "parcel-1".to_owned(), how: DeliveredBy::Carrier }
    }
}

/// Which of so many things a number picks.
fn index(number: u64, count: usize) -> usize {
    let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
    usize::try_from(number % count).unwrap_or_default()
}
