//! Balance transactions and the balances they add up to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::document::Document;

/// Whose object or balance it is. The platform sorts first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The platform account.
    Platform,
    /// The connected account with this id.
    Connected(String),
}

impl Owner {
    /// The owner that an optional account id names.
    #[must_use]
    pub fn of(account: Option<&str>) -> Self {
        account.map_or(Self::Platform, |account| Self::Connected(account.to_owned()))
    }

    /// The connected account id, if it is one.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Self::Platform => None,
            Self::Connected(account) => Some(account),
        }
    }
}

/// Which balance a transaction moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BalanceType {
    /// The ordinary balance.
    Payments,
    /// Money that Stripe holds back.
    RiskReserved,
}

impl BalanceType {
    /// Stripe's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::RiskReserved => "risk_reserved",
        }
    }
}

/// One part of a transaction's fee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeDetail {
    /// `stripe_fee`, `application_fee` or `tax`.
    pub kind: &'static str,
    /// Minor units; negative if it comes back.
    pub amount: i64,
    /// The description people see.
    pub description: String,
}

/// One movement of money on one balance. Amounts are minor units; `net` is `amount` less `fee`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceTransaction {
    /// `txn_...`
    pub id: String,
    /// Whose balance moves.
    pub owner: Owner,
    /// Which of the owner's balances moves.
    pub balance_type: BalanceType,
    /// Stripe's type, for example `charge` or `payout_failure`.
    pub kind: &'static str,
    /// Stripe's reporting category, for example `dispute_reversal`.
    pub category: &'static str,
    /// Gross amount, signed.
    pub amount: i64,
    /// Fee; negative if it comes back.
    pub fee: i64,
    /// What the fee consists of.
    pub fee_details: Vec<FeeDetail>,
    /// Lower-case ISO code.
    pub currency: String,
    /// Unix seconds on the fake's clock.
    pub created: i64,
    /// From when the net is available; Unix seconds.
    pub available_on: i64,
    /// The object that caused it.
    pub source: Option<String>,
    /// The description people see.
    pub description: Option<String>,
    /// The automatic payout that swept it up.
    pub payout: Option<String>,
    /// Its place in the order of all things.
    pub(crate) sequence: u64,
}

impl BalanceTransaction {
    /// What reaches the balance.
    #[must_use]
    pub fn net(&self) -> i64 {
        self.amount - self.fee
    }

    /// The object as Stripe answers it at this time.
    #[must_use]
    pub fn render(&self, now: i64) -> Value {
        let mut document = Document::template("balance_transaction");
        document.set("id", self.id.as_str());
        document.set("amount", self.amount);
        document.set("fee", self.fee);
        document.set("net", self.net());
        document.set("currency", self.currency.as_str());
        document.set("created", self.created);
        document.set("available_on", self.available_on);
        document.set("status", if self.available_on <= now { "available" } else { "pending" });
        document.set("type", self.kind);
        document.set("reporting_category", self.category);
        document.set("balance_type", self.balance_type.as_str());
        document.set("source", self.source.clone());
        document.set("description", self.description.clone());
        let details = self.fee_details.iter().map(|detail| {
            json!({
                "amount": detail.amount,
                "application": null,
                "currency": self.currency,
                "description": detail.description,
                "type": detail.kind,
            })
        });
        document.set("fee_details", details.collect::<Vec<_>>());
        document.value()
    }
}

/// The two halves of one balance, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
    /// Usable now.
    pub available: i64,
    /// Usable later.
    pub pending: i64,
}

type Account = (Owner, String, BalanceType);

/// All balance transactions and the running balances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    transactions: BTreeMap<String, BalanceTransaction>,
    order: BTreeMap<Owner, Vec<String>>,
    funds: BTreeMap<Account, Funds>,
    maturing: BTreeSet<(i64, String)>,
    unswept: BTreeMap<(Owner, String), Vec<String>>,
}

impl Ledger {
    pub(crate) fn post(&mut self, transaction: BalanceTransaction, now: i64) {
        let account =
            (transaction.owner.clone(), transaction.currency.clone(), transaction.balance_type);
        let funds = self.funds.entry(account).or_default();
        if transaction.available_on <= now {
            funds.available += transaction.net();
        } else {
            funds.pending += transaction.net();
            self.maturing.insert((transaction.available_on, transaction.id.clone()));
        }
        if transaction.balance_type == BalanceType::Payments {
            self.unswept
                .entry((transaction.owner.clone(), transaction.currency.clone()))
                .or_default()
                .push(transaction.id.clone());
        }
        self.order.entry(transaction.owner.clone()).or_default().push(transaction.id.clone());
        self.transactions.insert(transaction.id.clone(), transaction);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&BalanceTransaction> {
        self.transactions.get(id)
    }

    /// The owner's transactions, oldest first.
    pub(crate) fn of(&self, owner: &Owner) -> impl DoubleEndedIterator<Item = &BalanceTransaction> {
        self.order.get(owner).into_iter().flatten().filter_map(|id| self.transactions.get(id))
    }

    pub(crate) fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.order.keys()
    }

    pub(crate) fn next_maturity(&self) -> Option<i64> {
        self.maturing.first().map(|(due, _)| *due)
    }

    /// Makes everything available whose time has come; answers whose balances changed.
    pub(crate) fn mature(&mut self, now: i64) -> BTreeSet<Owner> {
        let mut owners = BTreeSet::new();
        while let Some((due, id)) = self.maturing.pop_first() {
            if due > now {
                self.maturing.insert((due, id));
                break;
            }
            let Some(transaction) = self.transactions.get(&id) else { continue };
            let account =
                (transaction.owner.clone(), transaction.currency.clone(), transaction.balance_type);
            let funds = self.funds.entry(account).or_default();
            funds.pending -= transaction.net();
            funds.available += transaction.net();
            owners.insert(transaction.owner.clone());
        }
        owners
    }

    pub(crate) fn funds(&self, owner: &Owner, currency: &str, balance_type: BalanceType) -> Funds {
        self.funds
            .get(&(owner.clone(), currency.to_owned(), balance_type))
            .copied()
            .unwrap_or_default()
    }

    /// Every currency of one kind of balance the owner ever had.
    pub(crate) fn balances(
        &self,
        owner: &Owner,
        balance_type: BalanceType,
    ) -> BTreeMap<String, Funds> {
        self.funds
            .iter()
            .filter(|((holder, _, kind), _)| holder == owner && *kind == balance_type)
            .map(|((_, currency, _), funds)| (currency.clone(), *funds))
            .collect()
    }

    /// The available transactions no automatic payout has swept up yet, and their sum.
    pub(crate) fn sweepable(&self, owner: &Owner, currency: &str, now: i64) -> (Vec<String>, i64) {
        let ids: Vec<String> = self
            .unswept
            .get(&(owner.clone(), currency.to_owned()))
            .into_iter()
            .flatten()
            .filter(|id| self.transactions.get(*id).is_some_and(|t| t.available_on <= now))
            .cloned()
            .collect();
        let sum = ids.iter().filter_map(|id| self.transactions.get(id)).map(|t| t.net()).sum();
        (ids, sum)
    }

    pub(crate) fn sweep(&mut self, owner: &Owner, currency: &str, ids: &[String], payout: &str) {
        let swept: BTreeSet<&String> = ids.iter().collect();
        if let Some(unswept) = self.unswept.get_mut(&(owner.clone(), currency.to_owned())) {
            unswept.retain(|id| !swept.contains(id));
        }
        for id in ids {
            if let Some(transaction) = self.transactions.get_mut(id) {
                transaction.payout = Some(payout.to_owned());
            }
        }
    }
}
