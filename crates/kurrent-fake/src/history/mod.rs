//! What the server stores: records in one order, kept in an append-only file.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Seek, Write},
    path::Path,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A stored event.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) position: u64,
    pub(crate) stream: Arc<str>,
    pub(crate) revision: u64,
    pub(crate) event: Event,
}

/// An event as a client proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Uuid,
    pub(crate) metadata: HashMap<String, String>,
    pub(crate) custom_metadata: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// Where a writer believes a stream to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    Exists,
    Revision(u64),
}

/// Why nothing was written.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The stream is elsewhere; `None` when it does not exist.
    WrongRevision(Option<u64>),
    /// The stream was deleted for good.
    Tombstone,
    /// The file could not be written.
    Io(io::Error),
}

/// Where a write is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) revision: u64,
    pub(crate) position: u64,
}

#[derive(Debug, Default)]
struct Stream {
    /// Indexes of its records, by revision.
    records: Vec<usize>,
    tombstone: bool,
    limits: Limits,
}

/// What a stream's metadata says about which of its events are still to be read.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
struct Limits {
    #[serde(rename = "$maxCount")]
    count_max: Option<u64>,
    #[serde(rename = "$tb")]
    truncate_before: Option<u64>,
}

const SOFT_DELETED: u64 = i64::MAX as u64;
const METADATA_TYPE: &str = "$metadata";

/// One write, one line of the file: whole or not at all.
#[derive(Serialize, Deserialize)]
struct Line {
    stream: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tombstone: bool,
    events: Vec<LineEvent>,
}

#[derive(Serialize, Deserialize)]
struct LineEvent {
    id: Uuid,
    metadata: HashMap<String, String>,
    custom_metadata: String,
    data: String,
}

/// All records, and the streams they are in.
#[derive(Debug, Default)]
pub(crate) struct History {
    records: Vec<Record>,
    streams: HashMap<Arc<str>, Stream>,
    file: Option<File>,
    end: u64,
    writes: u64,
}

impl History {
    /// A history that nothing survives.
    pub(crate) fn in_memory() -> io::Result<Self> {
        let mut history = Self::default();
        history.begin()?;
        Ok(history)
    }

