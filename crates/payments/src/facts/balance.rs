//! Balance transactions: as Stripe states them, and as they must be when nobody can be asked.

use aggregates::{
    balance_transaction::{FeeDetail, Provenance, TransactionRecord},
    vocabulary::{AccountRef, TxnRef},
};
use kernel::Timestamp;

use crate::objects::{BalanceTransaction, Expandable, Fault, Field, currency_of, instant};

/// The `balance_type` that the books follow. A reserve is written twice by Stripe, once on each of
/// two balances; what leaves or enters the normal one says it all.
pub const NORMAL_BALANCE: &str = "payments";

/// A balance transaction as a record; `None` for one of another balance than [`NORMAL_BALANCE`].
///
/// # Errors
/// [`Fault`] when something essential is missing.
pub fn transaction_record(
    given: &BalanceTransaction,
    account: Option<&AccountRef>,
    provenance: Provenance,
) -> Result<Option<TransactionRecord>, Fault> {
    if given.balance_type.get().is_some_and(|kind| kind != NORMAL_BALANCE) {
        return Ok(None);
    }
    let kind = given.kind.need("type")?;
    let amount = *given.amount.need("amount")?;
    let fee = *given.fee.need("fee")?;
    let occurred_at = instant(&given.created, "created")?;
    let net = match given.net.maybe("net")? {
        Some(net) => *net,
        None => amount.checked_sub(fee).ok_or_else(|| Fault::new("net", "out of range"))?,
    };
    let details = given.fee_details.get().into_iter().flatten();
    Ok(Some(TransactionRecord {
        txn: given.id.need("id")?.as_str().into(),
        account: account.cloned(),
        kind: kind.clone(),
        category: given
            .reporting_category
            .get()
            .cloned()
            .unwrap_or_else(|| category_of_kind(kind).to_owned()),
        source: source_of(given),
        counterpart: counterpart_of(given, kind),
        currency: currency_of(&given.currency)?,
        amount,
        fee,
        net,
        fee_details: details
            .filter_map(|detail| {
                let kind = detail.kind.get()?.clone();
                Some(FeeDetail { kind, amount: *detail.amount.get()? })
            })
            .collect(),
        exchange_rate: given.exchange_rate.get().map(|rate| rate.0.clone()),
        available_on: given
            .available_on
            .maybe("available_on")?
            .map_or(occurred_at, |seconds| Timestamp::from_unix_seconds(*seconds)),
        occurred_at,
        provenance,
    }))
}

fn source_of(given: &BalanceTransaction) -> Option<String> {
    match given.source.get()? {
        Expandable::Id(id) => Some(id.clone()),
        Expandable::Object(source) => source.id.get().cloned(),
    }
}

/// A transfer names its destination. A reversal names only its transfer; who asks fills that in.
fn counterpart_of(given: &BalanceTransaction, kind: &str) -> Option<AccountRef> {
    if kind != "transfer" {
        return None;
    }
    let destination = given.source.get()?.object()?.destination.get()?;
    Some(AccountRef::from(destination.0.as_str()))
}

/// The id of a balance transaction that an object refers to.
pub(crate) fn txn_id(
    reference: &Expandable<BalanceTransaction>,
    field: &'static str,
) -> Result<String, Fault> {
    match reference {
        Expandable::Id(id) => Ok(id.clone()),
        Expandable::Object(object) => match object.id.get() {
            Some(id) => Ok(id.clone()),
            None => Err(Fault::new(field, "the object has no id")),
        },
    }
}

pub(crate) fn maybe_txn(
    field: &Field<Expandable<BalanceTransaction>>,
    name: &'static str,
) -> Result<Option<TxnRef>, Fault> {
    field.maybe(name)?.map(|txn| txn_id(txn, name).map(TxnRef::from)).transpose()
}

/// Stripe's reporting category for a type, where the object does not say it ("Balance transaction
/// types" and "Reporting categories" of its documentation). A dispute's adjustment needs its sign.
#[must_use]
pub fn category_of_kind(kind: &str) -> &str {
    match kind {
        "payment" => "charge",
        "payment_refund" => "refund",
        "payment_refund_failure" | "payment_failure_refund_reversal" => "refund_failure",
        "payment_failure_refund" | "payment_reversal" => "charge_failure",
        "transfer_refund" | "transfer_cancel" | "transfer_failure" => "transfer_reversal",
        "payout_failure" | "payout_cancel" => "payout_reversal",
        "application_fee" => "platform_earning",
        "application_fee_refund" => "platform_earning_refund",
        "stripe_fee" | "stripe_fx_fee" | "tax_fee" => "fee",
        "adjustment" => "other_adjustment",
        "reserve_hold" | "reserve_release" => "risk_reserved_funds",
        "reserve_transaction" | "reserved_funds" => "connect_reserved_funds",
        other => other,
    }
}

/// The other way round: Stripe's itemised reports name the category and not the type. Where one
/// category has several types, the one that is booked the same way.
#[must_use]
pub fn kind_of_category(category: &str) -> &str {
    match category {
        "dispute" | "dispute_reversal" | "other_adjustment" => "adjustment",
        "charge_failure" => "payment_failure_refund",
        "transfer_reversal" => "transfer_refund",
        "payout_reversal" => "payout_failure",
        "platform_earning" => "application_fee",
        "platform_earning_refund" => "application_fee_refund",
        "fee" | "network_cost" => "stripe_fee",
        "risk_reserved_funds" | "connect_reserved_funds" => "reserved_funds",
        other => other,
    }
}

/// The rank class of a top-up: `pending` 0 < `succeeded` 1 < the rest 2.
#[must_use]
pub fn topup_class(status: &str) -> u8 {
    match status {
        "pending" => 0,
        "succeeded" => 1,
        _ => 2,
    }
}
