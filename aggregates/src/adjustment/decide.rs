//! What an adjustment answers to each command.

use kernel::{AdjustmentId, Timestamp};

use super::{
    commands::{AdjustmentCommand as Command, Ruling},
    errors::AdjustmentError,
    events::{AdjustmentEvent as Event, Content},
    fitting,
    state::{Adjustment, Proposal, Status},
};
use crate::vocabulary::Person;

type Decision = Result<Vec<Event>, AdjustmentError>;

pub(super) fn decide(adjustment: &Adjustment, command: Command, now: Timestamp) -> Decision {
    match command {
        Command::Propose { adjustment: id, content, rulings, open_from, by } => {
            propose(adjustment, (id, content, by), (&rulings, open_from), now)
        }
        Command::Approve { rulings, open_from, by } => {
            approve(adjustment, (&rulings, open_from), by, now)
        }
        Command::Reject { note, by } => {
            let proposal = adjustment.proposal()?;
            check_other(proposal, &by)?;
            match adjustment.status() {
                Status::Proposed => Ok(vec![Event::Rejected { note, by, at: now }]),
                Status::Rejected => Ok(vec![]),
                Status::Approved | Status::Withdrawn => Err(adjustment.decided()),
            }
        }
        Command::Withdraw { by } => {
            let proposer = &adjustment.proposal()?.by;
            if *proposer != by {
                return Err(AdjustmentError::NotProposer { proposer: proposer.to_string() });
            }
            match adjustment.status() {
                Status::Proposed => Ok(vec![Event::Withdrawn { by, at: now }]),
                Status::Withdrawn => Ok(vec![]),
                Status::Approved | Status::Rejected => Err(adjustment.decided()),
            }
        }
    }
}

fn propose(
    known: &Adjustment,
    (adjustment, content, by): (AdjustmentId, Content, Person),
    (rulings, open_from): (&[Ruling], Option<Timestamp>),
    now: Timestamp,
) -> Decision {
    if let Ok(proposal) = known.proposal() {
        let is_same = proposal.content == content && proposal.by == by;
        return if is_same { Ok(vec![]) } else { Err(AdjustmentError::AlreadyProposed) };
    }
    fitting::check(&content, now)?;
    fitting::check_today(&content, rulings, open_from)?;
    Ok(vec![Event::Proposed { adjustment, content, by, at: now }])
}

fn approve(
    known: &Adjustment,
    (rulings, open_from): (&[Ruling], Option<Timestamp>),
    by: Person,
    now: Timestamp,
) -> Decision {
    let proposal = known.proposal()?;
    check_other(proposal, &by)?;
    match known.status() {
        Status::Proposed => {}
        Status::Approved => return Ok(vec![]),
        Status::Rejected | Status::Withdrawn => return Err(known.decided()),
    }
    fitting::check_today(&proposal.content, rulings, open_from)?;
    Ok(vec![Event::Approved {
        adjustment: proposal.adjustment,
        content: proposal.content.clone(),
        proposed_by: proposal.by.clone(),
        approved_by: by,
        at: now,
    }])
}

fn check_other(proposal: &Proposal, by: &Person) -> Result<(), AdjustmentError> {
    if proposal.by == *by {
        return Err(AdjustmentError::SamePerson { proposer: by.to_string() });
    }
    Ok(())
}
