//! What has happened to a membership.

use chrono::NaiveDate;
use cqrs_es::DomainEvent;
use kernel::{Currency, Money, PaymentId, Rate, RefundId, SellerId, SubjectRef, Timestamp};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

use crate::vocabulary::{
    ChargeRef, ClaimRef, MembershipRef, Organizer, PeriodRef, PeriodTerms, Person,
};

/// When the platform's commission on another's membership is income.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommissionIncome {
    /// When the period is paid: the platform has done its part.
    #[default]
    AtOnce,
    /// Day by day, as the membership is rendered.
    Deferred,
}

/// Who sells the membership to the member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoldBy {
    /// The platform itself: the whole net price becomes its income.
    Platform,
    /// A seller, with the platform as his agent: only the commission is the platform's.
    Agent {
        /// Who sells.
        seller: SellerId,
        /// Who organizes it.
        organizer: Organizer,
        /// The platform's share of the net price.
        commission: Rate,
        /// When the commission is income.
        income: CommissionIncome,
        /// Whether the commission is given back with a refund.
        commission_returned: bool,
    },
}

/// The seller whose membership it is, as the books name him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFor {
    /// Who sells.
    pub seller: SellerId,
    /// Who organizes it.
    pub organizer: Organizer,
}

/// What a membership was started with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembershipTerms {
    /// Whose membership it is; who that is, is sealed elsewhere or known to the storefront only.
    pub member: SubjectRef,
    /// The caller's own number for it.
    pub reference: Option<String>,
    /// The tier or product; periods may be of another.
    pub product: String,
    /// Who sells it.
    pub sold_by: SoldBy,
    /// What a period costs by the price list, tax included. What is paid stands in each period.
    pub price: Money,
    /// The version of the tenant's commerce policy it was started under.
    pub policy: u32,
}

/// A seller's part of one calendar month of service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceMonth {
    /// Under which claim it is credited.
    pub claim: ClaimRef,
    /// Minor units.
    pub amount: i64,
    /// The end of its last day of service.
    pub until: Timestamp,
}

/// A day of a period that ends then, and is recognised then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextDay {
    /// The day.
    pub day: NaiveDate,
    /// Its last millisecond.
    pub due: Timestamp,
}

/// What became income on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecognizedDay {
    /// The day.
    pub day: NaiveDate,
    /// Minor units.
    pub amount: i64,
    /// Its last millisecond: when it takes effect, however late it is recorded.
    pub effective_at: Timestamp,
}

/// Where money that goes back to a member comes from; minor units. The sum is the cash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GivenBack {
    /// From the tax.
    pub tax: i64,
    /// From what is paid and not rendered yet.
    pub deferred: i64,
    /// From what has been income already.
    pub income: i64,
    /// From the seller.
    pub seller: i64,
}

/// Why the monthly recurring revenue of a membership changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// The first paid period.
    New,
    /// More than before.
    Expansion,
    /// Less than before.
    Contraction,
    /// It ended, or lapsed.
    Churn,
    /// A paid period after it had lapsed.
    Reactivation,
}

