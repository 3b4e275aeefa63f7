//! Looking at the fake: balances, objects and events, without changing anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::fake::FakeStripe;
use crate::id::Seed;
use crate::ledger::{BalanceTransaction, BalanceType, Owner};
use crate::operation::Target;
use crate::refusal::Refusal;

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
}
