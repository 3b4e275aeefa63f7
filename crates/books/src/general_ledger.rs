//! The general ledger as CSV, in the columns that accounting programs ask for when they import.

use kernel::{Currency, spreadsheet_cell as cell};
use projections::{chart::Class, journal::JournalLine};

use crate::{BooksFault, amounts::amount_text, reader::DatedEntry};

const HEADER: [&str; 30] = [
    "date",
    "journal_id",
    "line",
    "book",
    "account",
    "account_name",
    "account_type",
    "debit",
    "credit",
    "currency",
    "description",
    "reference",
    "event_type",
    "event_id",
    "position",
    "order",
    "payment",
    "charge",
    "refund",
    "dispute",
    "payout",
    "balance_transaction",
    "seller",
    "organizer",
    "product",
    "event",
    "channel",
    "membership",
    "policy",
    "prior_period",
];

pub(crate) fn header(out: &mut String) -> Result<(), BooksFault> {
    append(out, std::iter::once(HEADER.map(str::to_owned)))
}

/// The rows of an entry: one for each line.
pub(crate) fn entry(out: &mut String, entry: &DatedEntry) -> Result<(), BooksFault> {
    append(out, entry.lines.iter().map(|line| row(entry, line)))
}

fn row(entry: &DatedEntry, line: &JournalLine) -> [String; 30] {
    fn text<T: ToString>(value: Option<&T>) -> String {
        value.map(|value| cell(&value.to_string())).unwrap_or_default()
    }
    let family = line.account.family();
    let (debit, credit) = sides(line.minor, line.currency);
    [
        entry.day.to_string(),
        format!("{}-{}", line.position, line.entry),
        line.line.to_string(),
        cell(&line.book.to_string()),
        cell(&line.account.name()),
        cell(family.holds),
        kind(family.class).to_owned(),
        debit,
        credit,
        line.currency.to_string(),
        cell(&format!("{}: {}", line.nature, line.event_type)),
        cell(&reference(line)),
        cell(&line.event_type),
        line.event_id.to_string(),
        line.position.to_string(),
        text(line.order_id.as_ref()),
        text(line.payment.as_ref()),
        text(line.charge.as_ref()),
        text(line.refund.as_ref()),
        text(line.dispute.as_ref()),
        text(line.payout.as_ref()),
        text(line.txn.as_ref()),
        text(line.seller.as_ref()),
        text(line.organizer.as_ref()),
        text(line.product.as_ref()),
        text(line.event.as_ref()),
        text(line.channel.as_ref()),
        text(line.membership.as_ref()),
        text(line.policy.as_ref()),
        text(line.prior_period.as_ref()),
    ]
}

fn sides(minor: i64, currency: Currency) -> (String, String) {
    let amount = amount_text(i128::from(minor.unsigned_abs()), currency);
    if minor >= 0 { (amount, String::new()) } else { (String::new(), amount) }
}

const fn kind(class: Class) -> &'static str {
    match class {
        Class::Assets => "Asset",
        Class::Liabilities => "Liability",
        Class::Equity => "Equity",
        Class::Income => "Income",
        Class::Expenses => "Expense",
    }
}

/// The document an accountant would look for first.
fn reference(line: &JournalLine) -> String {
    let documents = [
        line.refund.as_ref().map(ToString::to_string),
        line.dispute.as_ref().map(ToString::to_string),
        line.payout.as_ref().map(ToString::to_string),
        line.order_id.as_ref().map(ToString::to_string),
        line.payment.as_ref().map(ToString::to_string),
        line.charge.clone(),
        line.txn.clone(),
        line.claim.clone(),
    ];
    documents.into_iter().flatten().next().unwrap_or_default()
}

fn append(out: &mut String, rows: impl Iterator<Item = [String; 30]>) -> Result<(), BooksFault> {
    let failed = |error: &dyn std::fmt::Display| BooksFault::Row(error.to_string());
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| failed(&error))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(&error))?;
    out.push_str(&String::from_utf8(bytes).map_err(|error| failed(&error))?);
    Ok(())
}
