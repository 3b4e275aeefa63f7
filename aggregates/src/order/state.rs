//! What an order remembers.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, DisputeId, Money, OrderId, PaymentId, RefundId, SubjectRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::events::{Buyer, Discount, Line, Origin, ShippedLine, Totals};
use crate::vocabulary::{
    ChargeRef, CommercePolicy, Components, LineNo, LineShare, SessionRef, TxnRef,
};

/// An order. Read it through its questions; it changes only by what has happened to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub(super) terms: Option<Box<Terms>>,
    pub(super) lifecycle: Lifecycle,
    pub(super) checkout: Option<Checkout>,
    /// Payments that are under way, and until when the order waits for each.
    pub(super) awaiting: BTreeMap<PaymentId, Timestamp>,
    /// When the last awaited payment failed: the order did not expire before that.
    pub(super) waited_until: Option<Timestamp>,
    pub(super) last_failure: Option<(PaymentId, String)>,
    /// Every payment that brought money, whatever became of it.
    pub(super) received: BTreeSet<PaymentId>,
    pub(super) paid: Option<PaidBy>,
    pub(super) assume_funds_at: Option<Timestamp>,
    /// When each charge's money becomes available; may be known before the order is paid.
    pub(super) funds: BTreeMap<ChargeRef, Timestamp>,
    pub(super) confirmed_at: Option<Timestamp>,
    pub(super) ship_by: Option<Timestamp>,
    pub(super) overdue_noted: bool,
    pub(super) completed_at: Option<Timestamp>,
    pub(super) lines: Vec<LineState>,
    pub(super) shipments: BTreeMap<String, Shipment>,
    pub(super) refunds: BTreeMap<RefundId, RefundPart>,
    pub(super) disputes: BTreeMap<DisputeId, DisputePart>,
}

/// Where the order stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lifecycle {
    #[default]
    Unplaced,
    Placed,
    Conflicted,
    Confirmed,
    Completed,
    Expired,
    Cancelled,
}

/// What was agreed when the order was placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    pub(super) order: OrderId,
    pub(super) reference: Option<String>,
    pub(super) buyer: Buyer,
    pub(super) currency: Currency,
    pub(super) origin: Origin,
    pub(super) discount: Option<Discount>,
    pub(super) tax_jurisdiction: String,
    pub(super) ship_to: Option<SubjectRef>,
    pub(super) totals: Totals,
    pub(super) policy: CommercePolicy,
    pub(super) expires_at: Timestamp,
    pub(super) placed_at: Timestamp,
}

impl Terms {
    pub(super) const fn total(&self) -> Money {
        Money::new(self.totals.total, self.currency)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkout {
    pub(super) payment: PaymentId,
    pub(super) session: SessionRef,
    pub(super) until: Timestamp,
}

/// The payment that paid an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBy {
    /// Our payment.
    pub payment: PaymentId,
    /// The charge that holds the money.
    pub charge: ChargeRef,
    /// What came.
    pub amount: Money,
    /// When Stripe captured it.
    pub occurred_at: Timestamp,
    /// Whether the bank took it back afterwards.
    pub reversed: bool,
}

/// One line: what was sold, where it is, and where each minor unit of its money is.
///
/// `original` is always the sum of what remains and the four other places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LineState {
    pub(super) sold: Line,
    /// What was captured for the line; nothing until the order is paid.
    pub(super) original: Components,
    /// Refunded for good, by us or at Stripe.
    pub(super) settled: Components,
    /// Set apart for refunds that are under way.
    pub(super) reserved: Components,
    /// Set apart for disputes that are open.
    pub(super) held: Components,
    /// Lost to disputes, or taken back by the bank.
    pub(super) lost: Components,
    pub(super) shipped: u32,
    pub(super) delivered: u32,
    /// When all of it was shipped.
    pub(super) shipped_at: Option<Timestamp>,
    /// When all of it had arrived.
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) cancelled_at: Option<Timestamp>,
    /// When a refund last reached the buyer.
    pub(super) refunded_at: Option<Timestamp>,
    /// What a cancellation still has to refund, in cash.
    pub(super) cancellation_due: i64,
    /// Whether it has been said when the seller's money may be released.
    pub(super) payable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shipment {
    pub(super) lines: Vec<ShippedLine>,
    pub(super) carrier: String,
    pub(super) tracking: Option<String>,
    /// Carrier and tracking number as last corrected.
    pub(super) amended: Option<(String, String)>,
    pub(super) auto_deliver_at: Timestamp,
    pub(super) delivered: bool,
}

