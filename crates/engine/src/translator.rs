//! How a stored message of Stripe's becomes commands: the trait that `payments` implements.

use std::{fmt, str::FromStr};

use aggregates::{
    balance_transaction::TransactionRecord,
    link::Subject,
    policies::Command,
    vocabulary::{AccountRef, ChargeRef, EventRef, StripePayoutRef, TxnRef},
    webhook_event::events::Endpoint,
};
use async_trait::async_trait;
use kernel::{Mode, TenantId, Timestamp};

/// What is known of a stored message beside its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedInfo {
    /// Whose endpoint it came to.
    pub tenant: TenantId,
    /// Live or sandbox, of the tenant.
    pub mode: Mode,
    /// Stripe's event id, or `sha256-...`.
    pub event: EventRef,
    /// Stripe's event type; empty if it could not be read.
    pub kind: String,
    /// The connected account it is about.
    pub account: Option<AccountRef>,
    /// Live or test, as Stripe says.
    pub livemode: Option<bool>,
    /// Stripe's API version.
    pub api_version: Option<String>,
    /// Stripe's time of the event.
    pub created: Option<Timestamp>,
    /// Which endpoint.
    pub endpoint: Endpoint,
    /// Fetched rather than delivered.
    pub backfilled: bool,
}

/// The links cannot be read just now; the message is tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the links cannot be read: {0}")]
pub struct LinksUnavailable(pub String);

/// What Stripe's objects belong to, as the log has it at this moment.
#[async_trait]
pub trait Links: Send + Sync {
    /// What a Stripe object (`pi_...`, `ch_...`, `acct_...`) belongs to.
    async fn subject(&self, object: &str) -> Result<Option<Subject>, LinksUnavailable>;
}

/// Something that a message mentions and does not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// A balance transaction. Without a Stripe key, `assumed` is recorded instead, where the object
    /// moves its own amount without a fee (see [`crate::assumed_record`]); otherwise it stays
    /// wanted until there is a key or a file is imported.
    Transaction {
        /// Which.
        txn: TxnRef,
        /// Whose balance; `None` is the platform's.
        account: Option<AccountRef>,
        /// What to record when nobody can be asked.
        assumed: Option<Box<TransactionRecord>>,
    },
    /// The refunds of a charge (`charge.refunded` no longer lists them).
    RefundsOfCharge(ChargeRef),
    /// All balance transactions of an automatic payout (`payout.reconciliation_completed` says that
    /// they can be listed). Each is recorded, and the payout is compared with their sum.
    TransactionsOfPayout {
        /// Which payout.
        payout: StripePayoutRef,
        /// Of which connected account; `None` is the platform's own.
        account: Option<AccountRef>,
    },
    /// A connected account as it is now: two of its events may bear the same second, and then only
    /// Stripe knows which came last.
    Account(AccountRef),
}

impl Want {
    /// What has to be fetched, as it is written into the log.
    #[must_use]
    pub fn fetch(&self) -> Fetch {
        match self {
            Self::Transaction { txn, account, .. } => {
                Fetch::Transaction { txn: txn.clone(), account: account.clone() }
            }
            Self::RefundsOfCharge(charge) => Fetch::RefundsOfCharge(charge.clone()),
            Self::TransactionsOfPayout { payout, account } => {
                Fetch::TransactionsOfPayout { payout: payout.clone(), account: account.clone() }
            }
            Self::Account(account) => Fetch::Account(account.clone()),
        }
    }
}

/// Something to be read from Stripe. Written into `stripe_event.applied` as text, so that a restart
/// loses none: `fetch txn_1`, `fetch txn_1 of acct_1`, `fetch refunds of ch_1`, `fetch payout po_1`,
/// `fetch payout po_1 of acct_1`, `fetch account acct_1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fetch {
    /// A balance transaction.
    Transaction {
        /// Which.
        txn: TxnRef,
        /// Whose balance.
        account: Option<AccountRef>,
    },
    /// The refunds of a charge.
    RefundsOfCharge(ChargeRef),
    /// All balance transactions of an automatic payout.
    TransactionsOfPayout {
        /// Which payout.
        payout: StripePayoutRef,
        /// Whose.
        account: Option<AccountRef>,
    },
    /// A connected account as it is now.
    Account(AccountRef),
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction { txn, account: None } => write!(f, "fetch {txn}"),
            Self::Transaction { txn, account: Some(account) } => {
                write!(f, "fetch {txn} of {account}")
            }
            Self::RefundsOfCharge(charge) => write!(f, "fetch refunds of {charge}"),
            Self::TransactionsOfPayout { payout, account: None } => {
                write!(f, "fetch payout {payout}")
            }
            Self::TransactionsOfPayout { payout, account: Some(account) } => {
                write!(f, "fetch payout {payout} of {account}")
            }
            Self::Account(account) => write!(f, "fetch account {account}"),
        }
    }
}

