//! Merging facts of Stripe's about a dispute: statuses by rank, balance transactions by their ids.

use kernel::{DisputeId, Money, PaymentId, Timestamp};

use crate::dispute::{
    classes,
    commands::{DisputeFact, DisputeMovement},
    events::{DisputeEvent, DisputeOutcome},
    state::Dispute,
};

/// What the status is said to have been before anything was known.
const UNKNOWN: &str = "unknown";

struct Merge {
    dispute: Dispute,
    events: Vec<DisputeEvent>,
    now: Timestamp,
}

impl Merge {
    fn record(&mut self, event: DisputeEvent) {
        self.dispute.evolve(event.clone());
        self.events.push(event);
    }
}

/// Facts are never refused. Transactions count even when the fact that carries them is outranked;
/// one that is learned of only after the dispute was closed is told on its own: given back, as
/// `funds_reinstated` with `after_close`; taken, as `funds_withdrawn`, which stays in
/// `assets:disputes-open` for a person to look at.
pub(super) fn merge(
    dispute: &Dispute,
    id: DisputeId,
    payment: PaymentId,
    fact: DisputeFact,
    now: Timestamp,
) -> Vec<DisputeEvent> {
    let mut merge = Merge { dispute: dispute.clone(), events: Vec::new(), now };
    let is_inquiry = fact.rank.class < classes::CHARGEBACK;
    let is_news = dispute.rank.as_ref().is_none_or(|known| fact.rank > *known);
    if dispute.identity.is_none() {
        merge.record(DisputeEvent::Opened {
            dispute: id,
            stripe_dispute: fact.stripe_dispute.clone(),
            charge: fact.charge.clone(),
            payment,
            amount: fact.amount,
            reason: fact.reason.clone(),
            network: fact.network.clone(),
            inquiry: is_inquiry,
            due_by: fact.due_by,
            charge_refundable: fact.charge_refundable,
            occurred_at: fact.occurred_at,
            at: now,
        });
    }
    if is_news && !is_inquiry && merge.dispute.inquiry {
        // Also of an inquiry that had been closed: it is open again.
        let amount = fact.amount;
        merge.record(DisputeEvent::Escalated { dispute: id, payment, amount, at: now });
    }
    for movement in &fact.movements {
        take_in(&mut merge, id, payment, &fact, movement);
    }
    if is_news {
        // Also when nothing but the rank has changed: a fact in between must stay outranked.
        let from = if dispute.status.is_empty() { UNKNOWN } else { &dispute.status };
        merge.record(DisputeEvent::StatusChanged {
            from: from.to_owned(),
            to: fact.status.clone(),
            due_by: fact.due_by,
            amount: Some(fact.amount),
            rank: fact.rank.clone(),
            at: now,
        });
        if let Some(outcome) = classes::outcome(&fact.status)
            && merge.dispute.closed != Some(outcome)
        {
            close(&mut merge, id, payment, &fact, outcome);
        }
    }
    merge.events
}

fn take_in(
    merge: &mut Merge,
    dispute: DisputeId,
    payment: PaymentId,
    fact: &DisputeFact,
    movement: &DisputeMovement,
) {
    if merge.dispute.movements.contains_key(&movement.txn) {
        return;
    }
    let stripe_dispute = fact.stripe_dispute.clone();
    let txn = movement.txn.clone();
    let occurred_at = movement.occurred_at;
    let at = merge.now;
    let minor = movement.amount.minor();
    let event = if minor < 0 {
        DisputeEvent::FundsWithdrawn {
            dispute,
            stripe_dispute,
            txn,
            amount: Money::new(minor.saturating_neg(), movement.amount.currency()),
            fee: movement.fee,
            occurred_at,
            at,
        }
    } else if minor > 0 {
        DisputeEvent::FundsReinstated {
            dispute,
            stripe_dispute,
            payment,
            txn,
            amount: movement.amount,
            fee_returned: movement.fee.saturating_neg(),
            after_close: merge.dispute.closed.is_some(),
            occurred_at,
            at,
        }
    } else {
        // A fee alone moves nothing of the dispute's; its balance transaction posts it.
        return;
    };
    merge.record(event);
}

fn close(
    merge: &mut Merge,
    dispute: DisputeId,
    payment: PaymentId,
    fact: &DisputeFact,
    outcome: DisputeOutcome,
) {
    let nothing = Money::zero(fact.amount.currency());
    let withdrawn = merge.dispute.withdrawn().unwrap_or(nothing);
    let reinstated = merge.dispute.reinstated().unwrap_or(nothing);
    let at = merge.now;
    merge.record(DisputeEvent::Closed {
        dispute,
        stripe_dispute: fact.stripe_dispute.clone(),
        payment,
        outcome,
        withdrawn,
        reinstated,
        partial: outcome == DisputeOutcome::Lost && reinstated.is_positive(),
        occurred_at: fact.occurred_at,
        at,
    });
}
