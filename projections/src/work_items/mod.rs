//! What a person may have to look at: money that is not where it should end, messages nobody could
//! use, calls whose outcome is not known, and decisions that are due.
//!
//! An item is there while it is open and gone when it is done. Whether it is *late* is decided when
//! the list is read, from `opened_at` and `due_by`: a clearing account that is open for an hour is
//! how the ledger works, one that is open for a week is somebody's work.

use kernel::{Currency, TenantId, Timestamp};
use store::{Position, Table, TableDef, Value};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted,
    chart::{Account, Book, Clearing},
    postings::{Entry, POSTINGS_VERSION, Posting},
    projection::{add, key},
};

mod changes;

use changes::{Change, changes};

store::table! {
    /// Something open.
    pub struct WorkItem as "work_items" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Its name: the account, or what it is about.
            #[unhashed = "built from minted ids"]
            item: String,
        }
        /// Which kind of work; see the guide for finance operations.
        kind: String,
        /// The id of what it is about: an order, a payout, a Stripe object.
        #[unhashed = "minted"]
        subject: String,
        /// What is the matter, in a few words.
        detail: String,
        /// How much money it is about; minor units, signed as the account stands.
        amount: Option<i64>,
        /// The currency of that.
        currency: Option<Currency>,
        /// When it began.
        #[unhashed = "depends on the order of arrival"]
        opened_at: Timestamp,
        /// By when it should be done, where there is a date.
        due_by: Option<Timestamp>,
        /// The event that opened it.
        #[unhashed = "positions are a log's own"]
        position: Position,
    }
    indexes [["tenant", "kind", "opened_at"], ["tenant", "opened_at"]]
}

/// The work list.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkItems;

impl Projection for WorkItems {
    fn name(&self) -> &'static str {
        "work_items"
    }

    fn version(&self) -> u32 {
        // Once more for rows that keep their amount when the next fact does not name it.
        POSTINGS_VERSION + 1
    }

    fn tables(&self) -> &'static [TableDef] {
        const { &[WorkItem::TABLE] }
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let tenant = occurrence.tenant();
        for change in changes(occurrence) {
            wanted.row::<WorkItem>(key![tenant, change.item().to_owned()]);
        }
        for (entry, line) in open_lines(occurrence) {
            wanted.row::<WorkItem>(account_key(tenant, entry, line));
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let tenant = occurrence.tenant();
        for change in changes(occurrence) {
            match change {
                Change::Open(open) => {
                    let key = key![tenant, open.item];
                    // What was open before stays open since then, and about that much.
                    let known = rows.get::<WorkItem>(key)?;
                    let opened_at = known.map_or(open.at, |row| row.opened_at);
                    let position = known.map_or(occurrence.recorded.position, |row| row.position);
                    let (amount, currency) = match (open.amount, known) {
                        (Some(amount), _) => (Some(amount.minor()), Some(amount.currency())),
                        (None, Some(known)) => (known.amount, known.currency),
                        (None, None) => (None, None),
                    };
                    rows.put(WorkItem {
                        tenant,
                        item: open.item,
                        kind: open.kind.to_owned(),
                        subject: open.subject,
                        detail: open.detail,
                        amount,
                        currency,
                        opened_at,
                        due_by: open.due_by,
                        position,
                    })?;
                }
                Change::Close(item) => rows.delete::<WorkItem>(key![tenant, item])?,
            }
        }
        for (entry, line) in open_lines(occurrence) {
            account_moved(occurrence, entry, line, rows)?;
        }
        Ok(())
    }
}

/// The lines on accounts whose balance is work while it is not zero. What is owed to buyers is an
/// item per refund, not per account.
fn open_lines<'a>(
    occurrence: &Occurrence<'a>,
) -> impl Iterator<Item = (&'a Entry, &'a Posting)> + use<'a> {
    occurrence
        .entries
        .iter()
        .flat_map(|entry| entry.lines().iter().map(move |line| (entry, line)))
        .filter(|(_, line)| {
            line.account().must_return_to_zero() && *line.account() != Account::RefundsPayable
        })
}

fn account_item(entry: &Entry, line: &Posting) -> String {
    let name = match entry.book() {
        Book::Platform => line.account().name(),
        Book::Mirror(account) => format!("{account}:{}", line.account()),
    };
    format!("{name}:{}", entry.currency())
}

fn account_key(tenant: TenantId, entry: &Entry, line: &Posting) -> Vec<Value> {
    key![tenant, account_item(entry, line)]
}

fn account_moved(
    occurrence: &Occurrence<'_>,
    entry: &Entry,
    line: &Posting,
    rows: &mut Rows,
) -> Result<(), FoldError> {
    let tenant = occurrence.tenant();
    let row = rows.upsert(account_key(tenant, entry, line), || WorkItem {
        tenant,
        item: account_item(entry, line),
        kind: String::new(),
        subject: subject_of(line.account()),
        detail: line.account().name(),
        amount: Some(0),
        currency: Some(entry.currency()),
        opened_at: entry.effective(),
        due_by: None,
        position: occurrence.recorded.position,
    })?;
    let mut balance = row.amount.unwrap_or_default();
    add(&mut balance, line.signed(), "balance of an open account")?;
    row.amount = Some(balance);
    kind_of(line.account(), balance).clone_into(&mut row.kind);
    if balance == 0 {
        rows.delete::<WorkItem>(account_key(tenant, entry, line))?;
    }
    Ok(())
}

/// The Stripe object or claim an account is named after.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other account is its own subject")]
fn subject_of(account: &Account) -> String {
    match account {
        Account::Clearing(_, id) | Account::Unallocated(id) | Account::InternalAppFee(id) => {
            id.clone()
        }
        Account::Claim(claim) => claim.0.clone(),
        Account::PayoutInTransit(payout) => payout.0.clone(),
        Account::DisputesOpen(dispute) => dispute.0.clone(),
        other => other.name(),
    }
}

/// What an open balance means. A positive balance of clearing is ours without Stripe's side, for
/// charges and everything else that comes in; a negative one is the other way round.
#[expect(clippy::wildcard_enum_match_arm, reason = "the accounts that may stay open are none")]
const fn kind_of(account: &Account, balance: i64) -> &'static str {
    match account {
        Account::Clearing(Clearing::Charge, _) if balance > 0 => "fee_unknown",
        Account::Clearing(..) => "open_clearing",
        Account::Claim(_) => "open_claim",
        Account::InternalAppFee(_) => "open_appfee",
        Account::Unallocated(_) => "unallocated",
        Account::PayoutInTransit(_) => "payout_in_transit",
        Account::DisputesOpen(_) => "dispute_money_open",
        Account::SuspenseStripe => "suspense",
        _ => "open_account",
    }
}
