//! The writer: one thread, one connection, and everything that waits goes into one transaction.
//!
//! A verdict is given per request but leaves only after COMMIT has returned. Verdicts are decided
//! before anything of a request is written, so that a conflict needs no savepoint: it just writes
//! nothing. Whatever else goes wrong rolls the whole group back, and then each request is tried in
//! a transaction of its own, so that a poisoned one fails alone.

use std::{collections::HashMap, fs::File, path::PathBuf, sync::Arc};

use rusqlite::{Connection, ErrorCode};
use store::{AppendError, Appended, Commit, Position, Receipt};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    file,
    heads::{Heads, StreamHead},
    options::{LogOptions, Moment},
    request::{Outcome, Request, Trouble},
    statements::{EventRow, Statements},
};

/// How many requests wait in the queue, and so share one transaction, at most.
pub(super) const GROUP_REQUESTS_MAX: usize = 512;

/// How many bytes of payload share one transaction, unless a single commit is larger.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The one that writes.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) options: LogOptions,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) head: watch::Sender<Position>,
    /// Held as long as the writer lives.
    pub(super) lock: File,
}

/// Why the writer has stopped using a connection.
enum End {
    /// The log is closed; the connection may be closed properly.
    Closed,
    /// The connection is not to be trusted any more.
    Discard,
}