/// What has happened to a membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the vocabulary; each variant is described")]
pub enum MembershipEvent {
    /// Somebody became a member, or is about to.
    Started { membership: MembershipRef, terms: MembershipTerms, at: Timestamp },
    /// A period was paid. Carries all that the books need.
    PeriodPaid {
        membership: MembershipRef,
        terms: PeriodTerms,
        /// The cash, tax included; zero when what is carried over covers the period.
        paid: Money,
        charge: Option<ChargeRef>,
        payment: Option<PaymentId>,
        sold_by: SoldBy,
        /// What is recognised day by day: the net price with what is carried over, or a deferred
        /// commission; minor units.
        deferred: i64,
        /// Of that, what is carried over from the period it replaces.
        carried: i64,
        /// The commission, if a seller sells it; minor units.
        commission: i64,
        /// The seller's part, by months of service.
        months: Vec<ServiceMonth>,
        /// The platform's monthly recurring revenue from it now; minor units.
        mrr: i64,
        /// What changed in that.
        mrr_delta: i64,
        movement: Option<Movement>,
        /// The first day that is recognised, if any is.
        next: Option<NextDay>,
        /// The version of the policy that decided the amounts.
        policy: u32,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Money for a period that cannot be sold as told; the payment sets it aside again.
    PeriodRefused {
        period: PeriodRef,
        charge: ChargeRef,
        payment: Option<PaymentId>,
        amount: Money,
        /// The refusal's stable code.
        code: String,
        reason: String,
        at: Timestamp,
    },
    /// It is known when Stripe makes the money available: the seller's months are released at their
    /// end, and not before that.
    FundsExpected {
        period: PeriodRef,
        seller: SellerId,
        available_on: Timestamp,
        releases: Vec<(ClaimRef, Timestamp)>,
        at: Timestamp,
    },
    /// Days were rendered: what they cost is income, each on its own day.
    RevenueRecognized {
        membership: MembershipRef,
        period: PeriodRef,
        product: String,
        /// The seller, if it is a commission that becomes income.
        agent: Option<AgentFor>,
        currency: Currency,
        /// The last day that is recognised now.
        through: NaiveDate,
        /// The days among these on which something became income.
        days: Vec<RecognizedDay>,
        /// What of the period is income now, minor units.
        cumulative: i64,
        next: Option<NextDay>,
        policy: u32,
        at: Timestamp,
    },
    /// Money of a period goes back to the member. The refund runs its course from here.
    PeriodRefunded {
        membership: MembershipRef,
        period: PeriodRef,
        product: String,
        refund: RefundId,
        payment: PaymentId,
        charge: ChargeRef,
        amount: Money,
        given_back: GivenBack,
        agent: Option<AgentFor>,
        /// The claim whose pending money of the seller's is taken first.
        about: Option<ClaimRef>,
        tax_jurisdiction: String,
        reason: String,
        by: Person,
        policy: u32,
        at: Timestamp,
    },
    /// That refund is not owed any more; what it had taken from income and from days to come is
    /// income.
    RefundReverted {
        membership: MembershipRef,
        period: PeriodRef,
        product: String,
        refund: RefundId,
        amount: Money,
        given_back: GivenBack,
        agent: Option<AgentFor>,
        tax_jurisdiction: String,
        at: Timestamp,
    },
    /// The bank took the money of a period back after it had come; the period is over.
    CaptureReversed {
        membership: MembershipRef,
        period: PeriodRef,
        product: String,
        charge: ChargeRef,
        amount: Money,
        given_back: GivenBack,
        agent: Option<AgentFor>,
        about: Option<ClaimRef>,
        tax_jurisdiction: String,
        occurred_at: Timestamp,
        at: Timestamp,
    },
    /// Another period took its place; what was paid and not rendered went there.
    PeriodReplaced {
        membership: MembershipRef,
        period: PeriodRef,
        by: PeriodRef,
        product: String,
        /// The product of the other one.
        into: String,
        /// The first day of the other one.
        day: NaiveDate,
        /// What went there.
        carried: Money,
        at: Timestamp,
    },
    /// It was cut short on that day; what is neither rendered nor refunded is forfeited, and income.
    PeriodCancelled {
        membership: MembershipRef,
        period: PeriodRef,
        product: String,
        agent: Option<AgentFor>,
        currency: Currency,
        day: NaiveDate,
        /// What of the period had become income by its days; minor units.
        recognized: i64,
        /// What of it went back to the member, tax included; minor units.
        refunded: i64,
        /// What became income now; minor units.
        forfeited: i64,
        reason: String,
        by: Person,
        policy: u32,
        at: Timestamp,
    },
    /// No further period follows. One that is running is rendered to its end, unless it was
    /// cancelled.
    Ended {
        product: String,
        currency: Currency,
        mrr_delta: i64,
        /// The day the change counts on.
        day: NaiveDate,
        reason: String,
        by: Person,
        at: Timestamp,
    },
    /// The last paid period has been over for a while and nobody paid another.
    Lapsed {
        product: String,
        currency: Currency,
        mrr_delta: i64,
        /// The day after the last that was paid.
        day: NaiveDate,
        at: Timestamp,
    },
}

impl DomainEvent for MembershipEvent {
    fn event_type(&self) -> String {
        format!("membership.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
