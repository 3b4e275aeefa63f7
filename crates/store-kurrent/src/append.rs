//! Appending: judged by the index, decided by the server, read back from the log.
//!
//! Within one process everything that touches the same stream, command, key or event goes one after
//! the other, so verdicts are exact. Between processes the server decides by the expected revision and
//! recognizes the same events again by their ids. What it cannot compare is looked up before sending:
//! an idempotency key at that moment, so that two processes that use the same new key within a few
//! milliseconds, on different streams, are both stored; a command on another stream as of the last
//! look, up to `look_every` ago.

use eventstore::{AppendToStreamOptions, CurrentRevision, Error, ExpectedRevision};
use store::{AppendError, Appended, Commit, LogError, Receipt};
use uuid::Uuid;

use crate::{
    connection::Fault,
    envelope::{self, Envelope},
    keys::Keys,
    tail::Tail,
};

impl Tail {
    fn keys(&self) -> Keys<'_> {
        Keys { connection: &self.connection, names: &self.names }
    }

    /// Stores a commit. The caller holds the turn for everything it touches.
    pub(crate) async fn store(&self, commit: &Commit) -> Result<Appended, AppendError> {
        if let Some(verdict) = self.verdict(commit).await.map_err(nothing_sent)? {
            return verdict;
        }
        let placed = self.keys().place(commit).await?;
        let attempt = Attempt::new(self);
        let verdict = self.send(commit, attempt.id).await;
        drop(attempt);
        let stored = matches!(verdict, Ok(Appended { replayed: false, .. }));
        if !stored && !matches!(verdict, Err(AppendError::Unknown(_))) {
            self.keys().take_back(placed).await;
        }
        verdict
    }

    /// The verdict that the log up to now allows, if any. Going on needs no look at the log, because
    /// the server compares the revision; refusing does, and so do keys, which it cannot compare.
    async fn verdict(
        &self,
        commit: &Commit,
    ) -> Result<Option<Result<Appended, AppendError>>, LogError> {
        if commit.idempotency.is_none() && commit.sealing_keys.is_empty() {
            match self.judge(commit).await? {
                None => return Ok(None),
                Some(Ok(appended)) => return Ok(Some(Ok(appended))),
                Some(Err(_)) => {}
            }
        }
        self.catch_up().await?;
        self.judge(commit).await
    }

    /// The verdict that what is known already allows, if any.
    async fn judge(
        &self,
        commit: &Commit,
    ) -> Result<Option<Result<Appended, AppendError>>, LogError> {
        let tenant = commit.stream.tenant;
        if let Some(receipt) = self.index().command(tenant, &commit.command_id) {
            return Ok(Some(Ok(Appended { receipt, replayed: true })));
        }
        if let Some(asked) = &commit.idempotency
            && let Some((known, _, receipt)) = self.find_key(tenant, &asked.key).await?
        {
            return Ok(Some(Err(if known == asked.fingerprint {
                AppendError::AlreadyStored(receipt)
            } else {
                AppendError::IdempotencyKeyReused
            })));
        }
        let index = self.index();
        let actual = index.stream(&commit.stream).version;
        if actual != commit.expected.version() {
            return Ok(Some(Err(AppendError::Conflict { actual })));
        }
        let new = index.all_new(commit.events.iter().map(|event| event.id));
        let taken = || AppendError::Invalid("an event has an id that is taken".to_owned());
        Ok((!new).then(|| Err(taken())))
    }

    /// What was stored under an idempotency key, as far as is known: the fingerprint, the command
    /// and the receipt.
    pub(crate) async fn find_key(
        &self,
        tenant: kernel::TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        let Some(position) = self.index().key(tenant, key) else { return Ok(None) };
        let events = self.read_from(position, 1).await?;
        let missing = || LogError::Corrupt(format!("nothing is at position {position} any more"));
        let event = events.first().ok_or_else(missing)?;
        let envelope = Envelope::of(event)?;
        let receipt = self.index().command(tenant, &envelope.command).ok_or_else(missing)?;
        let known = envelope.idempotency.filter(|known| known.key == key).ok_or_else(missing)?;
        Ok(Some((known.fingerprint, envelope.command, receipt)))
    }

    /// Sends a commit until the server has answered. The same events with the same expected
    /// revision are recognized, so sending them again is also how a lost answer is found.
    async fn send(&self, commit: &Commit, attempt: Uuid) -> Result<Appended, AppendError> {
        let recorded_at = self.index().stream(&commit.stream).recorded_at.max(commit.recorded_at);
        let events = envelope::wrap(commit, recorded_at, attempt)
            .map_err(|error| AppendError::Invalid(error.to_string()))?;
        let stream = self.names.events(&commit.stream);
        // Versions count from 1 and revisions from 0.
        let expected = commit.expected.version().checked_sub(1);
        let expected = expected.map_or(ExpectedRevision::NoStream, ExpectedRevision::Exact);
        let options = AppendToStreamOptions::default().expected_revision(expected);
        let mut patience = self.connection.patience();
        let mut lost = None;
        loop {
            let appending = self.connection.ask(|client| {
                let (stream, options, events) = (&stream, &options, events.clone());
                async move { client.append_to_stream(stream.as_str(), options, events).await }
            });
            match appending.await {
                Ok(_) => return self.read_back(commit, attempt).await,
                Err(Fault::Refused(error)) => {
                    return self.refused(commit, attempt, *error, lost).await;
                }
                Err(fault) => {
                    if let Fault::Lost(why) = &fault {
                        lost = Some(why.clone());
                    }
                    if !patience.goes_on(&fault).await {
                        return Err(lost.map_or_else(
                            || AppendError::Unavailable(fault.to_string()),
                            AppendError::Unknown,
                        ));
                    }
                }
            }
        }
    }

    /// The receipt of what the server says is stored: positions are read from the log, because an
    /// answer names one at most.
    async fn read_back(&self, commit: &Commit, attempt: Uuid) -> Result<Appended, AppendError> {
        let unknown = |why: &str| AppendError::Unknown(format!("it is stored, but {why}"));
        let mut patience = self.connection.patience();
        loop {
            self.catch_up().await.map_err(|error| unknown(&error.to_string()))?;
            if let Some(appended) = self.found(commit, attempt) {
                return Ok(appended);
            }
            if !patience.rest().await {
                return Err(unknown("it cannot be read yet"));
            }
        }
    }

    /// The commit as the index knows it: this attempt, or the same command by somebody else.
    fn found(&self, commit: &Commit, attempt: Uuid) -> Option<Appended> {
        let index = self.index();
        if let Some(receipt) = index.attempt(attempt) {
            return Some(Appended { receipt, replayed: false });
        }
        let receipt = index.command(commit.stream.tenant, &commit.command_id)?;
        Some(Appended { receipt, replayed: true })
    }

    /// The verdict on a commit that the server has refused, after perhaps losing an answer.
    async fn refused(
        &self,
        commit: &Commit,
        attempt: Uuid,
        error: Error,
        lost: Option<String>,
    ) -> Result<Appended, AppendError> {
        match error {
            Error::WrongExpectedVersion { current, .. } => {
                // The stream has moved on, so whatever was sent earlier is in it now or never.
                let read = self.catch_up().await;
                if let Some(appended) = self.found(commit, attempt) {
                    return Ok(appended);
                }
                if lost.is_some() {
                    read.map_err(|error| AppendError::Unknown(error.to_string()))?;
                }
                if let Ok(Some(verdict)) = self.judge(commit).await {
                    return verdict;
                }
                let actual = match current {
                    CurrentRevision::Current(revision) => revision.saturating_add(1),
                    CurrentRevision::NoStream => 0,
                };
                Err(AppendError::Conflict { actual })
            }
            error if lost.is_some() => Err(AppendError::Unknown(error.to_string())),
            Error::Grpc { ref message, .. } => Err(match append_size_max(message) {
                Some(limit) => AppendError::TooLarge { size: commit.size(), limit },
                None => AppendError::Unavailable(error.to_string()),
            }),
            Error::ResourceDeleted => {
                Err(AppendError::Corrupt(format!("the stream {} was deleted", commit.stream)))
            }
            error => Err(AppendError::Unavailable(error.to_string())),
        }
    }
}

/// Waits in the index for an attempt to be read back, until it is dropped.
struct Attempt<'a> {
    tail: &'a Tail,
    id: Uuid,
}

impl<'a> Attempt<'a> {
    fn new(tail: &'a Tail) -> Self {
        let id = Uuid::new_v4();
        tail.index_mut().expect(id);
        Self { tail, id }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.tail.index_mut().forget(self.id);
    }
}

fn nothing_sent(error: LogError) -> AppendError {
    match error {
        LogError::Unavailable(why) => AppendError::Unavailable(why),
        LogError::Corrupt(why) => AppendError::Corrupt(why),
    }
}

/// The client hands on the server's sentence and not its fields.
fn append_size_max(message: &str) -> Option<usize> {
    let (_, rest) = message.split_once("Maximum Append Size of ")?;
    rest.split_once(' ')?.0.parse().ok()
}
