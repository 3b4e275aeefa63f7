//! Stripe's list of balance transactions as JSON.

use aggregates::{
    balance_transaction::{Provenance, TransactionRecord},
    vocabulary::AccountRef,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{ImportError, Records, line_at};
use crate::{
    facts::transaction_record,
    objects::{self, BalanceTransaction},
};

#[derive(Deserialize)]
struct ListObject<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

pub(super) fn read(text: &str, account: Option<AccountRef>) -> Result<Records<'_>, ImportError> {
    if let Ok(list) = serde_json::from_str::<ListObject<'_>>(text) {
        return Ok(from_items(text, list.data, account));
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(items) => return Ok(from_items(text, items, account)),
        Err(error) if text.trim_start().starts_with('[') => {
            let line = u64::try_from(error.line()).unwrap_or(1);
            return Err(ImportError::new(line, error.to_string()));
        }
        Err(_) => {}
    }
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        let record = record(1, text, account.as_ref());
        return Ok(Box::new(record.transpose().into_iter()));
    }
    let numbered = (1_u64..).zip(text.lines());
    Ok(Box::new(
        numbered
            .filter(|(_, line)| !line.trim().is_empty())
            .filter_map(move |(number, line)| record(number, line, account.as_ref()).transpose()),
    ))
}

fn from_items<'a>(
    text: &'a str,
    items: Vec<&'a RawValue>,
    account: Option<AccountRef>,
) -> Records<'a> {
    Box::new(items.into_iter().filter_map(move |item| {
        let offset = item.get().as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let line = line_at(text.as_bytes().get(..offset).unwrap_or_default());
        record(line, item.get(), account.as_ref()).transpose()
    }))
}

fn record(
    line: u64,
    text: &str,
    account: Option<&AccountRef>,
) -> Result<Option<TransactionRecord>, ImportError> {
    let given: BalanceTransaction =
        objects::read(text).map_err(|fault| ImportError::of_fault(line, fault))?;
    let record = transaction_record(&given, account, Provenance::Imported)
        .map_err(|fault| ImportError::of_fault(line, fault))?;
    if let Some(record) = &record
        && record.amount.checked_sub(record.fee) != Some(record.net)
    {
        return Err(ImportError::in_column(line, "net", "it is not amount less fee"));
    }
    Ok(record)
}
