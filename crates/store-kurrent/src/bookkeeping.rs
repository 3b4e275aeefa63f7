//! What is kept beside the events: one small stream for each thing, of which only the last event
//! counts. None of it is ever taken for an event of the log.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use eventstore::{
    AppendToStreamOptions, Client, DeleteStreamOptions, Error, EventData, ExpectedRevision,
    ReadStreamOptions, RecordedEvent, StreamMetadataBuilder, StreamPosition, WriteResult,
};
use serde::{Deserialize, Serialize};
use store::{LogError, LogId, Position, Snapshot, StreamId};
use uuid::Uuid;

use crate::{
    connection::{Connection, Fault},
    names::Names,
    tail::unavailable,
};

/// What a stream with one thing in it holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    LogId(String),
    Bookmark(u64),
}

/// What is stored beside the state of a snapshot.
#[derive(Debug, Serialize, Deserialize)]
struct SnapshotOf {
    version: u64,
    schema: String,
}

/// The way to what is kept beside the events.
#[derive(Debug)]
pub(crate) struct Bookkeeping<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) names: &'a Names,
    pub(crate) limited: &'a Limited,
}

/// The streams known to keep their last event only.
#[derive(Debug, Default)]
pub(crate) struct Limited(Mutex<HashSet<String>>);

impl Bookkeeping<'_> {
    /// The log's id, if it has one.
    pub(crate) async fn log_id(&self) -> Result<Option<LogId>, LogError> {
        let stream = self.names.log_id();
        let Some(event) = last(self.connection, &stream).await? else { return Ok(None) };
        match parse(&event)? {
            Kept::LogId(id) => Ok(Some(LogId(id))),
            Kept::Bookmark(_) => Err(unreadable(&stream)),
        }
    }

    /// The log's id: the first process that opens the log decides it.
    pub(crate) async fn ensure_log_id(&self, wanted: Option<&LogId>) -> Result<LogId, LogError> {
        let stream = self.names.log_id();
        let id = Kept::LogId(wanted.cloned().unwrap_or_else(LogId::mint).0);
        loop {
            if let Some(known) = self.log_id().await? {
                return Ok(known);
            }
            let event = event("daybook.log", &id, &stream)?;
            match append(self.connection, &stream, ExpectedRevision::NoStream, event).await {
                // Another process was first, or this one and its answer was late.
                Ok(_) => {}
                Err(Fault::Refused(error)) if is_conflict(&error) => {}
                Err(fault) => return Err(unavailable(&fault)),
            }
        }
    }

    pub(crate) async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        let stream = self.names.bookmark(worker);
        let Some(event) = last(self.connection, &stream).await? else { return Ok(None) };
        match parse(&event)? {
            Kept::Bookmark(position) => Ok(Some(Position(position))),
            Kept::LogId(_) => Err(unreadable(&stream)),
        }
    }

    pub(crate) async fn save_bookmark(
        &self,
        worker: &str,
        position: Position,
    ) -> Result<(), LogError> {
        let stream = self.names.bookmark(worker);
        self.keep_the_last_only(&stream).await?;
        let event = event("daybook.bookmark", &Kept::Bookmark(position.0), &stream)?;
        append(self.connection, &stream, ExpectedRevision::Any, event)
            .await
            .map(drop)
            .map_err(|fault| unavailable(&fault))
    }

    pub(crate) async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        Ok(self.snapshot_at(stream).await?.map(|(snapshot, _)| snapshot))
    }

    /// A stream's snapshot, and the revision it has in the stream that keeps it.
    async fn snapshot_at(&self, stream: &StreamId) -> Result<Option<(Snapshot, u64)>, LogError> {
        let name = self.names.snapshot(stream);
        let Some(event) = last(self.connection, &name).await? else { return Ok(None) };
        let of: SnapshotOf =
            serde_json::from_slice(&event.custom_metadata).map_err(|_| unreadable(&name))?;
        let state = std::str::from_utf8(&event.data).map_err(|_| unreadable(&name))?;
        let snapshot = Snapshot {
            stream: stream.clone(),
            version: of.version,
            schema: of.schema,
            state: state.into(),
        };
        Ok(Some((snapshot, event.revision)))
    }

    pub(crate) async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        let stream = self.names.snapshot(&snapshot.stream);
        self.keep_the_last_only(&stream).await?;
        let of = SnapshotOf { version: snapshot.version, schema: snapshot.schema };
        let of = serde_json::to_vec(&of).map_err(|_| unreadable(&stream))?;
        let state = Bytes::copy_from_slice(snapshot.state.as_bytes());
        loop {
            let stored = self.snapshot_at(&snapshot.stream).await?;
            let expected = match stored {
                Some((stored, _)) if stored.version > snapshot.version => return Ok(()),
                Some((_, revision)) => ExpectedRevision::Exact(revision),
                None => ExpectedRevision::NoStream,
            };
            let event = EventData::binary("daybook.snapshot", state.clone())
                .id(Uuid::new_v4())
                .metadata(of.clone().into());
            match append(self.connection, &stream, expected, event).await {
                Ok(_) => return Ok(()),
                Err(Fault::Refused(error)) if is_conflict(&error) => {}
                Err(fault) => return Err(unavailable(&fault)),
            }
        }
    }

    /// Tells the server to keep one event, before there are any: once per stream and process.
    async fn keep_the_last_only(&self, stream: &str) -> Result<(), LogError> {
        if self.limited.0.lock().unwrap_or_else(PoisonError::into_inner).contains(stream) {
            return Ok(());
        }
        let metadata = StreamMetadataBuilder::new().max_count(1).build();
        let options = AppendToStreamOptions::default();
        let setting = |client: Client| {
            let (options, metadata) = (options.clone(), metadata.clone());
            async move { client.set_stream_metadata(stream, &options, &metadata).await }
        };
        self.connection.ask_again(setting).await.map_err(|fault| unavailable(&fault))?;
        let mut limited = self.limited.0.lock().unwrap_or_else(PoisonError::into_inner);
        limited.insert(stream.to_owned());
        Ok(())
    }
}

