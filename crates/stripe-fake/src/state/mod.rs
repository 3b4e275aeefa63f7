//! The whole of Stripe as one value: objects, money, events, and what is still to happen.

mod accounts;
mod disputes;
mod fees;
mod lookup;
mod money;
mod operations;
mod payments;
mod payouts;
mod refunds;
mod risk;
mod sessions;
mod settlement;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::document::Document;
use crate::event::Event;
use crate::id::Seed;
use crate::ledger::{Ledger, Owner};
use crate::operation::Operation;
use crate::plan::{Behaviour, PayoutSchedule, Rule, When};
use crate::refusal::Refusal;

pub(crate) use payouts::PayoutRequest;
pub(crate) use refunds::RefundRequest;
pub(crate) use transfers::TransferRequest;

/// An object and where it stands among the others.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) owner: Owner,
    pub(crate) kind: &'static str,
    pub(crate) document: Document,
}

#[derive(Clone, Debug)]
struct Scheduled {
    key: String,
    operation: Operation,
}

/// What the running operation has created so far, from which its next ids derive.
#[derive(Clone, Debug, Default)]
struct Current {
    key: String,
    minted: BTreeMap<String, u32>,
    request: Option<String>,
    idempotency_key: Option<String>,
}

/// Everything the fake knows. It has no clock and no randomness of its own: the same entries in the
/// same order always lead to the same state.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) seed: Seed,
    pub(crate) clock: i64,
    pub(crate) ledger: Ledger,
    objects: BTreeMap<String, Stored>,
    listings: BTreeMap<(Owner, &'static str), Vec<String>>,
    related: BTreeMap<String, Vec<String>>,
    tagged: BTreeMap<(String, String), Vec<String>>,
    made: BTreeMap<String, Vec<String>>,
    /// What each session will hand to its intent once a buyer pays.
    intent_data: BTreeMap<String, Value>,
    /// Dispute fees that a script fixed.
    dispute_fees: BTreeMap<String, i64>,
    schedules: BTreeMap<Owner, PayoutSchedule>,
    pending_runs: BTreeSet<Owner>,
    deauthorized: BTreeSet<String>,
    /// How often each request key has begun to run.
    generations: BTreeMap<String, u32>,
    pub(crate) events: Vec<Event>,
    event_positions: BTreeMap<String, usize>,
    pub(crate) unacknowledged: BTreeSet<usize>,
    scheduled: BTreeMap<(i64, u64), Scheduled>,
    rules: Vec<Rule>,
    refused: Vec<(String, Refusal)>,
    sequence: u64,
    current: Current,
}

impl State {
    pub(crate) fn new(seed: Seed, clock: i64) -> Self {
        Self {
            seed,
            clock,
            ledger: Ledger::default(),
            objects: BTreeMap::new(),
            listings: BTreeMap::new(),
            related: BTreeMap::new(),
            tagged: BTreeMap::new(),
            made: BTreeMap::new(),
            intent_data: BTreeMap::new(),
            dispute_fees: BTreeMap::new(),
            schedules: BTreeMap::new(),
            pending_runs: BTreeSet::new(),
            deauthorized: BTreeSet::new(),
            generations: BTreeMap::new(),
            events: Vec::new(),
            event_positions: BTreeMap::new(),
            unacknowledged: BTreeSet::new(),
            scheduled: BTreeMap::new(),
            rules: Vec::new(),
            refused: Vec::new(),
            sequence: 0,
            current: Current::default(),
        }
    }

    /// Starts a piece of work whose ids derive from `key`.
    pub(crate) fn begin(&mut self, key: &str, request: Option<(String, Option<String>)>) {
        let (request, idempotency_key) = request.map_or((None, None), |(id, key)| (Some(id), key));
        self.current =
            Current { key: key.to_owned(), minted: BTreeMap::new(), request, idempotency_key };
    }

    /// How often work with this request key has begun before.
    pub(crate) fn generation(&self, key: &str) -> u32 {
        self.generations.get(key).copied().unwrap_or(0)
    }

    /// Notes that work with this request key has begun.
    pub(crate) fn begun(&mut self, key: &str) {
        *self.generations.entry(key.to_owned()).or_insert(0) += 1;
    }

