//! What must always hold, checked after every event: by the read model `invariants`, which runs
//! always and names what is broken, and in memory by [`Checker`], for tests, simulations and
//! `daybook check`. Both are the same fold over the same rows.
//!
//! A broken invariant is an [`Alarm`] with the entries that broke it; it never stops the fold. Where
//! a sum over the whole history holds exactly when it holds entry by entry, it is checked entry by
//! entry and costs no row (see `alone`).

mod alone;
mod catalogue;
mod found;
mod lines;
mod open;
mod rows;
mod standing;
mod tenant;

use std::fmt;

use kernel::{Currency, TenantId};
use store::{Position, TableDef};

pub use catalogue::{AGE_LIMITS, AgeLimit, Invariant, WatchedBy};
pub use rows::{
    Alarm, AlarmState, CheckedAccount, CheckedLiability, CheckedLine, CheckedReversal,
    CheckedSeller, CheckedTenant,
};

use crate::{
    FoldError, Occurrence, Projection, Rows, Wanted, chart::Account, postings::POSTINGS_VERSION,
};
use found::{Finding, Found, clear, raise, want};

/// The invariants, watched.
#[derive(Debug, Clone, Copy, Default)]
pub struct Invariants;

impl Projection for Invariants {
    fn name(&self) -> &'static str {
        "invariants"
    }

    fn version(&self) -> u32 {
        POSTINGS_VERSION
    }

    fn tables(&self) -> &'static [TableDef] {
        use store::Table;
        const {
            &[
                Alarm::TABLE,
                CheckedAccount::TABLE,
                CheckedSeller::TABLE,
                CheckedLine::TABLE,
                CheckedLiability::TABLE,
                CheckedReversal::TABLE,
                CheckedTenant::TABLE,
            ]
        }
    }

    /// It reads them where there are some, and must go on, with an alarm, where a fact cannot be
    /// posted.
    fn reads_entries(&self) -> bool {
        false
    }

    fn keys(&self, occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
        let mut seen = Found::default();
        alone::examine(occurrence, &mut seen);
        for finding in seen.wrong {
            want(occurrence, wanted, finding.invariant, finding.subject);
        }
        for (invariant, subject) in seen.right {
            want(occurrence, wanted, invariant, subject);
        }
        tenant::keys(occurrence, wanted);
        for entry in occurrence.entries {
            open::keys(occurrence, entry, wanted);
            standing::keys(occurrence, entry, wanted);
            lines::keys(occurrence, entry, wanted);
        }
    }

    fn fold(&self, occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
        let found = examine(occurrence, rows)?;
        apply(occurrence, rows, found.wrong, found.right)
    }
}

/// Looks at one event, with what the rows remember, and remembers it.
fn examine(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<Found, FoldError> {
    let mut found = Found::default();
    alone::examine(occurrence, &mut found);
    let clock = tenant::examine(occurrence, rows, &mut found)?;
    for entry in occurrence.entries {
        open::examine(occurrence, entry, clock, rows, &mut found)?;
        standing::examine(occurrence, entry, rows, &mut found)?;
        lines::examine(occurrence, entry, rows, &mut found)?;
    }
    Ok(found)
}

fn apply(
    occurrence: &Occurrence<'_>,
    rows: &mut Rows,
    wrong: Vec<Finding>,
    right: Vec<(Invariant, String)>,
) -> Result<(), FoldError> {
    for finding in wrong {
        raise(occurrence, rows, finding)?;
    }
    for healed in right {
        clear(occurrence, rows, healed)?;
    }
    Ok(())
}

/// Something that must never be, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// After which event.
    pub position: Position,
    /// What it is about: an account, an order, a payout, an event.
    pub subject: String,
    /// What is wrong, with the figures.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invariant, position, subject, what } = self;
        write!(f, "{invariant} at position {position}: {subject}: {what}")
    }
}

/// An account that has not returned to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAccount {
    /// Owner.
    pub tenant: TenantId,
    /// The account, behind its book where that is not the platform's; with its currency where it may
    /// have several.
    pub account: String,
    /// Its currency.
    pub currency: Currency,
    /// Debits less credits, minor units.
    pub balance: i64,
}

/// How many events the checker takes in before it forgets what has come and gone.
const TIDY_EVERY: u64 = 10_000;

