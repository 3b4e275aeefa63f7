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
    // What was withdrawn says by how much the currencies differ, so it goes first.
    let (withdrawn, others): (Vec<_>, Vec<_>) =
        fact.movements.iter().partition(|movement| movement.amount.minor() < 0);
    for movement in withdrawn.into_iter().chain(others) {
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
    let amount = presented(&merge.dispute, fact, movement);
    let minor = movement.amount.minor();
    let exchanged = (amount.currency() != movement.amount.currency()).then(|| {
        let minor = if minor < 0 { amount.minor().saturating_neg() } else { amount.minor() };
        DisputeEvent::Converted {
            dispute,
            stripe_dispute: stripe_dispute.clone(),
            txn: txn.clone(),
            presented: Money::new(minor, amount.currency()),
            settled: movement.amount,
            occurred_at,
            at,
        }
    });
    let event = if minor < 0 {
        DisputeEvent::FundsWithdrawn {
            dispute,
            stripe_dispute,
            txn,
            amount,
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
            amount,
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
    if let Some(exchanged) = exchanged {
        merge.record(exchanged);
    }
}

/// How much of the buyer's money a movement is; never negative. Stripe moves it in the currency of
/// the balance. The first withdrawal is the disputed amount; what follows is in proportion to it,
/// and what is given back ends at zero when the dispute is won or everything came back, because a
/// rate may have changed in between.
fn presented(dispute: &Dispute, fact: &DisputeFact, movement: &DisputeMovement) -> Money {
    let settled = Money::new(movement.amount.minor().saturating_abs(), movement.amount.currency());
    let currency = fact.amount.currency();
    if settled.currency() == currency {
        return settled;
    }
    let Some(taken) = dispute.exchanged() else { return fact.amount };
    let share = proportion(taken.presented, settled.minor(), taken.settled);
    if movement.amount.minor() < 0 {
        return Money::new(share, currency);
    }
    let came_back = taken.settled_back.saturating_add(settled.minor());
    let is_all = fact.status == "won" || came_back >= taken.settled;
    let open = taken.presented.saturating_sub(taken.presented_back).max(0);
    // With nothing open any more the movement still stands for some money: by the rate.
    let minor = if open == 0 {
        share
    } else if is_all {
        open
    } else {
        share.min(open)
    };
    Money::new(minor, currency)
}

/// `whole * part / of`, half to even.
fn proportion(whole: i64, part: i64, of: i64) -> i64 {
    let of = i128::from(of).max(1);
    let product = i128::from(whole).saturating_mul(i128::from(part));
    let (floor, rest) = (product.div_euclid(of), product.rem_euclid(of));
    let doubled = rest.saturating_mul(2);
    let up = doubled > of || (doubled == of && floor.rem_euclid(2) == 1);
    i64::try_from(floor + i128::from(up)).unwrap_or(i64::MAX)
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
