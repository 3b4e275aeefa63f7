//! What an exchange of currencies does to the books: both sides of an object that Stripe settled in
//! another currency than the buyer's leave clearing for `equity:conversion`, one entry per currency.
//!
//! Our decision left the buyer's currency in clearing, the balance transaction that of the balance.
//! The amounts are Stripe's own; no rate is ever applied here.

use aggregates::vocabulary::TxnRef;
use kernel::{Money, Timestamp};

use super::{Dimensions, Entry, Nature, PostingFault, entry::Draft};
use crate::chart::Account;

/// What was exchanged for what, signed from the balance's point of view.
pub(super) struct Exchange<'a> {
    pub(super) kind: &'static str,
    pub(super) clearing: Account,
    pub(super) txn: &'a TxnRef,
    pub(super) presented: Money,
    pub(super) settled: Money,
    pub(super) effective: Timestamp,
}

/// Two entries, or a fault if nothing was exchanged.
pub(super) fn postings(
    exchange: Exchange<'_>,
    about: Dimensions,
) -> Result<Vec<Entry>, PostingFault> {
    let Exchange { kind, clearing, txn, presented, settled, effective } = exchange;
    if presented.currency() == settled.currency() {
        return Err(PostingFault::Senseless { kind, why: "it exchanges a currency for itself" });
    }
    let about = Dimensions { txn: Some(txn.clone()), ..about };
    let draft =
        |of: Money| Draft::new(kind, Nature::Settlement, of.currency(), effective, about.clone());
    let mut ours = draft(presented);
    ours.signed(Account::Conversion, presented.minor())
        .opposite(clearing.clone(), presented.minor());
    let mut stripes = draft(settled);
    stripes.signed(clearing, settled.minor()).opposite(Account::Conversion, settled.minor());
    Ok(ours.finish()?.into_iter().chain(stripes.finish()?).collect())
}
