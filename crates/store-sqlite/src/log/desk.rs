//! The writer's desk: what it remembers of the file, and how it decides about each request.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, ErrorCode};
use store::{AppendError, Appended, Commit, Position, Receipt};

use super::{
    file,
    heads::{Heads, StreamHead},
    request::{Outcome, Request, Trouble},
    statements::{EventRow, Statements},
};

/// What happened within a transaction before COMMIT.
pub(super) enum Failure {
    Sql(rusqlite::Error),
    Corrupt(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The writer's connection with its statements, and what it remembers of the file.
pub(super) struct Desk<'c> {
    statements: Statements<'c>,
    heads: Heads,
    event_types: HashMap<Arc<str>, Vec<(Arc<str>, i64)>>,
    /// The position of the last event.
    pub(super) last: u64,
    data_version: i64,
}

impl<'c> Desk<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let mut statements = Statements::prepare(connection)?;
        let data_version = statements.data_version()?;
        let last = statements.last_position()?;
        let (heads, event_types) = (Heads::default(), HashMap::new());
        Ok(Self { statements, heads, event_types, last, data_version })
    }

    pub(super) fn perform_all(&mut self, group: &[Request]) -> Result<Vec<Outcome>, Failure> {
        self.statements.begin()?;
        // Nobody else should write here; if somebody did, nothing remembered is true any more.
        let data_version = self.statements.data_version()?;
        if data_version != self.data_version {
            tracing::warn!("another program has written to the log");
            self.forget()?;
            self.data_version = data_version;
        }
        let mut outcomes = Vec::with_capacity(group.len());
        for request in group {
            outcomes.push(self.perform(request)?);
        }
        Ok(outcomes)
    }

    fn forget(&mut self) -> rusqlite::Result<()> {
        self.heads.forget_all();
        self.event_types.clear();
        self.last = self.statements.last_position()?;
        Ok(())
    }

    /// Rolls back and forgets; if that fails too, the connection has to go.
    pub(super) fn undo(&mut self, trouble: Trouble) -> Trouble {
        match self.statements.rollback().and_then(|()| self.forget()) {
            Ok(()) => trouble,
            Err(error) => match trouble {
                Trouble::Poisoned(_) | Trouble::Refused(_) => {
                    Trouble::Refused(file::describe(&error))
                }
                Trouble::Unknown(_) | Trouble::Corrupt(_) => trouble,
            },
        }
    }

    /// Makes the transaction last. A full disk is met while its frames are written, and the last
    /// of them, which alone makes it valid, was not; any other error leaves the outcome open.
    pub(super) fn commit(&mut self) -> Result<(), Trouble> {
        let Err(error) = self.statements.commit() else { return Ok(()) };
        let why = file::describe(&error);
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        if full && self.statements.rollback().is_ok() {
            return Err(Trouble::Refused(why));
        }
        Err(Trouble::Unknown(why))
    }

    fn perform(&mut self, request: &Request) -> Result<Outcome, Failure> {
        match request {
            Request::Append { commit, .. } => self.append(commit).map(Outcome::Append),
            Request::EnsureSealingKey { key, .. } => {
                self.statements.insert_sealing_key(key)?;
                match self.statements.sealing_key(key.tenant, &key.key)? {
                    Some(secret) => Ok(Outcome::Secret(secret)),
                    None => Err(Failure::Corrupt("a sealing key was not kept".to_owned())),
                }
            }
            Request::SaveSnapshot { snapshot, .. } => {
                self.statements.save_snapshot(snapshot)?;
                Ok(Outcome::Done)
            }
            Request::SaveBookmark { worker, position, .. } => {
                self.statements.save_bookmark(worker, *position)?;
                Ok(Outcome::Done)
            }
            Request::Settings { .. } => Ok(Outcome::Settings(self.statements.settings()?)),
            Request::Close { .. } => Ok(Outcome::Done),
        }
    }

    /// Decides about a commit and, if it is accepted, writes it.
    fn append(&mut self, commit: &Commit) -> Result<Result<Appended, AppendError>, Failure> {
        let tenant = commit.stream.tenant;
        let known = match self.heads.get(&commit.stream) {
            Some(head) => Some(head),
            None => self.statements.stream_head(&commit.stream)?,
        };
        let actual = known.map_or(0, |head| head.version);
        let matches = actual == commit.expected.version();
        // The usual commit is new and expected where it is; inserting its command tells whether it
        // really is new, so that nothing has to be looked up.
        if !matches || commit.idempotency.is_some() || !commit.sealing_keys.is_empty() {
            if let Some(verdict) = self.known_already(commit)? {
                return Ok(verdict);
            }
            if !matches {
                return Ok(Err(AppendError::Conflict { actual }));
            }
        }
        for key in &commit.sealing_keys {
            let stored = self.statements.sealing_key(tenant, &key.key)?;
            if stored.is_some_and(|secret| secret != key.secret) {
                let why = format!("the sealing key {} exists with another secret", key.key.0);
                return Ok(Err(AppendError::Invalid(why)));
            }
        }
        let count = u64::try_from(commit.events.len()).unwrap_or(u64::MAX);
        let receipt = Receipt {
            version: actual.saturating_add(count),
            first: Position(self.last.saturating_add(1)),
            last: Position(self.last.saturating_add(count)),
        };
        if !self.statements.insert_command(tenant, &commit.command_id, receipt)? {
            let Some(receipt) = self.statements.command(tenant, &commit.command_id)? else {
                return Err(Failure::Corrupt("a command is there and is not".to_owned()));
            };
            return Ok(Ok(Appended { receipt, replayed: true }));
        }
        self.write(commit, known, receipt)?;
        Ok(Ok(Appended { receipt, replayed: false }))
    }

    /// The verdict about a command or a request that is stored already.
    fn known_already(
        &mut self,
        commit: &Commit,
    ) -> Result<Option<Result<Appended, AppendError>>, Failure> {
        let tenant = commit.stream.tenant;
        if let Some(receipt) = self.statements.command(tenant, &commit.command_id)? {
            return Ok(Some(Ok(Appended { receipt, replayed: true })));
        }
        let Some(asked) = &commit.idempotency else { return Ok(None) };
        let Some((fingerprint, command)) = self.statements.idempotency_key(tenant, &asked.key)?
        else {
            return Ok(None);
        };
        if fingerprint != asked.fingerprint {
            return Ok(Some(Err(AppendError::IdempotencyKeyReused)));
        }
        match self.statements.command(tenant, &command)? {
            Some(receipt) => Ok(Some(Err(AppendError::AlreadyStored(receipt)))),
            None => Err(Failure::Corrupt("an idempotency key without its command".to_owned())),
        }
    }

    fn write(
        &mut self,
        commit: &Commit,
        known: Option<StreamHead>,
        receipt: Receipt,
    ) -> Result<(), Failure> {
        let mut head = match known {
            Some(head) => head,
            None => StreamHead {
                stream: self.statements.insert_stream(&commit.stream)?,
                version: 0,
                recorded_at: commit.recorded_at,
            },
        };
        head.recorded_at = head.recorded_at.max(commit.recorded_at);
        for event in &commit.events {
            head.version += 1;
            self.last += 1;
            let event_type = self.event_type(&event.event_type, &event.event_version)?;
            self.statements.insert_event(&EventRow {
                position: self.last,
                stream: head.stream,
                version: head.version,
                event_type,
                id: event.id,
                recorded_at: head.recorded_at,
                payload: &event.payload,
                metadata: &commit.metadata,
            })?;
        }
        debug_assert_eq!((self.last, head.version), (receipt.last.0, receipt.version));
        self.heads.put(&commit.stream, head);
        for key in &commit.sealing_keys {
            self.statements.insert_sealing_key(key)?;
        }
        if let Some(asked) = &commit.idempotency {
            let tenant = commit.stream.tenant;
            self.statements.insert_idempotency_key(tenant, asked, &commit.command_id)?;
        }
        Ok(())
    }

    fn event_type(&mut self, name: &Arc<str>, version: &Arc<str>) -> rusqlite::Result<i64> {
        let known = self.event_types.get(name).and_then(|versions| {
            versions.iter().find(|(known, _)| known == version).map(|(_, number)| *number)
        });
        if let Some(number) = known {
            return Ok(number);
        }
        let number = self.statements.event_type(name, version)?;
        let versions = self.event_types.entry(Arc::clone(name)).or_default();
        versions.push((Arc::clone(version), number));
        Ok(number)
    }
}

/// What an error before COMMIT means: certainly nothing was stored.
pub(super) fn before_commit(failure: Failure) -> Trouble {
    let error = match failure {
        Failure::Corrupt(why) => return Trouble::Corrupt(why),
        Failure::Sql(error) => error,
    };
    let why = file::describe(&error);
    if file::is_corrupt(&error) {
        return Trouble::Corrupt(why);
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) if why.contains("log_events.event_id") => {
            Trouble::Poisoned("an event has an id that is taken".to_owned())
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
            Trouble::Poisoned(why)
        }
        _ => Trouble::Refused(why),
    }
}
