//! A seller's connected account and bank accounts, as Stripe's facts describe them.

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::events::{AccountFlags, SellerAccountEvent, StatusSource};
use crate::vocabulary::{AccountRef, FactRank};

/// How far a seller is on his way to being paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    #[default]
    Invited,
    Onboarding,
    Ready,
    Restricted,
}

/// What is known of the connected account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Connection {
    pub(super) account: Option<AccountRef>,
    pub(super) standing: Standing,
    pub(super) flags: AccountFlags,
    pub(super) status_rank: Option<FactRank>,
    pub(super) capability_rank: Option<FactRank>,
    pub(super) deauthorized: bool,
    pub(super) deauthorized_at: Option<Timestamp>,
}

impl Connection {
    /// Everything that stands between him and his money; empty when he is ready.
    pub(super) fn missing(&self) -> Vec<String> {
        let flags = &self.flags;
        let mut missing = Vec::new();
        let mut need = |met: bool, what: &str| {
            if !met {
                missing.push(what.to_owned());
            }
        };
        need(self.account.is_some(), "no Stripe account is connected");
        need(!self.deauthorized, "the Stripe account was disconnected");
        need(flags.details_submitted, "Stripe's form is not filled in");
        need(flags.charges_enabled, "charges are not enabled");
        need(flags.payouts_enabled, "payouts are not enabled");
        need(flags.transfers_active, "the transfers capability is not active");
        if let Some(reason) = &flags.disabled_reason {
            missing.push(format!("Stripe disabled the account: {reason}"));
        }
        missing
    }

    /// Names the account. The same account keeps what is known of it; another starts afresh.
    pub(super) fn connect(&mut self, account: AccountRef) {
        if self.account.as_ref() == Some(&account) {
            self.deauthorized = false;
            self.standing = Standing::Onboarding;
        } else {
            *self = Self {
                account: Some(account),
                standing: Standing::Onboarding,
                deauthorized_at: self.deauthorized_at,
                ..Self::default()
            };
        }
    }

    /// Replaces the flags and remembers the fact's rank for its kind of fact.
    pub(super) fn merge(&mut self, flags: AccountFlags, rank: FactRank, source: StatusSource) {
        self.flags = flags;
        match source {
            StatusSource::Account => self.status_rank = Some(rank),
            StatusSource::TransfersCapability => self.capability_rank = Some(rank),
        }
    }

    /// Disconnects it.
    pub(super) const fn disconnect(&mut self, occurred_at: Timestamp) {
        self.deauthorized = true;
        self.deauthorized_at = Some(occurred_at);
    }

    /// The crossing that the present facts ask for and that has not been recorded yet.
    pub(super) fn crossing(&self, at: Timestamp) -> Option<SellerAccountEvent> {
        let missing = self.missing();
        let ready = missing.is_empty();
        // Somebody still filling in the form is on his way, not restricted.
        let stopped = !self.deauthorized
            && (self.flags.details_submitted || self.flags.disabled_reason.is_some());
        match self.standing {
            Standing::Ready if !ready => {}
            Standing::Invited | Standing::Onboarding if !ready && stopped => {}
            Standing::Invited | Standing::Onboarding | Standing::Restricted if ready => {
                return Some(SellerAccountEvent::BecameReady { at });
            }
            Standing::Invited | Standing::Onboarding | Standing::Ready | Standing::Restricted => {
                return None;
            }
        }
        let mut reason = missing.join("; ");
        if !self.flags.currently_due.is_empty() {
            reason.push_str("; still due: ");
            reason.push_str(&self.flags.currently_due.join(", "));
        }
        Some(SellerAccountEvent::Restricted { reason, at })
    }
}

/// Whether a bank account can be paid to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BankStanding {
    Present,
    Errored,
    Removed,
}

/// A bank account with the fact that ranks highest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BankAccount {
    pub(super) standing: BankStanding,
    pub(super) rank: FactRank,
}

/// Why the bank accounts do not allow payouts, if they do not. An error stands until a bank account
/// is reported present later than it; where none was ever reported, Stripe's flags decide alone.
pub(super) fn bank_trouble(accounts: &BTreeMap<String, BankAccount>) -> Option<String> {
    let latest = |wanted: BankStanding| {
        accounts
            .iter()
            .filter(|(_, account)| account.standing == wanted)
            .max_by(|a, b| a.1.rank.cmp(&b.1.rank))
    };
    let present = latest(BankStanding::Present).map(|(_, account)| &account.rank);
    if let Some((name, errored)) = latest(BankStanding::Errored)
        && present.is_none_or(|rank| *rank < errored.rank)
    {
        return Some(format!("bank account {name} failed and was not replaced"));
    }
    let (name, _) = latest(BankStanding::Removed)?;
    present.is_none().then(|| format!("bank account {name} was removed and not replaced"))
}
