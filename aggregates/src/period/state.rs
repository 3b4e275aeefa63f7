//! What is remembered of a tenant's periods.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::PeriodEvent;
use crate::vocabulary::Person;

/// Somebody has asked to undo the last closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) reason: String,
    pub(super) by: Person,
}

/// The periods of a tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Period {
    /// What was closed, the last closing last.
    pub(super) closings: Vec<Timestamp>,
    pub(super) locked: Option<Timestamp>,
    pub(super) request: Option<Request>,
}

impl Period {
    /// The first instant of the open period, if any period is closed.
    #[must_use]
    pub fn open_from(&self) -> Option<Timestamp> {
        self.closings.last().copied()
    }

    /// Everything before this instant is closed for good.
    #[must_use]
    pub const fn locked_through(&self) -> Option<Timestamp> {
        self.locked
    }

    pub(super) fn evolve(&mut self, event: PeriodEvent) {
        match event {
            PeriodEvent::Closed { through, .. } => {
                self.closings.push(through);
                self.request = None;
            }
            PeriodEvent::ReopenRequested { reason, by, .. } => {
                self.request = Some(Request { reason, by });
            }
            PeriodEvent::Reopened { .. } => {
                self.closings.pop();
                self.request = None;
            }
            PeriodEvent::Locked { through, .. } => {
                self.locked = Some(through);
                self.request = None;
            }
            PeriodEvent::Revalued { .. } => {}
        }
    }
}
