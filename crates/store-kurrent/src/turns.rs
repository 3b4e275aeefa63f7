//! Turns: within one process, appends that touch the same thing go one after the other, in the order
//! in which they came.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{KeyRef, TenantId};
use store::{Commit, StreamId};
use tokio::sync::watch;
use uuid::Uuid;

/// What two appends may have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// The log itself, where everything goes one after the other.
    Log,
    Stream(StreamId),
    Command(TenantId, String),
    IdempotencyKey(TenantId, String),
    Event(Uuid),
    SealingKey(TenantId, KeyRef),
}

/// Everything a commit touches.
pub(crate) fn things_of(commit: &Commit) -> Vec<Thing> {
    let tenant = commit.stream.tenant;
    let mut things = vec![
        Thing::Stream(commit.stream.clone()),
        Thing::Command(tenant, commit.command_id.clone()),
    ];
    things.extend(
        commit.idempotency.iter().map(|asked| Thing::IdempotencyKey(tenant, asked.key.clone())),
    );
    things.extend(commit.events.iter().map(|event| Thing::Event(event.id)));
    things.extend(
        commit.sealing_keys.iter().map(|key| Thing::SealingKey(key.tenant, key.key.clone())),
    );
    things
}

/// Who came last for each thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    last: HashMap<Thing, (u64, watch::Receiver<()>)>,
}

/// One turn: it begins when those before it are over, and is over when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    number: u64,
    things: Vec<Thing>,
    before: Vec<watch::Receiver<()>>,
    _over: watch::Sender<()>,
}

impl Turns {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place behind everybody who touches any of these things. All places are taken at
    /// once, so no two turns can wait for each other.
    pub(crate) fn take(&self, things: Vec<Thing>) -> Turn {
        let (over, receiver) = watch::channel(());
        let mut queue = self.queue();
        queue.next += 1;
        let number = queue.next;
        let mut before = Vec::new();
        for thing in &things {
            let place = (number, receiver.clone());
            match queue.last.insert(thing.clone(), place) {
                // A thing named twice is no reason to wait for oneself.
                Some((earlier, _)) if earlier == number => {}
                Some((_, earlier)) => before.push(earlier),
                None => {}
            }
        }
        drop(queue);
        Turn { turns: self.clone(), number, things, before, _over: over }
    }
}

impl Turn {
    /// Waits until those before are over.
    pub(crate) async fn begin(&mut self) {
        for mut earlier in self.before.drain(..) {
            // Nothing is ever sent: the only change is that the sender is dropped.
            while earlier.changed().await.is_ok() {}
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.turns.queue();
        for thing in &self.things {
            if queue.last.get(thing).is_some_and(|(number, _)| *number == self.number) {
                queue.last.remove(thing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::yield_now;

    use super::*;

    fn thing(name: u128) -> Thing {
        Thing::Event(Uuid::from_u128(name))
    }

    #[tokio::test]
    async fn turns_come_in_the_order_they_were_taken() {
        let turns = Turns::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        let first = turns.take(vec![thing(1), thing(1), thing(2)]);
        for number in 0..10 {
            let mut turn = turns.take(vec![thing(number % 2 + 1), thing(7)]);
            let seen = Arc::clone(&seen);
            tasks.push(tokio::spawn(async move {
                turn.begin().await;
                yield_now().await;
                seen.lock().unwrap().push(number);
            }));
        }
        yield_now().await;
        assert!(seen.lock().unwrap().is_empty(), "the first turn is not over");
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*seen.lock().unwrap(), (0..10).collect::<Vec<_>>());
        assert!(turns.queue().last.is_empty(), "nothing is remembered");
    }

    #[tokio::test]
    async fn what_has_nothing_in_common_does_not_wait() {
        let turns = Turns::default();
        let _held = turns.take(vec![thing(1)]);
        turns.take(vec![thing(2)]).begin().await;
    }
}
