//! What an order can be asked to do.

use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, Rate, RefundId, SellerId, SubjectRef, Timestamp,
};

use super::events::{Buyer, DeliveredBy, Discount, LineAmounts, Origin, ShippedLine, Totals};
use crate::vocabulary::{
    ChargeRef, CommercePolicy, LineNo, Organizer, SessionRef, StripeDisputeRef, StripeRefundRef,
    TxnRef,
};

/// One line as the storefront priced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PricedLine {
    /// The storefront's name of what is sold.
    pub listing: String,
    /// What the buyer read.
    pub title: String,
    /// Whose goods.
    pub seller: SellerId,
    /// Whether that seller was ready when the command was made.
    pub seller_ready: bool,
    /// Who organizes it; `None` means the seller.
    pub organizer: Option<Organizer>,
    /// How many.
    pub quantity: u32,
    /// Minor units each.
    pub unit_price: i64,
    /// Must it be shipped?
    pub shippable: bool,
    /// Does tax apply?
    pub taxable: bool,
    /// The platform's commission.
    pub fee_bps: Rate,
    /// What the storefront says the line comes to; recomputed and compared.
    pub claimed: LineAmounts,
}

/// A full priced order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceOrder {
    /// Its id.
    pub order: OrderId,
    /// The storefront's own number for it.
    pub reference: Option<String>,
    /// Who buys.
    pub buyer: Buyer,
    /// The one currency of everything in it.
    pub currency: Currency,
    /// Where it came from.
    pub origin: Origin,
    /// At least one line.
    pub lines: Vec<PricedLine>,
    /// A discount on the goods.
    pub discount: Option<Discount>,
    /// Shipping for the whole order, minor units.
    pub shipping: i64,
    /// Tax for the whole order, minor units.
    pub tax: i64,
    /// Whom the tax is owed to, such as `US-CA`; `none` where there is no tax.
    pub tax_jurisdiction: String,
    /// The person whose sealed address the goods go to; needed if any line is shippable.
    pub ship_to: Option<SubjectRef>,
    /// What the storefront says it all comes to; recomputed and compared.
    pub claimed: Totals,
    /// The tenant's policy, snapshotted.
    pub policy: CommercePolicy,
    /// When it must be paid; `None` = the policy's expiry.
    pub pay_by: Option<Timestamp>,
}

/// What an order can be asked to do. Facts from Stripe carry `occurred_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum OrderCommand {
    /// Place a full priced order.
    Place(Box<PlaceOrder>),
    /// Note that a checkout session is open.
    NoteCheckout { payment: PaymentId, session: SessionRef, session_expires_at: Timestamp },
    /// Note that a payment is under way and may take until then.
    NotePaymentProcessing { payment: PaymentId, occurred_at: Timestamp },
    /// Note that an attempt failed.
    NotePaymentFailed { payment: PaymentId, code: String },
    /// Money came.
    ConfirmPayment {
        payment: PaymentId,
        charge: ChargeRef,
        received: Money,
        occurred_at: Timestamp,
    },
    /// The time to pay is over (timer; early is refused).
    Expire,
    /// Cancel the whole order, or some lines after payment.
    Cancel { lines: Option<Vec<LineNo>>, reason: String, cancellation_fee: i64 },
    /// Stripe's balance transaction says when the money becomes available.
    NoteFundsExpected { charge: ChargeRef, available_on: Timestamp },
    /// No balance transaction was found in the time the policy allows (timer; early is refused).
    AssumeFundsAvailable,
    /// Hand lines to a carrier.
    Ship { shipment: String, lines: Vec<ShippedLine>, carrier: String, tracking: Option<String> },
    /// Correct a tracking number.
    AmendTracking { shipment: String, carrier: String, tracking: String },
    /// A shipment arrived.
    Deliver { shipment: String, how: DeliveredBy },
    /// A shipment is taken to have arrived (timer; early is refused).
    AutoDeliver { shipment: String },
    /// Lines should have been shipped by now (timer; early is refused).
    NoteShippingOverdue,
    /// The time for issues is over (timer; early is refused).
    Complete,
    /// Set a part of a line apart for a refund; `amount: None` is all that remains.
    ReserveRefund {
        refund: RefundId,
        line: LineNo,
        amount: Option<Money>,
        reason: String,
        /// Who asks.
        by: crate::vocabulary::Person,
        /// Decided already by somebody who may (cancellation, forced refund).
        approved: bool,
        /// An inquiry permits refunding everything although it is open.
        despite_inquiry: bool,
    },
    /// The refund reached the buyer.
    SettleRefund { refund: RefundId },
    /// The refund will not happen.
    ReleaseRefund { refund: RefundId },
    /// Spread a refund that was made at Stripe over what remains.
    AllocateExternalRefund {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        amount: Money,
        occurred_at: Timestamp,
    },
    /// A dispute was opened, or an inquiry became one.
    ApplyDispute { dispute: DisputeId, amount: Money, inquiry: bool },
    /// The dispute ended. Amounts are what its balance transactions took and gave back.
    ConcludeDispute {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        withdrawn: i64,
        reinstated: i64,
        /// Lost, or partly lost; otherwise won, closed or prevented.
        lost: bool,
        occurred_at: Timestamp,
    },
    /// Money of a concluded dispute came back afterwards.
    ReviseDispute {
        dispute: DisputeId,
        stripe_dispute: StripeDisputeRef,
        txn: TxnRef,
        reinstated: i64,
        occurred_at: Timestamp,
    },
    /// The bank took the captured money back.
    ReverseCapture { payment: PaymentId, charge: ChargeRef, amount: Money, occurred_at: Timestamp },
}
