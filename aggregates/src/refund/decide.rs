//! What a refund answers to each command.

use kernel::Timestamp;

use super::{
    commands::RefundCommand,
    errors::RefundError,
    events::{ApprovedHow, RefundEvent},
    merge,
    state::{AtStripe, Phase, Refund, Request, STUCK_DAYS},
};
use crate::vocabulary::{Person, Settlement};

type Decision = Result<Vec<RefundEvent>, RefundError>;

pub(super) fn decide(refund: &Refund, command: RefundCommand, now: Timestamp) -> Decision {
    match command {
        RefundCommand::Request { .. } => request(refund, command, now),
        RefundCommand::Withdraw { by: _ } => withdraw(refund, now),
        RefundCommand::Approve { by } => approve(refund, by, ApprovedHow::Decided, now),
        RefundCommand::Decline { note, by } => decline(refund, note, by, now),
        RefundCommand::Force { by, reason: _ } => approve(refund, by, ApprovedHow::Forced, now),
        RefundCommand::Escalate => escalate(refund, now),
        RefundCommand::NoteSubmitted { attempt, idempotency_key } => {
            note_submitted(refund, attempt, idempotency_key, now)
        }
        RefundCommand::NoteSubmitUnknown { attempt } => {
            note_outcome(refund, attempt, RefundEvent::SubmitUnknown { attempt, at: now })
        }
        RefundCommand::NoteSubmitRefused { attempt, code, message } => {
            let refused = RefundEvent::SubmitRefused { attempt, code, message, at: now };
            note_outcome(refund, attempt, refused)
        }
        RefundCommand::MergeFact(fact) => merge::merge(refund, &fact, now),
        RefundCommand::ObserveExternal { refund: id, payment, charge, fact } => {
            if refund.request.is_some() {
                return merge::merge(refund, &fact, now);
            }
            let observed = RefundEvent::ExternalObserved {
                refund: id,
                stripe_refund: fact.stripe_refund.clone(),
                payment,
                charge,
                amount: fact.amount,
                occurred_at: fact.occurred_at,
                at: now,
            };
            Ok(merge::first(refund, observed, &fact, now))
        }
        RefundCommand::Retry { by } => retry(refund, by, now),
        RefundCommand::PayExternally { proof, by } => pay_externally(refund, proof, by, now),
        RefundCommand::Forgo { reason, by } => forgo(refund, reason, by, now),
        RefundCommand::ForgoForDispute { dispute } => {
            let known = owed(refund)?;
            if refund.phase == Phase::Forgone {
                return Ok(vec![]);
            }
            if refund.phase == Phase::PaidExternally {
                return Err(RefundError::NotOwed);
            }
            let which = dispute.map_or_else(String::new, |dispute| format!(" {dispute}"));
            let reason = format!("a dispute{which} took the money instead");
            Ok(forgone(known, reason, Person::from("dispute"), now))
        }
        RefundCommand::NoteStuck => note_stuck(refund, now),
        RefundCommand::RecordSettlement(settlement) => {
            Ok(converted(refund, settlement, now).into_iter().collect())
        }
    }
}

/// What was exchanged for what, the first time both are known.
fn converted(refund: &Refund, settlement: Settlement, now: Timestamp) -> Option<RefundEvent> {
    let request = refund.request.as_ref()?;
    let named = |at: &AtStripe| {
        at.debits.contains(&settlement.txn) || at.reversals.contains(&settlement.txn)
    };
    let (stripe_refund, at_stripe) = refund.at_stripe.iter().find(|(_, at)| named(at))?;
    let presented = settlement.exchanged_for(at_stripe.amount)?;
    if refund.converted.contains(&settlement.txn) {
        return None;
    }
    let Settlement { txn, settled, exchange_rate, occurred_at } = settlement;
    Some(RefundEvent::Converted {
        refund: request.refund,
        stripe_refund: stripe_refund.clone(),
        txn,
        presented,
        settled,
        exchange_rate,
        occurred_at,
        at: now,
    })
}