/// A text that is not a fetch; most entries of `applied` are commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not something to be fetched")]
pub struct NotAFetch;

impl FromStr for Fetch {
    type Err = NotAFetch;

    fn from_str(text: &str) -> Result<Self, NotAFetch> {
        let words: Vec<&str> = text.split(' ').collect();
        match words.as_slice() {
            ["fetch", "refunds", "of", charge] => Ok(Self::RefundsOfCharge((*charge).into())),
            ["fetch", "account", account] => Ok(Self::Account((*account).into())),
            ["fetch", "payout", payout] => {
                Ok(Self::TransactionsOfPayout { payout: (*payout).into(), account: None })
            }
            ["fetch", "payout", payout, "of", account] => Ok(Self::TransactionsOfPayout {
                payout: (*payout).into(),
                account: Some((*account).into()),
            }),
            ["fetch", txn] => Ok(Self::Transaction { txn: (*txn).into(), account: None }),
            ["fetch", txn, "of", account] => {
                Ok(Self::Transaction { txn: (*txn).into(), account: Some((*account).into()) })
            }
            _ => Err(NotAFetch),
        }
    }
}

/// What a message means for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Translation {
    /// These links are established first, then these commands sent in this order, then these things
    /// fetched.
    Apply {
        /// Stripe's ids and what they belong to.
        links: Vec<(String, Subject)>,
        /// In order. A refusal quarantines the message.
        commands: Vec<Command>,
        /// What has to be read from Stripe.
        wants: Vec<Want>,
    },
    /// Nothing to be done, and why.
    Ignore {
        /// For the audit trail, such as `class C`.
        why: String,
    },
    /// It is about something not known yet. It is translated again when a link of `by` appears, and
    /// given up after 72 hours. What can be booked without knowing is done at once.
    Park {
        /// Stripe's id of the object whose link is missing.
        by: String,
        /// As in `Apply`; must be harmless when repeated.
        commands: Vec<Command>,
        /// As in `Apply`.
        wants: Vec<Want>,
    },
    /// It cannot be understood; a person must look.
    Quarantine {
        /// What is wrong with it.
        error: String,
    },
}

/// Reads Stripe's messages. Implemented by `payments`; pure but for the links it looks up.
#[async_trait]
pub trait Translator: Send + Sync {
    /// What facts about one thing share: messages with the same key are applied in the order in
    /// which they were received. Cheap; a text that is the same for everything is correct, and slow.
    fn lane(&self, received: &ReceivedInfo, body: &[u8]) -> String;

    /// What a message means. Asked again after a crash, a retry or a new link, it may answer
    /// differently only as far as the links differ.
    async fn translate(
        &self,
        received: &ReceivedInfo,
        body: &[u8],
        links: &dyn Links,
    ) -> Result<Translation, LinksUnavailable>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_fetched_reads_back_as_written() {
        for fetch in [
            Fetch::Transaction { txn: "txn_1".into(), account: None },
            Fetch::Transaction { txn: "txn_1".into(), account: Some("acct_1".into()) },
            Fetch::RefundsOfCharge("ch_1".into()),
            Fetch::TransactionsOfPayout { payout: "po_1".into(), account: None },
            Fetch::TransactionsOfPayout { payout: "po_1".into(), account: Some("acct_1".into()) },
        ] {
            assert_eq!(fetch.to_string().parse::<Fetch>(), Ok(fetch));
        }
        assert_eq!("payment.merge_fact pay_1".parse::<Fetch>(), Err(NotAFetch));
        assert_eq!("fetch".parse::<Fetch>(), Err(NotAFetch));
    }
}
