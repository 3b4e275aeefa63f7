//! What a dispute's money does to the books: withdrawn or given back by Stripe, and the fee charged
//! on to sellers. What is lost for good is the order's to say.

use aggregates::{
    dispute::events::DisputeEvent,
    vocabulary::{Claim, StripeDisputeRef, TxnRef},
};
use kernel::{DisputeId, Money, Timestamp};

use super::{
    Dimensions, Entry, Nature, PostingFault,
    conversion::{self, Exchange},
    entry::{Draft, sum},
};
use crate::chart::{Account, Clearing, Side};

pub(super) fn postings(event: &DisputeEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        DisputeEvent::FundsWithdrawn {
            dispute, stripe_dispute, txn, amount, occurred_at, ..
        } => draft("dispute.funds_withdrawn", *dispute, txn, *amount, *occurred_at).moved(
            Account::DisputesOpen(stripe_dispute.clone()),
            clearing(stripe_dispute),
            *amount,
        ),
        DisputeEvent::FundsReinstated {
            dispute, stripe_dispute, txn, amount, occurred_at, ..
        } => draft("dispute.funds_reinstated", *dispute, txn, *amount, *occurred_at).moved(
            clearing(stripe_dispute),
            Account::DisputesOpen(stripe_dispute.clone()),
            *amount,
        ),
        DisputeEvent::Converted {
            dispute,
            stripe_dispute,
            txn,
            presented,
            settled,
            occurred_at,
            ..
        } => {
            let about = Dimensions { dispute: Some(*dispute), ..Dimensions::default() };
            let exchange = Exchange {
                kind: "dispute.converted",
                clearing: clearing(stripe_dispute),
                txn,
                presented: *presented,
                settled: *settled,
                effective: *occurred_at,
            };
            conversion::postings(exchange, about)
        }
        DisputeEvent::FeeCharged { dispute, currency, shares, at } => {
            const KIND: &str = "dispute.fee_charged";
            let about = Dimensions { dispute: Some(*dispute), ..Dimensions::default() };
            let mut draft = Draft::new(KIND, Nature::Chargeback, *currency, *at, about);
            for share in shares {
                let about = Dimensions { seller: Some(share.seller), ..draft.about().clone() };
                let claim = Account::Claim(Claim::of_dispute_fee(*dispute, share.seller));
                draft.line(claim, Side::Debit, share.amount, about);
            }
            let total = sum(KIND, shares.iter().map(|share| share.amount))?;
            draft.credit(Account::DisputeFeeRecovery, total);
            draft.alone()
        }
        DisputeEvent::Opened { .. }
        | DisputeEvent::Escalated { .. }
        | DisputeEvent::StatusChanged { .. }
        | DisputeEvent::ActionLogged { .. }
        | DisputeEvent::EvidenceDrafted { .. }
        | DisputeEvent::EvidenceSubmitted { .. }
        | DisputeEvent::AcceptProposed { .. }
        | DisputeEvent::Accepted { .. }
        | DisputeEvent::CallConfirmed { .. }
        | DisputeEvent::CallUnknown { .. }
        | DisputeEvent::CallRefused { .. }
        | DisputeEvent::InquiryRefunded { .. }
        | DisputeEvent::DeadlineNear { .. }
        | DisputeEvent::EvidenceDeadlineMissed { .. }
        | DisputeEvent::Closed { .. } => Ok(Vec::new()),
    }
}

fn clearing(dispute: &StripeDisputeRef) -> Account {
    Account::Clearing(Clearing::Dispute, dispute.0.clone())
}

fn draft(
    kind: &'static str,
    dispute: DisputeId,
    txn: &TxnRef,
    amount: Money,
    effective: Timestamp,
) -> Draft {
    let about =
        Dimensions { dispute: Some(dispute), txn: Some(txn.clone()), ..Dimensions::default() };
    Draft::new(kind, Nature::Settlement, amount.currency(), effective, about)
}
