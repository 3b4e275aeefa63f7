//! What a balance transaction does to the books: one entry for one transaction, and nothing else
//! touches `assets:stripe:*`.
//!
//! Amounts are signed from the balance's point of view and may have either sign, so a refund that
//! came back, or a fee that was returned, is the same entry with its sides exchanged. The kinds are
//! Stripe's `type` ("Balance transaction types" in its documentation). A kind that is not mapped
//! here goes to suspense, which is an alarm; so does one that names no object although its kind
//! needs one, because money is never refused for a missing name.
//!
//! In the mirror book of a connected account everything stands against the owner, fees included:
//! they are his. Its `payment` and `payment_refund` transactions are the other ends of the
//! platform's transfers and reversals, whose own transactions post both books, so they are matched
//! and never posted again.

use aggregates::balance_transaction::{BalanceTransactionEvent, TransactionRecord};

use super::{
    Dimensions, Entry, Nature, PostingFault,
    entry::{Draft, sum},
};
use crate::chart::{Account, Book, Clearing, StripeFee};

const KIND: &str = "balance_transaction.recorded";

pub(super) fn postings(event: &BalanceTransactionEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        BalanceTransactionEvent::Recorded { record, .. } => match &record.account {
            None => platform(record),
            Some(account) => mirror(record, Book::Mirror(account.clone())),
        },
        BalanceTransactionEvent::Contradicted { .. } => Ok(Vec::new()),
    }
}

/// What stands against the balance, by kind.
enum Against {
    /// Our side of this Stripe object, and Stripe's fee.
    Object(Clearing, StripeFee),
    /// The whole amount is Stripe's fee.
    Fee(StripeFee),
    /// The whole amount is tax on Stripe's fees.
    Tax,
    /// It only changed from free to reserved, or back.
    Reserved,
    /// Nobody has mapped it.
    Suspense,
}

fn against(record: &TransactionRecord) -> Against {
    use StripeFee::{Connect, Dispute, Fx, Payout, Processing};
    match record.kind.as_str() {
        "charge" | "payment" | "payment_failure_refund" | "payment_reversal" => {
            Against::Object(Clearing::Charge, Processing)
        }
        "refund" | "payment_refund" | "refund_failure" | "payment_refund_failure" => {
            Against::Object(Clearing::Refund, Processing)
        }
        "adjustment" if matches!(record.category.as_str(), "dispute" | "dispute_reversal") => {
            Against::Object(Clearing::Dispute, Dispute)
        }
        "transfer" | "transfer_failure" | "transfer_cancel" => {
            Against::Object(Clearing::Transfer, Connect)
        }
        "transfer_refund" => Against::Object(Clearing::TransferReversal, Connect),
        "payout" | "payout_failure" | "payout_cancel" => Against::Object(Clearing::Payout, Payout),
        "topup" | "topup_reversal" => Against::Object(Clearing::Topup, Processing),
        "application_fee" => Against::Object(Clearing::ApplicationFee, Connect),
        "application_fee_refund" => Against::Object(Clearing::ApplicationFeeRefund, Connect),
        "stripe_fee" => Against::Fee(Connect),
        "stripe_fx_fee" => Against::Fee(Fx),
        "tax_fee" => Against::Tax,
        "reserve_transaction"
        | "reserved_funds"
        | "reserve_hold"
        | "reserve_release"
        | "payment_network_reserve_hold"
        | "payment_network_reserve_release" => Against::Reserved,
        _ => Against::Suspense,
    }
}

fn draft(record: &TransactionRecord) -> Draft {
    let about = Dimensions {
        txn: Some(record.txn.clone()),
        available_on: Some(record.available_on),
        ..Dimensions::default()
    };
    Draft::new(KIND, Nature::Settlement, record.currency, record.occurred_at, about)
}

fn negated(minor: i64) -> Result<i64, PostingFault> {
    minor.checked_neg().ok_or(PostingFault::Overflow { kind: KIND })
}

fn platform(record: &TransactionRecord) -> Result<Vec<Entry>, PostingFault> {
    let amount = negated(record.amount)?;
    let cost = negated(record.net)?;
    let tax = sum(
        KIND,
        record.fee_details.iter().filter(|part| part.kind == "tax").map(|part| part.amount),
    )?;
    let mut draft = draft(record);
    draft.signed(Account::StripeBalance, record.net);
    let mut fee = |fee: StripeFee, whole: i64| -> Result<(), PostingFault> {
        draft
            .signed(Account::StripeFees(fee), sum(KIND, [whole, negated(tax)?])?)
            .signed(Account::VatRecoverable, tax);
        Ok(())
    };
    match against(record) {
        Against::Object(clearing, kind) => {
            fee(kind, record.fee)?;
            let account = match &record.source {
                Some(source) => Account::Clearing(clearing, source.clone()),
                None => Account::SuspenseStripe,
            };
            draft.signed(account, amount);
        }
        Against::Fee(kind) => fee(kind, cost)?,
        Against::Tax => {
            draft.signed(Account::VatRecoverable, cost);
        }
        Against::Reserved => {
            fee(StripeFee::Processing, record.fee)?;
            draft.signed(Account::StripeReserved, amount);
        }
        Against::Suspense => {
            fee(StripeFee::Processing, record.fee)?;
            draft.signed(Account::SuspenseStripe, amount);
        }
    }
    let mut entries: Vec<Entry> = draft.finish()?.into_iter().collect();
    entries.extend(other_end(record)?);
    Ok(entries)
}

/// What a platform's transfer does at its other end.
fn other_end(record: &TransactionRecord) -> Result<Option<Entry>, PostingFault> {
    let Some(account) = &record.counterpart else { return Ok(None) };
    let is_transfer = matches!(
        against(record),
        Against::Object(Clearing::Transfer | Clearing::TransferReversal, _)
    );
    if !is_transfer {
        return Ok(None);
    }
    let mut draft = draft(record).in_book(Book::Mirror(account.clone()));
    draft
        .signed(Account::StripeBalance, negated(record.amount)?)
        .signed(Account::Owner, record.amount);
    draft.finish()
}

fn mirror(record: &TransactionRecord, book: Book) -> Result<Vec<Entry>, PostingFault> {
    let matched = matches!(
        record.kind.as_str(),
        "payment" | "payment_refund" | "transfer" | "transfer_refund"
    );
    if matched {
        return Ok(Vec::new());
    }
    let mut draft = draft(record).in_book(book);
    let reserved = matches!(against(record), Against::Reserved);
    draft.signed(Account::StripeBalance, record.net);
    if reserved {
        draft
            .signed(Account::StripeReserved, negated(record.amount)?)
            .signed(Account::Owner, record.fee);
    } else {
        draft.signed(Account::Owner, negated(record.net)?);
    }
    draft.alone()
}
