//! What a top-up of the platform's balance does to the books: money leaves the bank for Stripe.

use aggregates::{topup::events::TopupEvent, vocabulary::TopupRef};
use kernel::{Money, Timestamp};

use super::{Dimensions, Entry, Nature, PostingFault, entry::Draft};
use crate::chart::{Account, Clearing};

pub(super) fn postings(event: &TopupEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        TopupEvent::Credited { topup, txn, amount, occurred_at, .. } => {
            let about = Dimensions { txn: Some(txn.clone()), ..Dimensions::default() };
            draft("topup.credited", about, *amount, *occurred_at).moved(
                clearing(topup),
                bank(),
                *amount,
            )
        }
        TopupEvent::Reversed { topup, amount, occurred_at, .. } => {
            draft("topup.reversed", Dimensions::default(), *amount, *occurred_at).moved(
                bank(),
                clearing(topup),
                *amount,
            )
        }
        TopupEvent::Observed { .. } | TopupEvent::FactMerged { .. } | TopupEvent::Failed { .. } => {
            Ok(Vec::new())
        }
    }
}

fn bank() -> Account {
    Account::Bank("main".to_owned())
}

fn clearing(topup: &TopupRef) -> Account {
    Account::Clearing(Clearing::Topup, topup.0.clone())
}

fn draft(kind: &'static str, about: Dimensions, amount: Money, effective: Timestamp) -> Draft {
    Draft::new(kind, Nature::Settlement, amount.currency(), effective, about)
}
