//! Stripe's reports as CSV: the itemised balance reports, and the export of the balance page.

use std::collections::HashMap;

use aggregates::{
    balance_transaction::{FeeDetail, Provenance, TransactionRecord},
    vocabulary::AccountRef,
};
use chrono::NaiveDateTime;
use csv::{ReaderBuilder, StringRecord, Trim};
use kernel::{Currency, Timestamp};

use super::{ImportError, Records};
use crate::facts::{NORMAL_BALANCE, category_of_kind, kind_of_category};

/// The names under which a column appears, the best first. Headers are compared in lower case with
/// every run of other characters than letters and digits as one underscore.
const ID: &[&str] = &["balance_transaction_id", "id"];
const CREATED: &[&str] = &["created_utc", "created"];
const AVAILABLE: &[&str] = &["available_on_utc", "available_on"];
const CURRENCY: &[&str] = &["currency"];
const AMOUNT: &[&str] = &["gross", "amount"];
const FEE: &[&str] = &["fee"];
const NET: &[&str] = &["net"];
const CATEGORY: &[&str] = &["reporting_category"];
const KIND: &[&str] = &["type"];
const SOURCE: &[&str] = &["source_id", "source"];
const COUNTERPART: &[&str] = &["connected_account_id", "connected_account", "destination_id"];
const BALANCE: &[&str] = &["balance_type"];
const RATE: &[&str] = &["exchange_rate"];

/// Without these there is nothing to record.
const NEEDED: [&[&str]; 6] = [ID, CREATED, CURRENCY, AMOUNT, FEE, NET];

pub(super) fn read(text: &str, account: Option<AccountRef>) -> Result<Records<'_>, ImportError> {
    let mut reader =
        ReaderBuilder::new().trim(Trim::All).flexible(false).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| ImportError::new(1, error.to_string()))?;
    let columns: HashMap<String, usize> =
        headers.iter().enumerate().map(|(place, name)| (normal(name), place)).collect();
    for names in NEEDED.iter().chain(
        // One of the two says what kind of movement it is.
        if columns.contains_key("type") { None } else { Some(&CATEGORY) },
    ) {
        if !names.iter().any(|name| columns.contains_key(*name)) {
            let known = names.join("\" or \"");
            return Err(ImportError::new(1, format!("there is no column \"{known}\"")));
        }
    }
    let mut last_line = 1;
    Ok(Box::new(reader.into_records().filter_map(move |row| match row {
        Ok(row) => {
            let line = row.position().map_or(last_line + 1, csv::Position::line);
            last_line = line;
            Row { row: &row, columns: &columns, line }.record(account.as_ref()).transpose()
        }
        Err(error) => {
            let line = error.position().map_or(last_line + 1, csv::Position::line);
            Some(Err(ImportError::new(line, error.to_string())))
        }
    })))
}

fn normal(header: &str) -> String {
    let mut name = String::new();
    for letter in header.trim().chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.trim_end_matches('_').to_owned()
}

struct Row<'a> {
    row: &'a StringRecord,
    columns: &'a HashMap<String, usize>,
    line: u64,
}

