//! Sample commits, and the small words the cases are written in.

use std::fmt::{Debug, Display};

use kernel::{TenantId, Timestamp, derived_uuid};

use super::Outcome;
use crate::{
    Commit, Expected, Idempotency, Log, NewEvent, Position, Recorded, StreamId, fingerprint,
};

/// An instant, so many seconds after an arbitrary start.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_760_000_000).plus_seconds(seconds)
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::derived(&["contract", name])
}

/// An order of the tenant `acme`.
pub(super) fn order(id: &str) -> StreamId {
    StreamId::new("order", tenant("acme"), id)
}

/// A commit of one event. Its event's id is derived from the stream and the command.
pub(super) fn commit(stream: &StreamId, expected: Expected, command: &str) -> Commit {
    commit_of(stream, expected, command, 1)
}

/// A commit of several events.
pub(super) fn commit_of(
    stream: &StreamId,
    expected: Expected,
    command: &str,
    count: usize,
) -> Commit {
    let events = (0..count)
        .map(|number| event(stream, command, number, &format!("{{\"number\":{number}}}")))
        .collect();
    Commit {
        command_id: command.to_owned(),
        stream: stream.clone(),
        expected,
        events,
        metadata: format!("{{\"command\":\"{command}\"}}").into_boxed_str(),
        recorded_at: at(0),
        idempotency: None,
        sealing_keys: Vec::new(),
    }
}

/// A commit of one event with this payload.
pub(super) fn saying(
    stream: &StreamId,
    expected: Expected,
    command: &str,
    payload: &str,
) -> Commit {
    let mut commit = commit(stream, expected, command);
    commit.events = vec![event(stream, command, 0, payload)];
    commit
}

fn event(stream: &StreamId, command: &str, number: usize, payload: &str) -> NewEvent {
    NewEvent {
        id: derived_uuid(&[&stream.to_string(), command, &number.to_string()]),
        event_type: "order.placed".into(),
        event_version: "1".into(),
        payload: payload.into(),
    }
}

/// The same commit under an idempotency key for a request that said `body`.
pub(super) fn keyed(mut commit: Commit, key: &str, body: &str) -> Commit {
    commit.idempotency =
        Some(Idempotency { key: key.to_owned(), fingerprint: fingerprint(&[body.as_bytes()]) });
    commit
}

/// Everything in the log, read in pages of `limit`.
pub(super) async fn all_events(log: &dyn Log, limit: usize) -> Result<Vec<Recorded>, String> {
    let (mut events, mut after) = (Vec::new(), Position::START);
    loop {
        let page = log.read_all(after, limit).await.map_err(text)?;
        holds(page.events.len() <= limit, "a page is not longer than asked for")?;
        let Some(last) = page.events.last() else {
            same("an empty page comes only at the end", &page.head, &after)?;
            return Ok(events);
        };
        after = last.position;
        holds(after <= page.head, "a page does not go beyond its head")?;
        events.extend(page.events);
    }
}

/// An error as the report of a case.
pub(super) fn text(error: impl Display) -> String {
    error.to_string()
}

/// Something that must hold.
pub(super) fn holds(it: bool, what: &str) -> Outcome {
    if it { Ok(()) } else { Err(format!("it does not hold that {what}")) }
}

/// Two things that must be the same.
pub(super) fn same<T: PartialEq + Debug>(what: &str, found: &T, wanted: &T) -> Outcome {
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, wanted {wanted:?}"))
    }
}
