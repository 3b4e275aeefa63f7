//! Words that several aggregates use: Stripe's object ids, claims, lines, and the amounts of a line.

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::{
    AdjustmentId, Currency, Money, OrderId, PaymentId, PayoutId, RefundId, SellerId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::calendar;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )+};
}

words! {
    /// A Stripe Checkout session, `cs_...`.
    SessionRef;
    /// A Stripe payment intent, `pi_...`.
    IntentRef;
    /// A Stripe charge, `ch_...` or `py_...`.
    ChargeRef;
    /// A Stripe refund, `re_...` or `pyr_...`.
    StripeRefundRef;
    /// A Stripe dispute, `dp_...` or `du_...`.
    StripeDisputeRef;
    /// A Stripe transfer, `tr_...`.
    TransferRef;
    /// A reversal of a Stripe transfer, `trr_...`.
    ReversalRef;
    /// A Stripe payout to a bank, `po_...`.
    StripePayoutRef;
    /// A Stripe top-up, `tu_...`.
    TopupRef;
    /// A connected account, `acct_...`.
    AccountRef;
    /// A Stripe balance transaction, `txn_...`: the only thing that moves money in our books of Stripe.
    TxnRef;
    /// A Stripe event, `evt_...`.
    EventRef;
    /// A Stripe application fee, `fee_...`, or its refund, `fr_...`.
    FeeRef;
    /// Who decided something: the actor's id.
    Person;
    /// Who organizes what is sold: a dimension of every line (default: the seller).
    Organizer;
    /// Names an amount on its way between two of our streams; see [`Claim`] for how it is built.
    ClaimRef;
    /// A membership, `mem_` and 32 hexadecimal digits; minted at the edge.
    MembershipRef;
    /// One paid period of a membership, by the caller's own name for it, such as an invoice's number.
    PeriodRef;
}

/// Builds the names of claims, so that both sides of a step use the same one.
#[derive(Debug, Clone, Copy)]
pub struct Claim;

impl Claim {
    /// A seller's share of one line of an order.
    #[must_use]
    pub fn of_line(order: OrderId, line: LineNo) -> ClaimRef {
        ClaimRef(format!("{order}:{}", line.0))
    }

    /// A seller's share of a refund.
    #[must_use]
    pub fn of_refund(refund: RefundId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{refund}:{seller}"))
    }

    /// A seller's share of a refund that was undone (cancelled at Stripe, or forgone).
    #[must_use]
    pub fn of_reverted_refund(refund: RefundId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{refund}:reverted:{seller}"))
    }

    /// A seller's share of a dispute.
    #[must_use]
    pub fn of_dispute(dispute: kernel::DisputeId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{dispute}:{seller}"))
    }

    /// A seller's share of a dispute's fee.
    #[must_use]
    pub fn of_dispute_fee(dispute: kernel::DisputeId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{dispute}:fee:{seller}"))
    }

    /// A seller's share of what came back after a dispute had been booked as lost.
    #[must_use]
    pub fn of_late_reinstatement(txn: &TxnRef, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{txn}:{seller}"))
    }

    /// A seller's share of a captured charge that the bank took back.
    #[must_use]
    pub fn of_reversed_capture(charge: &ChargeRef, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{charge}:reversed:{seller}"))
    }

    /// A seller's share of one calendar month of a membership's period, counted from 0.
    #[must_use]
    pub fn of_service(membership: &MembershipRef, period: &PeriodRef, month: usize) -> ClaimRef {
        ClaimRef(format!("{membership}:{period}:{month}"))
    }

    /// A seller's share of a payment that a person attributed to him.
    #[must_use]
    pub fn of_attribution(payment: PaymentId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{payment}:{seller}"))
    }

    /// A payout between the seller's balance and the transfer.
    #[must_use]
    pub fn of_payout(payout: PayoutId) -> ClaimRef {
        ClaimRef(payout.to_string())
    }

    /// A seller's part of a manual adjustment.
    #[must_use]
    pub fn of_adjustment(adjustment: AdjustmentId, seller: SellerId) -> ClaimRef {
        ClaimRef(format!("{adjustment}:{seller}"))
    }

