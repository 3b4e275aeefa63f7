//! Refunds and disputes as facts.

use aggregates::{
    dispute::commands::{DisputeFact, DisputeMovement},
    refund::commands::RefundFact,
    vocabulary::{ChargeRef, TxnRef},
};
use kernel::{Money, Timestamp};

use super::{Said, balance::maybe_txn, joined};
use crate::objects::{BalanceTransaction, Dispute, Fault, Refund, currency_of, instant, money};

/// A refund as a fact.
///
/// Ranks: `pending`, `requires_action` 0 < `succeeded` 1 < `failed`, `canceled` 2.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn refund_fact(refund: &Refund, said: &Said) -> Result<RefundFact, Fault> {
    let status = refund.status.need("status")?;
    let class = match status.as_str() {
        "succeeded" => 1,
        "failed" | "canceled" => 2,
        _ => 0,
    };
    Ok(RefundFact {
        stripe_refund: refund.id.need("id")?.as_str().into(),
        rank: said.rank(class),
        status: status.clone(),
        reason: refund.failure_reason.get().or(refund.pending_reason.get()).cloned(),
        amount: money(&refund.amount, "amount", &refund.currency)?,
        balance_transaction: maybe_txn(&refund.balance_transaction, "balance_transaction")?,
        failure_balance_transaction: maybe_txn(
            &refund.failure_balance_transaction,
            "failure_balance_transaction",
        )?,
        occurred_at: instant(&refund.created, "created")?,
    })
}

/// A dispute as a fact.
///
/// Ranks: `warning_needs_response`, `warning_under_review` 0 < `warning_closed` 1 <
/// `needs_response`, `under_review` 2 < `won`, `lost`, `prevented` 3.
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn dispute_fact(dispute: &Dispute, said: &Said) -> Result<DisputeFact, Fault> {
    let status = dispute.status.need("status")?;
    let class = match status.as_str() {
        "won" | "lost" | "prevented" => 3,
        "needs_response" | "under_review" => 2,
        "warning_closed" => 1,
        _ => 0,
    };
    let details = dispute.evidence_details.get();
    let card = dispute.payment_method_details.get().and_then(|details| details.card.get());
    let mut movements = Vec::new();
    for moved in dispute.balance_transactions.maybe("balance_transactions")?.into_iter().flatten() {
        movements.push(movement(moved).map_err(|fault| fault.inside("balance_transactions"))?);
    }
    Ok(DisputeFact {
        stripe_dispute: dispute.id.need("id")?.as_str().into(),
        charge: ChargeRef::from(dispute.charge.need("charge")?.0.as_str()),
        rank: said.rank(class),
        status: status.clone(),
        amount: money(&dispute.amount, "amount", &dispute.currency)?,
        reason: joined(&[dispute.reason.get()], "general"),
        network: card.and_then(|card| card.network.get().or(card.brand.get())).cloned(),
        due_by: details
            .and_then(|details| details.due_by.get())
            // Stripe writes 0 where no response is possible.
            .filter(|due| **due > 0)
            .map(|due| Timestamp::from_unix_seconds(*due)),
        charge_refundable: *dispute.is_charge_refundable.get().unwrap_or(&false),
        movements,
        occurred_at: instant(&dispute.created, "created")?,
    })
}

fn movement(moved: &BalanceTransaction) -> Result<DisputeMovement, Fault> {
    Ok(DisputeMovement {
        txn: TxnRef::from(moved.id.need("id")?.as_str()),
        amount: Money::new(*moved.amount.need("amount")?, currency_of(&moved.currency)?),
        fee: *moved.fee.need("fee")?,
        occurred_at: instant(&moved.created, "created")?,
    })
}
