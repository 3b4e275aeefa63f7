//! Payouts: the register of what was, is being and will be paid to sellers' banks.

use aggregates::{fact::Fact, payout::events::PayoutEvent};
use kernel::{Currency, Money, PayoutId, SellerId, TenantId, Timestamp};
use store::Value;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{add, key, read_model},
};

store::table! {
    /// A payout; amounts in minor units of its currency.
    pub struct Payout as "payouts" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            payout: PayoutId,
        }
        /// requested, reserved, rejected, transfer_submitted, transfer_unknown, transfer_deferred,
        /// transferred, bank_submitted, bank_unknown, bank_refused, sent, in_transit, paid, failed,
        /// canceled, returned or reversed.
        status: String,
        /// Who is paid; empty for the platform's own, and while it is not known.
        seller: Option<SellerId>,
        /// The connected account; empty for the platform's own.
        account: Option<String>,
        /// The currency of every amount in the row.
        currency: Currency,
        /// How much; empty while it is "all that is available".
        amount: Option<i64>,
        /// By the seller's schedule, and not on request.
        by_schedule: bool,
        /// Made by Stripe's own schedule, and not by us.
        observed: bool,
        /// Who asked.
        #[unhashed = "minted"]
        requested_by: Option<String>,
        /// When it was asked for, or first seen.
        opened_at: Timestamp,
        /// Stripe's transfer.
        transfer: Option<String>,
        /// When the transfer was made.
        transferred_at: Option<Timestamp>,
        /// How much of the transfer came back.
        reversed: i64,
        /// How often the bank leg was tried.
        attempt: u32,
        /// Stripe's payout to the bank.
        stripe_payout: Option<String>,
        /// When it should arrive.
        arrival: Option<Timestamp>,
        /// When the bank should have it.
        paid_at: Option<Timestamp>,
        /// When a deferred transfer is tried again.
        retry_at: Option<Timestamp>,
        /// Why it was rejected, deferred, refused or failed.
        failure: Option<String>,
        /// Payout less the sum of its balance transactions, once Stripe has listed them.
        difference: Option<i64>,
        /// How many balance transactions those were.
        transactions: Option<u32>,
        /// Whether it should have arrived three days ago.
        stuck: bool,
    }
    indexes [["tenant", "opened_at"], ["tenant", "seller", "opened_at"], ["tenant", "status", "opened_at"], ["tenant", "stripe_payout"]]
}

read_model! {
    /// Every payout.
    Payouts = "payouts", version 1, [Payout]
}

