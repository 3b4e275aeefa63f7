//! What is remembered of an adjustment.

use kernel::AdjustmentId;
use serde::{Deserialize, Serialize};

use super::{
    errors::AdjustmentError,
    events::{AdjustmentEvent, Content},
};
use crate::vocabulary::Person;

/// How an adjustment stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// It waits for another person.
    #[default]
    Proposed,
    /// It was posted.
    Approved,
    /// Another person disagreed.
    Rejected,
    /// It was taken back.
    Withdrawn,
}

/// What was proposed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proposal {
    pub(super) adjustment: AdjustmentId,
    pub(super) content: Content,
    pub(super) by: Person,
}

/// A manual adjustment of the books.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Adjustment {
    proposal: Option<Proposal>,
    status: Status,
}

impl Adjustment {
    /// What was proposed.
    #[must_use]
    pub fn content(&self) -> Option<&Content> {
        self.proposal.as_ref().map(|proposal| &proposal.content)
    }

    /// How it stands.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    pub(super) fn proposal(&self) -> Result<&Proposal, AdjustmentError> {
        self.proposal.as_ref().ok_or(AdjustmentError::Unknown)
    }

    pub(super) fn decided(&self) -> AdjustmentError {
        AdjustmentError::AlreadyDecided { status: self.status.into() }
    }

    pub(super) fn evolve(&mut self, event: AdjustmentEvent) {
        match event {
            AdjustmentEvent::Proposed { adjustment, content, by, .. } => {
                self.proposal = Some(Proposal { adjustment, content, by });
            }
            AdjustmentEvent::Approved { .. } => self.status = Status::Approved,
            AdjustmentEvent::Rejected { .. } => self.status = Status::Rejected,
            AdjustmentEvent::Withdrawn { .. } => self.status = Status::Withdrawn,
        }
    }
}
