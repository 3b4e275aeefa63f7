//! Faults on demand: what goes wrong between a client and a real cluster, at the moment a test wants.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// What happens to the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendFault {
    /// The connection breaks before anything is stored.
    DropBeforeCommit,
    /// The events are stored and the connection breaks before the answer: the answer is lost.
    DropAfterCommit,
    /// The connection breaks at once, and the events are stored only so much later.
    CommitLate(Duration),
    /// The events are stored, and no answer ever comes over a connection that stays open.
    NeverAnswer,
}

/// The faults asked for.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    appends: VecDeque<AppendFault>,
    slow_reads: Duration,
    refusing: bool,
}

impl Faults {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the next append this fault; several are given one after the other.
    pub fn next_append(&self, fault: AppendFault) {
        self.asked().appends.push_back(fault);
    }

    /// Lets every read wait so long before its first event.
    pub fn slow_reads(&self, delay: Duration) {
        self.asked().slow_reads = delay;
    }

    /// Closes every new connection as soon as it is made, or stops doing so.
    pub fn refuse_connections(&self, refuse: bool) {
        self.asked().refusing = refuse;
    }

    pub(crate) fn take_append(&self) -> Option<AppendFault> {
        self.asked().appends.pop_front()
    }

    pub(crate) fn read_delay(&self) -> Duration {
        self.asked().slow_reads
    }

    pub(crate) fn refusing(&self) -> bool {
        self.asked().refusing
    }
}
