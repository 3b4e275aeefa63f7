//! What is known of a payment: merged facts, the money that came, and where it is now.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Currency, DisputeId, Money, OrderId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};

use super::events::{AttributedShare, CapturedMoney, Destination, FactObject, Risk};
use crate::vocabulary::{
    ChargeRef, FactRank, FeeRef, IntentRef, MembershipRef, PeriodRef, SessionRef, SetAsideReason,
    StripeDisputeRef, StripeRefundRef, TxnRef,
};

/// The words by which merged facts are remembered, beside Stripe's own for facts that are noted.
pub(super) mod words {
    pub(in crate::payment) const PROCESSING: &str = "processing";
    pub(in crate::payment) const AUTHORIZED: &str = "requires_capture";
    pub(in crate::payment) const SUCCEEDED: &str = "succeeded";
    pub(in crate::payment) const FAILED: &str = "failed";
    pub(in crate::payment) const CANCELED: &str = "canceled";
    pub(in crate::payment) const EXPIRED: &str = "expired";
    pub(in crate::payment) const REVERSED: &str = "reversed";
}

/// In one word, where a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum PaymentStatus {
    /// Nothing that matters is known.
    New,
    /// A session was asked for.
    Requested,
    /// The session is open.
    Open,
    /// An asynchronous payment is under way.
    Processing,
    /// The money can be captured.
    Authorized,
    /// The last attempt failed.
    Failed,
    /// It will not be paid.
    Canceled,
    /// The session lapsed.
    Expired,
    /// Stripe says it is paid, but no charge is known yet.
    Announced,
    /// The money came.
    Captured,
    /// The money came and is set aside.
    SetAside,
    /// The bank took the money back.
    Reversed,
}

/// What Stripe's balance transaction of a charge said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRecord {
    /// The charge.
    pub charge: ChargeRef,
    /// The transaction.
    pub txn: TxnRef,
    /// Stripe's fee, in the settlement currency.
    pub fee: Money,
    /// What is left of it, in the settlement currency.
    pub net: Money,
    /// When the money can be used.
    pub available_on: Timestamp,
}

/// What is known of one Stripe object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) object: FactObject,
    pub(super) status: String,
    pub(super) rank: FactRank,
}

/// How far our own call for a session got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum RequestState {
    Sent,
    Unknown,
    Refused,
    Open(SessionRef),
}

/// Our own call for a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) idempotency_key: String,
    pub(super) expires_at: Timestamp,
    pub(super) state: RequestState,
}

/// The money that came, and when we learned of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) money: CapturedMoney,
    pub(super) at: Timestamp,
}

/// Money of one charge that is, or was, set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pot {
    pub(super) charge: ChargeRef,
    pub(super) currency: Currency,
    pub(super) reason: SetAsideReason,
    /// Minor units neither attributed, refunded, reserved nor lost: the balance of
    /// `liabilities:unallocated:<charge>`, never below zero.
    pub(super) free: i64,
    /// The order it went to, and how much of it.
    pub(super) attributed: Option<(OrderId, i64)>,
    /// The shares it was divided into, by a person.
    pub(super) shares: Vec<AttributedShare>,
    /// The orders that have refused it; each says no only once, so it is not offered to them again.
    #[serde(default)]
    pub(super) refused_by: BTreeSet<OrderId>,
    /// The membership and period it pays, and how much of it.
    #[serde(default)]
    pub(super) membership: Option<(MembershipRef, PeriodRef, i64)>,
}

impl Pot {
    pub(super) const fn is_open(&self) -> bool {
        self.attributed.is_none() && self.free > 0
    }
}

/// A refund that was made at Stripe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExternalRefund {
    pub(super) stripe_refund: StripeRefundRef,
    pub(super) amount: Money,
    pub(super) occurred_at: Timestamp,
    pub(super) to: Option<Destination>,
}

/// Set-aside money that is reserved for a refund of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reservation {
    pub(super) charge: ChargeRef,
    pub(super) amount: Money,
    pub(super) released: bool,
}

/// How a dispute ended, as its balance transactions say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Conclusion {
    pub(super) stripe_dispute: StripeDisputeRef,
    pub(super) withdrawn: i64,
    pub(super) reinstated: i64,
    pub(super) lost: bool,
    pub(super) occurred_at: Timestamp,
}

/// A dispute of this payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DisputeEntry {
    pub(super) amount: Money,
    pub(super) inquiry: bool,
    pub(super) to: Option<Destination>,
    pub(super) concluded: bool,
    /// Lost from set-aside money, and beyond it.
    pub(super) lost: i64,
    pub(super) excess_lost: i64,
    /// It ended before it was known where it belongs.
    pub(super) held: Option<Conclusion>,
    pub(super) revised: BTreeSet<TxnRef>,
}

