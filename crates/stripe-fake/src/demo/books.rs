//! Daybook's books beside Stripe's balances and the independent calculation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{DemoError, Driver};
use crate::fake::FakeStripe;
use crate::journal::JournalError;
use crate::scenario::{Expected, Scenario};

/// What Daybook's books say. Amounts are minor units, currencies lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books {
    /// Debits less credits, by book (`platform` or `acct_...`), account and currency.
    pub accounts: BTreeMap<(String, String, String), i128>,
    /// What each seller is owed less what he owes, by the seller's key and currency.
    pub sellers: BTreeMap<(String, String), i128>,
    /// Every word in the list of work items: what is open and known to be open.
    pub open_items: BTreeSet<String>,
}

/// Something on which two sides do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What, in words: book and account, or seller.
    pub what: String,
    /// Lower-case currency.
    pub currency: String,
    /// What Daybook's books say, minor units.
    pub books: i128,
    /// What they should say, minor units.
    pub expected: i128,
}

impl Driver<'_> {
    /// Reads Daybook's books, with finance's key.
    ///
    /// # Errors
    /// When Daybook does not answer or refuses.
    pub async fn read_books(&self) -> Result<Books, DemoError> {
        let mut books = Books::default();
        for row in self.daybook.list("/v1/accounts").await? {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let key = (text("book"), text("account"), text("currency").to_lowercase());
            *books.accounts.entry(key).or_default() += number(&row, "balance");
        }
        for (key, id) in &self.notes.sellers {
            for row in self.daybook.list(&format!("/v1/sellers/{id}/balances")).await? {
                let currency = row["currency"].as_str().unwrap_or_default().to_lowercase();
                let position = ["pending", "available", "reserve", "dispute_hold"]
                    .iter()
                    .map(|part| number(&row, part))
                    .sum::<i128>()
                    - number(&row, "receivable");
                books.sellers.insert((key.clone(), currency), position);
            }
        }
        for row in self.daybook.list("/v1/work-items").await? {
            collect_words(&row, &mut books.open_items);
        }
        Ok(books)
    }
}

fn number(row: &Value, name: &str) -> i128 {
    row[name].as_i64().map_or(0, i128::from)
}

fn collect_words(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            words.insert(text.clone());
        }
        Value::Array(list) => list.iter().for_each(|value| collect_words(value, words)),
        Value::Object(fields) => fields.values().for_each(|value| collect_words(value, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Everything on which the books differ from Stripe's own balances, from the calculation made from
/// the scenario, and from zero where nothing may be open without being listed as open. Nothing is
/// the right answer.
///
/// # Errors
/// When the fake cannot be read.
pub fn compare(
    books: &Books,
    fake: &FakeStripe,
    scenario: &Scenario,
) -> Result<Vec<Difference>, JournalError> {
    let expected = Expected::of(scenario).with_transfers(scenario, fake)?;
    let mut differences = Vec::new();
    against_stripe(books, fake, &mut differences);
    let positions = expected.positions();
    both(&books.sellers, &positions, &mut differences, |(seller, currency)| {
        (format!("position of {seller}"), currency.clone())
    });
    against_totals(books, &expected, &mut differences);
    against_zero(books, &mut differences);
    Ok(differences)
}

fn against_stripe(books: &Books, fake: &FakeStripe, differences: &mut Vec<Difference>) {
    let accounts = fake.accounts();
    let owners = std::iter::once(None).chain(accounts.iter().map(|id| Some(id.as_str())));
    for owner in owners {
        let book = owner.unwrap_or("platform");
        for (account, balances) in [
            ("assets:stripe:balance", fake.balance(owner)),
            ("assets:stripe:reserved", fake.reserved(owner)),
        ] {
            let wanted: BTreeMap<String, i128> = balances
                .into_iter()
                .map(|(currency, minor)| (currency, i128::from(minor)))
                .collect();
            let ours: BTreeMap<String, i128> = books
                .accounts
                .iter()
                .filter(|((of, name, _), _)| of == book && name == account)
                .map(|((_, _, currency), balance)| (currency.clone(), *balance))
                .collect();
            both(&ours, &wanted, differences, |currency| {
                (format!("{book} {account}"), currency.clone())
            });
        }
    }
}

fn against_totals(books: &Books, expected: &Expected, differences: &mut Vec<Difference>) {
    let credit = |names: &[&str]| {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for ((book, account, currency), balance) in &books.accounts {
            if book == "platform" && names.contains(&account.as_str()) {
                *sums.entry(currency.clone()).or_default() -= balance;
            }
        }
        sums
    };
    let commission = credit(&["income:commission", "income:commission-refunded"]);
    both(&commission, &expected.commission, differences, |currency| {
        ("commission less what was returned".to_owned(), currency.clone())
    });
    let discounts: BTreeMap<String, i128> =
        expected.discounts.iter().map(|(currency, amount)| (currency.clone(), -amount)).collect();
    both(&credit(&["income:discounts"]), &discounts, differences, |currency| {
        ("discounts".to_owned(), currency.clone())
    });
    let mut tax: BTreeMap<(String, String), i128> = BTreeMap::new();
    for ((book, account, currency), balance) in &books.accounts {
        if let (Some(jurisdiction), "platform") =
            (account.strip_prefix("liabilities:tax:"), book.as_str())
        {
            *tax.entry((jurisdiction.to_owned(), currency.clone())).or_default() -= balance;
        }
    }
    both(&tax, &expected.tax, differences, |(jurisdiction, currency)| {
        (format!("tax owed to {jurisdiction}"), currency.clone())
    });
}

/// Clearing must be empty, except where an item of the work list names the account or its object.
fn against_zero(books: &Books, differences: &mut Vec<Difference>) {
    for ((book, account, currency), balance) in &books.accounts {
        let clears = account.starts_with("assets:clearing:") || account == "assets:suspense:stripe";
        let object = account.rsplit(':').next().unwrap_or_default();
        let listed = books.open_items.contains(account.as_str())
            || books.open_items.iter().any(|word| !object.is_empty() && word.contains(object));
        if clears && *balance != 0 && !listed {
            differences.push(Difference {
                what: format!("{book} {account}"),
                currency: currency.clone(),
                books: *balance,
                expected: 0,
            });
        }
    }
}

/// Compares two sides in which what is absent is zero.
fn both<K: Ord + Clone>(
    books: &BTreeMap<K, i128>,
    expected: &BTreeMap<K, i128>,
    differences: &mut Vec<Difference>,
    name: impl Fn(&K) -> (String, String),
) {
    let keys: BTreeSet<&K> = books.keys().chain(expected.keys()).collect();
    for key in keys {
        let ours = books.get(key).copied().unwrap_or(0);
        let theirs = expected.get(key).copied().unwrap_or(0);
        if ours != theirs {
            let (what, currency) = name(key);
            differences.push(Difference { what, currency, books: ours, expected: theirs });
        }
    }
}
