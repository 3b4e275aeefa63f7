//! What a refund remembers, and what others may ask it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Money, OrderId, PaymentId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};
use strum::AsRefStr;

use super::events::RefundSource;
use crate::vocabulary::{ChargeRef, FactRank, Person, StripeRefundRef, TxnRef};

/// Days a refund may be pending at Stripe before somebody looks.
pub const STUCK_DAYS: i64 = 10;

/// A refund.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub(super) request: Option<Request>,
    pub(super) phase: Phase,
    /// Which try at Stripe this is, from 1.
    pub(super) attempt: u32,
    /// The Stripe refund of this attempt, once there is one.
    pub(super) current: Option<StripeRefundRef>,
    /// Every Stripe refund there was; earlier attempts still receive facts.
    pub(super) at_stripe: BTreeMap<StripeRefundRef, AtStripe>,
    /// Why it is pending, and since when.
    pub(super) pending: Option<(Option<String>, Timestamp)>,
    pub(super) stuck: bool,
    pub(super) first_approval: Option<Person>,
    pub(super) forgo_proposed: Option<Person>,
    pub(super) reverted: bool,
    /// The transactions of which it is known what was exchanged.
    #[serde(default)]
    pub(super) converted: BTreeSet<TxnRef>,
}

/// What was asked for, or seen at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) refund: RefundId,
    pub(super) source: RefundSource,
    pub(super) payment: PaymentId,
    pub(super) charge: ChargeRef,
    pub(super) amount: Money,
    pub(super) decide_by: Option<Timestamp>,
    pub(super) second_person_above: i64,
}

/// How far it has come, as far as we act.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    #[default]
    Unknown,
    Requested,
    Escalated,
    Withdrawn,
    Declined,
    /// Decided, or to be tried again: the call to Stripe comes next.
    Approved,
    Submitted {
        idempotency_key: String,
    },
    SubmitUnknown {
        idempotency_key: String,
    },
    /// Stripe refused the call; it is owed.
    SubmitRefused,
    /// Stripe has it.
    AtStripe,
    /// Stripe could not deliver it; it is owed.
    Failed,
    PaidExternally,
    Forgone,
    Canceled,
}

/// One Stripe refund, merged from all facts about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AtStripe {
    pub(super) amount: Money,
    /// The highest rank seen, and the status that came with it.
    pub(super) merged: Option<(FactRank, String)>,
    pub(super) debits: BTreeSet<TxnRef>,
    pub(super) reversals: BTreeSet<TxnRef>,
}

impl AtStripe {
    pub(super) const fn new(amount: Money) -> Self {
        Self { amount, merged: None, debits: BTreeSet::new(), reversals: BTreeSet::new() }
    }

    pub(super) fn status(&self) -> Option<&str> {
        self.merged.as_ref().map(|(_, status)| status.as_str())
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, AsRefStr, Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RefundStatus {
    /// There is no such refund.
    Unknown,
    /// It waits for the seller's decision.
    Requested,
    /// It waits for the staff's decision.
    Escalated,
    /// The buyer thought better of it.
    Withdrawn,
    /// The seller or staff said no.
    Declined,
    /// It is owed, and the call to Stripe comes next.
    Approved,
    /// The call to Stripe is being made.
    Submitted,
    /// Whether the call arrived is not known.
    SubmitUnknown,
    /// Stripe refused the call; it is still owed.
    SubmitRefused,
    /// Stripe is working on it.
    Pending,
    /// The buyer must do something first.
    RequiresAction,
    /// It reached the buyer.
    Succeeded,
    /// It did not reach the buyer and is still owed.
    Failed,
    /// It was paid by other means.
    PaidExternally,
    /// It is not owed any more.
    Forgone,
    /// It was cancelled at Stripe.
    Canceled,
}

impl Refund {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Option<RefundId> {
        self.request.as_ref().map(|request| request.refund)
    }

    /// What is refunded.
    #[must_use]
    pub fn source(&self) -> Option<&RefundSource> {
        self.request.as_ref().map(|request| &request.source)
    }

    /// The order it belongs to, if it is a part of one's line.
    #[must_use]
    pub fn order(&self) -> Option<OrderId> {
        match self.source()? {
            RefundSource::OrderLine { order, .. } => Some(*order),
            RefundSource::Unallocated
            | RefundSource::Membership { .. }
            | RefundSource::External => None,
        }
    }

    /// The payment it goes back from.
    #[must_use]
    pub fn payment(&self) -> Option<PaymentId> {
        self.request.as_ref().map(|request| request.payment)
    }

    /// The charge it goes back from.
    #[must_use]
    pub fn charge(&self) -> Option<&ChargeRef> {
        self.request.as_ref().map(|request| &request.charge)
    }

    /// How much.
    #[must_use]
    pub fn amount(&self) -> Option<Money> {
        self.request.as_ref().map(|request| request.amount)
    }

    /// When it is escalated unless somebody decides.
    #[must_use]
    pub fn decide_by(&self) -> Option<Timestamp> {
        self.request.as_ref().and_then(|request| request.decide_by)
    }

    /// Which try at Stripe this is, from 1; 0 before it is approved.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The Stripe refund of the present attempt.
    #[must_use]
    pub const fn stripe_refund(&self) -> Option<&StripeRefundRef> {
        self.current.as_ref()
    }

    /// The idempotency key of the call that is out.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        match &self.phase {
            Phase::Submitted { idempotency_key } | Phase::SubmitUnknown { idempotency_key } => {
                Some(idempotency_key)
            }
            Phase::Unknown
            | Phase::Requested
            | Phase::Escalated
            | Phase::Withdrawn
            | Phase::Declined
            | Phase::Approved
            | Phase::SubmitRefused
            | Phase::AtStripe
            | Phase::Failed
            | Phase::PaidExternally
            | Phase::Forgone
            | Phase::Canceled => None,
        }
    }

    /// Whether it failed and is still owed to the buyer.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        matches!(self.phase, Phase::Failed | Phase::SubmitRefused)
    }

    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> RefundStatus {
        match &self.phase {
            Phase::Unknown => RefundStatus::Unknown,
            Phase::Requested => RefundStatus::Requested,
            Phase::Escalated => RefundStatus::Escalated,
            Phase::Withdrawn => RefundStatus::Withdrawn,
            Phase::Declined => RefundStatus::Declined,
            Phase::Approved => RefundStatus::Approved,
            Phase::Submitted { .. } => RefundStatus::Submitted,
            Phase::SubmitUnknown { .. } => RefundStatus::SubmitUnknown,
            Phase::SubmitRefused => RefundStatus::SubmitRefused,
            Phase::AtStripe => match self.status_at_stripe() {
                Some("succeeded") => RefundStatus::Succeeded,
                Some("requires_action") => RefundStatus::RequiresAction,
                Some(_) | None => RefundStatus::Pending,
            },
            Phase::Failed => RefundStatus::Failed,
            Phase::PaidExternally => RefundStatus::PaidExternally,
            Phase::Forgone => RefundStatus::Forgone,
            Phase::Canceled => RefundStatus::Canceled,
        }
    }

    fn status_at_stripe(&self) -> Option<&str> {
        self.at_stripe.get(self.current.as_ref()?)?.status()
    }
}
