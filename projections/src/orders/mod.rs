//! Orders as people look for them: the head, the lines, the shipments and the refunds set apart.

use aggregates::fact::Fact;
use kernel::{
    Currency, DisputeId, OrderId, PaymentId, RefundId, SellerId, SubjectRef, TenantId, Timestamp,
};
use store::{Table, TableDef, Value};

use crate::{FoldError, Occurrence, Projection, Rows, Wanted, projection::key};

mod fold;

store::table! {
    /// An order; all amounts in minor units of its currency.
    pub struct Order as "orders" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            order_id: OrderId,
        }
        /// The storefront's own number for it.
        reference: Option<String>,
        /// placed, confirmed, completed, expired, cancelled or conflicted.
        status: String,
        /// none, awaiting, processing, paid, partially_refunded, refunded or charged_back.
        payment_status: String,
        /// Where it came from: cart, auction, offer, ...
        origin: String,
        /// The currency of every amount in the row.
        currency: Currency,
        /// Sum of the lines' list prices.
        goods: i64,
        /// Discount.
        discount: i64,
        /// Who funds the discount: platform or seller.
        discount_funded_by: Option<String>,
        /// The code the buyer used.
        discount_code: Option<String>,
        /// Shipping.
        shipping: i64,
        /// Tax.
        tax: i64,
        /// What the buyer pays.
        total: i64,
        /// The platform's commission.
        fee: i64,
        /// What the sellers get.
        seller_net: i64,
        /// Whom the tax is owed to.
        tax_jurisdiction: String,
        /// The buyer.
        #[unhashed = "minted"]
        buyer: SubjectRef,
        /// Whether the buyer has no account.
        guest: bool,
        /// A guest's sealed e-mail address, JSON.
        #[unhashed = "sealed afresh every time"]
        guest_email: Option<String>,
        /// SHA-256 of a guest's token, hexadecimal.
        #[unhashed = "minted"]
        guest_token_hash: Option<String>,
        /// The person whose sealed address the goods go to.
        #[unhashed = "minted"]
        ship_to: Option<SubjectRef>,
        /// How many lines it has.
        lines: u32,
        /// The policy it was placed under.
        policy_version: u32,
        /// When it was placed.
        placed_at: Timestamp,
        /// Until when it waits for its payment.
        expires_at: Timestamp,
        /// The payment under way, or the one that paid it.
        #[unhashed = "minted"]
        payment: Option<PaymentId>,
        /// Stripe's checkout session.
        session: Option<String>,
        /// Stripe's charge that paid it.
        charge: Option<String>,
        /// When it was paid, by Stripe's clock.
        paid_at: Option<Timestamp>,
        /// When it was confirmed.
        confirmed_at: Option<Timestamp>,
        /// When it was completed.
        completed_at: Option<Timestamp>,
        /// When it expired or was cancelled.
        closed_at: Option<Timestamp>,
        /// Why it was cancelled.
        cancel_reason: Option<String>,
        /// When Stripe makes the money available.
        available_on: Option<Timestamp>,
        /// Refunded for good.
        refunded: i64,
        /// Set apart for refunds under way.
        refund_reserved: i64,
        /// Set apart for disputes under way.
        disputed: i64,
        /// Lost in disputes or taken back by the bank.
        lost: i64,
        /// What came that did not pay it (conflict, duplicate, late).
        misdirected: i64,
    }
    indexes [["tenant", "placed_at"], ["tenant", "status", "placed_at"], ["tenant", "reference"], ["tenant", "charge"]]
}

store::table! {
    /// A line of an order; all amounts in minor units of its currency.
    pub struct OrderLine as "order_lines" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
            /// Its number, from 0.
            line: u32,
        }
        /// The storefront's name of what is sold.
        listing: String,
        /// What the buyer read.
        title: String,
        /// Whose goods.
        seller: SellerId,
        /// Who organizes it.
        organizer: String,
        /// How many.
        quantity: u32,
        /// Each.
        unit_price: i64,
        /// Whether it must be shipped.
        shippable: bool,
        /// Whether tax applies.
        taxable: bool,
        /// The platform's commission, basis points.
        fee_bps: u32,
        /// The currency of every amount in the row.
        currency: Currency,
        /// Unit price times quantity.
        list: i64,
        /// Its share of the discount.
        discount: i64,
        /// What the buyer pays for the goods.
        item: i64,
        /// Its share of shipping.
        shipping: i64,
        /// Its share of tax.
        tax: i64,
        /// Commission.
        fee: i64,
        /// What the seller gets.
        seller_net: i64,
        /// What the buyer pays for the line.
        total: i64,
        /// not_required, unfulfilled, shipped, delivered or cancelled.
        fulfilment: String,
        /// How many were shipped.
        shipped: u32,
        /// How many were delivered.
        delivered: u32,
        /// Whether it should have been shipped by now.
        overdue: bool,
        /// Set apart for disputes under way.
        disputed: i64,
        /// Lost in disputes or taken back by the bank.
        lost: i64,
        /// When its money may be released to the seller.
        payable_at: Option<Timestamp>,
        /// When the order was placed.
        placed_at: Timestamp,
    }
    indexes [["tenant", "seller", "placed_at"], ["tenant", "organizer", "placed_at"]]
}

