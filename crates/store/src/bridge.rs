//! The bridge by which the stock `cqrs_es` framework, its upcasters and its replay run on a log.
//!
//! An aggregate's type is the stream's category and its id is `{tenant}/{id}`. Histories written
//! through the bridge are ordinary streams of the log, ordered and acknowledged like any other.
//! Daybook's own commands do not come this way: they need receipts, command ids and idempotency
//! keys, for which the framework has no place.

use std::sync::Arc;

use cqrs_es::{
    Aggregate,
    persist::{
        PersistedEventRepository, PersistenceError, ReplayFeed, ReplayStream, SerializedEvent,
        SerializedSnapshot,
    },
};
use kernel::{Clock, TenantId, derived_uuid};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{AppendError, Commit, Expected, Log, LogError, NewEvent, Position, Recorded, StreamId};

const PAGE_EVENTS: usize = 512;
const REPLAY_QUEUE: usize = 512;
const ATTEMPTS_MAX: usize = 5;

type Fault = Box<dyn std::error::Error + Send + Sync>;

/// A log as a repository of `cqrs_es` events.
///
/// ```
/// # use std::sync::Arc;
/// # use cqrs_es::{CqrsFramework, doc::{MyAggregate, MyService}, persist::PersistedEventStore};
/// # use kernel::SystemClock;
/// # use store::{LogEventRepository, MemoryLog};
/// let repository = LogEventRepository::new(Arc::new(MemoryLog::new()), Arc::new(SystemClock));
/// let store = PersistedEventStore::<_, MyAggregate>::new_event_store(repository);
/// let framework = CqrsFramework::new(store, vec![], MyService);
/// ```
///
/// Snapshots are refused: those of `cqrs_es` 0.5.0 apply every event twice.
#[derive(Debug, Clone)]
pub struct LogEventRepository {
    log: Arc<dyn Log>,
    clock: Arc<dyn Clock>,
}

impl LogEventRepository {
    /// A repository on this log; the clock says when an event was recorded.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, clock: Arc<dyn Clock>) -> Self {
        Self { log, clock }
    }

    async fn events_after(
        &self,
        stream: &StreamId,
        after: u64,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let (mut events, mut after) = (Vec::new(), after);
        loop {
            let page =
                self.log.read_stream(stream, after, PAGE_EVENTS).await.map_err(read_fault)?;
            let Some(last) = page.last() else { return Ok(events) };
            after = last.version;
            for event in &page {
                events.push(serialized(event)?);
            }
        }
    }

    async fn append(&self, commit: Commit) -> Result<(), PersistenceError> {
        let mut attempt = 1;
        loop {
            match self.log.append(commit.clone()).await {
                Ok(_) => return Ok(()),
                // The same commit again is recognized, so asking again is how the outcome is found.
                Err(AppendError::Unknown(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
                Err(AppendError::Conflict { .. }) => {
                    return Err(PersistenceError::OptimisticLockError);
                }
                Err(error @ (AppendError::Unavailable(_) | AppendError::Unknown(_))) => {
                    return Err(PersistenceError::ConnectionError(error.into()));
                }
                Err(error) => return Err(PersistenceError::UnknownError(error.into())),
            }
        }
    }
}

impl PersistedEventRepository for LogEventRepository {
    async fn get_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.events_after(&stream_of::<A>(aggregate_id)?, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let after = u64::try_from(last_sequence).map_err(fault)?;
        self.events_after(&stream_of::<A>(aggregate_id)?, after).await
    }

    async fn get_snapshot<A: Aggregate>(
        &self,
        _aggregate_id: &str,
    ) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot_update.is_some() {
            return Err(fault(
                "a Daybook log takes no snapshots from cqrs_es; use new_event_store",
            ));
        }
        let Some(first) = events.first() else { return Ok(()) };
        self.append(commit_of(events, first, self.clock.as_ref())?).await
    }

    async fn stream_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
    ) -> Result<ReplayStream, PersistenceError> {
        let stream = stream_of::<A>(aggregate_id)?;
        let log = Arc::clone(&self.log);
        let (mut feed, replay) = ReplayStream::new(REPLAY_QUEUE);
        tokio::spawn(async move {
            let mut after = 0;
            loop {
                let page = log.read_stream(&stream, after, PAGE_EVENTS).await;
                match push(&mut feed, page, |_| true).await {
                    Some(last) => after = last.version,
                    None => return,
                }
            }
        });
        Ok(replay)
    }

    /// Streams all events of the aggregate's type up to the end of the log at the time of the call,
    /// in the order of the log. A fault is the last item of the stream: give `QueryReplay` an error
    /// handler, or it will take a broken replay for a finished one.
    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        let log = Arc::clone(&self.log);
        let end = log.head().await.map_err(read_fault)?.position;
        let (mut feed, replay) = ReplayStream::new(REPLAY_QUEUE);
        tokio::spawn(async move {
            let mut after = Position::START;
            while after < end {
                let page = log.read_all(after, PAGE_EVENTS).await.map(|page| page.events);
                let wanted =
                    |event: &Recorded| &*event.stream.category == A::TYPE && event.position <= end;
                match push(&mut feed, page, wanted).await {
                    Some(last) => after = last.position,
                    None => return,
                }
            }
        });
        Ok(replay)
    }
}

