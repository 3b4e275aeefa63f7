//! The platform's balance transactions as files: Stripe's itemised CSV, and the list as JSON.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::currency::currency_facts;
use crate::fake::FakeStripe;
use crate::ledger::{BalanceTransaction, BalanceType};

const COLUMNS: [&str; 20] = [
    "balance_transaction_id",
    "created_utc",
    "available_on_utc",
    "currency",
    "gross",
    "fee",
    "net",
    "reporting_category",
    "source_id",
    "description",
    "customer_facing_amount",
    "customer_facing_currency",
    "automatic_payout_id",
    "charge_id",
    "payment_intent_id",
    "refund_id",
    "dispute_reason",
    "connected_account_id",
    "payment_metadata[daybook_tenant]",
    "payment_metadata[daybook_order]",
];

/// The ordinary balance of the platform, line by line, in the columns of Stripe's itemised balance
/// reports: amounts as decimal strings of major units, times as `YYYY-MM-DD hh:mm:ss` in UTC. As in
/// Stripe's reports, the reserve is not part of it; the JSON list has everything.
///
/// # Errors
/// When the CSV cannot be written to memory.
pub fn balance_transactions_csv(fake: &FakeStripe) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for transaction in fake.balance_transactions(None) {
        if transaction.balance_type == BalanceType::Payments {
            writer.write_record(row(fake, &transaction))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// All balance transactions of the platform as one list object, newest first as Stripe lists them.
#[must_use]
pub fn balance_transactions_json(fake: &FakeStripe) -> Value {
    let now = fake.now();
    let rows: Vec<Value> = fake
        .balance_transactions(None)
        .iter()
        .rev()
        .map(|transaction| transaction.render(now))
        .collect();
    json!({ "object": "list", "data": rows, "has_more": false, "url": "/v1/balance_transactions" })
}

fn row(fake: &FakeStripe, transaction: &BalanceTransaction) -> [String; 20] {
    let facts = currency_facts(&transaction.currency);
    let source = transaction.source.as_deref().and_then(|id| fake.object(id));
    let text = |object: &Option<Value>, field: &str| -> String {
        object
            .as_ref()
            .and_then(|object| object.get(field))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let kind = text(&source, "object");
    let charge_id = match kind.as_str() {
        "charge" => transaction.source.clone().unwrap_or_default(),
        _ => text(&source, "charge"),
    };
    let charge = fake.object(&charge_id);
    let metadata = |name: &str| -> String {
        charge
            .as_ref()
            .and_then(|charge| charge["metadata"].get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let facing = ["charge", "refund"].contains(&kind.as_str());
    [
        transaction.id.clone(),
        utc(transaction.created),
        utc(transaction.available_on),
        transaction.currency.clone(),
        facts.decimal(transaction.amount),
        facts.decimal(transaction.fee),
        facts.decimal(transaction.net()),
        transaction.category.to_owned(),
        transaction.source.clone().unwrap_or_default(),
        transaction.description.clone().unwrap_or_default(),
        if facing { facts.decimal(transaction.amount) } else { String::new() },
        if facing { transaction.currency.clone() } else { String::new() },
        transaction.payout.clone().unwrap_or_default(),
        charge_id,
        text(&charge, "payment_intent"),
        if kind == "refund" {
            transaction.source.clone().unwrap_or_default()
        } else {
            String::new()
        },
        if kind == "dispute" { text(&source, "reason") } else { String::new() },
        if kind == "transfer" { text(&source, "destination") } else { String::new() },
        metadata("daybook_tenant"),
        metadata("daybook_order"),
    ]
}

fn utc(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