    /// A transfer that came back.
    #[must_use]
    pub fn of_reversal(reversal: &ReversalRef) -> ClaimRef {
        ClaimRef(reversal.0.clone())
    }
}

/// The two sides of an entry.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// The left side: assets and expenses grow.
    Debit,
    /// The right side: liabilities, equity and income grow.
    Credit,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// A line of an order, counted from 0.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LineNo(pub u16);

/// What one line's money consists of, in minor units of the order's currency; none is negative.
///
/// Cash (what the buyer paid or gets back) is `fee + seller + shipping + tax - discount`. A discount
/// the seller funds is already inside `seller`; `discount` is only what the platform funds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Components {
    /// The platform's commission.
    pub fee: i64,
    /// The seller's part of the item: price less seller-funded discount less commission.
    pub seller: i64,
    /// Shipping, which is the seller's.
    pub shipping: i64,
    /// Tax.
    pub tax: i64,
    /// The part of the discount that the platform funds.
    pub discount: i64,
}

/// Components that belong to one line and its seller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineShare {
    /// The line.
    pub line: LineNo,
    /// Whose goods.
    pub seller: SellerId,
    /// Who organizes it.
    pub organizer: Organizer,
    /// What is sold, a dimension of the postings.
    pub product: String,
    /// The amounts.
    pub components: Components,
}

/// A period of a membership, as it is sold: whole days of one time zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodTerms {
    /// The caller's name for it.
    pub period: PeriodRef,
    /// The first day.
    pub start: NaiveDate,
    /// The day after the last.
    pub end: NaiveDate,
    /// The time zone the days are of; it stays, when the tenant's changes.
    pub zone: Tz,
    /// What is sold, a dimension of the postings.
    pub product: String,
    /// The part of the price that is tax, minor units.
    pub tax: i64,
    /// Whom the tax is owed to.
    pub tax_jurisdiction: String,
    /// The period that this one takes the place of from its first day on; what of it is paid and not
    /// rendered is carried over.
    pub replaces: Option<PeriodRef>,
}

impl PeriodTerms {
    /// How many days it has.
    #[must_use]
    pub fn days(&self) -> u32 {
        calendar::days_between(self.start, self.end)
    }

    /// The instant at which it is over; `None` beyond the end of the calendar.
    #[must_use]
    pub fn ends_at(&self) -> Option<Timestamp> {
        calendar::start_of(self.end, self.zone)
    }
}

/// Who pays for a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundedBy {
    /// The platform: it shows as contra-income.
    Platform,
    /// The seller: he gets the lower net.
    Seller,
}

/// What must have happened before a seller's money may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayoutAfter {
    /// The payment was captured.
    #[default]
    Captured,
    /// The line was shipped (lines without shipping: captured).
    Shipped,
    /// The line was delivered (lines without shipping: captured).
    Delivered,
    /// The order is completed.
    Completed,
}

/// How finely orders may be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundGranularity {
    /// Whole lines only.
    #[default]
    FullLine,
    /// Any amount up to what remains of the line.
    Partial,
}

/// Who bears a card dispute while it is open and when it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeBearer {
    /// The sellers of the disputed lines.
    #[default]
    Sellers,
    /// The platform absorbs it.
    Platform,
}

/// Why money for an order did not pay the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetAsideReason {
    /// The order was already paid by another payment.
    Duplicate,
    /// Amount or currency differ from what was placed.
    Conflict,
    /// The order had expired or was cancelled, and the policy does not revive it.
    Late,
    /// Nobody knows which order it is for.
    Unattributed,
}