    /// Moves the clock and lets everything happen that is due on the way, in the order it is due.
    pub(crate) fn advance_to(&mut self, now: i64) {
        loop {
            let scheduled = self.scheduled.keys().next().copied();
            let maturity = self.ledger.next_maturity();
            let due = match (scheduled, maturity) {
                (Some((due, _)), Some(matures)) => due.min(matures),
                (Some((due, _)), None) => due,
                (None, Some(matures)) => matures,
                (None, None) => break,
            };
            if due > now {
                break;
            }
            self.clock = self.clock.max(due);
            if maturity.is_some_and(|matures| matures <= due) {
                self.mature();
            } else if let Some(next) = scheduled
                && let Some(Scheduled { key, operation }) = self.scheduled.remove(&next)
            {
                self.begin(&key, None);
                if let Err(refusal) = self.perform(&operation) {
                    self.refused.push((key, refusal));
                }
            }
        }
        self.clock = self.clock.max(now);
    }

    fn mature(&mut self) {
        for owner in self.ledger.mature(self.clock) {
            let name = owner.account().unwrap_or("platform").to_owned();
            self.begin(&format!("available/{name}/{}", self.clock), None);
            let balance = self.balance_object(&owner);
            self.emit(&owner, "balance.available", &balance, None);
        }
    }

    /// Scheduled operations that could not happen when they were due, with their keys.
    pub(crate) fn refused(&self) -> &[(String, Refusal)] {
        &self.refused
    }

    /// How many operations are still scheduled.
    pub(crate) fn scheduled_count(&self) -> usize {
        self.scheduled.len()
    }

    /// Lets something happen later. `step` names it among the followers of the running operation.
    fn schedule(&mut self, at: i64, step: &str, operation: Operation) {
        let key = format!("{}/{step}", self.current.key);
        self.sequence += 1;
        self.scheduled.insert((at, self.sequence), Scheduled { key, operation });
    }

    /// A new identifier for an object of the running operation.
    fn mint(&mut self, prefix: &str) -> String {
        let ordinal = self.current.minted.entry(prefix.to_owned()).or_insert(0);
        let id = self.seed.id(prefix, &self.current.key, *ordinal);
        *ordinal += 1;
        id
    }

    /// Stores a new object and finds its way into every index.
    fn insert(&mut self, owner: &Owner, kind: &'static str, document: Document) -> String {
        let id = document.owned("id").unwrap_or_default();
        self.listings.entry((owner.clone(), kind)).or_default().push(id.clone());
        self.made.entry(self.current.key.clone()).or_default().push(id.clone());
        for parent in ["charge", "payment_intent", "transfer", "fee", "source_transaction"] {
            if let Some(parent) = document.owned(parent) {
                self.relate(&parent, &id);
            }
        }
        self.objects.insert(id.clone(), Stored { owner: owner.clone(), kind, document });
        self.tag(&id, true);
        id
    }

    fn relate(&mut self, parent: &str, child: &str) {
        let children = self.related.entry(parent.to_owned()).or_default();
        if !children.iter().any(|known| known == child) {
            children.push(child.to_owned());
        }
    }

    /// Makes an object findable by its metadata, client reference and transfer group. A fresh object
    /// cannot be listed yet, which spares looking through the thousands that share a tenant.
    fn tag(&mut self, id: &str, fresh: bool) {
        let Some(stored) = self.objects.get(id) else { return };
        let mut tags: Vec<(String, String)> = stored.document.metadata().into_iter().collect();
        for field in ["client_reference_id", "transfer_group"] {
            if let Some(value) = stored.document.owned(field) {
                tags.push((field.to_owned(), value));
            }
        }
        for tag in tags {
            let ids = self.tagged.entry(tag).or_default();
            if fresh || !ids.iter().any(|known| known == id) {
                ids.push(id.to_owned());
            }
        }
    }

    /// Changes an object that exists.
    fn edit(&mut self, id: &str, change: impl FnOnce(&mut Document)) {
        if let Some(stored) = self.objects.get_mut(id) {
            change(&mut stored.document);
        }
    }

