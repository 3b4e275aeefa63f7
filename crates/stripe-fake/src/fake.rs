//! The fake itself: one lock around the state, the journal, the idempotency keys.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::api::{ApiAnswer, ApiRequest, Method};
use crate::fault::{Fault, Faults};
use crate::id::Seed;
use crate::journal::{Entry, Journal, JournalError};
use crate::operation::Operation;
use crate::refusal::Refusal;
use crate::state::State;

/// A deterministic Stripe. Clones share one state.
#[derive(Clone, Debug)]
pub struct FakeStripe {
    inner: Arc<Mutex<Inner>>,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) state: State,
    journal: Option<Journal>,
    pub(crate) answers: BTreeMap<String, Saved>,
    scripted: BTreeMap<String, ScriptedAnswer>,
    unkeyed: u64,
}

/// The answer an idempotency key remembers.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    fingerprint: String,
    pub(crate) answer: ApiAnswer,
}

#[derive(Clone, Debug)]
struct ScriptedAnswer {
    operation: Operation,
    applied: Result<Applied, Refusal>,
}

/// What an operation brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The object the operation is about, if there is one.
    pub id: Option<String>,
    /// Everything the operation created, oldest first.
    pub created: Vec<String>,
}

/// Why an operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum OperationError {
    /// Stripe would not do it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The operation could not be written down, so it did not happen.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl FakeStripe {
    /// A fake that lives in memory only. `start` is its clock at first, in Unix seconds.
    #[must_use]
    pub fn new(seed: Seed, start: i64) -> Self {
        Self::with(State::new(seed, start), None)
    }

    /// A fake that writes every change to a journal before answering it, and repeats what is in the
    /// journal first.
    ///
    /// # Errors
    /// When the file cannot be used or was written by a fake with another seed or start.
    pub fn open(path: impl AsRef<Path>, seed: Seed, start: i64) -> Result<Self, JournalError> {
        let (journal, entries) = Journal::open(path.as_ref(), seed, start)?;
        let fake = Self::with(State::new(seed, start), None);
        {
            let mut inner = fake.lock();
            for written in entries {
                if inner.state.clock != written.clock {
                    let path = journal.path().to_owned();
                    return Err(JournalError::Diverged { path, line: written.line });
                }
                inner.repeat(written.entry);
            }
            inner.journal = Some(journal);
        }
        Ok(fake)
    }

    fn with(state: State, journal: Option<Journal>) -> Self {
        let inner = Inner {
            state,
            journal,
            answers: BTreeMap::new(),
            scripted: BTreeMap::new(),
            unkeyed: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)), faults: Arc::default() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets something happen. The same key with the same operation answers what happened the first
    /// time and does nothing.
    ///
    /// # Errors
    /// When Stripe would refuse it, when the key was used for another operation, or when the journal
    /// cannot be written.
    pub fn apply(&self, key: &str, operation: Operation) -> Result<Applied, OperationError> {
        let mut inner = self.lock();
        if let Some(known) = inner.scripted.get(key) {
            return if known.operation == operation {
                Ok(known.applied.clone()?)
            } else {
                Err(Refusal::key_reused(key).into())
            };
        }
        inner.write(&Entry::Operation { key: key.to_owned(), operation: operation.clone() })?;
        Ok(inner.apply(key, operation)?)
    }

    /// Moves the clock; what is due on the way happens in the order it is due. The clock never goes
    /// back: an earlier time changes nothing.
    ///
    /// # Errors
    /// When the journal cannot be written; the clock then stays.
    pub fn advance_to(&self, now: i64) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if now > inner.state.clock {
            inner.write(&Entry::AdvanceTo(now))?;
            inner.state.advance_to(now);
        }
        Ok(())
    }

    /// Answers a request as the HTTP server would, without faults and without being counted.
    ///
    /// # Errors
    /// When the journal cannot be written; nothing has happened then.
    pub fn call(&self, request: &ApiRequest) -> Result<ApiAnswer, JournalError> {
        let mut inner = self.lock();
        if request.method == Method::Get {
            return Ok(inner.read(request));
        }
        if let Some(answer) = inner.known_answer(request) {
            return Ok(answer);
        }
        inner.write(&Entry::Request(request.clone()))?;
        Ok(inner.change(request))
    }

    /// Notes that these events reached their listener.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn acknowledge(&self, ids: &[String]) -> Result<(), JournalError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut inner = self.lock();
        inner.write(&Entry::Acknowledge(ids.to_vec()))?;
        inner.state.acknowledge(ids);
        Ok(())
    }

    /// Lets the next `times` calls of a route go wrong. Routes are written as [`Self::calls`] answers
    /// them, for example `POST /v1/refunds`.
    pub fn fail_next(&self, route: impl Into<String>, fault: Fault, times: u32) {
        self.lock_faults().plan(route.into(), fault, times);
    }

    /// How often each route was called over HTTP, with ids replaced by `:id`.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.lock_faults().calls.clone()
    }

    /// How many calls arrived over HTTP in all.
    #[must_use]
    pub fn call_count(&self) -> u64 {
        self.lock_faults().calls.values().sum()
    }

    pub(crate) fn count_call(&self, route: &str) -> Option<Fault> {
        self.lock_faults().count(route)
    }

    fn lock_faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, entry: &Entry) -> Result<(), JournalError> {
        let clock = self.state.clock;
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append(clock, entry))
    }

    fn repeat(&mut self, entry: Entry) {
        match entry {
            Entry::Operation { key, operation } => {
                // A refused operation is refused again; its answer is kept for its key.
                let _ = self.apply(&key, operation);
            }
            Entry::Request(request) => {
                self.change(&request);
            }
            Entry::AdvanceTo(now) => self.state.advance_to(now),
            Entry::Acknowledge(ids) => self.state.acknowledge(&ids),
        }
    }

    fn apply(&mut self, key: &str, operation: Operation) -> Result<Applied, Refusal> {
        if operation == Operation::ForgetIdempotencyKeys {
            self.answers.clear();
        }
        self.state.begin(key, None);
        let applied = self
            .state
            .perform(&operation)
            .map(|id| Applied { id, created: self.state.made_by(key).to_vec() });
        let answer = ScriptedAnswer { operation, applied: applied.clone() };
        self.scripted.insert(key.to_owned(), answer);
        applied
    }

    fn read(&self, request: &ApiRequest) -> ApiAnswer {
        let request_id = self.state.seed.id("req", &request.route(), 0);
        answer(self.state.read(request), request_id)
    }

    /// The answer that an idempotency key remembers.
    fn known_answer(&self, request: &ApiRequest) -> Option<ApiAnswer> {
        let key = request.idempotency_key.as_deref()?;
        let saved = self.answers.get(&scoped(request, key))?;
        if saved.fingerprint == request.fingerprint() {
            Some(ApiAnswer { replayed: true, ..saved.answer.clone() })
        } else {
            let request_id = saved.answer.request_id.clone();
            Some(answer(Err(Refusal::key_reused(key)), request_id))
        }
    }

    fn change(&mut self, request: &ApiRequest) -> ApiAnswer {
        let key = match &request.idempotency_key {
            Some(key) => scoped(request, key),
            None => {
                self.unkeyed += 1;
                format!("unkeyed/{}", self.unkeyed)
            }
        };
        // Once Stripe has forgotten a key, using it again is a new request with new objects.
        let generation = self.state.generation(&key);
        let work = if generation == 0 { key.clone() } else { format!("{key}#{generation}") };
        let request_id = self.state.seed.id("req", &work, 0);
        self.state.begin(&work, Some((request_id.clone(), request.idempotency_key.clone())));
        let outcome = self.state.change(request);
        let begun = outcome.as_ref().map_or_else(|refusal| refusal.begun, |_| true);
        let answer = answer(outcome, request_id);
        if begun {
            self.state.begun(&key);
            if request.idempotency_key.is_some() {
                let saved = Saved { fingerprint: request.fingerprint(), answer: answer.clone() };
                self.answers.insert(key, saved);
            }
        }
        answer
    }
}

fn scoped(request: &ApiRequest, key: &str) -> String {
    format!("request/{}/{key}", request.account.as_deref().unwrap_or("platform"))
}

fn answer(outcome: Result<Value, Refusal>, request_id: String) -> ApiAnswer {
    match outcome {
        Ok(body) => ApiAnswer { status: 200, body, request_id, replayed: false },
        Err(refusal) => {
            ApiAnswer { status: refusal.status, body: refusal.body(), request_id, replayed: false }
        }
    }
}
