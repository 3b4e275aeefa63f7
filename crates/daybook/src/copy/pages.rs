//! The events of a log one after the other, read in pages.

use std::collections::VecDeque;

use store::{Inventory, Position, Recorded};

use crate::outcome::{Failure, Outcome};

/// Events read at once.
const PAGE_EVENTS: usize = 2000;

/// The events of a log behind one position and up to another.
pub(super) struct Pages<'a> {
    log: &'a dyn Inventory,
    read: Position,
    through: Position,
    events: VecDeque<Recorded>,
}

impl<'a> Pages<'a> {
    pub(super) fn new(log: &'a dyn Inventory, after: Position, through: Position) -> Self {
        Self { log, read: after, through, events: VecDeque::new() }
    }

    /// About how many are still to come; exact where positions have no holes.
    pub(super) fn remaining(&self) -> u64 {
        let unread = self.through.0.saturating_sub(self.read.0);
        unread.saturating_add(u64::try_from(self.events.len()).unwrap_or(u64::MAX))
    }

    /// The next event; `None` after the last.
    pub(super) async fn next(&mut self) -> Outcome<Option<Recorded>> {
        if self.events.is_empty() && self.read < self.through {
            let page = self.log.read_all(self.read, PAGE_EVENTS).await;
            let page = page.map_err(Failure::unavailable)?;
            self.read = page.events.last().map_or(self.through, |last| last.position);
            let through = self.through;
            self.events.extend(page.events.into_iter().filter(|event| event.position <= through));
        }
        Ok(self.events.pop_front())
    }
}