/// Watches the books event by event, in memory. Feed it every occurrence from the first on.
#[derive(Debug)]
pub struct Checker {
    rows: Rows,
    checked: [u64; Invariant::ALL.len()],
    events: u64,
}

impl Default for Checker {
    fn default() -> Self {
        Self::new()
    }
}

impl Checker {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        let rows = Rows::from_nothing();
        Self { rows, checked: [0; Invariant::ALL.len()], events: 0 }
    }

    /// Takes one event in, and says what is wrong now. An account that is only late (I5) is not
    /// among it: see [`Self::overdue`].
    pub fn check(&mut self, occurrence: &Occurrence<'_>) -> Vec<Violation> {
        self.events += 1;
        if self.events.is_multiple_of(TIDY_EVERY) {
            self.rows.keep_only_rows();
        }
        let violation = |invariant, subject, what| Violation {
            invariant,
            position: occurrence.recorded.position,
            subject,
            what,
        };
        let outcome = examine(occurrence, &mut self.rows).and_then(|found| {
            for (total, count) in self.checked.iter_mut().zip(found.checked) {
                *total = total.saturating_add(count);
            }
            let stand = found.standing.into_iter();
            let mut all: Vec<Violation> = stand
                .map(|(invariant, subject, what)| violation(invariant, subject, what))
                .collect();
            all.extend(found.wrong.iter().map(|finding| {
                violation(finding.invariant, finding.subject.clone(), finding.what.clone())
            }));
            apply(occurrence, &mut self.rows, found.wrong, found.right)?;
            Ok(all)
        });
        outcome.unwrap_or_else(|error| {
            vec![violation(Invariant::I1, alone::about(occurrence), error.to_string())]
        })
    }

    /// How many events were taken in.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// How often an invariant was looked at.
    #[must_use]
    pub fn checked(&self, invariant: Invariant) -> u64 {
        self.checked.get(invariant.place()).copied().unwrap_or_default()
    }

    /// Every alarm there is or was, by the clock of its tenant's books; sorted by invariant.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        let clocks: std::collections::BTreeMap<TenantId, kernel::Timestamp> =
            self.rows.held_rows::<CheckedTenant>().map(|row| (row.tenant, row.clock)).collect();
        let mut alarms: Vec<Alarm> = self
            .rows
            .held_rows::<Alarm>()
            .filter(|row| {
                let is_watched = row.invariant == Invariant::I5;
                !is_watched || clocks.get(&row.tenant).is_some_and(|clock| row.since <= *clock)
            })
            .cloned()
            .collect();
        alarms.sort_by(|a, b| (a.invariant, &a.subject).cmp(&(b.invariant, &b.subject)));
        alarms
    }

    /// The accounts that should have returned to zero by now (I5).
    #[must_use]
    pub fn overdue(&self) -> Vec<Alarm> {
        let mut alarms = self.alarms();
        alarms.retain(|row| row.invariant == Invariant::I5 && row.state == AlarmState::Open);
        alarms
    }

    /// The accounts that should return to zero and stand elsewhere now, sorted by name. How old each
    /// may be is a question of its kind: [`AGE_LIMITS`].
    #[must_use]
    pub fn open_accounts(&self) -> Vec<OpenAccount> {
        let on_their_way = self.rows.held_rows::<Alarm>().filter_map(|row| {
            let watched = matches!(row.invariant, Invariant::I5 | Invariant::I16);
            let balance = row.amount.filter(|balance| watched && *balance != 0)?;
            Some(OpenAccount {
                tenant: row.tenant,
                account: row.subject.clone(),
                currency: row.currency?,
                balance,
            })
        });
        let owed_to_buyers = self
            .rows
            .held_rows::<CheckedAccount>()
            .filter(|row| row.account == Account::RefundsPayable && row.balance != 0)
            .map(|row| OpenAccount {
                tenant: row.tenant,
                account: row.account.name(),
                currency: row.currency,
                balance: row.balance.saturating_neg(),
            });
        let mut open: Vec<OpenAccount> = on_their_way.chain(owed_to_buyers).collect();
        open.sort_by(|a, b| (a.tenant, &a.account).cmp(&(b.tenant, &b.account)));
        open
    }
}
