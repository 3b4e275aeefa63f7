//! The balances of one side, account by account.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kernel::{Currency, SellerId, TenantId};
use projections::{
    chart::{Account, Book, SellerPart, Side},
    postings::Entry,
};

use super::report::{AccountRow, SellerRow, TrialRow};

type Key = (TenantId, Book, Account, Currency);

/// Debits less credits of every account that is not at zero.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Books(HashMap<Key, i128>);

impl Books {
    pub(super) fn post(&mut self, tenant: TenantId, entry: &Entry) {
        for line in entry.lines() {
            let key = (tenant, entry.book().clone(), line.account().clone(), entry.currency());
            let signed = i128::from(line.signed());
            // Claims and clearing accounts return to zero; without this, memory would hold them all.
            match self.0.entry(key) {
                std::collections::hash_map::Entry::Occupied(mut known) => {
                    *known.get_mut() += signed;
                    if *known.get() == 0 {
                        known.remove();
                    }
                }
                std::collections::hash_map::Entry::Vacant(new) => {
                    new.insert(signed);
                }
            }
        }
    }

    /// How many accounts stand elsewhere in the other books.
    pub(super) fn differing(&self, other: &Self) -> usize {
        let keys: BTreeSet<&Key> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).count()
    }
}

/// What both sides have of something.
type Pairs<K> = BTreeMap<K, (i128, i128)>;

fn pairs<K: Ord>(
    actual: &Books,
    what_if: &Books,
    keys: impl Fn(&Key) -> Vec<(K, i128)>,
) -> Pairs<K> {
    let mut pairs: Pairs<K> = BTreeMap::new();
    for (key, balance) in &actual.0 {
        for (group, sign) in keys(key) {
            pairs.entry(group).or_default().0 += sign * balance;
        }
    }
    for (key, balance) in &what_if.0 {
        for (group, sign) in keys(key) {
            pairs.entry(group).or_default().1 += sign * balance;
        }
    }
    pairs
}

const fn sign(side: Side) -> i128 {
    match side {
        Side::Debit => 1,
        Side::Credit => -1,
    }
}

/// The platform's own book by name, all connected accounts' together.
fn book_name(book: &Book) -> &'static str {
    match book {
        Book::Platform => "platform",
        Book::Mirror(_) => "connected accounts",
    }
}

/// Families of accounts, each on its normal side.
pub(super) fn accounts(actual: &Books, what_if: &Books) -> Vec<AccountRow> {
    let rows = pairs(actual, what_if, |(tenant, book, account, currency)| {
        let family = account.family();
        let group = (*tenant, book_name(book), family.pattern, *currency);
        vec![(group, sign(account.normal_side()))]
    });
    rows.into_iter()
        .map(|((tenant, book, family, currency), (actual, what_if))| AccountRow {
            tenant,
            book,
            family,
            currency,
            actual,
            what_if,
            difference: what_if - actual,
        })
        .collect()
}

/// What each seller has, part by part and in all: what he owes counts against him.
pub(super) fn sellers(
    actual: &Books,
    what_if: &Books,
    references: &HashMap<SellerId, String>,
) -> Vec<SellerRow> {
    let rows = pairs(actual, what_if, |(tenant, book, account, currency)| {
        let Some(seller) = account.seller().filter(|_| *book == Book::Platform) else {
            return Vec::new();
        };
        let part = match account {
            Account::Seller(_, SellerPart::Pending) => "pending",
            Account::Seller(_, SellerPart::Available) => "available",
            Account::Seller(_, SellerPart::Reserve) => "reserve",
            Account::Seller(_, SellerPart::DisputeHold) => "dispute_hold",
            _ => "receivable",
        };
        let group = |part| (*tenant, seller, *currency, part);
        vec![(group(part), sign(account.normal_side())), (group("total"), -1)]
    });
    let mut rows: Vec<SellerRow> = rows
        .into_iter()
        .map(|((tenant, seller, currency, part), (actual, what_if))| SellerRow {
            tenant,
            seller,
            reference: references.get(&seller).cloned(),
            currency,
            part,
            actual,
            what_if,
            difference: what_if - actual,
        })
        .collect();
    // Stable: the parts of a seller stay in order.
    rows.sort_by(|a, b| (a.tenant, &a.reference).cmp(&(b.tenant, &b.reference)));
    rows
}

/// Both trial balances: zero per book and currency, or something is very wrong.
pub(super) fn trial(actual: &Books, what_if: &Books) -> Vec<TrialRow> {
    let rows = pairs(actual, what_if, |(tenant, book, _, currency)| {
        vec![((*tenant, book_name(book), *currency), 1)]
    });
    rows.into_iter()
        .map(|((tenant, book, currency), (actual, what_if))| TrialRow {
            tenant,
            book,
            currency,
            actual,
            what_if,
        })
        .collect()
}
