//! A closed period is never changed: what would take effect in one after it was closed takes effect
//! in the first instant of the open period instead, and says when it would have.
//!
//! Postings are a function of one fact and know nothing of periods, so this is a step of its own,
//! between postings and read models. It depends on the log alone (which periods were closed before
//! an event's position), so a rebuild dates every entry as it was dated the first time.

use std::collections::HashMap;

use aggregates::{fact::Fact, period::events::PeriodEvent};
use kernel::{TenantId, Timestamp};
use store::Position;

use crate::postings::Entry;

/// Where a period was closed or opened again, and where the open period begins from there on.
type History = Vec<(Position, Option<Timestamp>)>;

/// Which periods of which tenant are closed, at every position.
#[derive(Debug, Clone, Default)]
pub struct Calendar {
    tenants: HashMap<TenantId, History>,
}

impl Calendar {
    /// Takes a fact into account. Facts of one tenant are noted in the order of the log; one that was
    /// noted before changes nothing.
    pub fn note(&mut self, tenant: TenantId, position: Position, fact: &Fact) {
        let Fact::Period(event) = fact else { return };
        let open_from = match event {
            PeriodEvent::Closed { through, .. } => Some(*through),
            PeriodEvent::Reopened { closed_through, .. } => *closed_through,
            PeriodEvent::ReopenRequested { .. }
            | PeriodEvent::Locked { .. }
            | PeriodEvent::Revalued { .. } => return,
        };
        let history = self.tenants.entry(tenant).or_default();
        if history.last().is_none_or(|(last, _)| *last < position) {
            history.push((position, open_from));
        }
    }

    /// Where the open period began for an event at this position: the events before it count.
    #[must_use]
    pub fn open_from(&self, tenant: TenantId, position: Position) -> Option<Timestamp> {
        let history = self.tenants.get(&tenant)?;
        let place = history.partition_point(|(noted, _)| *noted < position);
        place.checked_sub(1).and_then(|last| history.get(last)).and_then(|(_, open)| *open)
    }

    /// Dates the entries of an event.
    pub fn date(&self, tenant: TenantId, position: Position, entries: &mut [Entry]) {
        if entries.is_empty() {
            return;
        }
        if let Some(open_from) = self.open_from(tenant, position) {
            for entry in entries {
                entry.date_from(open_from);
            }
        }
    }
}

#[cfg(test)]
mod tests;