fn known(refund: &Refund) -> Result<&Request, RefundError> {
    refund.request.as_ref().ok_or(RefundError::Unknown)
}

fn request(refund: &Refund, command: RefundCommand, now: Timestamp) -> Decision {
    let RefundCommand::Request {
        refund: id,
        source,
        payment,
        charge,
        amount,
        reason,
        requested_by,
        decision_hours,
        second_person_above,
        approved,
    } = command
    else {
        return Ok(vec![]);
    };
    if let Some(known) = &refund.request {
        let same = known.refund == id
            && known.source == source
            && known.payment == payment
            && known.charge == charge
            && known.amount == amount;
        return if same { Ok(vec![]) } else { Err(RefundError::AlreadyRequested) };
    }
    let approval = approved.map(|how| RefundEvent::Approved {
        refund: id,
        source: source.clone(),
        charge: charge.clone(),
        amount,
        how,
        by: requested_by.clone(),
        at: now,
    });
    let requested = RefundEvent::Requested {
        refund: id,
        source,
        payment,
        charge,
        amount,
        reason,
        requested_by,
        decide_by: now.plus_seconds(i64::from(decision_hours) * 3600),
        second_person_above,
        at: now,
    };
    Ok(std::iter::once(requested).chain(approval).collect())
}

/// Whether it still waits for a decision, and the answer if it was decided in another way.
fn undecided<'a>(refund: &'a Refund, repeated: &Phase) -> Result<Option<&'a Request>, RefundError> {
    let request = known(refund)?;
    if matches!(refund.phase, Phase::Requested | Phase::Escalated) {
        Ok(Some(request))
    } else if refund.phase == *repeated {
        Ok(None)
    } else {
        Err(RefundError::AlreadyDecided)
    }
}

fn withdraw(refund: &Refund, now: Timestamp) -> Decision {
    let open = undecided(refund, &Phase::Withdrawn)?;
    Ok(open
        .map(|_| RefundEvent::Withdrawn { order: refund.order(), at: now })
        .into_iter()
        .collect())
}

fn decline(refund: &Refund, note: String, by: Person, now: Timestamp) -> Decision {
    let open = undecided(refund, &Phase::Declined)?;
    let declined = |_| RefundEvent::Declined { note, order: refund.order(), by, at: now };
    Ok(open.map(declined).into_iter().collect())
}

fn approve(refund: &Refund, by: Person, how: ApprovedHow, now: Timestamp) -> Decision {
    let request = known(refund)?;
    match refund.phase {
        Phase::Unknown => return Err(RefundError::Unknown),
        Phase::Requested | Phase::Escalated => {}
        Phase::Withdrawn | Phase::Declined => return Err(RefundError::AlreadyDecided),
        // Decided the same way already, however far it has come since.
        Phase::Approved
        | Phase::Submitted { .. }
        | Phase::SubmitUnknown { .. }
        | Phase::SubmitRefused
        | Phase::AtStripe
        | Phase::Failed
        | Phase::PaidExternally
        | Phase::Forgone
        | Phase::Canceled => return Ok(vec![]),
    }
    let limit = request.second_person_above;
    if limit > 0 && request.amount.minor() > limit {
        match &refund.first_approval {
            None => return Ok(vec![RefundEvent::FirstApproval { by, at: now }]),
            Some(first) if *first == by => {
                return Err(RefundError::NeedsSecondApprover { first: first.0.clone() });
            }
            Some(_) => {}
        }
    }
    Ok(vec![RefundEvent::Approved {
        refund: request.refund,
        source: request.source.clone(),
        charge: request.charge.clone(),
        amount: request.amount,
        how,
        by,
        at: now,
    }])
}

fn escalate(refund: &Refund, now: Timestamp) -> Decision {
    let due = known(refund)?.decide_by;
    match due.filter(|_| refund.phase == Phase::Requested) {
        Some(due) if now < due => Err(RefundError::TooEarly { due }),
        Some(due) => Ok(vec![RefundEvent::Escalated { at: due }]),
        None => Ok(vec![]),
    }
}

