//! The balance of every account; the trial balance is their list.

use std::collections::BTreeMap;

use kernel::{Currency, SellerId, TenantId};
use store::{Column, ColumnType, RowHash, Table, TableDef, Value};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    chart::{Account, Book},
    postings::POSTINGS_VERSION,
    projection::{add, key},
};

store::table! {
    /// What was posted to an account, in one book and one currency. A trial balance is the list of
    /// these; per book and currency the balances add up to zero.
    pub struct AccountBalance as "account_balances" {
        key {
            /// Owner.
            tenant: TenantId,
            /// `platform`, or the connected account whose mirror this is.
            book: Book,
            /// The account.
            account: Account,
            /// The currency of every amount in the row.
            currency: Currency,
        }
        /// Everything debited; minor units.
        debits: i64,
        /// Everything credited; minor units.
        credits: i64,
        /// Debits less credits; minor units.
        balance: i64,
    }
    indexes [["tenant", "account"]]
}

/// The balances of all accounts.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccountBalances;

impl Projection for AccountBalances {
    fn name(&self) -> &'static str {
        "account_balances"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[AccountBalance::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let tenant = occurrence.tenant();
        for entry in occurrence.entries {
            for line in entry.lines() {
                wanted.row::<AccountBalance>(key![
                    tenant,
                    *entry.book(),
                    *line.account(),
                    entry.currency()
                ]);
            }
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let tenant = occurrence.tenant();
        for entry in occurrence.entries {
            for line in entry.lines() {
                let key = key![tenant, *entry.book(), *line.account(), entry.currency()];
                let row = rows.upsert(key, || AccountBalance {
                    tenant,
                    book: entry.book().clone(),
                    account: line.account().clone(),
                    currency: entry.currency(),
                    debits: 0,
                    credits: 0,
                    balance: 0,
                })?;
                let signed = line.signed();
                let side = if signed > 0 { &mut row.debits } else { &mut row.credits };
                add(side, line.minor(), "total of an account")?;
                add(&mut row.balance, signed, "balance of an account")?;
            }
        }
        Ok(())
    }
}

/// What two histories must agree on although their facts arrived in another order: the balance of
/// every account that is not zero, with each seller's accounts added up to one.
///
/// When facts arrive in another order, our own decisions may rightly split a seller's money
/// differently between pending, available, reserve, dispute hold and receivable. Everything else,
/// and each seller's total, is the same.
#[must_use]
pub fn balance_hash<'a>(rows: impl IntoIterator<Item = &'a AccountBalance>) -> RowHash {
    let mut totals: BTreeMap<(TenantId, Book, String, Currency), i128> = BTreeMap::new();
    for row in rows {
        let name = match row.account.seller() {
            Some(seller) => seller_total(seller),
            None => row.account.name(),
        };
        let total = totals.entry((row.tenant, row.book.clone(), name, row.currency)).or_default();
        *total += i128::from(row.balance);
    }
    totals
        .into_iter()
        .filter(|(_, total)| *total != 0)
        .map(|((tenant, book, name, currency), total)| {
            let mut values = key![tenant, book, name, currency];
            values.push(Value::text(total.to_string()));
            RowHash::of(const { &BALANCES }, &values)
        })
        .sum()
}

fn seller_total(seller: SellerId) -> String {
    format!("seller:{seller}")
}

const fn text(name: &'static str, comment: &'static str) -> Column {
    Column { name, kind: ColumnType::Text, comment, hashed: true }
}

/// Not a stored table: it only says how a balance is written for the hash.
const BALANCES: TableDef = TableDef {
    name: "balance_hash",
    comment: "Balances that do not depend on the order of arrival.",
    columns: &[
        text("tenant", "Owner."),
        text("book", "Whose books."),
        text("account", "The account, or the seller whose accounts are added up."),
        text("currency", "The currency."),
        text("balance", "Debits less credits, minor units, in decimal digits."),
    ],
    key_columns: 4,
    indexes: &[],
};