/// Hands a page to a replay; returns its last event, unless the replay is over.
async fn push(
    feed: &mut ReplayFeed,
    page: Result<Vec<Recorded>, LogError>,
    wanted: impl Fn(&Recorded) -> bool,
) -> Option<Recorded> {
    let mut page = match page {
        Ok(page) => page,
        Err(error) => {
            // Nobody listens any more if this fails, so nobody is misled.
            feed.push(Err(read_fault(error))).await.ok();
            return None;
        }
    };
    for event in page.iter().filter(|event| wanted(event)) {
        feed.push(serialized(event)).await.ok()?;
    }
    page.pop()
}

fn stream_of<A: Aggregate>(aggregate_id: &str) -> Result<StreamId, PersistenceError> {
    stream(A::TYPE, aggregate_id)
}

fn stream(category: &str, aggregate_id: &str) -> Result<StreamId, PersistenceError> {
    let (tenant, id) = aggregate_id.split_once('/').ok_or_else(|| {
        fault(format!("the aggregate id \"{aggregate_id}\" should be a tenant, a slash and an id"))
    })?;
    let tenant: TenantId = tenant.parse().map_err(fault)?;
    Ok(StreamId::new(category, tenant, id))
}

fn commit_of(
    events: &[SerializedEvent],
    first: &SerializedEvent,
    clock: &dyn Clock,
) -> Result<Commit, PersistenceError> {
    // The framework numbers no commands, so each commit is a command of its own.
    let command_id = format!("cqrs_es:{}", Uuid::new_v4().simple());
    let mut new_events = Vec::with_capacity(events.len());
    for (sequence, event) in (first.sequence..).zip(events) {
        if event.sequence != sequence
            || event.aggregate_id != first.aggregate_id
            || event.aggregate_type != first.aggregate_type
            || event.metadata != first.metadata
        {
            return Err(fault(
                "events of one commit share their aggregate and metadata and follow each other",
            ));
        }
        new_events.push(NewEvent {
            id: derived_uuid(&[&command_id, &sequence.to_string()]),
            event_type: event.event_type.as_str().into(),
            event_version: event.event_version.as_str().into(),
            payload: serde_json::to_string(&event.payload)?.into_boxed_str(),
        });
    }
    let before = first.sequence.checked_sub(1).ok_or_else(|| fault("sequences start at 1"))?;
    let expected = match u64::try_from(before).map_err(fault)? {
        0 => Expected::Absent,
        version => Expected::At(version),
    };
    Ok(Commit {
        command_id,
        stream: stream(&first.aggregate_type, &first.aggregate_id)?,
        expected,
        events: new_events,
        metadata: serde_json::to_string(&first.metadata)?.into_boxed_str(),
        recorded_at: clock.now(),
        idempotency: None,
        sealing_keys: Vec::new(),
    })
}

fn serialized(event: &Recorded) -> Result<SerializedEvent, PersistenceError> {
    Ok(SerializedEvent {
        aggregate_id: event.stream.aggregate_id(),
        sequence: usize::try_from(event.version).map_err(fault)?,
        aggregate_type: event.stream.category.to_string(),
        event_type: event.event_type.to_string(),
        event_version: event.event_version.to_string(),
        payload: serde_json::from_str(&event.payload)?,
        metadata: flat(serde_json::from_str(&event.metadata)?),
    })
}

/// The framework's metadata is a map of texts; whatever Daybook stores beside texts becomes its
/// JSON text.
fn flat(metadata: Value) -> Value {
    let Value::Object(entries) = metadata else {
        return Value::Object(Map::from_iter([(
            "metadata".to_owned(),
            Value::String(metadata.to_string()),
        )]));
    };
    let texts = entries.into_iter().map(|(name, value)| match value {
        text @ Value::String(_) => (name, text),
        other => (name, Value::String(other.to_string())),
    });
    Value::Object(texts.collect())
}

fn fault(error: impl Into<Fault>) -> PersistenceError {
    PersistenceError::UnknownError(error.into())
}

fn read_fault(error: LogError) -> PersistenceError {
    match error {
        LogError::Unavailable(_) => PersistenceError::ConnectionError(error.into()),
        LogError::Corrupt(_) => PersistenceError::UnknownError(error.into()),
    }
}