/// What a refund holds of the order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefundPart {
    pub(super) shares: Vec<(LineNo, Components)>,
    pub(super) stage: RefundStage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefundStage {
    Reserved,
    Settled,
    Released,
}

/// What a dispute holds of the order's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DisputePart {
    pub(super) currency: Currency,
    pub(super) amount: i64,
    pub(super) stage: DisputeStage,
    pub(super) on_sellers: bool,
    pub(super) fee_on_sellers: bool,
    /// While it is open: what is set apart. After it was lost: what was lost.
    pub(super) shares: Vec<(LineNo, Components)>,
    /// Had been refunded before; after the conclusion, what of it did not come back.
    pub(super) overlap: i64,
    /// Beyond the charge.
    pub(super) excess: i64,
    /// Transactions that came back after the conclusion.
    pub(super) revisions: BTreeSet<TxnRef>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DisputeStage {
    Inquiry,
    Chargeback,
    Released,
    Concluded,
}

impl LineState {
    pub(super) fn placed(sold: Line) -> Self {
        Self {
            sold,
            original: Components::default(),
            settled: Components::default(),
            reserved: Components::default(),
            held: Components::default(),
            lost: Components::default(),
            shipped: 0,
            delivered: 0,
            shipped_at: None,
            delivered_at: None,
            cancelled_at: None,
            refunded_at: None,
            cancellation_due: 0,
            payable: false,
        }
    }

    /// What can still be refunded or disputed.
    pub(super) const fn remaining(&self) -> Components {
        self.original.minus(&self.settled).minus(&self.reserved).minus(&self.held).minus(&self.lost)
    }

    /// Whether everything that was paid for it has been given back.
    pub(super) const fn refunded_fully(&self) -> bool {
        self.original.cash() > 0 && self.original.cash() == self.settled.cash()
    }

    /// Whether some of it still has to be handed to a carrier.
    pub(super) const fn awaits_shipping(&self) -> bool {
        self.sold.shippable
            && self.cancelled_at.is_none()
            && self.shipped < self.sold.quantity
            && !self.refunded_fully()
    }

    /// The components as a share of this line.
    pub(super) fn share(&self, components: Components) -> LineShare {
        LineShare {
            line: self.sold.line,
            seller: self.sold.seller,
            organizer: self.sold.organizer.clone(),
            product: self.sold.listing.clone(),
            components,
        }
    }
}

impl Order {
    pub(super) fn line(&self, line: LineNo) -> Option<&LineState> {
        self.lines.get(usize::from(line.0))
    }

    /// The payment, unless the bank took it back.
    pub(super) fn standing_payment(&self) -> Option<&PaidBy> {
        self.paid.as_ref().filter(|paid| !paid.reversed)
    }

    /// What remains of every line.
    pub(super) fn remainders(&self) -> Vec<(LineNo, Components)> {
        self.lines.iter().map(|line| (line.sold.line, line.remaining())).collect()
    }

    /// The components as shares of their lines.
    pub(super) fn shares(&self, parts: &[(LineNo, Components)]) -> Vec<LineShare> {
        parts.iter().filter_map(|(no, part)| Some(self.line(*no)?.share(*part))).collect()
    }

    pub(super) fn has_dispute(&self, stage: DisputeStage) -> bool {
        self.disputes.values().any(|dispute| dispute.stage == stage)
    }
}