impl Row<'_> {
    fn record(
        &self,
        account: Option<&AccountRef>,
    ) -> Result<Option<TransactionRecord>, ImportError> {
        if self.text(BALANCE).is_some_and(|kind| kind != NORMAL_BALANCE) {
            return Ok(None);
        }
        let currency: Currency = self
            .need(CURRENCY)?
            .parse()
            .map_err(|error: kernel::UnknownCurrency| self.wrong(CURRENCY, error.to_string()))?;
        let amount = self.minor(AMOUNT, currency)?;
        let fee = self.minor(FEE, currency)?;
        let net = self.minor(NET, currency)?;
        if amount.checked_sub(fee) != Some(net) {
            return Err(self.wrong(NET, format!("{net} is not {amount} less {fee} (minor units)")));
        }
        let occurred_at = self.instant(CREATED)?;
        let available_on = match self.text(AVAILABLE) {
            Some(_) => self.instant(AVAILABLE)?,
            None => occurred_at,
        };
        let source = self.text(SOURCE).map(str::to_owned);
        let (kind, category) = self.classified(source.as_deref(), amount)?;
        let counterpart = self
            .text(COUNTERPART)
            .filter(|other| kind.starts_with("transfer") && other.starts_with("acct_"))
            .filter(|_| account.is_none())
            .map(AccountRef::from);
        Ok(Some(TransactionRecord {
            txn: self.need(ID)?.into(),
            account: account.cloned(),
            // On Stripe's own bills the fee can only be tax; elsewhere the file does not say.
            fee_details: if kind == "stripe_fee" && fee != 0 {
                vec![FeeDetail { kind: "tax".to_owned(), amount: fee }]
            } else {
                Vec::new()
            },
            kind,
            category,
            source,
            counterpart,
            currency,
            amount,
            fee,
            net,
            exchange_rate: self.text(RATE).map(str::to_owned),
            available_on,
            occurred_at,
            provenance: Provenance::Imported,
        }))
    }

    /// Stripe's type and reporting category, as far as the file says; each from the other where one
    /// is missing.
    fn classified(
        &self,
        source: Option<&str>,
        amount: i64,
    ) -> Result<(String, String), ImportError> {
        let begins = |prefix: &str| source.is_some_and(|id| id.starts_with(prefix));
        match (self.text(KIND), self.text(CATEGORY)) {
            (Some(kind), Some(category)) => Ok((kind.to_owned(), category.to_owned())),
            (None, Some(category)) => {
                let kind = match category {
                    "charge" if begins("py_") => "payment",
                    "refund" if begins("pyr_") => "payment_refund",
                    other => kind_of_category(other),
                };
                Ok((kind.to_owned(), category.to_owned()))
            }
            (Some(kind), None) => {
                let category = match kind {
                    "adjustment" if (begins("dp_") || begins("du_")) && amount < 0 => "dispute",
                    "adjustment" if begins("dp_") || begins("du_") => "dispute_reversal",
                    other => category_of_kind(other),
                };
                Ok((kind.to_owned(), category.to_owned()))
            }
            (None, None) => Err(self.wrong(CATEGORY, "it is empty")),
        }
    }

    fn text(&self, names: &[&str]) -> Option<&str> {
        let place = names.iter().find_map(|name| self.columns.get(*name))?;
        self.row.get(*place).filter(|text| !text.is_empty())
    }

    fn need(&self, names: &[&str]) -> Result<&str, ImportError> {
        self.text(names).ok_or_else(|| self.wrong(names, "it is empty"))
    }

    fn wrong(&self, names: &[&str], problem: impl Into<String>) -> ImportError {
        let shown = names.iter().find(|name| self.columns.contains_key(**name));
        let name = shown.or(names.first()).copied().unwrap_or_default();
        ImportError::in_column(self.line, name, problem)
    }

    fn minor(&self, names: &[&str], currency: Currency) -> Result<i64, ImportError> {
        let text = self.need(names)?;
        let digits = usize::from(currency.facts().stripe_exponent);
        minor_units(text, digits).ok_or_else(|| {
            self.wrong(names, format!("\"{text}\" is not an amount with {digits} decimals"))
        })
    }

    fn instant(&self, names: &[&str]) -> Result<Timestamp, ImportError> {
        let text = self.need(names)?;
        instant(text).ok_or_else(|| {
            self.wrong(names, format!("\"{text}\" is not a time such as 2026-03-01 12:00:00"))
        })
    }
}

/// Reads a decimal number of major units exactly: `-12.5` with two digits is -1250. More digits
/// than that must be zeros.
fn minor_units(text: &str, digits: usize) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let (kept, rest) = fraction.split_at(fraction.len().min(digits));
    if rest.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let magnitude = format!("{whole}{kept:0<digits$}");
    let sign = if unsigned.len() == text.len() { "" } else { "-" };
    format!("{sign}{magnitude}").parse().ok()
}

/// Reads `2026-03-01 12:00:00`, with or without seconds, as UTC; RFC 3339; or unix seconds.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(Timestamp::from_unix_seconds(seconds));
    }
    let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"];
    let naive = formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    naive.map(|naive| naive.and_utc().into()).or_else(|| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!(minor_units("103.25", 2), Some(10_325));
        assert_eq!(minor_units("-0.05", 2), Some(-5));
        assert_eq!(minor_units("12.5", 2), Some(1_250));
        assert_eq!(minor_units("5000", 0), Some(5_000));
        assert_eq!(minor_units("5000.00", 0), Some(5_000));
        assert_eq!(minor_units("5.130", 3), Some(5_130));
        assert_eq!(minor_units("-92233720368547758.08", 2), Some(i64::MIN));
        for wrong in ["", "-", "1,000.00", "1.005", ".5", "1e3", "92233720368547758.08", "--1"] {
            assert_eq!(minor_units(wrong, 2), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_read_as_utc() {
        let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for text in ["2026-03-01 12:00:00", "2026-03-01 12:00", "2026-03-01T13:00:00+01:00"] {
            assert_eq!(instant(text), Some(noon), "{text}");
        }
        assert_eq!(instant(&noon.unix_seconds().to_string()), Some(noon));
        assert_eq!(instant("01/03/2026"), None);
    }

    #[test]
    fn headers_are_compared_by_their_letters() {
        assert_eq!(normal("Created (UTC)"), "created_utc");
        assert_eq!(normal(" payment_metadata[daybook_order] "), "payment_metadata_daybook_order");
    }
}
