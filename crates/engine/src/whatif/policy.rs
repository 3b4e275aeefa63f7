//! The other policy: which terms differ from the ones orders were really placed under.

use std::collections::{BTreeMap, BTreeSet};

use aggregates::{tenant::check_policy, vocabulary::CommercePolicy};
use kernel::Rate;
use serde::Serialize;
use serde_json::{Map, Value};

/// The terms that divide money between platform and sellers, or say when it may be released. All
/// others (how long an order waits, who approves a refund) decide what people and Stripe do, and what
/// they did is history.
const REPLAYED: [&str; 8] = [
    "payout_after",
    "delay_days",
    "release_without_bt_after_days",
    "reserve_bps",
    "reserve_days",
    "commission_returned",
    "disputes_borne_by",
    "dispute_fee_on_sellers",
];

/// The commission of every line, in basis points.
const COMMISSION_BPS: &str = "commission_bps";
/// The commission of each line, in percent of its own: 200 doubles it.
const COMMISSION_PERCENT: &str = "commission_percent";

/// How many different values of one term are listed; the rest is "and others".
const VALUES_LISTED_MAX: usize = 6;

/// Terms that replace those of every order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyChange {
    terms: Map<String, Value>,
    commission: Option<Commission>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Commission {
    Of(Rate),
    PercentOfOwn(u32),
}

/// What a file of terms may not say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PolicyChangeError(String);

impl PolicyChange {
    /// Reads terms as they stand in a file: fields of a commerce policy, and `commission_bps` or
    /// `commission_percent`.
    ///
    /// # Errors
    /// [`PolicyChangeError`] for an unknown term, one that cannot be replayed, or a bad value.
    pub fn read(given: &Value) -> Result<Self, PolicyChangeError> {
        let wrong = |problem: String| Err(PolicyChangeError(problem));
        let Some(given) = given.as_object() else {
            return wrong("a policy is a table of terms, such as reserve_bps = 1000".to_owned());
        };
        let known = fields(&CommercePolicy::default());
        let mut change = Self::default();
        for (name, value) in given {
            match name.as_str() {
                COMMISSION_BPS | COMMISSION_PERCENT if change.commission.is_some() => {
                    return wrong(format!(
                        "give {COMMISSION_BPS} or {COMMISSION_PERCENT}, not both"
                    ));
                }
                COMMISSION_BPS => {
                    let rate = number(name, value, 10_000)
                        .and_then(|bps| u16::try_from(bps).map_err(|_| bad(name, value)))
                        .and_then(|bps| Rate::try_from_bps(bps).map_err(|_| bad(name, value)))?;
                    change.commission = Some(Commission::Of(rate));
                }
                COMMISSION_PERCENT => {
                    change.commission =
                        Some(Commission::PercentOfOwn(number(name, value, 10_000)?));
                }
                replayed if REPLAYED.contains(&replayed) => {
                    change.terms.insert(name.clone(), value.clone());
                }
                other if known.contains_key(other) => {
                    return wrong(format!(
                        "{other} decides what people and Stripe do, and what they did is not replayed"
                    ));
                }
                other => {
                    return wrong(format!(
                        "there is no term \"{other}\"; known are {COMMISSION_BPS}, \
                         {COMMISSION_PERCENT}, {}",
                        REPLAYED.join(", ")
                    ));
                }
            }
        }
        let changed = change.of(&CommercePolicy::default())?;
        check_policy(&changed).map_err(PolicyChangeError)?;
        Ok(change)
    }

    /// Whether everything stays as it was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.commission.is_none()
    }

    /// Whether commission is another.
    pub(super) const fn is_about_commission(&self) -> bool {
        self.commission.is_some()
    }

    /// A policy with these terms in it.
    pub(super) fn of(&self, policy: &CommercePolicy) -> Result<CommercePolicy, PolicyChangeError> {
        let mut all = fields(policy);
        all.extend(self.terms.clone());
        serde_json::from_value(Value::Object(all))
            .map_err(|error| PolicyChangeError(error.to_string()))
    }

    /// The rate of commission instead of this one, and whether it had to stop at the whole price.
    pub(super) fn rate(&self, own: Rate) -> (Rate, bool) {
        match self.commission {
            None => (own, false),
            Some(Commission::Of(rate)) => (rate, false),
            Some(Commission::PercentOfOwn(percent)) => {
                let wanted = u32::from(own.bps()).saturating_mul(percent) / 100;
                let rate = u16::try_from(wanted).ok().and_then(|bps| Rate::try_from_bps(bps).ok());
                match rate {
                    Some(rate) => (rate, false),
                    None => (Rate::try_from_bps(10_000).unwrap_or(own), true),
                }
            }
        }
    }
}

/// The terms of a policy by name.
fn fields(policy: &CommercePolicy) -> Map<String, Value> {
    match serde_json::to_value(policy) {
        Ok(Value::Object(fields)) => fields,
        // A struct of numbers and words always becomes an object.
        Ok(_) | Err(_) => Map::new(),
    }
}

fn number(name: &str, value: &Value, most: u32) -> Result<u32, PolicyChangeError> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .filter(|number| *number <= most)
        .ok_or_else(|| {
            PolicyChangeError(format!(
                "{name} is {value}, but must be a whole number from 0 to {most}"
            ))
        })
}

fn bad(name: &str, value: &Value) -> PolicyChangeError {
    PolicyChangeError(format!("{name} cannot be {value}"))
}

/// One term that differs, with every value it really had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TermChange {
    /// Its name.
    pub term: String,
    /// What it was when orders were placed; several where the policy or the lines differed.
    pub actual: Vec<String>,
    /// What it is here.
    pub what_if: String,
}

/// Collects what the terms were while orders are read.
#[derive(Debug, Default)]
pub(super) struct TermsSeen(BTreeMap<String, BTreeSet<String>>);

impl TermsSeen {
    pub(super) fn note(
        &mut self,
        change: &PolicyChange,
        policy: &CommercePolicy,
        rates: impl Iterator<Item = Rate>,
    ) {
        if change.is_empty() {
            return;
        }
        if !change.terms.is_empty() {
            let actual = fields(policy);
            for name in change.terms.keys() {
                let value = actual.get(name).map_or_else(String::new, Value::to_string);
                self.0.entry(name.clone()).or_default().insert(value);
            }
        }
        if change.commission.is_some() {
            let seen = self.0.entry("commission_bps".to_owned()).or_default();
            seen.extend(rates.map(|rate| rate.bps().to_string()));
        }
    }

    pub(super) fn changes(&self, change: &PolicyChange) -> Vec<TermChange> {
        let actual = |name: &str| {
            let seen = self.0.get(name).into_iter().flatten();
            let mut listed: Vec<String> = seen.clone().take(VALUES_LISTED_MAX).cloned().collect();
            if seen.count() > VALUES_LISTED_MAX {
                listed.push("and others".to_owned());
            }
            listed
        };
        let commission = change.commission.map(|commission| {
            let (name, what_if) = match commission {
                Commission::Of(rate) => (COMMISSION_BPS, rate.bps().to_string()),
                Commission::PercentOfOwn(percent) => {
                    (COMMISSION_BPS, format!("{percent} % of each line's own"))
                }
            };
            TermChange { term: name.to_owned(), actual: actual(name), what_if }
        });
        let terms = change.terms.iter().map(|(name, value)| TermChange {
            term: name.clone(),
            actual: actual(name),
            what_if: value.to_string(),
        });
        commission.into_iter().chain(terms).collect()
    }
}
