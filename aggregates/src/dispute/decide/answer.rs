//! Answering a dispute: with evidence, by accepting it, or (an inquiry) by refunding everything.

use std::collections::BTreeMap;

use kernel::{Context, Timestamp};

use super::Decided;
use crate::{
    dispute::{
        errors::DisputeError,
        events::DisputeEvent,
        state::{Answer, Dispute, Identity},
    },
    vocabulary::Person,
};

type Fields = BTreeMap<String, String>;

/// Evidence can be sent as long as the dispute is open, unanswered and within its time.
fn may_send_evidence(dispute: &Dispute, now: Timestamp) -> Result<(), DisputeError> {
    if dispute.closed.is_some() {
        return Err(DisputeError::Closed);
    }
    match dispute.answer {
        Answer::Accepted | Answer::Refunded => return Err(DisputeError::AlreadyAccepted),
        Answer::Evidence(_) => return Err(DisputeError::EvidenceAlreadySubmitted),
        Answer::None => {}
    }
    let due_by = dispute.due_by.ok_or(DisputeError::NoResponseAllowed)?;
    if now >= due_by {
        return Err(DisputeError::EvidenceTooLate { due_by });
    }
    Ok(())
}

pub(super) fn draft(dispute: &Dispute, fields: Fields, by: Person, now: Timestamp) -> Decided {
    may_send_evidence(dispute, now)?;
    if fields.is_empty() {
        return Err(DisputeError::EvidenceEmpty);
    }
    let is_known = fields.iter().all(|(name, text)| dispute.draft.get(name) == Some(text));
    if is_known {
        return Ok(vec![]);
    }
    Ok(vec![DisputeEvent::EvidenceDrafted { fields, by, at: now }])
}

/// The drafted fields, and these on top.
pub(super) fn submit(
    dispute: &Dispute,
    identity: &Identity,
    fields: Fields,
    by: Person,
    context: &Context,
) -> Decided {
    let mut all = dispute.draft.clone();
    all.extend(fields);
    if matches!(&dispute.answer, Answer::Evidence(sent) if *sent == all) {
        return Ok(vec![]);
    }
    may_send_evidence(dispute, context.now())?;
    if all.is_empty() {
        return Err(DisputeError::EvidenceEmpty);
    }
    Ok(vec![DisputeEvent::EvidenceSubmitted {
        stripe_dispute: identity.stripe_dispute.clone(),
        fields: all,
        idempotency_key: dispute.stripe_key(context.tenant, "evidence", dispute.submissions),
        by,
        at: context.now(),
    }])
}

/// Irreversible, so above the limit it takes two people, one after the other.
pub(super) fn accept(
    dispute: &Dispute,
    identity: &Identity,
    by: Person,
    second_person_above: i64,
    context: &Context,
) -> Decided {
    let at = context.now();
    if dispute.closed.is_some() {
        return Err(DisputeError::Closed);
    }
    match dispute.answer {
        Answer::Accepted | Answer::Refunded => return Err(DisputeError::AlreadyAccepted),
        Answer::None | Answer::Evidence(_) => {}
    }
    if second_person_above > 0 && identity.amount.minor() > second_person_above {
        match &dispute.accept_proposed_by {
            None => return Ok(vec![DisputeEvent::AcceptProposed { by, at }]),
            Some(first) if *first == by => {
                return Err(DisputeError::NeedsSecondApprover { first: first.to_string() });
            }
            Some(_) => {}
        }
    }
    Ok(vec![DisputeEvent::Accepted {
        stripe_dispute: identity.stripe_dispute.clone(),
        idempotency_key: dispute.stripe_key(context.tenant, "accept", dispute.acceptances),
        by,
        at,
    }])
}

pub(super) fn refund_inquiry(dispute: &Dispute, by: Person, now: Timestamp) -> Decided {
    if dispute.answer == Answer::Refunded {
        return Ok(vec![]);
    }
    if dispute.closed.is_some() {
        return Err(DisputeError::Closed);
    }
    if dispute.answer == Answer::Accepted {
        return Err(DisputeError::AlreadyAccepted);
    }
    if !dispute.inquiry || !dispute.refundable {
        return Err(DisputeError::NotRefundable);
    }
    Ok(vec![DisputeEvent::InquiryRefunded { by, at: now }])
}
