//! What is known of a dispute: Stripe's side, merged, and what we have done about it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{DisputeId, Money, PaymentId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    classes,
    events::{DisputeEvent, DisputeOutcome},
};
use crate::vocabulary::{ChargeRef, FactRank, Person, StripeDisputeRef, TxnRef};

/// What does not change about a dispute once it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) dispute: DisputeId,
    pub(super) stripe_dispute: StripeDisputeRef,
    pub(super) charge: ChargeRef,
    pub(super) payment: PaymentId,
    pub(super) amount: Money,
}

/// A balance transaction of the dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Movement {
    /// Negative: withdrawn. Positive: reinstated.
    pub(super) amount: Money,
    /// Positive: charged. Negative: returned.
    pub(super) fee: i64,
    /// The same in the balance's currency, where that is another one.
    #[serde(default)]
    pub(super) settled: Option<Money>,
}

/// What has moved of a dispute whose money Stripe holds in another currency, minor units.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Exchanged {
    pub(super) presented: i64,
    pub(super) settled: i64,
    pub(super) presented_back: i64,
    pub(super) settled_back: i64,
}

/// How far a call of ours to Stripe got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Call {
    Made,
    Unknown,
    Confirmed,
    Refused,
}

/// What we have answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing yet.
    #[default]
    None,
    /// Evidence, with these fields.
    Evidence(BTreeMap<String, String>),
    /// We gave in.
    Accepted,
    /// The buyer was refunded in full (inquiries only).
    Refunded,
}

/// A card or bank dispute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dispute {
    pub(super) identity: Option<Identity>,
    pub(super) rank: Option<FactRank>,
    pub(super) status: String,
    pub(super) inquiry: bool,
    pub(super) due_by: Option<Timestamp>,
    /// Whether the inquiry may be answered by a refund; never true of a chargeback.
    pub(super) refundable: bool,
    pub(super) movements: BTreeMap<TxnRef, Movement>,
    pub(super) closed: Option<DisputeOutcome>,
    pub(super) draft: BTreeMap<String, String>,
    pub(super) answer: Answer,
    pub(super) submissions: u32,
    pub(super) acceptances: u32,
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) accept_proposed_by: Option<Person>,
    pub(super) assigned_to: Option<Person>,
    /// Alarms that were raised for the present deadline, in hours before it.
    pub(super) alarms: BTreeSet<u32>,
    pub(super) deadline_missed: bool,
    pub(super) fee_charged: bool,
}

/// What is asked of a dispute from outside.
impl Dispute {
    /// Stripe's id.
    #[must_use]
    pub fn stripe_dispute(&self) -> Option<&StripeDisputeRef> {
        self.identity.as_ref().map(|identity| &identity.stripe_dispute)
    }

    /// The payment it is about.
    #[must_use]
    pub fn payment(&self) -> Option<PaymentId> {
        self.identity.as_ref().map(|identity| identity.payment)
    }

    /// The disputed charge.
    #[must_use]
    pub fn charge(&self) -> Option<&ChargeRef> {
        self.identity.as_ref().map(|identity| &identity.charge)
    }

    /// The disputed amount, which may differ from the charge's.
    #[must_use]
    pub fn amount(&self) -> Option<Money> {
        self.identity.as_ref().map(|identity| identity.amount)
    }

    /// Stripe's status.
    #[must_use]
    pub fn status(&self) -> &str {
        &self.status
    }

    /// An inquiry asks; a chargeback takes money.
    #[must_use]
    pub const fn is_inquiry(&self) -> bool {
        self.inquiry
    }

    /// Until when it can be answered.
    #[must_use]
    pub const fn due_by(&self) -> Option<Timestamp> {
        self.due_by
    }

    /// How it ended.
    #[must_use]
    pub const fn closed(&self) -> Option<DisputeOutcome> {
        self.closed
    }

    /// What we have answered.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }

    /// Who is in charge of it.
    #[must_use]
    pub const fn assigned_to(&self) -> Option<&Person> {
        self.assigned_to.as_ref()
    }

    /// What Stripe took, so far.
    #[must_use]
    pub fn withdrawn(&self) -> Option<Money> {
        self.total(|minor| minor.min(0).saturating_neg())
    }

    /// What Stripe gave back, so far.
    #[must_use]
    pub fn reinstated(&self) -> Option<Money> {
        self.total(|minor| minor.max(0))
    }

    /// What Stripe charged for it and has not returned.
    #[must_use]
    pub fn fee(&self) -> Option<Money> {
        let settled = self.movements.values().find_map(|movement| movement.settled);
        let currency = settled.map(Money::currency).or_else(|| self.movement_currency())?;
        let fees = self.movements.values().map(|movement| movement.fee);
        Some(Money::new(fees.fold(0, i64::saturating_add), currency))
    }
}

/// What the decisions need.
impl Dispute {
    fn total(&self, part: impl Fn(i64) -> i64) -> Option<Money> {
        let currency = self.movement_currency()?;
        let parts = self.movements.values().map(|movement| part(movement.amount.minor()));
        Some(Money::new(parts.fold(0, i64::saturating_add), currency))
    }

    /// The currency the movements are told in: the buyer's (facts that are older than conversions
    /// are told in the balance's).
    fn movement_currency(&self) -> Option<kernel::Currency> {
        let moved = self.movements.values().next().map(|movement| movement.amount.currency());
        moved.or_else(|| self.amount().map(Money::currency))
    }

