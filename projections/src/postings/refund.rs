//! What a refund's decisions do to the books: owed when approved, sent when Stripe has it, owed
//! again when it fails, and not owed any more when it is reverted.

use aggregates::{
    refund::events::{RefundEvent, RefundSource},
    vocabulary::{ChargeRef, Claim, ClaimRef, LineShare, StripeRefundRef},
};
use kernel::{Money, RefundId, Timestamp};

use super::{
    Dimensions, Entry, Nature, PostingFault,
    conversion::{self, Exchange},
    entry::Draft,
    order::{after_retention, share_lines},
};
use crate::chart::{Account, Clearing, Side};

#[expect(clippy::too_many_lines, reason = "one table: every event and what it posts")]
pub(super) fn postings(event: &RefundEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        RefundEvent::Approved { refund, source, charge, amount, at, .. } => {
            approved(*refund, source, charge, *amount, *at)
        }
        RefundEvent::Reverted { refund, source, charge, amount, at, .. } => {
            reverted(*refund, source, charge, *amount, *at)
        }
        RefundEvent::Accepted { refund, stripe_refund, amount, at } => {
            draft("refund.accepted", *refund, *amount, *at).moved(
                Account::RefundsPayable,
                clearing(stripe_refund),
                *amount,
            )
        }
        RefundEvent::Failed { refund, stripe_refund, amount, occurred_at, .. } => {
            draft("refund.failed", *refund, *amount, *occurred_at).moved(
                clearing(stripe_refund),
                Account::RefundsPayable,
                *amount,
            )
        }
        RefundEvent::Canceled { refund, stripe_refund, amount, occurred_at, .. } => {
            draft("refund.canceled", *refund, *amount, *occurred_at).moved(
                clearing(stripe_refund),
                Account::RefundsPayable,
                *amount,
            )
        }
        RefundEvent::PaidExternally { refund, amount, at, .. } => {
            draft("refund.paid_externally", *refund, *amount, *at).moved(
                Account::RefundsPayable,
                Account::Bank("external".to_owned()),
                *amount,
            )
        }
        RefundEvent::Converted {
            refund,
            stripe_refund,
            txn,
            presented,
            settled,
            occurred_at,
            ..
        } => {
            let about = Dimensions { refund: Some(*refund), ..Dimensions::default() };
            let exchange = Exchange {
                kind: "refund.converted",
                clearing: clearing(stripe_refund),
                txn,
                presented: *presented,
                settled: *settled,
                effective: *occurred_at,
            };
            conversion::postings(exchange, about)
        }
        RefundEvent::Requested { .. }
        | RefundEvent::Withdrawn { .. }
        | RefundEvent::Declined { .. }
        | RefundEvent::Escalated { .. }
        | RefundEvent::FirstApproval { .. }
        | RefundEvent::Submitted { .. }
        | RefundEvent::SubmitUnknown { .. }
        | RefundEvent::SubmitRefused { .. }
        | RefundEvent::FactMerged { .. }
        | RefundEvent::Debited { .. }
        | RefundEvent::Pending { .. }
        | RefundEvent::ActionRequired { .. }
        | RefundEvent::Succeeded { .. }
        | RefundEvent::Reversed { .. }
        | RefundEvent::Retried { .. }
        | RefundEvent::ForgoProposed { .. }
        | RefundEvent::Forgone { .. }
        | RefundEvent::ExternalObserved { .. }
        | RefundEvent::Stuck { .. } => Ok(Vec::new()),
    }
}

fn clearing(refund: &StripeRefundRef) -> Account {
    Account::Clearing(Clearing::Refund, refund.0.clone())
}

fn draft(kind: &'static str, refund: RefundId, amount: Money, effective: Timestamp) -> Draft {
    let about = Dimensions { refund: Some(refund), ..Dimensions::default() };
    Draft::new(kind, Nature::Refund, amount.currency(), effective, about)
}

fn approved(
    refund: RefundId,
    source: &RefundSource,
    charge: &ChargeRef,
    amount: Money,
    at: Timestamp,
) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "refund.approved";
    let draft = draft(KIND, refund, amount, at);
    let about = Dimensions { charge: Some(charge.clone()), ..draft.about().clone() };
    let mut draft = draft.with(about);
    match source {
        RefundSource::OrderLine { share, .. } => {
            draft = of_line(draft, source, Side::Debit, Claim::of_refund(refund, share.seller));
            draft.credit(Account::RefundsPayable, amount.minor());
            draft.alone()
        }
        RefundSource::Unallocated => {
            draft.moved(Account::Unallocated(charge.0.clone()), Account::RefundsPayable, amount)
        }
        // The membership has posted what it comes from.
        RefundSource::Membership { .. } => Ok(Vec::new()),
        RefundSource::External => Err(PostingFault::Senseless {
            kind: KIND,
            why: "a refund made at Stripe is not ours to approve",
        }),
    }
}

/// The mirror image of the approval. A refund made at Stripe that is not owed any more is money that
/// belongs to nobody: it is set aside under its charge.
fn reverted(
    refund: RefundId,
    source: &RefundSource,
    charge: &ChargeRef,
    amount: Money,
    at: Timestamp,
) -> Result<Vec<Entry>, PostingFault> {
    let draft = draft("refund.reverted", refund, amount, at);
    let about = Dimensions { charge: Some(charge.clone()), ..draft.about().clone() };
    let mut draft = draft.with(about);
    match source {
        RefundSource::OrderLine { share, .. } => {
            draft.debit(Account::RefundsPayable, amount.minor());
            let claim = Claim::of_reverted_refund(refund, share.seller);
            of_line(draft, source, Side::Credit, claim).alone()
        }
        // The membership posts that it keeps the money.
        RefundSource::Membership { .. } => Ok(Vec::new()),
        RefundSource::Unallocated | RefundSource::External => {
            draft.moved(Account::RefundsPayable, Account::Unallocated(charge.0.clone()), amount)
        }
    }
}

fn of_line(draft: Draft, source: &RefundSource, side: Side, claim: ClaimRef) -> Draft {
    let RefundSource::OrderLine {
        order,
        share,
        tax_jurisdiction,
        commission_retained,
        policy_version,
    } = source
    else {
        return draft;
    };
    let about = Dimensions { order: Some(*order), ..draft.about().clone() };
    let mut draft = draft.with(about).decided_by(*policy_version);
    let share: LineShare = after_retention(share, *commission_retained);
    let commission = Account::CommissionRefunded;
    share_lines(&mut draft, side, (&share, claim), &commission, tax_jurisdiction);
    draft
}
