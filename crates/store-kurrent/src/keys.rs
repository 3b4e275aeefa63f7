//! Sealing keys: each in a stream of its own outside the log's events, which can be deleted.
//!
//! KurrentDB has no transaction over two streams, so a key is stored before the commit that it sealed,
//! and taken back if the commit is refused. A process that dies in between leaves a key that seals
//! nothing; it carries the command's id, so that the same command may replace it.

use eventstore::ExpectedRevision;
use kernel::{KeyRef, TenantId};
use serde::{Deserialize, Serialize};
use store::{AppendError, Commit, LogError, SealingKey};

use crate::{
    bookkeeping::{append, delete, event, is_conflict, last, unreadable},
    connection::{Connection, Fault},
    names::Names,
    tail::unavailable,
};

const EVENT_TYPE: &str = "daybook.key";

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(with = "hex::serde")]
    secret: [u8; 32],
    /// The command that brought it; none for a key of several commits.
    command: Option<String>,
}

/// A key that a commit has placed, and what was in its place.
#[derive(Debug)]
pub(crate) struct Placed {
    stream: String,
    revision: u64,
    before: Option<Stored>,
}

/// The way to the sealing keys.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) names: &'a Names,
}

impl Keys<'_> {
    pub(crate) async fn secret(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        let stored = self.stored(&self.names.sealing_key(tenant, key)).await?;
        Ok(stored.map(|(stored, _)| stored.secret))
    }

    async fn stored(&self, stream: &str) -> Result<Option<(Stored, u64)>, LogError> {
        let Some(event) = last(self.connection, stream).await? else { return Ok(None) };
        let stored = serde_json::from_slice(&event.data).map_err(|_| unreadable(stream))?;
        Ok(Some((stored, event.revision)))
    }

    /// Stores a key unless there is one of its name; returns the secret that is stored.
    pub(crate) async fn ensure(&self, key: &SealingKey) -> Result<[u8; 32], LogError> {
        let stream = self.names.sealing_key(key.tenant, &key.key);
        loop {
            if let Some((stored, _)) = self.stored(&stream).await? {
                return Ok(stored.secret);
            }
            let stored = Stored { secret: key.secret, command: None };
            let event = event(EVENT_TYPE, &stored, &stream)?;
            match append(self.connection, &stream, ExpectedRevision::NoStream, event).await {
                Ok(_) => {}
                Err(Fault::Refused(error)) if is_conflict(&error) => {}
                Err(fault) => return Err(unavailable(&fault)),
            }
        }
    }

    /// Destroys a key: it reads as absent at once, and its bytes are gone after a scavenge.
    pub(crate) async fn destroy(&self, tenant: TenantId, key: &KeyRef) -> Result<(), LogError> {
        let stream = self.names.sealing_key(tenant, key);
        if self.stored(&stream).await?.is_none() {
            return Ok(());
        }
        let deleted = delete(self.connection, &stream, ExpectedRevision::Any).await;
        deleted.map_err(|fault| unavailable(&fault))
    }

    /// Stores the keys of a commit that is about to be sent.
    pub(crate) async fn place(&self, commit: &Commit) -> Result<Vec<Placed>, AppendError> {
        let mut placed = Vec::new();
        for key in &commit.sealing_keys {
            match self.place_one(key, &commit.command_id).await {
                Ok(one) => placed.extend(one),
                Err(error) => {
                    self.take_back(placed).await;
                    return Err(error);
                }
            }
        }
        Ok(placed)
    }

    async fn place_one(
        &self,
        key: &SealingKey,
        command: &str,
    ) -> Result<Option<Placed>, AppendError> {
        let nothing_sent = |error: LogError| match error {
            LogError::Unavailable(why) => AppendError::Unavailable(why),
            LogError::Corrupt(why) => AppendError::Corrupt(why),
        };
        let stream = self.names.sealing_key(key.tenant, &key.key);
        let stored = Stored { secret: key.secret, command: Some(command.to_owned()) };
        loop {
            let (before, expected) = match self.stored(&stream).await.map_err(nothing_sent)? {
                None => (None, ExpectedRevision::NoStream),
                Some((known, _)) if known.secret == key.secret => return Ok(None),
                // Left behind by an attempt that never came to its commit.
                Some((known, revision)) if known.command.as_deref() == Some(command) => {
                    (Some(known), ExpectedRevision::Exact(revision))
                }
                Some(_) => {
                    return Err(AppendError::Invalid(format!(
                        "the sealing key {} exists with another secret",
                        key.key.0
                    )));
                }
            };
            let event = event(EVENT_TYPE, &stored, &stream).map_err(nothing_sent)?;
            match append(self.connection, &stream, expected, event).await {
                Ok(written) => {
                    let revision = written.next_expected_version;
                    return Ok(Some(Placed { stream, revision, before }));
                }
                Err(Fault::Refused(error)) if is_conflict(&error) => {}
                Err(fault) => return Err(AppendError::Unavailable(fault.to_string())),
            }
        }
    }

    /// Restores what was there before: the commit is refused, or another process has stored it.
    pub(crate) async fn take_back(&self, placed: Vec<Placed>) {
        for Placed { stream, revision, before } in placed {
            let expected = ExpectedRevision::Exact(revision);
            let restored = match before {
                None => delete(self.connection, &stream, expected).await,
                Some(before) => match event(EVENT_TYPE, &before, &stream) {
                    Ok(event) => append(self.connection, &stream, expected, event).await.map(drop),
                    Err(error) => Err(Fault::Unreachable(error.to_string())),
                },
            };
            if let Err(fault) = restored {
                // It seals nothing, so nothing is readable that should not be.
                tracing::warn!(%stream, %fault, "a sealing key of a refused commit stays behind");
            }
        }
    }
}