store::table! {
    /// A parcel.
    pub struct Shipment as "shipments" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
            /// The storefront's name of the shipment.
            shipment: String,
        }
        /// Which lines and how many of each, JSON.
        lines: String,
        /// Who carries it.
        carrier: String,
        /// By which it can be followed.
        tracking: Option<String>,
        /// When it was handed over.
        shipped_at: Timestamp,
        /// When it is taken to have arrived.
        auto_deliver_at: Timestamp,
        /// When it arrived.
        delivered_at: Option<Timestamp>,
        /// How that is known: carrier, buyer or automatically.
        delivered_how: Option<String>,
    }
}

store::table! {
    /// A refund, as the order sees it: parts of lines set apart, or gone.
    pub struct OrderRefund as "order_refunds" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
            /// The refund.
            #[unhashed = "minted"]
            refund: RefundId,
        }
        /// What the buyer gets; minor units of the order's currency.
        amount: i64,
        /// reserved, settled or released.
        status: String,
        /// Made at Stripe by somebody else, and spread over what remained.
        external: bool,
        /// Which lines it takes from, JSON: line, seller and the components of its part.
        shares: String,
    }
}

store::table! {
    /// A dispute, as the order sees it; amounts in minor units of the order's currency.
    pub struct OrderDispute as "order_disputes" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The order.
            #[unhashed = "minted"]
            order_id: OrderId,
            /// The dispute.
            #[unhashed = "minted"]
            dispute: DisputeId,
        }
        /// inquiry, open, released or concluded.
        status: String,
        /// What is disputed.
        amount: i64,
        /// Whether the sellers bear it.
        on_sellers: bool,
        /// The disputed part that had been refunded before.
        overlap: i64,
        /// What exceeds the whole charge.
        excess: i64,
        /// What is lost for good, the overlap not counted.
        lost: i64,
        /// What is set apart, JSON: line, seller and components.
        shares: String,
    }
}

/// Orders, their lines, shipments, and refunds and disputes as the order sees them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Orders;

/// The keys of one order's rows.
#[derive(Clone, Copy)]
struct Keys {
    tenant: TenantId,
    order: OrderId,
}

impl Keys {
    fn of(occurrence: &Occurrence<'_>) -> Result<Self, FoldError> {
        Ok(Self { tenant: occurrence.tenant(), order: occurrence.subject()? })
    }

    fn order(self) -> Vec<Value> {
        key![self.tenant, self.order]
    }

    fn line(self, line: u16) -> Vec<Value> {
        key![self.tenant, self.order, u32::from(line)]
    }

    fn shipment(self, shipment: &str) -> Vec<Value> {
        key![self.tenant, self.order, shipment.to_owned()]
    }

    fn dispute(self, dispute: DisputeId) -> Vec<Value> {
        key![self.tenant, self.order, dispute]
    }

    fn refund(self, refund: RefundId) -> Vec<Value> {
        key![self.tenant, self.order, refund]
    }
}

impl Projection for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn version(&self) -> u32 {
        1
    }

    fn tables(&self) -> &'static [TableDef] {
        const {
            &[
                Order::TABLE,
                OrderLine::TABLE,
                Shipment::TABLE,
                OrderRefund::TABLE,
                OrderDispute::TABLE,
            ]
        }
    }

    fn reads_entries(&self) -> bool {
        false
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let Fact::Order(event) = occurrence.fact else { return };
        // A stream that is not named after an order is refused when it is folded.
        let Ok(keys) = Keys::of(occurrence) else { return };
        wanted.row::<Order>(keys.order());
        for line in fold::lines_of(event) {
            wanted.row::<OrderLine>(keys.line(line));
        }
        if let Some(shipment) = fold::shipment_of(event) {
            wanted.row::<Shipment>(keys.shipment(shipment));
        }
        if let Some(refund) = fold::refund_of(event) {
            wanted.row::<OrderRefund>(keys.refund(refund));
        }
        if let Some(dispute) = fold::dispute_of(event) {
            wanted.row::<OrderDispute>(keys.dispute(dispute));
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        match occurrence.fact {
            Fact::Order(event) => fold::fold(Keys::of(occurrence)?, event, rows),
            Fact::ApiKey(_)
            | Fact::Adjustment(_)
            | Fact::BalanceTransaction(_)
            | Fact::Dispute(_)
            | Fact::Link(_)
            | Fact::Membership(_)
            | Fact::Payment(_)
            | Fact::Payout(_)
            | Fact::Period(_)
            | Fact::Refund(_)
            | Fact::Rejection(_)
            | Fact::SellerAccount(_)
            | Fact::WebhookEvent(_)
            | Fact::Tenant(_)
            | Fact::Topup(_) => Ok(()),
        }
    }
}