/// The last event of a stream, if there is one and it is not deleted.
pub(crate) async fn last(
    connection: &Connection,
    stream: &str,
) -> Result<Option<RecordedEvent>, LogError> {
    let options =
        ReadStreamOptions::default().position(StreamPosition::End).backwards().max_count(1);
    let reading = |client: Client| {
        let options = &options;
        async move { client.read_stream(stream, options).await?.next().await }
    };
    match connection.ask_again(reading).await {
        Ok(found) => Ok(found.and_then(|resolved| resolved.event)),
        Err(Fault::Refused(error))
            if matches!(*error, Error::ResourceNotFound | Error::ResourceDeleted) =>
        {
            Ok(None)
        }
        Err(fault) => Err(unavailable(&fault)),
    }
}

/// Appends one event; the same event again, after a lost answer, is recognized by its id.
pub(crate) async fn append(
    connection: &Connection,
    stream: &str,
    expected: ExpectedRevision,
    event: EventData,
) -> Result<WriteResult, Fault> {
    let options = AppendToStreamOptions::default().expected_revision(expected);
    let appending = |client: Client| {
        let (options, event) = (options.clone(), event.clone());
        async move { client.append_to_stream(stream, &options, event).await }
    };
    connection.ask_again(appending).await
}

/// Deletes a stream softly: it reads as absent and may be written again, and its bytes go with the
/// server's next scavenge.
pub(crate) async fn delete(
    connection: &Connection,
    stream: &str,
    expected: ExpectedRevision,
) -> Result<(), Fault> {
    let options = DeleteStreamOptions::default().expected_revision(expected);
    let deleting = |client: Client| {
        let options = options.clone();
        async move { client.delete_stream(stream, &options).await }
    };
    connection.ask_again(deleting).await.map(drop)
}

pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::WrongExpectedVersion { .. })
}

pub(crate) fn event(
    event_type: &str,
    kept: &impl Serialize,
    stream: &str,
) -> Result<EventData, LogError> {
    let data = serde_json::to_vec(kept).map_err(|_| unreadable(stream))?;
    Ok(EventData::binary(event_type, data.into()).id(Uuid::new_v4()))
}

fn parse(event: &RecordedEvent) -> Result<Kept, LogError> {
    serde_json::from_slice(&event.data).map_err(|_| unreadable(&event.stream_id))
}

pub(crate) fn unreadable(stream: &str) -> LogError {
    LogError::Corrupt(format!("{stream} does not hold what Daybook keeps there"))
}
