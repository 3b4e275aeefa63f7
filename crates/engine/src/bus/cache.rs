//! Aggregates in memory, each under its own lock and keyed by version; the append checks them.

use std::{any::Any, collections::HashMap, sync::Arc};

use aggregates::fact::Fact;
use cqrs_es::Aggregate;
use store::{Log, LogError, Snapshot, StreamId};
use tokio::sync::Mutex;

/// How many events of a stream are read at once; longer streams are worth a snapshot.
pub(crate) const PAGE_EVENTS: usize = 500;

/// An aggregate and the version of the last event in it.
pub(super) struct Cached<A> {
    pub(super) version: u64,
    pub(super) state: A,
}

/// The same, of any type, with the timeline of the log that it was read on.
pub(super) struct Remembered {
    version: u64,
    timeline: u64,
    state: Box<dyn Any + Send>,
}

impl<A: Aggregate + 'static> Cached<A> {
    pub(super) fn absent() -> Self {
        Self { version: 0, state: A::default() }
    }

    pub(super) fn forget_type(self, timeline: u64) -> Remembered {
        Remembered { version: self.version, timeline, state: Box::new(self.state) }
    }
}

impl Remembered {
    /// Whether it was read on this timeline. What was read on another one may contain events that
    /// the log does not have any more, under the same versions as others that it has.
    pub(super) const fn is_of(&self, timeline: u64) -> bool {
        self.timeline == timeline
    }

    pub(super) fn into_type<A: Aggregate + 'static>(self) -> Option<Cached<A>> {
        let state = self.state.downcast::<A>().ok()?;
        Some(Cached { version: self.version, state: *state })
    }
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The lock of one stream, with what is remembered of it.
pub(super) type Slot = Arc<Mutex<Option<Remembered>>>;

/// One bounded cache per aggregate type, so that many short-lived streams of one type cannot push
/// out the long-lived ones of another.
#[derive(Debug)]
pub(super) struct Cache {
    types: HashMap<&'static str, quick_cache::sync::Cache<StreamId, Slot>>,
}

impl Cache {
    pub(super) fn new(per_type_max: usize) -> Self {
        let types = Fact::CATEGORIES
            .iter()
            .map(|category| (*category, quick_cache::sync::Cache::new(per_type_max)))
            .collect();
        Self { types }
    }

    /// The slot of a stream. Two callers may get two slots if the cache let go of one in between;
    /// that costs a conflict, no more.
    pub(super) fn slot(&self, stream: &StreamId) -> Slot {
        let Some(cache) = self.types.get(&*stream.category) else { return Slot::default() };
        if let Some(slot) = cache.get(stream) {
            return slot;
        }
        let made =
            cache.get_or_insert_with(stream, || Ok::<_, std::convert::Infallible>(Slot::default()));
        match made {
            Ok(slot) => slot,
            Err(never) => match never {},
        }
    }
}

/// The schema of snapshots: a release may have changed the shape of any state.
pub(crate) fn snapshot_schema(category: &str) -> String {
    format!("{category}@{}", env!("CARGO_PKG_VERSION"))
}

/// Brings an aggregate up to the end of its stream: from memory, from a snapshot, or from the start.
pub(super) async fn load<A: Aggregate + 'static>(
    log: &dyn Log,
    stream: &StreamId,
    remembered: Option<Remembered>,
) -> Result<Cached<A>, LogError> {
    let known = remembered.and_then(Remembered::into_type::<A>);
    let started_with_nothing = known.is_none();
    let mut cached = known.unwrap_or_else(Cached::absent);
    let mut page = log.read_stream(stream, cached.version, PAGE_EVENTS).await?;
    if started_with_nothing
        && page.len() == PAGE_EVENTS
        && let Some(snapshot) = log.snapshot(stream).await?
        && let Some(shortcut) = read::<A>(&snapshot)
    {
        cached = shortcut;
        page = log.read_stream(stream, cached.version, PAGE_EVENTS).await?;
    }
    loop {
        let ended = page.len() < PAGE_EVENTS;
        for recorded in page {
            let event: A::Event = serde_json::from_str(&recorded.payload).map_err(|error| {
                LogError::Corrupt(format!("{stream} version {}: {error}", recorded.version))
            })?;
            cached.state.apply(event);
            cached.version = recorded.version;
        }
        if ended {
            return Ok(cached);
        }
        page = log.read_stream(stream, cached.version, PAGE_EVENTS).await?;
    }
}

/// A snapshot of another shape is not an error: the events are all there.
fn read<A: Aggregate>(snapshot: &Snapshot) -> Option<Cached<A>> {
    if snapshot.schema != snapshot_schema(A::TYPE) {
        return None;
    }
    let state = serde_json::from_str(&snapshot.state).ok()?;
    Some(Cached { version: snapshot.version, state })
}
