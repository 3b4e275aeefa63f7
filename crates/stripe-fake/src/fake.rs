//! The fake itself: one lock around the state, the journal, the idempotency keys.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::{ApiAnswer, ApiRequest, Method};
use crate::fault::{Fault, Faults};
use crate::id::Seed;
use crate::journal::{Entry, Journal, JournalError};
use crate::ledger::{BalanceTransaction, BalanceType, Owner};
use crate::operation::{Operation, Target};
use crate::refusal::Refusal;
use crate::state::State;

/// A deterministic Stripe. Clones share one state.
#[derive(Clone, Debug)]
pub struct FakeStripe {
    inner: Arc<Mutex<Inner>>,
    faults: Arc<Mutex<Faults>>,
}

#[derive(Debug)]
struct Inner {
    state: State,
    journal: Option<Journal>,
    answers: BTreeMap<String, Saved>,
    scripted: BTreeMap<String, ScriptedAnswer>,
    unkeyed: u64,
}

#[derive(Clone, Debug)]
struct Saved {
    fingerprint: String,
    answer: ApiAnswer,
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

/// An event that has not reached its listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEvent {
    /// `evt_...`
    pub id: String,
    /// The event type, for example `charge.succeeded`.
    pub kind: String,
    /// The connected account it belongs to; absent for the platform's own.
    pub account: Option<String>,
    /// When it happened on the fake's clock; Unix seconds.
    pub created: i64,
    /// The exact body to deliver.
    pub body: String,
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
            for (line, clock, entry) in entries {
                if inner.state.clock != clock {
                    let path = journal.path().to_owned();
                    return Err(JournalError::Diverged { path, line });
                }
                inner.repeat(entry);
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

    fn lock(&self) -> MutexGuard<'_, Inner> {
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

    /// The clock in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.lock().state.clock
    }

    /// The seed.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.lock().state.seed
    }

    /// The id of the first object with this prefix (`ch`, `pi`, `acct`, `cs_test`, ...) that the
    /// operation with this key creates, whether or not it has happened.
    #[must_use]
    pub fn id_of(&self, prefix: &str, key: &str) -> String {
        self.seed().id(prefix, key, 0)
    }

    /// Any object as the API answers it, whoever owns it.
    #[must_use]
    pub fn object(&self, id: &str) -> Option<Value> {
        self.lock().state.render(id)
    }

    /// The latest object of a kind (`charge`, `refund`, `checkout.session`, ...) a target names.
    #[must_use]
    pub fn find(&self, target: &Target, kind: &str) -> Option<String> {
        self.lock().state.find(target, kind).ok()
    }

    /// The charge of the payment a target names by session, intent, charge or metadata.
    #[must_use]
    pub fn find_charge(&self, target: &Target) -> Option<String> {
        self.lock().state.find_charge(target).ok()
    }

    /// Available plus pending per currency in minor units, without reserves; `None` is the platform.
    #[must_use]
    pub fn balance(&self, account: Option<&str>) -> BTreeMap<String, i64> {
        self.totals(account, BalanceType::Payments)
    }

    /// What Stripe holds in reserve per currency, in minor units; `None` is the platform.
    #[must_use]
    pub fn reserved(&self, account: Option<&str>) -> BTreeMap<String, i64> {
        self.totals(account, BalanceType::RiskReserved)
    }

    fn totals(&self, account: Option<&str>, balance_type: BalanceType) -> BTreeMap<String, i64> {
        let balances = self.lock().state.ledger.balances(&Owner::of(account), balance_type);
        balances
            .into_iter()
            .map(|(currency, funds)| (currency, funds.available + funds.pending))
            .collect()
    }

    /// The available part of a balance per currency in minor units; `None` is the platform.
    #[must_use]
    pub fn available(&self, account: Option<&str>) -> BTreeMap<String, i64> {
        let owner = Owner::of(account);
        let balances = self.lock().state.ledger.balances(&owner, BalanceType::Payments);
        balances.into_iter().map(|(currency, funds)| (currency, funds.available)).collect()
    }

    /// The balance transactions of an owner, oldest first; `None` is the platform.
    #[must_use]
    pub fn balance_transactions(&self, account: Option<&str>) -> Vec<BalanceTransaction> {
        self.lock().state.ledger.of(&Owner::of(account)).cloned().collect()
    }

    /// The connected accounts, in the order of their ids.
    #[must_use]
    pub fn accounts(&self) -> Vec<String> {
        let inner = self.lock();
        let accounts = inner.state.all().filter(|(_, stored)| stored.kind == "account");
        accounts.map(|(id, _)| id.clone()).collect()
    }

    /// How many events have happened so far.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.lock().state.events.len()
    }

    /// The types of all events so far, oldest first.
    #[must_use]
    pub fn event_kinds(&self) -> Vec<String> {
        self.lock().state.events.iter().map(|event| event.kind.clone()).collect()
    }

    /// Up to `limit` events that have not reached their listener, oldest first, without those whose
    /// type or id is held back. Taking them changes nothing; [`Self::acknowledge`] does.
    #[must_use]
    pub fn take_undelivered(&self, limit: usize, held: &BTreeSet<String>) -> Vec<PendingEvent> {
        let inner = self.lock();
        let state = &inner.state;
        state
            .unacknowledged
            .iter()
            .map(|position| &state.events[*position])
            .filter(|event| !held.contains(&event.kind) && !held.contains(&event.id))
            .take(limit)
            .map(|event| PendingEvent {
                id: event.id.clone(),
                kind: event.kind.clone(),
                account: event.owner.account().map(str::to_owned),
                created: event.created,
                body: event.body(),
            })
            .collect()
    }

    /// How many events have not reached their listener.
    #[must_use]
    pub fn undelivered_count(&self) -> usize {
        self.lock().state.unacknowledged.len()
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

    /// Operations that were scheduled but refused when they were due, with their keys.
    #[must_use]
    pub fn refused(&self) -> Vec<(String, Refusal)> {
        self.lock().state.refused().to_vec()
    }

    /// How many operations are still scheduled.
    #[must_use]
    pub fn scheduled_count(&self) -> usize {
        self.lock().state.scheduled_count()
    }

    /// A hash over everything the fake knows. Two fakes with the same digest answer alike.
    #[must_use]
    pub fn digest(&self) -> String {
        let inner = self.lock();
        let state = &inner.state;
        let mut hasher = Sha256::new();
        hasher.update(state.clock.to_be_bytes());
        for (id, stored) in state.all() {
            hasher.update(id);
            hasher.update(stored.document.value().to_string());
        }
        for owner in state.ledger.owners() {
            for transaction in state.ledger.of(owner) {
                hasher.update(transaction.render(state.clock).to_string());
                hasher.update(transaction.payout.as_deref().unwrap_or_default());
            }
            hasher.update(state.balance_object(owner).to_string());
        }
        for event in &state.events {
            hasher.update(event.body());
        }
        for (key, saved) in &inner.answers {
            hasher.update(key);
            hasher.update(saved.answer.body.to_string());
        }
        hasher.update(u64::try_from(state.scheduled_count()).unwrap_or(0).to_be_bytes());
        hex::encode(hasher.finalize())
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
                let saved =
                    Saved { fingerprint: request.fingerprint(), answer: answer.clone() };
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