/// One attempt, or several, to be paid for one thing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Payment {
    pub(super) order: Option<OrderId>,
    pub(super) request: Option<Request>,
    pub(super) objects: BTreeMap<String, Known>,
    pub(super) sessions: BTreeSet<SessionRef>,
    pub(super) intents: BTreeSet<IntentRef>,
    pub(super) capture: Option<Capture>,
    pub(super) pots: Vec<Pot>,
    pub(super) reversed: BTreeSet<ChargeRef>,
    pub(super) fees: BTreeMap<ChargeRef, FeeRecord>,
    pub(super) risks: Vec<Risk>,
    pub(super) refunds: BTreeMap<RefundId, ExternalRefund>,
    pub(super) reservations: BTreeMap<RefundId, Reservation>,
    pub(super) disputes: BTreeMap<DisputeId, DisputeEntry>,
    pub(super) application_fees: BTreeSet<FeeRef>,
    pub(super) patience_exceeded: bool,
    /// What each charge brought; refunds and losses do not change it.
    #[serde(default)]
    pub(super) came: BTreeMap<ChargeRef, Money>,
    /// What the bank took back, by its transaction.
    #[serde(default)]
    pub(super) reversals: BTreeMap<TxnRef, (ChargeRef, Money)>,
    /// The transactions of which it is known what was exchanged.
    #[serde(default)]
    pub(super) converted: BTreeSet<TxnRef>,
}

/// What is asked of a payment from outside.
impl Payment {
    /// The order it is for, whether or not the order took the money.
    #[must_use]
    pub fn order(&self) -> Option<OrderId> {
        self.primary_pot().and_then(|pot| pot.attributed).map(|(order, _)| order).or(self.order)
    }

    /// The charge that brought the money.
    #[must_use]
    pub fn charge(&self) -> Option<&ChargeRef> {
        self.capture.as_ref().map(|capture| &capture.money.charge)
    }

    /// The money that came.
    #[must_use]
    pub fn captured(&self) -> Option<&CapturedMoney> {
        self.capture.as_ref().map(|capture| &capture.money)
    }

    /// What is set aside and not spoken for: neither attributed, refunded, reserved nor lost.
    #[must_use]
    pub fn set_aside(&self) -> Option<Money> {
        let currency = self.pots.first()?.currency;
        let free = self.pots.iter().filter(|pot| pot.currency == currency).map(|pot| pot.free);
        Some(Money::new(free.fold(0, i64::saturating_add), currency))
    }

    /// Stripe's fee on the charge, once its balance transaction is known.
    #[must_use]
    pub fn fee_record(&self) -> Option<&FeeRecord> {
        match self.charge() {
            Some(charge) => self.fees.get(charge),
            None => self.fees.values().next(),
        }
    }

    /// Every session it went through.
    #[must_use]
    pub const fn sessions(&self) -> &BTreeSet<SessionRef> {
        &self.sessions
    }

    /// Every payment intent it went through.
    #[must_use]
    pub const fn intents(&self) -> &BTreeSet<IntentRef> {
        &self.intents
    }

    /// Warnings, in the order they came.
    #[must_use]
    pub fn risks(&self) -> &[Risk] {
        &self.risks
    }

    /// Since when an asynchronous payment is under way, by Stripe's event times.
    ///
    /// The newest of {processing, succeeded, failed, canceled, expired} over all objects decides, so
    /// a late "processing" of one object does not undo the end that another has told of.
    #[must_use]
    pub fn processing_since(&self) -> Option<Timestamp> {
        let newest =
            self.newest_of(&[words::PROCESSING, words::FAILED, words::CANCELED, words::EXPIRED])?;
        if self.capture.is_some() || newest.status != words::PROCESSING {
            return None;
        }
        let since = self.objects.values().filter(|known| known.status == words::PROCESSING);
        since.map(|known| known.rank.created).min().map(Timestamp::from_unix_seconds)
    }

    /// In one word, where it is.
    #[must_use]
    pub fn status(&self) -> PaymentStatus {
        if let Some(charge) = self.charge() {
            return match self.primary_pot() {
                _ if self.reversed.contains(charge) => PaymentStatus::Reversed,
                Some(pot)
                    if pot.attributed.is_none()
                        && pot.shares.is_empty()
                        && pot.membership.is_none() =>
                {
                    PaymentStatus::SetAside
                }
                Some(_) | None => PaymentStatus::Captured,
            };
        }
        if self.times_reached(words::SUCCEEDED) > 0 {
            return PaymentStatus::Announced;
        }
        if self.processing_since().is_some() {
            return PaymentStatus::Processing;
        }
        if self.times_reached(words::AUTHORIZED) > 0 {
            return PaymentStatus::Authorized;
        }
        let ended = self.newest_of(&[words::FAILED, words::CANCELED, words::EXPIRED]);
        match (ended.map(|known| known.status.as_str()), self.request.as_ref()) {
            (Some(words::FAILED), _) => PaymentStatus::Failed,
            (_, Some(request)) if self.is_in_flight() => match request.state {
                RequestState::Open(_) => PaymentStatus::Open,
                RequestState::Sent | RequestState::Unknown | RequestState::Refused => {
                    PaymentStatus::Requested
                }
            },
            (Some(words::CANCELED), _) => PaymentStatus::Canceled,
            (Some(_), _) => PaymentStatus::Expired,
            (None, Some(request)) if request.state == RequestState::Refused => {
                PaymentStatus::Failed
            }
            (None, Some(_)) => PaymentStatus::Requested,
            (None, None) => PaymentStatus::New,
        }
    }
}