    /// The history in this file; a torn last line, which was never acknowledged, is cut off.
    pub(crate) fn in_file(path: &Path) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).truncate(false).open(path)?;
        let (mut lines, mut whole) = (Vec::new(), 0_u64);
        let mut reader = BufReader::new(&file);
        let mut text = String::new();
        loop {
            text.clear();
            let length = reader.read_line(&mut text)?;
            if length == 0 || !text.ends_with('\n') {
                break;
            }
            whole += length as u64;
            lines.push(serde_json::from_str::<Line>(&text)?);
        }
        file.set_len(whole)?;
        file.seek(io::SeekFrom::End(0))?;
        let mut history = Self::default();
        for line in lines {
            let events: Vec<Event> = line
                .events
                .into_iter()
                .map(Event::try_from)
                .collect::<Result<_, _>>()
                .map_err(io::Error::other)?;
            history.apply(&line.stream.into(), events, line.tombstone);
        }
        history.file = Some(file);
        history.begin()?;
        Ok(history)
    }

    /// A server's own events come first, as in the real one.
    fn begin(&mut self) -> io::Result<()> {
        if self.records.is_empty() {
            self.system_event("$epoch-information", "$epoch-information")?;
        }
        Ok(())
    }

    /// The records of the whole history, in order.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records of a stream that are still to be read; `None` when there is no such stream.
    pub(crate) fn stream(&self, name: &str) -> Result<Option<Vec<&Record>>, Refused> {
        let Some(stream) = self.streams.get(name) else { return Ok(None) };
        if stream.tombstone {
            return Err(Refused::Tombstone);
        }
        if stream.limits.truncate_before == Some(SOFT_DELETED) || stream.records.is_empty() {
            return Ok(None);
        }
        let last = stream.records.len() as u64;
        let by_count = stream.limits.count_max.map_or(0, |count| last.saturating_sub(count));
        let first = by_count.max(stream.limits.truncate_before.unwrap_or(0));
        Ok(Some(
            stream
                .records
                .iter()
                .filter_map(|index| self.records.get(*index))
                .filter(|record| record.revision >= first)
                .collect(),
        ))
    }

    /// Writes events to a stream, unless it is elsewhere; the same events again are recognized.
    pub(crate) fn append(
        &mut self,
        name: &str,
        expected: Expected,
        events: Vec<Event>,
    ) -> Result<Written, Refused> {
        if let Some(written) = self.check(name, expected, &events)? {
            return Ok(written);
        }
        let deleted = self
            .streams
            .get(name)
            .is_some_and(|stream| stream.limits.truncate_before == Some(SOFT_DELETED));
        if deleted {
            let next = self.streams.get(name).map_or(0, |stream| stream.records.len() as u64);
            self.set_truncate_before(name, next)?;
        }
        let written = self.write(name, events, false).map_err(Refused::Io)?;
        self.writes += 1;
        if self.writes.is_multiple_of(7) {
            // What a real server also does: its statistics stand between everybody's events.
            self.system_event("$stats-127.0.0.1:2113", "$statsCollected").map_err(Refused::Io)?;
        }
        Ok(written)
    }

    /// `Some` when these very events are there already.
    fn check(
        &self,
        name: &str,
        expected: Expected,
        events: &[Event],
    ) -> Result<Option<Written>, Refused> {
        let stream = self.streams.get(name);
        if stream.is_some_and(|stream| stream.tombstone) {
            return Err(Refused::Tombstone);
        }
        let count = stream.map_or(0, |stream| stream.records.len() as u64);
        let deleted =
            stream.is_some_and(|it| it.limits.truncate_before == Some(SOFT_DELETED)) || count == 0;
        let current = count.checked_sub(1);
        let next = match expected {
            Expected::Any => return Ok(None),
            Expected::Exists if deleted => return Err(Refused::WrongRevision(None)),
            Expected::Exists => return Ok(None),
            Expected::NoStream if deleted => return Ok(None),
            Expected::NoStream => 0,
            Expected::Revision(revision) if Some(revision) == current => return Ok(None),
            Expected::Revision(revision) => revision.saturating_add(1),
        };
        let mut last = None;
        for (revision, event) in (next..).zip(events) {
            let stored = usize::try_from(revision)
                .ok()
                .and_then(|revision| stream?.records.get(revision))
                .and_then(|index| self.records.get(*index))
                .filter(|record| record.event.id == event.id)
                .ok_or(Refused::WrongRevision(if deleted { None } else { current }))?;
            last = Some(Written { revision, position: stored.position });
        }
        last.map(Some).ok_or(Refused::WrongRevision(current))
    }

    /// Hides what a stream holds; it may be written again.
    pub(crate) fn delete(&mut self, name: &str, expected: Expected) -> Result<u64, Refused> {
        self.check(name, expected, &[])?;
        self.set_truncate_before(name, SOFT_DELETED)
    }

    /// Deletes a stream for good.
    pub(crate) fn tombstone(&mut self, name: &str, expected: Expected) -> Result<u64, Refused> {
        self.check(name, expected, &[])?;
        let event = Event {
            id: Uuid::new_v4(),
            metadata: HashMap::from([("type".to_owned(), "$streamDeleted".to_owned())]),
            custom_metadata: vec![],
            data: vec![],
        };
        Ok(self.write(name, vec![event], true).map_err(Refused::Io)?.position)
    }

    /// Forgets the last records, in memory only: what a restored backup does not have.
    pub(crate) fn forget_last(&mut self, count: usize) {
        for _ in 0..count {
            let Some(record) = self.records.pop() else { return };
            self.end = record.position;
            if let Some(stream) = self.streams.get_mut(&record.stream) {
                stream.records.pop();
            }
        }
    }

    fn set_truncate_before(&mut self, name: &str, revision: u64) -> Result<u64, Refused> {
        let limits = self.streams.get(name).map(|stream| stream.limits).unwrap_or_default();
        let mut metadata = serde_json::Map::new();
        if let Some(count) = limits.count_max {
            metadata.insert("$maxCount".to_owned(), count.into());
        }
        metadata.insert("$tb".to_owned(), revision.into());
        let event = Event {
            id: Uuid::new_v4(),
            metadata: HashMap::from([
                ("type".to_owned(), METADATA_TYPE.to_owned()),
                ("content-type".to_owned(), "application/json".to_owned()),
            ]),
            custom_metadata: vec![],
            data: serde_json::Value::Object(metadata).to_string().into_bytes(),
        };
        let written = self.write(&format!("$${name}"), vec![event], false).map_err(Refused::Io)?;
        Ok(written.position)
    }

    fn system_event(&mut self, stream: &str, event_type: &str) -> io::Result<()> {
        let event = Event {
            id: Uuid::new_v4(),
            metadata: HashMap::from([
                ("type".to_owned(), event_type.to_owned()),
                ("content-type".to_owned(), "application/json".to_owned()),
            ]),
            custom_metadata: vec![],
            data: b"{}".to_vec(),
        };
        self.write(stream, vec![event], false).map(drop)
    }

    fn write(&mut self, name: &str, events: Vec<Event>, tombstone: bool) -> io::Result<Written> {
        if let Some(file) = &mut self.file {
            let line = Line {
                stream: name.to_owned(),
                tombstone,
                events: events.iter().map(LineEvent::from).collect(),
            };
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            file.write_all(text.as_bytes())?;
        }
        Ok(self.apply(&name.into(), events, tombstone))
    }

    fn apply(&mut self, name: &Arc<str>, events: Vec<Event>, tombstone: bool) -> Written {
        if let Some(of) = name.strip_prefix("$$")
            && let Some(limits) =
                events.last().and_then(|event| serde_json::from_slice(&event.data).ok())
        {
            self.streams.entry(of.into()).or_default().limits = limits;
        }
        let mut written = Written { revision: 0, position: 0 };
        for event in events {
            // Positions are offsets in the server's file, so they grow by what a record takes.
            let position = self.end;
            let size = 100 + name.len() + event.data.len() + event.custom_metadata.len();
            self.end += size as u64;
            let stream = self.streams.entry(Arc::clone(name)).or_default();
            stream.tombstone = tombstone;
            written = Written { revision: stream.records.len() as u64, position };
            stream.records.push(self.records.len());
            let revision = written.revision;
            self.records.push(Record { position, stream: Arc::clone(name), revision, event });
        }
        written
    }
}

impl From<&Event> for LineEvent {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            metadata: event.metadata.clone(),
            custom_metadata: STANDARD.encode(&event.custom_metadata),
            data: STANDARD.encode(&event.data),
        }
    }
}

impl TryFrom<LineEvent> for Event {
    type Error = base64::DecodeError;

    fn try_from(line: LineEvent) -> Result<Self, Self::Error> {
        Ok(Self {
            id: line.id,
            metadata: line.metadata,
            custom_metadata: STANDARD.decode(line.custom_metadata)?,
            data: STANDARD.decode(line.data)?,
        })
    }
}
