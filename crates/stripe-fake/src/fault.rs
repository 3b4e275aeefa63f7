//! Faults on demand and the count of calls.

use std::collections::{BTreeMap, VecDeque};

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers this HTTP status, for example 500 or 429, and does nothing.
    Refuse(u16),
    /// Does nothing and drops the connection.
    DropBefore,
    /// Does what was asked and drops the connection, so that the caller cannot know.
    DropAfter,
}

/// Faults to come and calls so far, both by route.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: BTreeMap<String, VecDeque<Fault>>,
    pub(crate) calls: BTreeMap<String, u64>,
}

impl Faults {
    pub(crate) fn plan(&mut self, route: String, fault: Fault, times: u32) {
        let planned = self.planned.entry(route).or_default();
        planned.extend((0..times).map(|_| fault));
    }

    /// Counts a call and answers the fault planned for it, if there is one.
    pub(crate) fn count(&mut self, route: &str) -> Option<Fault> {
        *self.calls.entry(route.to_owned()).or_insert(0) += 1;
        self.planned.get_mut(route).and_then(VecDeque::pop_front)
    }
}
