//! Transfers, payouts and accounts as facts.

use aggregates::{
    payout::commands::{PayoutFact, ReversalFact, TransferFact},
    seller_account::events::AccountFlags,
    vocabulary::{AccountRef, TransferRef},
};
use kernel::{SellerId, Timestamp};

use super::{Said, balance::maybe_txn};
use crate::objects::{Account, Fault, Payout, Reversal, Transfer, instant, money};

/// A transfer as a fact.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn transfer_fact(transfer: &Transfer) -> Result<TransferFact, Fault> {
    Ok(TransferFact {
        transfer: transfer.id.need("id")?.as_str().into(),
        account: transfer.destination.need("destination")?.0.as_str().into(),
        amount: money(&transfer.amount, "amount", &transfer.currency)?,
        txn: maybe_txn(&transfer.balance_transaction, "balance_transaction")?,
        occurred_at: instant(&transfer.created, "created")?,
    })
}

/// A reversal as a fact. It does not itself say from which account, so the transfer's is given.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn reversal_fact(
    reversal: &Reversal,
    transfer: &TransferRef,
    account: &AccountRef,
) -> Result<ReversalFact, Fault> {
    Ok(ReversalFact {
        reversal: reversal.id.need("id")?.as_str().into(),
        transfer: transfer.clone(),
        account: account.clone(),
        amount: money(&reversal.amount, "amount", &reversal.currency)?,
        txn: maybe_txn(&reversal.balance_transaction, "balance_transaction")?,
        occurred_at: instant(&reversal.created, "created")?,
    })
}

/// A bank payout as a fact. `account` is whose it is; `None` is the platform's own.
///
/// Ranks: `pending`, `in_transit` 0 < `paid` 1 < `failed`, `canceled` 2.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn payout_fact(
    payout: &Payout,
    account: Option<AccountRef>,
    seller: Option<SellerId>,
    said: &Said,
) -> Result<PayoutFact, Fault> {
    let status = payout.status.need("status")?;
    let class = match status.as_str() {
        "paid" => 1,
        "failed" | "canceled" => 2,
        _ => 0,
    };
    Ok(PayoutFact {
        stripe_payout: payout.id.need("id")?.as_str().into(),
        account,
        seller,
        rank: said.rank(class),
        status: status.clone(),
        amount: money(&payout.amount, "amount", &payout.currency)?,
        automatic: *payout.automatic.get().unwrap_or(&false),
        arrival: payout.arrival_date.get().map(|seconds| Timestamp::from_unix_seconds(*seconds)),
        balance_transaction: maybe_txn(&payout.balance_transaction, "balance_transaction")?,
        failure_balance_transaction: maybe_txn(
            &payout.failure_balance_transaction,
            "failure_balance_transaction",
        )?,
        failure_code: payout.failure_code.get().cloned(),
        occurred_at: instant(&payout.created, "created")?,
    })
}

/// What an account may do.
///
/// # Errors
/// [`Fault`] when it does not say: a missing flag must not restrict a seller.
pub fn account_flags(account: &Account) -> Result<AccountFlags, Fault> {
    let requirements = account.requirements.get();
    let capabilities = account.capabilities.need("capabilities")?;
    Ok(AccountFlags {
        details_submitted: *account.details_submitted.need("details_submitted")?,
        charges_enabled: *account.charges_enabled.need("charges_enabled")?,
        payouts_enabled: *account.payouts_enabled.need("payouts_enabled")?,
        // An account without the capability simply does not list it.
        transfers_active: capabilities.transfers.get().is_some_and(|status| status == "active"),
        disabled_reason: requirements
            .and_then(|requirements| requirements.disabled_reason.get())
            .cloned(),
        currently_due: requirements
            .and_then(|requirements| requirements.currently_due.get())
            .cloned()
            .unwrap_or_default(),
        current_deadline: requirements
            .and_then(|requirements| requirements.current_deadline.get())
            .map(|seconds| Timestamp::from_unix_seconds(*seconds)),
    })
}
