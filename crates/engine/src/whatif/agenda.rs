//! What is still to be decided in the other history, and when: at the place where real history
//! decided the same, or as soon as it comes up.

use std::collections::{BTreeMap, HashMap, HashSet};

use aggregates::policies::{
    Command,
    timers::{Timer, TimerChange},
};
use kernel::{TenantId, Timestamp};

use super::seam::is_fired;
use crate::{bus::Envelope, timers};

/// A command and what goes with it.
pub(super) struct Errand {
    pub(super) command: Command,
    pub(super) envelope: Envelope,
}

type TimerName = (TenantId, String);

/// Reactions and timers of the other history.
#[derive(Default)]
pub(super) struct Agenda {
    /// Commands of policies and timers that real history has stored and that are still to come.
    ahead: HashSet<Box<str>>,
    /// Reactions that wait for their place, by command.
    reactions: HashMap<Box<str>, Errand>,
    /// Timers that wait for their place, by command.
    placed: HashMap<Box<str>, (TenantId, Timer)>,
    /// Timers that real history has not stored anything for.
    queue: BTreeMap<TenantId, BTreeMap<(Timestamp, String), Timer>>,
    /// When each timer that is set here is due.
    due: HashMap<TimerName, Timestamp>,
    /// When each timer that is set in real history is due.
    really_due: HashMap<TimerName, Timestamp>,
    /// How far real timers have fired.
    reached: HashMap<TenantId, Timestamp>,
    /// How far time has come.
    times: HashMap<TenantId, Timestamp>,
}

/// A stretch of a tenant's time.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    tenant: TenantId,
    before: Timestamp,
    now: Timestamp,
}

impl Agenda {
    /// A policy or a timer has stored something under this command in real history.
    pub(super) fn expect(&mut self, command: &str) {
        self.ahead.insert(command.into());
    }

    /// A policy here wants something. It waits if real history comes to it; otherwise it is given
    /// back, to be done now.
    pub(super) fn react(&mut self, errand: Errand) -> Option<Errand> {
        let id: Box<str> = errand.envelope.command_id.as_str().into();
        if !self.ahead.contains(&id) {
            return Some(errand);
        }
        self.reactions.insert(id, errand);
        None
    }

    /// Real history has come to this command of a policy or a timer: what it is here, if it is
    /// anything.
    pub(super) fn come_to(&mut self, command: &str, zone: chrono_tz::Tz) -> Option<Errand> {
        self.ahead.remove(command);
        if let Some(errand) = self.reactions.remove(command) {
            return Some(errand);
        }
        let (tenant, timer) = self.placed.remove(command)?;
        let reached = self.reached.entry(tenant).or_insert(timer.due);
        *reached = timer.due.max(*reached);
        self.due.remove(&(tenant, timer.key.clone()));
        errand_of(tenant, &timer, zone)
    }

    /// What a fact of the other history does to the timers.
    pub(super) fn change(&mut self, tenant: TenantId, change: TimerChange) {
        match change {
            TimerChange::Set(timer) if is_fired(timer.kind) => {
                self.clear(tenant, &timer.key);
                self.due.insert((tenant, timer.key.clone()), timer.due);
                let id: Box<str> = timers::envelope(tenant, &timer).command_id.into();
                if self.ahead.contains(&id) {
                    self.placed.insert(id, (tenant, timer));
                } else {
                    let queue = self.queue.entry(tenant).or_default();
                    queue.insert((timer.due, timer.key.clone()), timer);
                }
            }
            TimerChange::Set(_) => {}
            TimerChange::Clear(key) => self.clear(tenant, &key),
        }
    }

    fn clear(&mut self, tenant: TenantId, key: &str) {
        let Some(due) = self.due.remove(&(tenant, key.to_owned())) else { return };
        if let Some(queue) = self.queue.get_mut(&tenant) {
            queue.remove(&(due, key.to_owned()));
        }
        if !self.placed.is_empty() {
            let id = timers::command_id(tenant, key, due);
            self.placed.remove(id.as_str());
        }
    }

    /// What a real fact does to the real timers.
    pub(super) fn note_real(&mut self, tenant: TenantId, change: TimerChange) {
        match change {
            TimerChange::Set(timer) if is_fired(timer.kind) => {
                self.really_due.insert((tenant, timer.key), timer.due);
            }
            TimerChange::Set(_) => {}
            TimerChange::Clear(key) => {
                self.really_due.remove(&(tenant, key));
            }
        }
    }

    /// A tenant's time has come to `now`.
    pub(super) fn go_to(&mut self, tenant: TenantId, now: Timestamp) -> Stretch {
        let time = self.times.entry(tenant).or_insert(now);
        let before = *time;
        *time = now.max(before);
        Stretch { tenant, before, now: *time }
    }

    /// The last stretch of every tenant.
    pub(super) fn ends(&self) -> Vec<Stretch> {
        let mut ends: Vec<Stretch> = self
            .times
            .iter()
            .map(|(tenant, now)| Stretch { tenant: *tenant, before: *now, now: *now })
            .collect();
        ends.sort_by_key(|end| end.tenant);
        ends
    }

    /// The next timer that is due within a stretch and that real history has nothing for.
    ///
    /// Where real history had the same timer, it fired and came to nothing; we cannot know exactly
    /// when. It fires here when time moves on beyond the instant at which it was due, or when later
    /// ones have fired in real history, so that whatever happened at that instant comes first.
    pub(super) fn next_due(&mut self, stretch: Stretch) -> Option<(TenantId, Timer)> {
        let Stretch { tenant, before, now } = stretch;
        let reached = self.reached.get(&tenant).copied();
        let queue = self.queue.get_mut(&tenant)?;
        let next = queue
            .range(..=(now, String::from(char::MAX)))
            .find(|((due, key), _)| {
                let shared = self.really_due.get(&(tenant, key.clone())) == Some(due);
                let over = now > before && *due <= before;
                !shared || over || (now == before && reached.is_some_and(|reached| *due < reached))
            })
            .map(|(name, _)| name.clone())?;
        let timer = queue.remove(&next)?;
        self.due.remove(&(tenant, next.1));
        Some((tenant, timer))
    }
}

/// What a timer asks for when it is due.
pub(super) fn errand_of(tenant: TenantId, timer: &Timer, zone: chrono_tz::Tz) -> Option<Errand> {
    let command = timer.command(zone)?;
    Some(Errand { command, envelope: timers::envelope(tenant, timer) })
}