/// The tenant's commerce policy. Orders keep a copy, with its version, of the one they were placed
/// under, so that a later change never touches them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CommercePolicy {
    /// Raised by one with every change.
    pub version: u32,
    /// Minutes a placed order waits for its payment (Stripe's sessions need at least 30).
    pub order_expiry_minutes: u32,
    /// Days an asynchronous payment may take before somebody looks.
    pub async_patience_days: u32,
    /// Whether a payment that arrives after the order expired or was cancelled revives it.
    pub accept_late_payments: bool,
    /// What must have happened before money is released.
    pub payout_after: PayoutAfter,
    /// Days after that before it is released.
    pub delay_days: u32,
    /// Release without a known balance transaction after so many days; `None` waits for it.
    pub release_without_bt_after_days: Option<u32>,
    /// The share of each release that is kept in reserve, in basis points.
    pub reserve_bps: u16,
    /// Days a reserve is kept.
    pub reserve_days: u32,
    /// How finely orders may be refunded.
    pub refund_granularity: RefundGranularity,
    /// Days after payment in which a buyer may ask for a refund.
    pub refund_window_days: u32,
    /// Hours a seller has to decide a refund before it is escalated.
    pub refund_decision_hours: u32,
    /// Whether the platform returns its commission when a line is refunded.
    pub commission_returned: bool,
    /// Refunds and dispute acceptances above this many minor units need a second person; 0 = never.
    pub second_person_above: i64,
    /// Who bears disputes.
    pub disputes_borne_by: DisputeBearer,
    /// Whether the dispute fee is charged on to the sellers when a dispute is lost.
    pub dispute_fee_on_sellers: bool,
    /// Days after payment by which a shippable line should be shipped.
    pub ship_by_days: u32,
    /// Days after shipping at which a line counts as delivered.
    pub auto_deliver_days: u32,
    /// Days after delivery in which a buyer may report an issue; then the order is completed.
    pub issue_window_days: u32,
    /// The least amount of a payout, in minor units.
    pub payout_minimum: i64,
}

impl Default for CommercePolicy {
    fn default() -> Self {
        Self {
            version: 1,
            order_expiry_minutes: 60,
            async_patience_days: 14,
            accept_late_payments: true,
            payout_after: PayoutAfter::Captured,
            delay_days: 7,
            release_without_bt_after_days: None,
            reserve_bps: 0,
            reserve_days: 90,
            refund_granularity: RefundGranularity::FullLine,
            refund_window_days: 30,
            refund_decision_hours: 72,
            commission_returned: true,
            second_person_above: 0,
            disputes_borne_by: DisputeBearer::Sellers,
            dispute_fee_on_sellers: false,
            ship_by_days: 14,
            auto_deliver_days: 14,
            issue_window_days: 14,
            payout_minimum: 1,
        }
    }
}

/// How a fact from Stripe ranks against another about the same object: class first, then Stripe's
/// event time, then the event's id. The greater wins, so any order of arrival gives one end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FactRank {
    /// The class of the status; see the aggregate that uses it.
    pub class: u8,
    /// `created` of the Stripe event, in unix seconds (or the fetch time of a snapshot).
    pub created: i64,
    /// The Stripe event's id, or `fetch` for a snapshot we asked for.
    pub event: EventRef,
}

/// What a balance transaction moved, for the object that must know whether it was exchanged for
/// another currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The transaction.
    pub txn: TxnRef,
    /// Before Stripe's fee, signed from the balance's point of view, in the balance's currency.
    pub settled: Money,
    /// Stripe's exchange rate as decimal text, evidence only.
    pub exchange_rate: Option<String>,
    /// The transaction's own time.
    pub occurred_at: kernel::Timestamp,
}

impl Settlement {
    /// The given money, with the sign of what was settled; `None` if nothing was exchanged because
    /// it is of the same currency.
    #[must_use]
    pub fn exchanged_for(&self, presented: Money) -> Option<Money> {
        let differs = presented.currency() != self.settled.currency();
        let minor = presented.minor().saturating_abs();
        let minor = if self.settled.minor() < 0 { minor.saturating_neg() } else { minor };
        differs.then(|| Money::new(minor, presented.currency()))
    }
}

/// Money of a given currency from minor units; a short hand for events that state their currency
/// once.
#[must_use]
pub const fn money(minor: i64, currency: Currency) -> Money {
    Money::new(minor, currency)
}