/// What the decisions need.
impl Payment {
    /// What a charge brought, if it is known to have brought anything.
    pub(super) fn came_with(&self, charge: &ChargeRef) -> Option<Money> {
        self.came.get(charge).copied()
    }

    /// The set-aside money of the charge that was captured first.
    pub(super) fn primary_pot(&self) -> Option<&Pot> {
        self.pot(self.charge()?)
    }

    pub(super) fn pot(&self, charge: &ChargeRef) -> Option<&Pot> {
        self.pots.iter().find(|pot| pot.charge == *charge)
    }

    pub(super) fn pot_mut(&mut self, charge: &ChargeRef) -> Option<&mut Pot> {
        self.pots.iter_mut().find(|pot| pot.charge == *charge)
    }

    /// Where refunds and disputes of the captured money belong; `None` until it is known what was
    /// paid and for what.
    pub(super) fn destination(&self) -> Option<Destination> {
        self.capture.as_ref()?;
        match self.primary_pot() {
            Some(pot) => Some(match pot.attributed {
                Some((order, _)) => Destination::Order(order),
                None => Destination::Unallocated,
            }),
            None => self.order.map(Destination::Order),
        }
    }

    /// The order that has, or will have, the money of this charge.
    pub(super) fn order_of(&self, charge: &ChargeRef) -> Option<OrderId> {
        match self.pot(charge) {
            Some(pot) => pot.attributed.map(|(order, _)| order),
            None => self.order.filter(|_| self.charge().is_none_or(|known| known == charge)),
        }
    }

    /// When this charge's money becomes available, as the order must be told.
    pub(super) fn funds(&self, charge: &ChargeRef) -> Option<(ChargeRef, Timestamp)> {
        self.fees.get(charge).map(|fee| (fee.charge.clone(), fee.available_on))
    }

    /// Does this fact say more than what is known of its object?
    pub(super) fn is_news(&self, id: &str, rank: &FactRank) -> bool {
        self.objects.get(id).is_none_or(|known| *rank > known.rank)
    }

    /// How often a status was reached. A session, its intent and its charge tell of one event each
    /// in their own way, so they are counted apart and the greatest count is the answer.
    pub(super) fn times_reached(&self, status: &str) -> usize {
        [FactObject::Session, FactObject::Intent, FactObject::Charge]
            .into_iter()
            .map(|object| {
                let of_kind = self.objects.values().filter(|known| known.object == object);
                of_kind.filter(|known| known.status == status).count()
            })
            .max()
            .unwrap_or(0)
    }

    /// Has the money come, or does Stripe say so although no charge is known yet?
    pub(super) fn is_paid(&self) -> bool {
        self.capture.is_some() || self.times_reached(words::SUCCEEDED) > 0
    }

    /// Has any charge of this payment failed?
    pub(super) fn has_failed_charge(&self) -> bool {
        let mut known = self.objects.values();
        known.any(|known| known.object == FactObject::Charge && known.status == words::FAILED)
    }

    fn newest_of(&self, statuses: &[&str]) -> Option<&Known> {
        let among = self.objects.values().filter(|known| statuses.contains(&&*known.status));
        // In the same second an end beats "processing".
        among.max_by_key(|known| (known.rank.created, known.status != words::PROCESSING))
    }

    /// Could the buyer still pay through the session we asked for?
    pub(super) fn is_in_flight(&self) -> bool {
        match self.request.as_ref().map(|request| &request.state) {
            None | Some(RequestState::Refused) => false,
            Some(RequestState::Sent | RequestState::Unknown) => true,
            Some(RequestState::Open(session)) => {
                let status = self.objects.get(session.as_str()).map(|known| known.status.as_str());
                !matches!(status, Some(words::EXPIRED | words::FAILED))
            }
        }
    }

    /// Is the money under a dispute that only Stripe can decide now?
    pub(super) fn is_under_dispute(&self) -> bool {
        self.disputes.values().any(|dispute| !dispute.inquiry && !dispute.concluded)
    }
}
