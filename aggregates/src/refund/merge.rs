//! Merging facts about a Stripe refund: by rank, so that every order of arrival ends the same.
//!
//! What moves money (the transactions) is united whatever the rank. A status counts only if its
//! rank is the highest so far, and each crossing happens once per Stripe refund.

use kernel::{Money, Timestamp};

use super::{
    commands::RefundFact,
    errors::RefundError,
    events::{RefundEvent, RefundSource},
    state::{AtStripe, Phase, Refund, Request},
};
use crate::vocabulary::StripeRefundRef;

type Decision = Result<Vec<RefundEvent>, RefundError>;

pub(super) fn merge(refund: &Refund, fact: &RefundFact, now: Timestamp) -> Decision {
    let request = refund.request.as_ref().ok_or(RefundError::Unknown)?;
    let (expected, given) = (request.amount.currency(), fact.amount.currency());
    if expected != given {
        return Err(RefundError::CurrencyMismatch { expected, given });
    }
    if let Some(known) = refund.at_stripe.get(&fact.stripe_refund) {
        return Ok(merged(refund, request, known, fact, now));
    }
    accepts(refund, &fact.stripe_refund)?;
    let accepted = RefundEvent::Accepted {
        refund: request.refund,
        stripe_refund: fact.stripe_refund.clone(),
        amount: fact.amount,
        at: now,
    };
    Ok(first(refund, accepted, fact, now))
}

/// The events of a Stripe refund's first fact, after the one that makes it known.
pub(super) fn first(
    refund: &Refund,
    known: RefundEvent,
    fact: &RefundFact,
    now: Timestamp,
) -> Vec<RefundEvent> {
    let mut after = refund.clone();
    after.evolve(&known);
    let mut events = vec![known];
    if let (Some(request), Some(at_stripe)) =
        (&after.request, after.at_stripe.get(&fact.stripe_refund))
    {
        events.extend(merged(&after, request, at_stripe, fact, now));
    }
    events
}

/// Whether a Stripe refund we do not know yet can be the present attempt's.
fn accepts(refund: &Refund, given: &StripeRefundRef) -> Result<(), RefundError> {
    match refund.phase {
        Phase::Approved
        | Phase::Submitted { .. }
        | Phase::SubmitUnknown { .. }
        | Phase::SubmitRefused => Ok(()),
        Phase::Unknown
        | Phase::Requested
        | Phase::Escalated
        | Phase::Withdrawn
        | Phase::Declined => Err(RefundError::NotApproved),
        Phase::AtStripe
        | Phase::Failed
        | Phase::PaidExternally
        | Phase::Forgone
        | Phase::Canceled => Err(RefundError::OtherStripeRefund {
            known: refund.current.clone().unwrap_or_default().0,
            given: given.0.clone(),
        }),
    }
}

fn merged(
    refund: &Refund,
    request: &Request,
    known: &AtStripe,
    fact: &RefundFact,
    now: Timestamp,
) -> Vec<RefundEvent> {
    let stripe_refund = fact.stripe_refund.clone();
    let amount = known.amount;
    let mut events = Vec::new();
    if let Some(txn) = fact.balance_transaction.clone().filter(|txn| !known.debits.contains(txn)) {
        let stripe_refund = stripe_refund.clone();
        events.push(RefundEvent::Debited { stripe_refund, txn, amount, at: now });
    }
    if known.merged.as_ref().is_none_or(|(rank, _)| fact.rank > *rank) {
        events.push(RefundEvent::FactMerged {
            stripe_refund: stripe_refund.clone(),
            status: fact.status.clone(),
            rank: fact.rank.clone(),
            at: now,
        });
        let current = refund.current.as_ref() == Some(&fact.stripe_refund);
        if current && refund.phase == Phase::AtStripe {
            events.extend(crossed(refund, request, known, fact, now));
        }
    }
    let back = fact.failure_balance_transaction.clone();
    if let Some(txn) = back.filter(|txn| !known.reversals.contains(txn)) {
        events.push(RefundEvent::Reversed { stripe_refund, txn, amount, at: now });
    }
    events
}

/// What the fact's status means for the refund, if it is not what was known.
fn crossed(
    refund: &Refund,
    request: &Request,
    known: &AtStripe,
    fact: &RefundFact,
    now: Timestamp,
) -> Vec<RefundEvent> {
    let news = known.status() != Some(fact.status.as_str());
    let occurred_at = fact.occurred_at;
    match fact.status.as_str() {
        "succeeded" if news => {
            vec![RefundEvent::Succeeded { order: refund.order(), occurred_at, at: now }]
        }
        "failed" => vec![RefundEvent::Failed {
            refund: request.refund,
            stripe_refund: fact.stripe_refund.clone(),
            amount: known.amount,
            reason: fact.reason.clone().unwrap_or_default(),
            occurred_at,
            at: now,
        }],
        "canceled" => canceled(request, fact, known.amount, now),
        "requires_action" if news => vec![RefundEvent::ActionRequired { at: now }],
        "pending" => {
            let told = refund.pending.as_ref().is_some_and(|(reason, _)| *reason == fact.reason);
            if told && !news {
                return vec![];
            }
            vec![RefundEvent::Pending { reason: fact.reason.clone(), at: now }]
        }
        _ => vec![],
    }
}

fn canceled(
    request: &Request,
    fact: &RefundFact,
    amount: Money,
    now: Timestamp,
) -> Vec<RefundEvent> {
    let mut events = vec![RefundEvent::Canceled {
        refund: request.refund,
        stripe_refund: fact.stripe_refund.clone(),
        amount,
        occurred_at: fact.occurred_at,
        at: now,
    }];
    if request.source != RefundSource::External {
        events.push(reverted(request, "cancelled at Stripe", now));
    }
    events
}

/// The mirror image of the approval.
pub(super) fn reverted(request: &Request, why: &str, now: Timestamp) -> RefundEvent {
    RefundEvent::Reverted {
        refund: request.refund,
        source: request.source.clone(),
        payment: request.payment,
        charge: request.charge.clone(),
        amount: request.amount,
        why: why.to_owned(),
        at: now,
    }
}
