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
        // assets:clearing:stripe:charge:ch_1, or assets:clearing:internal:claim:ord_1:0
        let object = account.splitn(5, ':').nth(4).unwrap_or(account);
        let listed = books.open_items.iter().any(|word| word.contains(object));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scale;
    use crate::{ApiRequest, NewAccount, Operation, Seed};

    /// Books that say what Stripe and the calculation say.
    fn right(fake: &FakeStripe, scenario: &Scenario) -> Books {
        let expected = Expected::of(scenario).with_transfers(scenario, fake).unwrap();
        let mut books = Books { sellers: expected.positions(), ..Books::default() };
        let mut put = |book: &str, account: String, currency: &str, amount: i128| {
            books.accounts.insert((book.into(), account, currency.into()), amount);
        };
        for owner in [None].into_iter().chain(fake.accounts().iter().map(Some)) {
            let owner = owner.map(String::as_str);
            for (currency, minor) in fake.balance(owner) {
                let book = owner.unwrap_or("platform");
                put(book, "assets:stripe:balance".into(), &currency, minor.into());
            }
        }
        for (currency, amount) in &expected.commission {
            put("platform", "income:commission".into(), currency, -amount - 7);
            put("platform", "income:commission-refunded".into(), currency, 7);
        }
        for (currency, amount) in &expected.discounts {
            put("platform", "income:discounts".into(), currency, *amount);
        }
        for ((jurisdiction, currency), amount) in &expected.tax {
            put("platform", format!("liabilities:tax:{jurisdiction}"), currency, -amount);
        }
        put("platform", "assets:clearing:stripe:charge:ch_1".into(), "usd", 0);
        books
    }

    fn played() -> (FakeStripe, Scenario) {
        let scenario = Scenario::generate(7, Scale::TENTH);
        let fake = FakeStripe::new(Seed(7), scenario.header.start);
        fake.apply("sale", Operation::Pay(crate::BarePayment::default())).unwrap();
        let key = crate::scenario::account_key("seller-01");
        fake.apply(&key, Operation::CreateAccount(NewAccount::default())).unwrap();
        fake.advance_to(scenario.header.start + 9 * 86_400).unwrap();
        let form = format!(
            "amount=500&currency=usd&destination={}&metadata[daybook_payout]=pyt_1",
            fake.id_of("acct", &key)
        );
        let answer = fake.call(&ApiRequest::post("/v1/transfers", &form).key("t")).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        (fake, scenario)
    }

    #[test]
    fn right_books_show_no_difference() {
        let (fake, scenario) = played();
        let books = right(&fake, &scenario);
        assert_eq!(compare(&books, &fake, &scenario).unwrap(), []);
    }

    #[test]
    fn each_kind_of_mistake_is_named() {
        let (fake, scenario) = played();
        let account = fake.id_of("acct", &crate::scenario::account_key("seller-01"));
        let key =
            |book: &str, account: &str| (book.to_owned(), account.to_owned(), "usd".to_owned());
        for (entry, what) in [
            (key("platform", "assets:stripe:balance"), "platform assets:stripe:balance"),
            (key(&account, "assets:stripe:balance"), "assets:stripe:balance"),
            (key("platform", "assets:stripe:reserved"), "assets:stripe:reserved"),
            (key("platform", "income:commission-refunded"), "commission less what was returned"),
            (key("platform", "income:discounts"), "discounts"),
            (key("platform", "liabilities:tax:US-CA"), "tax owed to US-CA"),
            (
                key("platform", "assets:clearing:stripe:charge:ch_1"),
                "platform assets:clearing:stripe:charge:ch_1",
            ),
        ] {
            let mut books = right(&fake, &scenario);
            *books.accounts.entry(entry).or_default() += 1;
            let differences = compare(&books, &fake, &scenario).unwrap();
            assert_eq!(differences.len(), 1, "{differences:?}");
            assert!(differences[0].what.contains(what), "{differences:?}");
            assert_eq!((differences[0].books - differences[0].expected).abs(), 1);
        }
        let mut books = right(&fake, &scenario);
        *books.sellers.values_mut().next().unwrap() -= 1;
        assert_eq!(compare(&books, &fake, &scenario).unwrap().len(), 1);
    }

    #[test]
    fn clearing_may_be_open_if_the_work_list_says_so() {
        let (fake, scenario) = played();
        for (item, allowed) in [("the refund of ch_1 is open", true), ("ch_2 is open", false)] {
            let mut books = right(&fake, &scenario);
            for (account, balance) in &mut books.accounts {
                *balance += i128::from(account.1 == "assets:clearing:stripe:charge:ch_1");
            }
            books.open_items.insert(item.into());
            assert_eq!(compare(&books, &fake, &scenario).unwrap().is_empty(), allowed, "{item}");
        }
    }
}