fn note_submitted(
    refund: &Refund,
    attempt: u32,
    idempotency_key: String,
    now: Timestamp,
) -> Decision {
    known(refund)?;
    if refund.attempt == 0 || attempt > refund.attempt {
        return Err(RefundError::NotApproved);
    }
    if attempt < refund.attempt || refund.phase != Phase::Approved {
        // The same call again, or Stripe's answer was faster than this note. A call under another
        // key, while one is out, would be a second refund.
        let other = attempt == refund.attempt
            && refund.idempotency_key().is_some_and(|key| key != idempotency_key);
        return if other { Err(RefundError::AlreadySubmitted) } else { Ok(vec![]) };
    }
    Ok(vec![RefundEvent::Submitted { attempt, idempotency_key, at: now }])
}

/// The outcome of the call that is out; whatever was heard before or since counts more.
fn note_outcome(refund: &Refund, attempt: u32, outcome: RefundEvent) -> Decision {
    known(refund)?;
    if refund.attempt == 0 {
        return Err(RefundError::NotApproved);
    }
    let refused = matches!(outcome, RefundEvent::SubmitRefused { .. });
    let out = matches!(refund.phase, Phase::Submitted { .. })
        || (refused && matches!(refund.phase, Phase::SubmitUnknown { .. }));
    Ok(if out && attempt == refund.attempt { vec![outcome] } else { vec![] })
}

/// Whether it is owed, or was until it was settled by one of these commands.
fn owed(refund: &Refund) -> Result<&Request, RefundError> {
    let request = known(refund)?;
    let settled = matches!(refund.phase, Phase::PaidExternally | Phase::Forgone);
    if refund.is_owed() || settled { Ok(request) } else { Err(RefundError::NotOwed) }
}

fn retry(refund: &Refund, by: Person, now: Timestamp) -> Decision {
    known(refund)?;
    if refund.is_owed() {
        return Ok(vec![RefundEvent::Retried { attempt: refund.attempt + 1, by, at: now }]);
    }
    let just_retried = refund.phase == Phase::Approved && refund.attempt > 1;
    if just_retried { Ok(vec![]) } else { Err(RefundError::NotOwed) }
}

fn pay_externally(refund: &Refund, proof: String, by: Person, now: Timestamp) -> Decision {
    let request = owed(refund)?;
    if refund.phase == Phase::PaidExternally {
        return Ok(vec![]);
    }
    if refund.phase == Phase::Forgone {
        return Err(RefundError::NotOwed);
    }
    let (refund, amount) = (request.refund, request.amount);
    Ok(vec![RefundEvent::PaidExternally { refund, amount, proof, by, at: now }])
}

fn forgo(refund: &Refund, reason: String, by: Person, now: Timestamp) -> Decision {
    let request = owed(refund)?;
    match (&refund.phase, &refund.forgo_proposed) {
        (Phase::Forgone, _) => Ok(vec![]),
        (Phase::PaidExternally, _) => Err(RefundError::NotOwed),
        (_, None) => Ok(vec![RefundEvent::ForgoProposed { reason, by, at: now }]),
        (_, Some(first)) if *first == by => {
            Err(RefundError::NeedsSecondApprover { first: first.0.clone() })
        }
        (_, Some(_)) => Ok(forgone(request, reason, by, now)),
    }
}

fn forgone(request: &Request, reason: String, by: Person, now: Timestamp) -> Vec<RefundEvent> {
    let reverted = merge::reverted(request, &reason, now);
    vec![RefundEvent::Forgone { reason, by, at: now }, reverted]
}

fn note_stuck(refund: &Refund, now: Timestamp) -> Decision {
    known(refund)?;
    let Some((_, since)) = refund.pending.as_ref().filter(|_| !refund.stuck) else {
        return Ok(vec![]);
    };
    let due = since.plus_days(STUCK_DAYS);
    if now < due {
        Err(RefundError::TooEarly { due })
    } else {
        Ok(vec![RefundEvent::Stuck { at: due }])
    }
}