    /// What was withdrawn and given back in both currencies; `None` if nothing was exchanged yet.
    pub(super) fn exchanged(&self) -> Option<Exchanged> {
        let mut sum = Exchanged::default();
        for movement in self.movements.values() {
            let Some(settled) = movement.settled else { continue };
            let (presented, settled) = (movement.amount.minor(), settled.minor());
            if settled < 0 {
                sum.presented = sum.presented.saturating_sub(presented);
                sum.settled = sum.settled.saturating_sub(settled);
            } else {
                sum.presented_back = sum.presented_back.saturating_add(presented);
                sum.settled_back = sum.settled_back.saturating_add(settled);
            }
        }
        (sum.settled > 0).then_some(sum)
    }

    pub(super) fn is_answered(&self) -> bool {
        self.answer != Answer::None || self.status.ends_with("under_review")
    }

    pub(super) fn stripe_key(&self, tenant: kernel::TenantId, intent: &str, nth: u32) -> String {
        let dispute = self.identity.as_ref().map(|identity| identity.dispute).unwrap_or_default();
        // Stripe repeats its first answer to a key, so what was refused needs a key of its own.
        let again = if nth == 0 { String::new() } else { format!(":{}", nth + 1) };
        format!("db:{tenant}:dispute:{dispute}:{intent}{again}")
    }
}

/// Remembering. A stored fact cannot be refused.
impl Dispute {
    pub(super) fn evolve(&mut self, event: DisputeEvent) {
        match event {
            DisputeEvent::Opened {
                dispute,
                stripe_dispute,
                charge,
                payment,
                amount,
                inquiry,
                due_by,
                charge_refundable,
                ..
            } => {
                self.identity = Some(Identity { dispute, stripe_dispute, charge, payment, amount });
                self.inquiry = inquiry;
                self.due_by = due_by;
                self.refundable = inquiry && charge_refundable;
            }
            DisputeEvent::Escalated { .. } => {
                self.inquiry = false;
                self.refundable = false;
                self.closed = None;
            }
            DisputeEvent::StatusChanged { to, due_by, rank, .. } => {
                if self.due_by != due_by {
                    self.alarms.clear();
                    self.deadline_missed = false;
                }
                self.refundable &= classes::outcome(&to).is_none();
                self.status = to;
                self.due_by = due_by;
                self.rank = Some(rank);
            }
            DisputeEvent::FundsWithdrawn { txn, amount, fee, .. } => {
                let amount = Money::new(amount.minor().saturating_neg(), amount.currency());
                self.movements.insert(txn, Movement { amount, fee, settled: None });
            }
            DisputeEvent::Converted { txn, settled, .. } => {
                if let Some(movement) = self.movements.get_mut(&txn) {
                    movement.settled = Some(settled);
                }
            }
            DisputeEvent::FundsReinstated { txn, amount, fee_returned, .. } => {
                let fee = fee_returned.saturating_neg();
                self.movements.insert(txn, Movement { amount, fee, settled: None });
            }
            DisputeEvent::Closed { outcome, .. } => self.closed = Some(outcome),
            DisputeEvent::DeadlineNear { hours, .. } => {
                self.alarms.insert(hours);
            }
            DisputeEvent::EvidenceDeadlineMissed { .. } => self.deadline_missed = true,
            DisputeEvent::FeeCharged { .. } => self.fee_charged = true,
            event @ (DisputeEvent::ActionLogged { .. }
            | DisputeEvent::EvidenceDrafted { .. }
            | DisputeEvent::EvidenceSubmitted { .. }
            | DisputeEvent::AcceptProposed { .. }
            | DisputeEvent::Accepted { .. }
            | DisputeEvent::CallConfirmed { .. }
            | DisputeEvent::CallUnknown { .. }
            | DisputeEvent::CallRefused { .. }
            | DisputeEvent::InquiryRefunded { .. }) => self.evolve_our_track(event),
        }
    }

    fn evolve_our_track(&mut self, event: DisputeEvent) {
        match event {
            DisputeEvent::ActionLogged { action, detail, .. } => {
                if action == super::decide::ASSIGNED {
                    self.assigned_to = Some(detail.into());
                }
            }
            DisputeEvent::EvidenceDrafted { fields, .. } => self.draft.extend(fields),
            DisputeEvent::EvidenceSubmitted { fields, idempotency_key, .. } => {
                self.submissions += 1;
                self.answer = Answer::Evidence(fields);
                self.calls.insert(idempotency_key, Call::Made);
            }
            DisputeEvent::AcceptProposed { by, .. } => self.accept_proposed_by = Some(by),
            DisputeEvent::Accepted { idempotency_key, .. } => {
                self.acceptances += 1;
                self.answer = Answer::Accepted;
                self.calls.insert(idempotency_key, Call::Made);
            }
            DisputeEvent::CallConfirmed { idempotency_key, .. } => {
                self.calls.insert(idempotency_key, Call::Confirmed);
            }
            DisputeEvent::CallUnknown { idempotency_key, .. } => {
                self.calls.insert(idempotency_key, Call::Unknown);
            }
            DisputeEvent::CallRefused { idempotency_key, .. } => {
                // What Stripe did not take was not answered; it may be tried again.
                self.calls.insert(idempotency_key, Call::Refused);
                self.answer = Answer::None;
                self.accept_proposed_by = None;
            }
            DisputeEvent::InquiryRefunded { .. } => self.answer = Answer::Refunded,
            DisputeEvent::Opened { .. }
            | DisputeEvent::Escalated { .. }
            | DisputeEvent::StatusChanged { .. }
            | DisputeEvent::FundsWithdrawn { .. }
            | DisputeEvent::FundsReinstated { .. }
            | DisputeEvent::Converted { .. }
            | DisputeEvent::DeadlineNear { .. }
            | DisputeEvent::EvidenceDeadlineMissed { .. }
            | DisputeEvent::Closed { .. }
            | DisputeEvent::FeeCharged { .. } => {}
        }
    }
}