    /// Merges metadata, replaces the description if there is one, and tells the listeners.
    pub(crate) fn amend(
        &mut self,
        id: &str,
        metadata: &Map<String, Value>,
        description: Option<Value>,
        event: Option<&str>,
    ) {
        self.edit(id, |document| {
            document.merge_metadata(metadata);
            if let Some(description) = description {
                document.set("description", description);
            }
        });
        self.tag(id, false);
        if let Some(event) = event {
            self.emit_for(event, id);
        }
    }

    /// Tells the owner's listeners that something happened to an object.
    fn emit_for(&mut self, kind: &str, id: &str) {
        let Some(stored) = self.objects.get(id) else { return };
        let (owner, object) = (stored.owner.clone(), stored.document.value());
        self.emit(&owner, kind, &object, None);
    }

    /// As [`Self::emit_for`], naming the status the object had before.
    fn emit_change(&mut self, kind: &str, id: &str, status_before: &str) {
        let Some(stored) = self.objects.get(id) else { return };
        let (owner, object) = (stored.owner.clone(), stored.document.value());
        self.emit(&owner, kind, &object, Some(json!({ "status": status_before })));
    }

    fn emit(&mut self, owner: &Owner, kind: &str, object: &Value, previous: Option<Value>) {
        let id = self.mint("evt");
        let position = self.events.len();
        self.event_positions.insert(id.clone(), position);
        self.unacknowledged.insert(position);
        self.events.push(Event {
            id,
            owner: owner.clone(),
            kind: kind.to_owned(),
            created: self.clock,
            object: object.to_string().into(),
            previous,
            request: self.current.request.clone(),
            idempotency_key: self.current.idempotency_key.clone(),
            acknowledged: false,
        });
    }

    /// Notes that a listener answered these events with success. Unknown ids are ignored.
    pub(crate) fn acknowledge(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(position) = self.event_positions.get(id) {
                self.unacknowledged.remove(position);
                self.events[*position].acknowledged = true;
            }
        }
    }

    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        self.event_positions.get(id).and_then(|position| self.events.get(*position))
    }

    /// The behaviour of the latest matching rule that `pick` accepts; uses the rule up by one.
    fn behaviour<T>(
        &mut self,
        object: &Document,
        owner: &Owner,
        pick: impl Fn(&Behaviour) -> Option<T>,
    ) -> Option<T> {
        let related = self.with_relatives(object);
        for position in (0..self.rules.len()).rev() {
            let rule = &self.rules[position];
            if rule.times == Some(0) || !self.matches(&rule.when, object, owner, &related) {
                continue;
            }
            if let Some(picked) = pick(&rule.then) {
                if let Some(times) = &mut self.rules[position].times {
                    *times -= 1;
                }
                return Some(picked);
            }
        }
        None
    }

    fn matches(&self, when: &When, object: &Document, owner: &Owner, related: &[String]) -> bool {
        match when {
            When::Always => true,
            When::Account(account) => {
                owner.account() == Some(account)
                    || object.is("id", account)
                    || object.is("destination", account)
            }
            When::Payment(id) => related.contains(id),
            When::Metadata { key, value } => {
                let carries = |document: &Document| {
                    document.is(key, value)
                        || document.metadata().get(key).is_some_and(|found| found == value)
                };
                carries(object)
                    || related
                        .iter()
                        .filter_map(|id| self.objects.get(id))
                        .any(|stored| carries(&stored.document))
            }
        }
    }

    /// The charge, intent and session that belong to an object.
    fn with_relatives(&self, object: &Document) -> Vec<String> {
        let mut ids: Vec<String> = ["charge", "payment_intent", "source_transaction"]
            .iter()
            .filter_map(|field| object.owned(field))
            .collect();
        let intents: Vec<String> = ids
            .iter()
            .filter_map(|id| self.objects.get(id))
            .filter_map(|stored| stored.document.owned("payment_intent"))
            .collect();
        ids.extend(intents);
        let sessions: Vec<String> = ids
            .iter()
            .filter_map(|id| self.related.get(id))
            .flatten()
            .filter(|id| id.starts_with("cs_"))
            .cloned()
            .collect();
        ids.extend(sessions);
        ids
    }
}
