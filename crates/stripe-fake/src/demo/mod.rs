//! The demo month played: a [`Scenario`] against a running Daybook and a [`FakeStripe`].
//!
//! The [`Driver`] stands for everybody outside Daybook: the storefront and the people who use its
//! API, the buyers and banks at Stripe, and Stripe's deliveries of webhooks. It talks to Daybook over
//! HTTP only. Every step has a key that makes a repeat harmless, so a month can be driven again from
//! its beginning after Daybook or the driver was killed, and only what was missing happens.

mod act;
mod books;
mod by_hand;
mod client;
mod driver;
mod notes;
mod rest;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use books::{Books, Difference, compare};
pub use by_hand::write_statements;
pub use driver::Driver;

use crate::fake::{FakeStripe, OperationError};
use crate::id::Seed;
use crate::journal::JournalError;
use crate::scenario::Scenario;
use crate::webhook::{DeliveryError, Endpoints};

/// The keys of the people in the demo, as Daybook issued them.
#[derive(Clone, Debug)]
pub struct DemoKeys {
    /// A platform admin: sellers, policy, test clock; the second person.
    pub admin: String,
    /// The storefront's partner key: `orders:write` and `refunds:request`.
    pub storefront: String,
    /// Finance: decides refunds, disputes, payouts, and whose money is whose.
    pub finance: String,
}

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As they happened.
    #[default]
    InOrder,
    /// Shuffled within each tick, the same way for the same seed.
    Shuffled(Seed),
    /// Each of them twice.
    Twice,
}

/// How a month is played.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where Daybook listens, for example `http://127.0.0.1:8080`.
    pub base_url: String,
    /// Who acts.
    pub keys: DemoKeys,
    /// Where webhooks go and how they are signed.
    pub endpoints: Endpoints,
    /// How webhooks are delivered.
    pub delivery: Delivery,
    /// Daybook has no Stripe key: what it lists as to do is done here, as a person would.
    pub without_key: bool,
    /// Seconds of trying before Daybook counts as gone.
    pub patience_s: u64,
    /// A file that remembers how far the month has come; without it a second run goes through
    /// everything again, to the same end.
    pub notes: Option<PathBuf>,
    /// How many orders are placed, and webhooks delivered, at the same time. With one, webhooks
    /// arrive exactly in the order that was asked for.
    pub concurrency: usize,
}

impl DemoOptions {
    /// In order, one webhook at a time, with a Stripe key.
    #[must_use]
    pub fn new(base_url: impl Into<String>, keys: DemoKeys, endpoints: Endpoints) -> Self {
        Self {
            base_url: base_url.into(),
            keys,
            endpoints,
            delivery: Delivery::InOrder,
            without_key: false,
            patience_s: 120,
            notes: None,
            concurrency: 1,
        }
    }
}

/// How far a month has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Ticks that are over.
    pub ticks_done: usize,
    /// Ticks in all.
    pub ticks: usize,
    /// Steps done.
    pub steps_done: usize,
    /// Steps in all.
    pub steps: usize,
    /// Deliveries of webhooks so far in this run.
    pub deliveries: usize,
    /// The simulated time; Unix seconds.
    pub now: i64,
}

/// A step that did not happen as planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The key of the step.
    pub step: String,
    /// Who refused: `daybook`, `stripe`, or `driver` if what it needs does not exist.
    pub by: &'static str,
    /// The stable code, where there is one.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoReport {
    /// Orders that Daybook accepted.
    pub orders: usize,
    /// Steps of this run.
    pub steps: usize,
    /// Deliveries of this run, repeats included.
    pub deliveries: usize,
    /// Events that have reached Daybook, by type, over all runs.
    pub events: BTreeMap<String, usize>,
    /// Steps that were refused.
    pub refused: Vec<Refused>,
    /// Calls of Daybook's to Stripe, by route.
    pub stripe_calls: BTreeMap<String, u64>,
    /// The fake's balances in minor units: by account (`platform` or `acct_...`) and currency.
    pub balances: BTreeMap<String, BTreeMap<String, i64>>,
    /// What the fake holds in reserve.
    pub reserved: BTreeMap<String, BTreeMap<String, i64>>,
}

impl DemoReport {
    /// How many steps were refused, by who refused them and the stable code.
    #[must_use]
    pub fn refused_by_code(&self) -> BTreeMap<(&'static str, &str), usize> {
        let mut counts = BTreeMap::new();
        for refused in &self.refused {
            *counts.entry((refused.by, refused.code.as_str())).or_insert(0) += 1;
        }
        counts
    }

    fn read_from(&mut self, fake: &FakeStripe) {
        self.events.clear();
        for kind in fake.event_kinds() {
            *self.events.entry(kind).or_insert(0) += 1;
        }
        self.stripe_calls = fake.calls();
        let accounts = fake.accounts();
        let owners = std::iter::once(None).chain(accounts.iter().map(|id| Some(id.as_str())));
        for owner in owners {
            let name = owner.unwrap_or("platform").to_owned();
            self.balances.insert(name.clone(), fake.balance(owner));
            let reserved = fake.reserved(owner);
            if !reserved.is_empty() {
                self.reserved.insert(name, reserved);
            }
        }
    }
}

/// Why a month could not be played on.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// No HTTP client could be made.
    #[error("no HTTP client: {0}")]
    Client(#[source] reqwest::Error),
    /// Daybook did not answer for too long.
    #[error("Daybook did not answer {what} for {patience_s} seconds: {last}")]
    Gone {
        /// The request.
        what: String,
        /// How long it was tried.
        patience_s: u64,
        /// What happened last.
        last: String,
    },
    /// Daybook refused something without which nothing else makes sense.
    #[error("Daybook refused {what}: {status} {code}: {detail}")]
    Refused {
        /// The request.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The stable code.
        code: String,
        /// In words.
        detail: String,
    },
    /// Daybook does not come to rest.
    #[error("Daybook did not come to rest: {0}")]
    Restless(String),
    /// Webhooks cannot be delivered.
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// The fake's journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The notes cannot be read or written.
    #[error("the notes {path} cannot be used: {source}")]
    Notes {
        /// The file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The scenario was made with another seed than the fake's.
    #[error("the scenario has seed {scenario}, but the fake has {fake}")]
    OtherSeed {
        /// Of the scenario.
        scenario: u64,
        /// Of the fake.
        fake: u64,
    },
}

impl From<OperationError> for Refused {
    fn from(error: OperationError) -> Self {
        let code = match &error {
            OperationError::Refused(refusal) => refusal.code.clone().unwrap_or_default(),
            OperationError::Journal(_) => "journal".into(),
        };
        Self { step: String::new(), by: "stripe", code, detail: error.to_string() }
    }
}

/// Refuses a fake that does not belong to the scenario.
fn check_seed(scenario: &Scenario, fake: &FakeStripe) -> Result<(), DemoError> {
    let (scenario, fake) = (scenario.header.seed, fake.seed().0);
    if scenario == fake { Ok(()) } else { Err(DemoError::OtherSeed { scenario, fake }) }
}
