//! The rules of a dispute: what each command leads to.

mod answer;
mod facts;

use kernel::{Context, SellerId, Timestamp, allocate};

use super::{
    commands::DisputeCommand,
    errors::DisputeError,
    events::{DisputeEvent, FeeShare},
    state::{Call, Dispute, Identity},
};
use crate::vocabulary::Person;

/// The action log's word for putting somebody in charge.
pub(super) const ASSIGNED: &str = "assigned";
const NOTED: &str = "noted";

type Decided = Result<Vec<DisputeEvent>, DisputeError>;

pub(super) fn decide(dispute: &Dispute, command: DisputeCommand, context: &Context) -> Decided {
    let now = context.now();
    if let DisputeCommand::MergeFact { dispute: id, payment, fact } = command {
        return Ok(facts::merge(dispute, id, payment, *fact, now));
    }
    let identity = dispute.identity.as_ref().ok_or(DisputeError::Unknown)?;
    match command {
        DisputeCommand::MergeFact { .. } => Ok(vec![]),
        DisputeCommand::Assign { to, by } => Ok(if dispute.assigned_to.as_ref() == Some(&to) {
            vec![]
        } else {
            log(ASSIGNED, to.0, by, now)
        }),
        DisputeCommand::AddNote { note, by } => Ok(log(NOTED, note, by, now)),
        DisputeCommand::DraftEvidence { fields, by } => answer::draft(dispute, fields, by, now),
        DisputeCommand::SubmitEvidence { fields, by } => {
            answer::submit(dispute, identity, fields, by, context)
        }
        DisputeCommand::Accept { by, second_person_above } => {
            answer::accept(dispute, identity, by, second_person_above, context)
        }
        DisputeCommand::RefundInquiry { by } => answer::refund_inquiry(dispute, by, now),
        DisputeCommand::NoteCallConfirmed { idempotency_key } => {
            let is_open =
                matches!(dispute.calls.get(&idempotency_key), Some(Call::Made | Call::Unknown));
            let event = DisputeEvent::CallConfirmed { idempotency_key, at: now };
            Ok(if is_open { vec![event] } else { vec![] })
        }
        DisputeCommand::NoteCallUnknown { idempotency_key } => {
            let is_open = dispute.calls.get(&idempotency_key) == Some(&Call::Made);
            let event = DisputeEvent::CallUnknown { idempotency_key, at: now };
            Ok(if is_open { vec![event] } else { vec![] })
        }
        DisputeCommand::NoteCallRefused { idempotency_key, code, message } => {
            let is_open =
                matches!(dispute.calls.get(&idempotency_key), Some(Call::Made | Call::Unknown));
            let event = DisputeEvent::CallRefused { idempotency_key, code, message, at: now };
            Ok(if is_open { vec![event] } else { vec![] })
        }
        DisputeCommand::NoteDeadline { hours } => note_deadline(dispute, hours, now),
        DisputeCommand::NoteDeadlineMissed => note_deadline_missed(dispute, now),
        DisputeCommand::ChargeFee { weights } => Ok(charge_fee(dispute, identity, &weights, now)),
    }
}

fn log(action: &str, detail: String, by: Person, at: Timestamp) -> Vec<DisputeEvent> {
    vec![DisputeEvent::ActionLogged { action: action.to_owned(), detail, by, at }]
}

/// The deadline that still matters: nobody has answered, and the dispute is open.
fn open_deadline(dispute: &Dispute) -> Option<Timestamp> {
    dispute.due_by.filter(|_| dispute.closed.is_none() && !dispute.is_answered())
}

fn note_deadline(dispute: &Dispute, hours: u32, now: Timestamp) -> Decided {
    let Some(due_by) = open_deadline(dispute) else { return Ok(vec![]) };
    let due = due_by.plus_seconds(-i64::from(hours) * 3600);
    if now < due {
        return Err(DisputeError::TooEarly { due });
    }
    if now >= due_by || dispute.alarms.contains(&hours) {
        return Ok(vec![]);
    }
    Ok(vec![DisputeEvent::DeadlineNear { hours, due_by, at: now }])
}

fn note_deadline_missed(dispute: &Dispute, now: Timestamp) -> Decided {
    let Some(due_by) = open_deadline(dispute) else { return Ok(vec![]) };
    if now < due_by {
        return Err(DisputeError::TooEarly { due: due_by });
    }
    if dispute.deadline_missed {
        return Ok(vec![]);
    }
    Ok(vec![DisputeEvent::EvidenceDeadlineMissed { due_by, at: now }])
}

/// Once, and only what Stripe has charged and not returned.
fn charge_fee(
    dispute: &Dispute,
    identity: &Identity,
    weights: &[(SellerId, i64)],
    now: Timestamp,
) -> Vec<DisputeEvent> {
    let Some(fee) = dispute.fee().filter(|fee| fee.is_positive() && !dispute.fee_charged) else {
        return vec![];
    };
    let amounts: Vec<i64> = weights.iter().map(|(_, weight)| *weight).collect();
    let Ok(parts) = allocate(fee.minor(), &amounts) else { return vec![] };
    let shares = weights.iter().zip(parts);
    let shares = shares.map(|((seller, _), amount)| FeeShare { seller: *seller, amount });
    vec![DisputeEvent::FeeCharged {
        dispute: identity.dispute,
        currency: fee.currency(),
        shares: shares.filter(|share| share.amount > 0).collect(),
        at: now,
    }]
}
