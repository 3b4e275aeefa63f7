//! What has happened to an order.

use cqrs_es::DomainEvent;
use kernel::{
    Currency, DisputeId, Money, OrderId, PaymentId, Rate, RefundId, Sealed, SellerId, SubjectRef,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{
    ChargeRef, CommercePolicy, Components, FundedBy, LineNo, LineShare, Organizer, SessionRef,
    StripeRefundRef, TxnRef,
};

/// Where an order came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the storefront's own words")]
pub enum Origin {
    #[default]
    Cart,
    Auction,
    Offer,
    SecondChance,
    MembershipBox,
    Sponsorship,
}

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buyer {
    /// Somebody with an account.
    Registered(SubjectRef),
    /// A guest: the e-mail address is sealed, the access token only a hash.
    Guest {
        /// The person the sealed address belongs to.
        subject: SubjectRef,
        /// The sealed e-mail address.
        email: Sealed,
        /// SHA-256 of the guest's token, 64 hexadecimal digits.
        token_hash: String,
    },
}

/// A discount on the goods of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discount {
    /// Minor units, at most the goods' total.
    pub amount: i64,
    /// Who pays for it.
    pub funded_by: FundedBy,
    /// The code the buyer used, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// What one line comes to, in minor units of the order's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineAmounts {
    /// Unit price times quantity.
    pub list: i64,
    /// This line's share of the discount.
    pub discount: i64,
    /// `list - discount`: what the buyer pays for the goods.
    pub item: i64,
    /// This line's share of shipping.
    pub shipping: i64,
    /// This line's share of tax.
    pub tax: i64,
    /// Commission: on `list` under a platform-funded discount, on `item` under a seller-funded one.
    pub fee: i64,
    /// What the seller gets: price less seller-funded discount less fee, plus shipping.
    pub seller_net: i64,
    /// `item + shipping + tax`: what the buyer pays for the line.
    pub total: i64,
}

/// One line of an order as it was placed: a snapshot that later changes never touch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 0.
    pub line: LineNo,
    /// The storefront's name of what is sold.
    pub listing: String,
    /// What the buyer read.
    pub title: String,
    /// Whose goods.
    pub seller: SellerId,
    /// Who organizes it (default: the seller).
    pub organizer: Organizer,
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
    /// The amounts.
    pub amounts: LineAmounts,
}

/// The sums of an order, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Sum of the lines' `list`.
    pub goods: i64,
    /// Discount.
    pub discount: i64,
    /// Shipping.
    pub shipping: i64,
    /// Tax.
    pub tax: i64,
    /// `goods - discount + shipping + tax`: what the buyer pays.
    pub total: i64,
    /// Sum of the lines' fees.
    pub fee: i64,
    /// Sum of the lines' seller nets.
    pub seller_net: i64,
}

/// How a line came to be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DeliveredBy {
    Carrier,
    Buyer,
    Automatically,
}

/// Lines, with quantities, that travel together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedLine {
    /// Which line.
    pub line: LineNo,
    /// How many of it.
    pub quantity: u32,
}

/// A line's part in a conclusion of a dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisputeShare {
    /// The line and what of it was lost for good.
    pub lost: LineShare,
    /// What had been held for the dispute, so that the rest can be let go.
    pub held: Components,
}