/// What happened within a transaction before COMMIT.
enum Failure {
    Sql(rusqlite::Error),
    Corrupt(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Writer {
    /// Serves requests until the log is closed or nobody holds it any more.
    pub(super) fn run(mut self, first: Connection) {
        let mut closing = Vec::new();
        let mut next = Some(first);
        loop {
            let connection = match next.take() {
                Some(connection) => connection,
                None => match self.reopen() {
                    Ok(connection) => connection,
                    Err(why) => {
                        // One group is told so, and then the file gets another chance.
                        let Some(group) = self.take_group(&mut closing) else { break };
                        for request in group {
                            request.answer(Err(Trouble::Refused(why.clone())));
                        }
                        continue;
                    }
                },
            };
            match self.serve(&connection, &mut closing) {
                End::Closed => {
                    file::close(connection);
                    break;
                }
                End::Discard => drop(connection),
            }
        }
        // Whoever waits for the end may open the log again at once.
        drop(self.lock);
        for reply in closing {
            reply.send(()).ok();
        }
    }

    fn reopen(&self) -> Result<Connection, String> {
        self.hook(Moment::BeforeReopen)?;
        file::writing_connection(&self.path, &self.options).map_err(|error| file::describe(&error))
    }

    fn hook(&self, moment: Moment) -> Result<(), String> {
        self.options.hook.as_ref().map_or(Ok(()), |hook| hook(moment))
    }

    /// Everything that waits, up to the bounds of a group; `None` when the log is closed.
    fn take_group(&mut self, closing: &mut Vec<oneshot::Sender<()>>) -> Option<Vec<Request>> {
        let mut group = Vec::new();
        let mut request = self.queue.blocking_recv()?;
        if let Err(why) = self.hook(Moment::BeforeGroup) {
            tracing::debug!(why, "the hook has no say here");
        }
        let mut bytes = 0;
        loop {
            match request {
                Request::Close { reply } => {
                    // What waits already is still done; nothing new can be handed over.
                    self.queue.close();
                    closing.push(reply);
                }
                other => {
                    bytes += other.size();
                    group.push(other);
                }
            }
            if group.len() >= GROUP_REQUESTS_MAX || bytes >= GROUP_BYTES_MAX {
                return Some(group);
            }
            match self.queue.try_recv() {
                Ok(next) => request = next,
                Err(_) => return Some(group),
            }
        }
    }

    fn serve(&mut self, connection: &Connection, closing: &mut Vec<oneshot::Sender<()>>) -> End {
        let mut desk = match Desk::new(connection) {
            Ok(desk) => desk,
            Err(error) => {
                let trouble = before_commit(Failure::Sql(error));
                tracing::error!(?trouble, "the log cannot be written at present");
                let Some(group) = self.take_group(closing) else { return End::Closed };
                for request in group {
                    request.answer(Err(trouble.clone()));
                }
                return End::Discard;
            }
        };
        self.announce(desk.last);
        while let Some(group) = self.take_group(closing) {
            if let Err(trouble) = self.commit_group(&mut desk, group) {
                tracing::error!(?trouble, "the log's connection is opened again");
                return End::Discard;
            }
        }
        End::Closed
    }

    /// Stores a group and answers it. An error means that the connection must go.
    fn commit_group(&self, desk: &mut Desk<'_>, mut group: Vec<Request>) -> Result<(), Trouble> {
        let outcome = self.transact(desk, &group);
        match outcome {
            Err(Trouble::Poisoned(_)) if group.len() > 1 => {
                let mut end = Ok(());
                for request in group.drain(..) {
                    let alone = vec![request];
                    end = match end {
                        Ok(()) => self.commit_group(desk, alone),
                        Err(trouble) => {
                            // The connection is gone: nothing of these was even tried.
                            let refused = Trouble::Refused(format!("{trouble:?}"));
                            alone.into_iter().for_each(|it| it.answer(Err(refused.clone())));
                            Err(trouble)
                        }
                    };
                }
                end
            }
            Err(trouble) => {
                for request in group {
                    request.answer(Err(trouble.clone()));
                }
                match trouble {
                    Trouble::Poisoned(_) => Ok(()),
                    Trouble::Refused(_) | Trouble::Unknown(_) | Trouble::Corrupt(_) => Err(trouble),
                }
            }
            Ok(outcomes) => {
                // Before the verdicts, so that whoever has one also finds the signal moved.
                self.announce(desk.last);
                for (request, outcome) in group.into_iter().zip(outcomes) {
                    request.answer(Ok(outcome));
                }
                Ok(())
            }
        }
    }

    fn announce(&self, last: u64) {
        self.head.send_if_modified(|head| {
            let grown = head.0 < last;
            if grown {
                *head = Position(last);
            }
            grown
        });
    }

    /// One transaction for all requests of the group, or none.
    fn transact(&self, desk: &mut Desk<'_>, group: &[Request]) -> Result<Vec<Outcome>, Trouble> {
        let performed = desk.perform_all(group);
        let outcomes = match performed {
            Ok(outcomes) => outcomes,
            Err(failure) => {
                let trouble = before_commit(failure);
                return Err(desk.undo(trouble));
            }
        };
        if let Err(why) = self.hook(Moment::BeforeCommit) {
            return Err(Trouble::Unknown(why));
        }
        if let Err(error) = desk.statements.commit() {
            return Err(desk.failed_commit(&error));
        }
        match self.hook(Moment::AfterCommit) {
            Ok(()) => Ok(outcomes),
            Err(why) => Err(Trouble::Unknown(why)),
        }
    }
}

/// What an error before COMMIT means: certainly nothing was stored.
fn before_commit(failure: Failure) -> Trouble {
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

/// The writer's connection with its statements, and what it remembers of the file.
struct Desk<'c> {
    statements: Statements<'c>,
    heads: Heads,
    event_types: HashMap<Arc<str>, Vec<(Arc<str>, i64)>>,
    last: u64,
    data_version: i64,
}

impl<'c> Desk<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let mut statements = Statements::prepare(connection)?;
        let data_version = statements.data_version()?;
        let last = statements.last_position()?;
        let (heads, event_types) = (Heads::default(), HashMap::new());
        Ok(Self { statements, heads, event_types, last, data_version })
    }

    fn perform_all(&mut self, group: &[Request]) -> Result<Vec<Outcome>, Failure> {
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
    fn undo(&mut self, trouble: Trouble) -> Trouble {
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

    /// A full disk is met while the frames of the transaction are written, and the last of them,
    /// which alone makes it valid, was not; everything else leaves the outcome open.
    fn failed_commit(&mut self, error: &rusqlite::Error) -> Trouble {
        let why = file::describe(error);
        let full = error.sqlite_error_code() == Some(ErrorCode::DiskFull);
        if full && self.statements.rollback().is_ok() {
            return Trouble::Refused(why);
        }
        Trouble::Unknown(why)
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
