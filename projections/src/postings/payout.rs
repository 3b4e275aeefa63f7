//! What payouts do to the books: transfers to connected accounts, what comes back from them, and
//! the platform's own payouts. A connected account's bank payout posts nothing here; its balance
//! transaction does, in the mirror book.

use aggregates::{
    payout::events::PayoutEvent,
    vocabulary::{Claim, StripePayoutRef},
};
use kernel::{Money, PayoutId, SellerId, Timestamp};

use super::{Dimensions, Entry, Nature, PostingFault, entry::Draft};
use crate::chart::{Account, Clearing};

pub(super) fn postings(event: &PayoutEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        PayoutEvent::TransferCreated { payout, seller, transfer, amount, occurred_at, .. } => {
            let kind = "payout.transfer_created";
            draft(kind, Nature::Payout, (*payout, *seller), *amount, *occurred_at).moved(
                Account::Claim(Claim::of_payout(*payout)),
                Account::Clearing(Clearing::Transfer, transfer.0.clone()),
                *amount,
            )
        }
        PayoutEvent::TransferReversed { payout, seller, reversal, amount, occurred_at, .. } => {
            let kind = "payout.transfer_reversed";
            draft(kind, Nature::PayoutReturned, (*payout, *seller), *amount, *occurred_at).moved(
                Account::Clearing(Clearing::TransferReversal, reversal.0.clone()),
                Account::Claim(Claim::of_reversal(reversal)),
                *amount,
            )
        }
        PayoutEvent::Observed {
            payout, stripe_payout, account: None, amount, occurred_at, ..
        } => draft("payout.observed", Nature::Payout, (*payout, None), *amount, *occurred_at)
            .moved(in_transit(stripe_payout), clearing(stripe_payout), *amount),
        PayoutEvent::Returned {
            payout, stripe_payout, account: None, amount, occurred_at, ..
        } => {
            let kind = "payout.returned";
            draft(kind, Nature::PayoutReturned, (*payout, None), *amount, *occurred_at).moved(
                clearing(stripe_payout),
                in_transit(stripe_payout),
                *amount,
            )
        }
        PayoutEvent::BankConfirmed { payout, stripe_payout, amount, at, .. } => {
            draft("payout.bank_confirmed", Nature::Payout, (*payout, None), *amount, *at).moved(
                Account::Bank("main".to_owned()),
                in_transit(stripe_payout),
                *amount,
            )
        }
        PayoutEvent::Observed { account: Some(_), .. }
        | PayoutEvent::Returned { account: Some(_), .. }
        | PayoutEvent::Requested { .. }
        | PayoutEvent::Reserved { .. }
        | PayoutEvent::Rejected { .. }
        | PayoutEvent::TransferSubmitted { .. }
        | PayoutEvent::TransferUnknown { .. }
        | PayoutEvent::TransferDeferred { .. }
        | PayoutEvent::BankSubmitted { .. }
        | PayoutEvent::BankUnknown { .. }
        | PayoutEvent::BankRefused { .. }
        | PayoutEvent::Sent { .. }
        | PayoutEvent::FactMerged { .. }
        | PayoutEvent::InTransit { .. }
        | PayoutEvent::Paid { .. }
        | PayoutEvent::Failed { .. }
        | PayoutEvent::Canceled { .. }
        | PayoutEvent::RetryRequested { .. }
        | PayoutEvent::ReversalSubmitted { .. }
        | PayoutEvent::ReversalRefused { .. }
        | PayoutEvent::ReversalUnknown { .. }
        | PayoutEvent::Reconciled { .. }
        | PayoutEvent::Stuck { .. } => Ok(Vec::new()),
    }
}

fn clearing(payout: &StripePayoutRef) -> Account {
    Account::Clearing(Clearing::Payout, payout.0.clone())
}

fn in_transit(payout: &StripePayoutRef) -> Account {
    Account::PayoutInTransit(payout.clone())
}

fn draft(
    kind: &'static str,
    nature: Nature,
    (payout, seller): (PayoutId, Option<SellerId>),
    amount: Money,
    effective: Timestamp,
) -> Draft {
    let about = Dimensions { payout: Some(payout), seller, ..Dimensions::default() };
    Draft::new(kind, nature, amount.currency(), effective, about)
}
