//! What others may ask an order.

use kernel::{Currency, Money, OrderId, PaymentId, SellerId, Timestamp};
use serde::Serialize;
use strum::AsRefStr;

use super::{
    events::{Buyer, Line, Totals},
    state::{DisputeStage, Lifecycle, LineState, Order, PaidBy, RefundStage},
};
use crate::vocabulary::{
    Claim, ClaimRef, CommercePolicy, Components, LineNo, PayoutAfter, SessionRef,
};

/// Where an order stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum OrderStatus {
    /// There is no such order.
    Unplaced,
    /// It waits for its payment.
    Placed,
    /// Money came that does not fit; a person decides.
    Conflicted,
    /// It stands: paid, or free.
    Confirmed,
    /// Everything is done and the time for issues is over.
    Completed,
    /// Nobody paid in time.
    Expired,
    /// It was cancelled, or the bank took the money back.
    Cancelled,
}

/// Where an order's money stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PaymentStatus {
    /// There is nothing to pay.
    NotRequired,
    /// Nothing has come.
    Unpaid,
    /// An asynchronous payment is under way.
    Processing,
    /// It is paid.
    Paid,
    /// A part went back to the buyer.
    PartiallyRefunded,
    /// All of it went back to the buyer.
    Refunded,
    /// A part or all of it was lost to a dispute.
    ChargedBack,
    /// The bank took it back.
    Reversed,
}

/// Where the goods of one line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Fulfilment {
    /// There is nothing to ship.
    NotRequired,
    /// Nothing was shipped yet.
    Unfulfilled,
    /// Some of it was shipped.
    PartlyShipped,
    /// All of it was shipped.
    Shipped,
    /// All of it arrived.
    Delivered,
    /// The line was cancelled.
    Cancelled,
}

/// What is still to happen to an order at a given time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DueTimes {
    /// When it expires unpaid.
    pub expires_at: Option<Timestamp>,
    /// When lines should have been shipped.
    pub ship_by: Option<Timestamp>,
    /// When each shipment is taken to have arrived.
    pub auto_deliver: Vec<(String, Timestamp)>,
    /// When it is completed.
    pub complete_at: Option<Timestamp>,
    /// When its money is taken to be available without a balance transaction.
    pub assume_funds_at: Option<Timestamp>,
}

impl Order {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<OrderId> {
        self.terms.as_ref().map(|terms| terms.order)
    }

    /// The storefront's own number for it.
    #[must_use]
    pub fn reference(&self) -> Option<&str> {
        self.terms.as_ref()?.reference.as_deref()
    }

    /// Who buys.
    #[must_use]
    pub fn buyer(&self) -> Option<&Buyer> {
        self.terms.as_ref().map(|terms| &terms.buyer)
    }

    /// SHA-256 of the guest's token, in hexadecimal; `None` when the buyer is no guest.
    #[must_use]
    pub fn guest_token_hash(&self) -> Option<&str> {
        match self.buyer()? {
            Buyer::Guest { token_hash, .. } => Some(token_hash),
            Buyer::Registered(_) => None,
        }
    }