/// What has happened to an order. Amounts are minor units of the order's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum OrderEvent {
    /// A priced order was placed and waits for its payment.
    Placed {
        order: OrderId,
        /// The storefront's own number for it.
        reference: Option<String>,
        buyer: Buyer,
        currency: Currency,
        origin: Origin,
        lines: Vec<Line>,
        discount: Option<Discount>,
        /// Whom the tax is owed to, such as `US-CA`.
        tax_jurisdiction: String,
        /// The person whose sealed address the goods go to.
        ship_to: Option<SubjectRef>,
        totals: Totals,
        policy: CommercePolicy,
        expires_at: Timestamp,
        at: Timestamp,
    },
    /// A Stripe Checkout session is open for it.
    CheckoutStarted {
        payment: PaymentId,
        session: SessionRef,
        session_expires_at: Timestamp,
        at: Timestamp,
    },
    /// An asynchronous payment is under way; the order waits for it and does not expire meanwhile.
    PaymentAwaited { payment: PaymentId, until: Timestamp, at: Timestamp },
    /// A payment attempt failed; the buyer may try again until the order expires.
    PaymentAttemptFailed { payment: PaymentId, code: String, at: Timestamp },
    /// The money came, in amount and currency as placed. Carries all that the books need.
    Paid {
        payment: PaymentId,
        charge: ChargeRef,
        currency: Currency,
        amount: i64,
        tax_jurisdiction: String,
        lines: Vec<LineShare>,
        /// When the money is taken to be available if no balance transaction turns up (policy).
        assume_funds_at: Option<Timestamp>,
        /// When Stripe captured it.
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The order stands: it is paid, or there was nothing to pay.
    Confirmed {
        free: bool,
        /// When shippable lines should have been shipped; `None` without any.
        ship_by: Option<Timestamp>,
        /// When the order is completed if nothing needs delivering; `None` otherwise.
        complete_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// Money came in another amount or currency than placed: a human decides.
    Conflicted {
        payment: PaymentId,
        charge: ChargeRef,
        expected: Money,
        received: Money,
        at: Timestamp,
    },
    /// A second payment came for a paid order; it goes back.
    DuplicatePaymentReceived {
        payment: PaymentId,
        charge: ChargeRef,
        received: Money,
        at: Timestamp,
    },
    /// A payment came after the order had expired or was cancelled.
    LatePaymentReceived {
        payment: PaymentId,
        charge: ChargeRef,
        received: Money,
        accepted: bool,
        at: Timestamp,
    },
    /// A late payment was accepted and the order lives again.
    Revived { at: Timestamp },
    /// Nobody paid in time.
    Expired { at: Timestamp },
    /// The whole order was cancelled before payment, or these lines after it.
    Cancelled {
        lines: Vec<LineNo>,
        whole: bool,
        reason: String,
        cancellation_fee: i64,
        currency: Currency,
        /// What is refunded per line after the fee, minor units; a policy starts these refunds.
        refunds: Vec<(LineNo, i64)>,
        /// When the order will be completed, if this leaves nothing to be delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        complete_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// When Stripe makes the money available, by its balance transaction.
    FundsExpected { charge: ChargeRef, available_on: Timestamp, at: Timestamp },
    /// These lines' money may be released to their sellers at `payable_at`, and not before.
    PayabilitySet {
        lines: Vec<(LineNo, SellerId)>,
        payable_at: Timestamp,
        /// Share kept in reserve, by the policy at placement.
        reserve_bps: Rate,
        reserve_days: u32,
        at: Timestamp,
    },
    /// Lines were handed to a carrier.
    LinesShipped {
        shipment: String,
        lines: Vec<ShippedLine>,
        carrier: String,
        tracking: Option<String>,
        /// When it is taken to have arrived.
        auto_deliver_at: Timestamp,
        at: Timestamp,
    },
    /// The tracking number was corrected.
    TrackingAmended { shipment: String, carrier: String, tracking: String, at: Timestamp },
    /// A shipment arrived, or is taken to have arrived.
    LinesDelivered {
        shipment: String,
        lines: Vec<ShippedLine>,
        how: DeliveredBy,
        /// When the order will be completed, once all lines are done.
        complete_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// A shippable line was not shipped in time.
    ShippingOverdue { lines: Vec<LineNo>, at: Timestamp },
    /// All lines are done and the time for issues is over.
    Completed { at: Timestamp },
    /// A part of a line's money was set apart for a refund.
    RefundReserved {
        refund: RefundId,
        payment: PaymentId,
        charge: ChargeRef,
        currency: Currency,
        tax_jurisdiction: String,
        share: LineShare,
        amount: i64,
        /// The commission stays with the platform (policy at placement).
        commission_retained: bool,
        reason: String,
        requested_by: crate::vocabulary::Person,
        /// The platform decided already (cancellation, safety valve): nobody needs to approve.
        approved: bool,
        policy_version: u32,
        decision_hours: u32,
        second_person_above: i64,
        at: Timestamp,
    },
    /// The refund reached the buyer; the part is gone for good.
    RefundSettled {
        refund: RefundId,
        /// When the order will be completed, if this leaves nothing to be delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        complete_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// The refund will not happen; the part is refundable again.
    RefundReleased { refund: RefundId, at: Timestamp },
    /// A refund that nobody requested here was made at Stripe; it is spread over what remains.
    ExternalRefundAllocated {
        refund: RefundId,
        stripe_refund: StripeRefundRef,
        currency: Currency,
        tax_jurisdiction: String,
        shares: Vec<LineShare>,
        commission_retained: bool,
        /// The version of the policy that decided it; absent in older facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_version: Option<u32>,
        /// What exceeds all that remains; it stays in clearing with a work item.
        excess: i64,
        /// When the order will be completed, if this leaves nothing to be delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        complete_at: Option<Timestamp>,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// A dispute was opened on the payment; what it takes is set apart line by line.
    DisputeApplied {
        dispute: DisputeId,
        currency: Currency,
        amount: i64,
        shares: Vec<LineShare>,
        /// The disputed part that had been refunded already.
        overlap: i64,
        /// What exceeds the whole charge.
        excess: i64,
        /// Whether the sellers bear it (policy at placement).
        on_sellers: bool,
        fee_on_sellers: bool,
        /// An inquiry moves no money; it only stops refunds.
        inquiry: bool,
        at: Timestamp,
    },
    /// The dispute ended without loss, or was withdrawn; nothing is set apart any more.
    DisputeReleased { dispute: DisputeId, shares: Vec<LineShare>, at: Timestamp },
    /// The dispute ended: what of each line was lost, and what becomes of the rest.
    DisputeConcluded {
        dispute: DisputeId,
        /// Stripe's id, which names the money in `assets:disputes-open`.
        stripe_dispute: crate::vocabulary::StripeDisputeRef,
        currency: Currency,
        tax_jurisdiction: String,
        shares: Vec<DisputeShare>,
        on_sellers: bool,
        fee_on_sellers: bool,
        /// The version of the policy that decided it; absent in older facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_version: Option<u32>,
        /// Refunded already and not reinstated: the platform's loss.
        overlap_lost: i64,
        /// Still open beyond the charge: a work item.
        excess: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money of a concluded dispute came back afterwards.
    DisputeConclusionRevised {
        dispute: DisputeId,
        stripe_dispute: crate::vocabulary::StripeDisputeRef,
        txn: TxnRef,
        currency: Currency,
        tax_jurisdiction: String,
        shares: Vec<LineShare>,
        on_sellers: bool,
        /// The version of the policy that decided it; absent in older facts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policy_version: Option<u32>,
        overlap_returned: i64,
        excess: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// The bank took the captured money back: the mirror image of `Paid` over what remains.
    CaptureReversed {
        payment: PaymentId,
        charge: ChargeRef,
        currency: Currency,
        amount: i64,
        tax_jurisdiction: String,
        shares: Vec<LineShare>,
        /// What had been refunded already and cannot be taken from the lines.
        overlap: i64,
        occurred_at: Timestamp,
        at: Timestamp,
    },
}

impl DomainEvent for OrderEvent {
    fn event_type(&self) -> String {
        format!("order.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