fn key_of(occurrence: &Occurrence<'_>) -> Result<Vec<Value>, FoldError> {
    Ok(key![occurrence.tenant(), occurrence.subject::<PayoutId>()?])
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let (Fact::Payout(_), Ok(key)) = (occurrence.fact, key_of(occurrence)) {
        wanted.row::<Payout>(key);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Payout(event) = occurrence.fact else { return Ok(()) };
    let payout: PayoutId = occurrence.subject()?;
    let Some(first) = opened(occurrence, payout, event) else {
        return match rows.update::<Payout>(key_of(occurrence)?)? {
            Some(row) => changed(row, event),
            None => Ok(()),
        };
    };
    let row = rows.upsert(key_of(occurrence)?, || first)?;
    changed(row, event)
}

/// The row of a payout, by an event that may be the first one heard of it.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are never the first")]
fn opened(occurrence: &Occurrence<'_>, payout: PayoutId, event: &PayoutEvent) -> Option<Payout> {
    let blank = |currency, opened_at| Payout {
        tenant: occurrence.tenant(),
        payout,
        status: "requested".to_owned(),
        seller: None,
        account: None,
        currency,
        amount: None,
        by_schedule: false,
        observed: false,
        requested_by: None,
        opened_at,
        transfer: None,
        transferred_at: None,
        reversed: 0,
        attempt: 0,
        stripe_payout: None,
        arrival: None,
        paid_at: None,
        retry_at: None,
        failure: None,
        difference: None,
        transactions: None,
        stuck: false,
    };
    match event {
        PayoutEvent::Requested {
            seller,
            account,
            currency,
            amount,
            by_schedule,
            requested_by,
            at,
            ..
        } => Some(Payout {
            seller: Some(*seller),
            account: Some(account.0.clone()),
            amount: *amount,
            by_schedule: *by_schedule,
            requested_by: Some(requested_by.0.clone()),
            ..blank(*currency, *at)
        }),
        PayoutEvent::Observed { account, seller, amount, occurred_at, .. } => Some(Payout {
            status: "sent".to_owned(),
            seller: *seller,
            account: account.as_ref().map(|account| account.0.clone()),
            observed: true,
            ..blank(amount.currency(), *occurred_at)
        }),
        PayoutEvent::TransferCreated { seller, account, amount, occurred_at, .. } => Some(Payout {
            seller: *seller,
            account: Some(account.0.clone()),
            observed: true,
            ..blank(amount.currency(), *occurred_at)
        }),
        _ => None,
    }
}

fn changed(row: &mut Payout, event: &PayoutEvent) -> Result<(), FoldError> {
    transfer_leg(row, event)?;
    bank_leg(row, event);
    Ok(())
}

fn status(row: &mut Payout, status: &str) {
    status.clone_into(&mut row.status);
}

fn amount(row: &mut Payout, amount: Money) {
    row.amount = Some(amount.minor());
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about the bank")]
fn transfer_leg(row: &mut Payout, event: &PayoutEvent) -> Result<(), FoldError> {
    match event {
        PayoutEvent::Reserved { amount: reserved, .. } => {
            status(row, "reserved");
            amount(row, *reserved);
        }
        PayoutEvent::Rejected { reason, .. } => {
            status(row, "rejected");
            row.failure = Some(reason.clone());
        }
        PayoutEvent::TransferSubmitted { amount: submitted, .. } => {
            status(row, "transfer_submitted");
            amount(row, *submitted);
            row.retry_at = None;
        }
        PayoutEvent::TransferUnknown { .. } => status(row, "transfer_unknown"),
        PayoutEvent::TransferDeferred { retry_at, reason, .. } => {
            status(row, "transfer_deferred");
            row.retry_at = Some(*retry_at);
            row.failure = Some(reason.clone());
        }
        PayoutEvent::TransferCreated { transfer, amount: transferred, occurred_at, .. } => {
            status(row, "transferred");
            amount(row, *transferred);
            row.transfer = Some(transfer.0.clone());
            row.transferred_at = Some(*occurred_at);
            row.failure = None;
        }
        PayoutEvent::ReversalRefused { code, message, .. } => {
            row.failure = Some(format!("{code}: {message}"));
        }
        PayoutEvent::TransferReversed { amount: back, .. } => {
            add(&mut row.reversed, back.minor(), "reversed part of a transfer")?;
            if row.amount == Some(row.reversed) {
                status(row, "reversed");
            }
        }
        _ => {}
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about the transfer")]
fn bank_leg(row: &mut Payout, event: &PayoutEvent) {
    match event {
        PayoutEvent::BankSubmitted { attempt, .. } => {
            status(row, "bank_submitted");
            row.attempt = *attempt;
        }
        PayoutEvent::BankUnknown { .. } => status(row, "bank_unknown"),
        PayoutEvent::BankRefused { code, message, .. } => {
            status(row, "bank_refused");
            row.failure = Some(format!("{code}: {message}"));
        }
        PayoutEvent::Sent { stripe_payout, arrival, .. } => {
            status(row, "sent");
            row.stripe_payout = Some(stripe_payout.0.clone());
            row.arrival = *arrival;
            row.failure = None;
        }
        PayoutEvent::Observed { stripe_payout, amount: paid, arrival, .. } => {
            row.stripe_payout = Some(stripe_payout.0.clone());
            row.arrival = *arrival;
            amount(row, *paid);
        }
        PayoutEvent::InTransit { .. } => status(row, "in_transit"),
        PayoutEvent::Paid { occurred_at, .. } => {
            status(row, "paid");
            row.paid_at = Some(*occurred_at);
            row.stuck = false;
        }
        PayoutEvent::Failed { code, .. } => {
            status(row, "failed");
            row.failure = Some(code.clone());
        }
        PayoutEvent::Canceled { .. } => status(row, "canceled"),
        PayoutEvent::Returned { .. } => status(row, "returned"),
        PayoutEvent::RetryRequested { attempt, .. } => {
            status(row, "transferred");
            row.attempt = *attempt;
            row.stuck = false;
        }
        PayoutEvent::BankConfirmed { .. } => status(row, "confirmed"),
        PayoutEvent::Reconciled { transactions, difference, .. } => {
            row.difference = Some(*difference);
            row.transactions = Some(*transactions);
        }
        PayoutEvent::Stuck { .. } => row.stuck = true,
        _ => {}
    }
}
