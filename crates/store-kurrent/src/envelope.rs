//! What is stored beside an event's payload: the envelope, which carries its metadata verbatim.
//!
//! The payload is the event's data, byte for byte, under the content type `application/octet-stream`:
//! nothing in or around a server has a reason to parse it then, so `{"huge":1e400}` and doubled keys
//! survive whatever the server's version makes of JSON. The envelope is the event's custom metadata:
//! a JSON object whose member `metadata` is a text, the commit's metadata as it was given.

use bytes::Bytes;
use eventstore::{EventData, RecordedEvent};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Commit, LogError, Position, Recorded, StreamId};
use uuid::Uuid;

/// The envelope's own format.
const FORMAT: u32 = 1;

/// What is stored beside the payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope {
    /// The format of the envelope; also what tells our events from a stranger's.
    pub(crate) daybook: u32,
    pub(crate) command: String,
    /// Which attempt stored it: who reads its own attempt back has stored the commit itself.
    pub(crate) attempt: Uuid,
    /// Which event of the commit this is, from 0.
    pub(crate) number: u64,
    /// How many events the commit has.
    pub(crate) count: u64,
    pub(crate) event_version: String,
    /// Milliseconds since 1970.
    pub(crate) recorded_at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<Key>,
    pub(crate) metadata: String,
}

/// An idempotency key and what its request said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) key: String,
    #[serde(with = "hex::serde")]
    pub(crate) fingerprint: [u8; 32],
}

/// The events of a commit as they are sent.
pub(crate) fn wrap(
    commit: &Commit,
    recorded_at: Timestamp,
    attempt: Uuid,
) -> Result<Vec<EventData>, serde_json::Error> {
    let idempotency = commit
        .idempotency
        .as_ref()
        .map(|asked| Key { key: asked.key.clone(), fingerprint: asked.fingerprint });
    let mut envelope = Envelope {
        daybook: FORMAT,
        command: commit.command_id.clone(),
        attempt,
        number: 0,
        count: commit.events.len() as u64,
        event_version: String::new(),
        recorded_at: recorded_at.millis(),
        idempotency,
        metadata: commit.metadata.to_string(),
    };
    let mut wrapped = Vec::with_capacity(commit.events.len());
    for event in &commit.events {
        event.event_version.to_string().clone_into(&mut envelope.event_version);
        let data = Bytes::copy_from_slice(event.payload.as_bytes());
        wrapped.push(
            EventData::binary(&*event.event_type, data)
                .id(event.id)
                .metadata(Bytes::from(serde_json::to_vec(&envelope)?)),
        );
        envelope.number += 1;
    }
    Ok(wrapped)
}

impl Envelope {
    /// Reads the envelope of an event in one of our streams.
    ///
    /// # Errors
    /// [`LogError::Corrupt`] when a stranger has written there.
    pub(crate) fn of(event: &RecordedEvent) -> Result<Self, LogError> {
        serde_json::from_slice::<Self>(&event.custom_metadata)
            .ok()
            .filter(|envelope| envelope.daybook == FORMAT && envelope.number < envelope.count)
            .ok_or_else(|| {
                LogError::Corrupt(format!(
                    "event {} of {} was not written by Daybook",
                    event.revision, event.stream_id
                ))
            })
    }
}

/// An event as the log hands it out.
///
/// # Errors
/// [`LogError::Corrupt`] when it is not one of ours.
pub(crate) fn unwrap(stream: StreamId, event: &RecordedEvent) -> Result<Recorded, LogError> {
    let envelope = Envelope::of(event)?;
    let payload = std::str::from_utf8(&event.data).map_err(|_| {
        LogError::Corrupt(format!(
            "the payload of event {} of {} is no text",
            event.revision, event.stream_id
        ))
    })?;
    Ok(Recorded {
        position: Position(event.position.commit),
        stream,
        version: event.revision + 1,
        id: event.id,
        event_type: event.event_type.as_str().into(),
        event_version: envelope.event_version.into(),
        payload: payload.into(),
        metadata: envelope.metadata.into_boxed_str(),
        recorded_at: Timestamp::from_millis(envelope.recorded_at),
    })
}
