//! How every account stands while an export is written: which were declared, and their balances.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::NaiveDate;
use kernel::Currency;
use projections::{
    chart::{Account, Book, Members},
    journal::JournalLine,
};
use sha2::{Digest, Sha256};

use crate::BooksFault;

/// Which account of which book.
pub(crate) type Key = (Book, Account);

/// The sums of an account in one currency; debits positive, minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sums {
    /// Before the scope's first day.
    pub(crate) opening: i128,
    /// Within the scope.
    pub(crate) during: i128,
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Known {
    pub(crate) declared: bool,
    pub(crate) sums: BTreeMap<Currency, Sums>,
}

/// All accounts that are open or long-lived. Accounts of single objects (a charge, a claim) are
/// forgotten when they are back at zero; of those only a hash is kept, so that none is declared twice.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    accounts: BTreeMap<Key, Known>,
    settled: HashSet<u128>,
    /// Those settled since they were last asked for.
    fresh: Vec<u128>,
    currencies: BTreeSet<Currency>,
    last_day: Option<NaiveDate>,
}

/// Whether an account is named after one object, whose money it holds for a while.
pub(crate) fn is_passing(account: &Account) -> bool {
    account.family().members == Members::PerObject
}

impl Standing {
    /// As it was when an export was interrupted.
    pub(crate) fn restored(
        accounts: BTreeMap<Key, Known>,
        settled: HashSet<u128>,
        currencies: BTreeSet<Currency>,
        last_day: Option<NaiveDate>,
    ) -> Self {
        Self { accounts, settled, fresh: Vec::new(), currencies, last_day }
    }

    pub(crate) const fn accounts(&self) -> &BTreeMap<Key, Known> {
        &self.accounts
    }

    pub(crate) const fn currencies(&self) -> &BTreeSet<Currency> {
        &self.currencies
    }

    pub(crate) const fn last_day(&self) -> Option<NaiveDate> {
        self.last_day
    }

    pub(crate) fn settled_count(&self) -> usize {
        self.settled.len()
    }

    /// The hashes of accounts settled since the last call.
    pub(crate) fn take_fresh(&mut self) -> Vec<u128> {
        std::mem::take(&mut self.fresh)
    }

    /// Adds lines from before the scope to the opening balances.
    pub(crate) fn open(&mut self, lines: &[JournalLine]) -> Result<(), BooksFault> {
        for line in lines {
            let sums = self.known(line).sums.entry(line.currency).or_default();
            add(&mut sums.opening, line)?;
        }
        self.settle(lines);
        Ok(())
    }

    /// Adds a line. Answers whether its currency and its account are to be declared first.
    pub(crate) fn post(
        &mut self,
        line: &JournalLine,
        day: NaiveDate,
    ) -> Result<(bool, bool), BooksFault> {
        self.last_day = self.last_day.max(Some(day));
        let known = self.known(line);
        let undeclared = !std::mem::replace(&mut known.declared, true);
        add(&mut known.sums.entry(line.currency).or_default().during, line)?;
        Ok((self.currencies.insert(line.currency), undeclared))
    }

    /// Declares an account and a currency of an opening balance; whether either is new.
    pub(crate) fn declare(&mut self, key: &Key, currency: Currency) -> (bool, bool) {
        let known = self.accounts.entry(key.clone()).or_default();
        (self.currencies.insert(currency), !std::mem::replace(&mut known.declared, true))
    }

    /// Forgets those of the lines' accounts that are done with.
    pub(crate) fn settle(&mut self, lines: &[JournalLine]) {
        for line in lines.iter().filter(|line| is_passing(&line.account)) {
            let key = (line.book.clone(), line.account.clone());
            let done = self.accounts.get(&key).is_some_and(|known| {
                known.sums.values().all(|sums| sums.opening == 0 && sums.during == 0)
            });
            if done && self.accounts.remove(&key).is_some_and(|known| known.declared) {
                let hash = hash_of(&key);
                if self.settled.insert(hash) {
                    self.fresh.push(hash);
                }
            }
        }
    }

    fn known(&mut self, line: &JournalLine) -> &mut Known {
        let key = (line.book.clone(), line.account.clone());
        let settled = &self.settled;
        self.accounts.entry(key).or_insert_with_key(|key| Known {
            declared: is_passing(&key.1) && !settled.is_empty() && settled.contains(&hash_of(key)),
            sums: BTreeMap::new(),
        })
    }
}

fn add(sum: &mut i128, line: &JournalLine) -> Result<(), BooksFault> {
    *sum = sum
        .checked_add(i128::from(line.minor))
        .ok_or_else(|| BooksFault::Overflow(line.account.name()))?;
    Ok(())
}

/// Enough of SHA-256 that no two accounts of a log will ever share it.
fn hash_of(key: &Key) -> u128 {
    let mut hash = Sha256::new();
    hash.update(key.0.to_string());
    hash.update([0]);
    hash.update(key.1.name());
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    u128::from_be_bytes(half)
}