    /// The one currency of everything in it.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.terms.as_ref().map(|terms| terms.currency)
    }

    /// The sums.
    #[must_use]
    pub fn totals(&self) -> Option<&Totals> {
        self.terms.as_ref().map(|terms| &terms.totals)
    }

    /// What the buyer has to pay.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.terms.as_ref().map(|terms| terms.total())
    }

    /// The tenant's policy as it was when the order was placed.
    #[must_use]
    pub fn policy(&self) -> Option<&CommercePolicy> {
        self.terms.as_ref().map(|terms| &terms.policy)
    }

    /// What was sold, line by line.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().map(|line| &line.sold)
    }

    /// The payment that paid it, even if the bank took the money back.
    #[must_use]
    pub const fn payment(&self) -> Option<&PaidBy> {
        self.paid.as_ref()
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> OrderStatus {
        match self.lifecycle {
            Lifecycle::Unplaced => OrderStatus::Unplaced,
            Lifecycle::Placed => OrderStatus::Placed,
            Lifecycle::Conflicted => OrderStatus::Conflicted,
            Lifecycle::Confirmed => OrderStatus::Confirmed,
            Lifecycle::Completed => OrderStatus::Completed,
            Lifecycle::Expired => OrderStatus::Expired,
            Lifecycle::Cancelled => OrderStatus::Cancelled,
        }
    }

    /// Where its money stands.
    #[must_use]
    pub fn payment_status(&self) -> PaymentStatus {
        let Some(paid) = &self.paid else {
            let free = self.terms.as_ref().is_some_and(|terms| terms.totals.total == 0);
            return match (free, self.awaiting.is_empty()) {
                (true, _) => PaymentStatus::NotRequired,
                (false, true) => PaymentStatus::Unpaid,
                (false, false) => PaymentStatus::Processing,
            };
        };
        let sum = |part: fn(&LineState) -> i64| self.lines.iter().map(part).sum::<i64>();
        let refunded = sum(|line| line.settled.cash());
        if paid.reversed {
            PaymentStatus::Reversed
        } else if sum(|line| line.lost.cash()) > 0 {
            PaymentStatus::ChargedBack
        } else if refunded == paid.amount.minor() {
            PaymentStatus::Refunded
        } else if refunded > 0 {
            PaymentStatus::PartiallyRefunded
        } else {
            PaymentStatus::Paid
        }
    }

    /// Where the goods of a line are; `None` if there is no such line.
    #[must_use]
    pub fn fulfilment(&self, line: LineNo) -> Option<Fulfilment> {
        let line = self.line(line)?;
        Some(if line.cancelled_at.is_some() {
            Fulfilment::Cancelled
        } else if !line.sold.shippable {
            Fulfilment::NotRequired
        } else if line.delivered_at.is_some() {
            Fulfilment::Delivered
        } else if line.shipped_at.is_some() {
            Fulfilment::Shipped
        } else if line.shipped > 0 {
            Fulfilment::PartlyShipped
        } else {
            Fulfilment::Unfulfilled
        })
    }

    /// What of a line can still be refunded or disputed; nothing if there is no such line.
    #[must_use]
    pub fn remaining(&self, line: LineNo) -> Components {
        self.line(line).map(LineState::remaining).unwrap_or_default()
    }

    /// The claims by which a seller was credited for his lines.
    #[must_use]
    pub fn claims_of(&self, seller: SellerId) -> Vec<ClaimRef> {
        let Some(order) = self.id() else { return Vec::new() };
        self.lines()
            .filter(|line| line.seller == seller)
            .map(|line| Claim::of_line(order, line.line))
            .collect()
    }

    /// Whether any part of the goods is the seller's.
    #[must_use]
    pub fn sells(&self, seller: SellerId) -> bool {
        self.lines().any(|line| line.seller == seller)
    }

    /// The checkout session that is open at this instant: its payment, name and end.
    #[must_use]
    pub fn open_checkout(&self, now: Timestamp) -> Option<(PaymentId, &SessionRef, Timestamp)> {
        let checkout = self.checkout.as_ref().filter(|checkout| now < checkout.until)?;
        Some((checkout.payment, &checkout.session, checkout.until))
    }

    /// Whether a refund of the line is under way.
    #[must_use]
    pub fn refund_open(&self, line: LineNo) -> bool {
        self.refunds.values().any(|refund| {
            refund.stage == RefundStage::Reserved && refund.shares.iter().any(|part| part.0 == line)
        })
    }

    /// Whether a dispute or an inquiry is open.
    #[must_use]
    pub fn dispute_open(&self) -> bool {
        self.has_dispute(DisputeStage::Inquiry) || self.has_dispute(DisputeStage::Chargeback)
    }

    /// What is still to happen, and when.
    #[must_use]
    pub fn due_times(&self) -> DueTimes {
        let waits = |shipment: &(&String, &super::state::Shipment)| !shipment.1.delivered;
        DueTimes {
            expires_at: (self.lifecycle == Lifecycle::Placed).then(|| self.expiry()).flatten(),
            ship_by: self.ship_by.filter(|_| {
                self.lifecycle == Lifecycle::Confirmed
                    && !self.overdue_noted
                    && self.lines.iter().any(LineState::awaits_shipping)
            }),
            auto_deliver: self
                .shipments
                .iter()
                .filter(waits)
                .map(|(name, shipment)| (name.clone(), shipment.auto_deliver_at))
                .collect(),
            complete_at: self.completion(),
            assume_funds_at: self
                .assume_funds_at
                .filter(|_| self.standing_payment().is_some() && self.funds_at().is_none()),
        }
    }

    /// When it expires unless it is paid: not while an asynchronous payment is awaited, and not
    /// before the last one had failed.
    pub(super) fn expiry(&self) -> Option<Timestamp> {
        let due = self.terms.as_ref()?.expires_at;
        let awaited = self.awaiting.values().max().copied();
        Some(due.max(awaited.unwrap_or(due)).max(self.waited_until.unwrap_or(due)))
    }

    /// When the money that paid the order becomes available, as far as it is known.
    pub(super) fn funds_at(&self) -> Option<Timestamp> {
        self.funds.get(&self.standing_payment()?.charge).copied()
    }

    /// When the order will be completed: once every line is done, after the time for issues.
    pub(super) fn completion(&self) -> Option<Timestamp> {
        let window = i64::from(self.terms.as_ref()?.policy.issue_window_days);
        if self.lifecycle != Lifecycle::Confirmed {
            return None;
        }
        let done = |line: &LineState| {
            if let Some(cancelled_at) = line.cancelled_at {
                Some(cancelled_at)
            } else if line.sold.shippable {
                let arrived = line.delivered_at.map(|at| at.plus_days(window));
                arrived.or(line.refunded_at.filter(|_| line.refunded_fully()))
            } else {
                self.confirmed_at.map(|at| at.plus_days(window))
            }
        };
        self.lines.iter().map(done).try_fold(Timestamp::EPOCH, |latest, at| Some(latest.max(at?)))
    }

    /// When the condition was met on which a line's money may be released to its seller.
    pub(super) fn release_condition(&self, line: &LineState) -> Option<Timestamp> {
        let captured = self.standing_payment()?.occurred_at;
        let after = self.terms.as_ref()?.policy.payout_after;
        if let Some(cancelled_at) = line.cancelled_at {
            // What a cancellation leaves to the seller waits for nothing else.
            let waits = after != PayoutAfter::Captured;
            return Some(if waits { cancelled_at.max(captured) } else { captured });
        }
        match after {
            PayoutAfter::Shipped if line.sold.shippable => line.shipped_at,
            PayoutAfter::Delivered if line.sold.shippable => line.delivered_at,
            PayoutAfter::Captured | PayoutAfter::Shipped | PayoutAfter::Delivered => Some(captured),
            PayoutAfter::Completed => self.completed_at,
        }
    }
}
