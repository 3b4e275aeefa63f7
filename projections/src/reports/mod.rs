//! The reports: from journal lines to tables of figures, pure.
//!
//! A report is a [`Fold`]: it says which lines it wants, takes them one after the other in any
//! order, and is then finished into a [`Report`]. Every money figure names the lines it is the sum
//! of ([`Figure`]), so that any of them can be recomputed and explained; only sums that run down a
//! column have none. A report that has something to prove says so in its [`Check`]s.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{OrderId, SellerId};

use crate::{chart::Book, journal::JournalLine};

mod aged;
mod catalogue;
mod fees;
mod figure;
mod general_ledger;
mod gmv;
mod monthly;
mod mrr;
mod payout_register;
mod revenue;
mod seller_statement;
mod shape;
mod take_rate;
mod tax;
mod trial_balance;
mod window;

pub use crate::selectors::Natures;
pub use aged::{AgedClearing, AgedReceivables};
pub use catalogue::{Needs, ReportName, Span};
pub use fees::Fees;
pub use figure::{Figure, Term};
pub use general_ledger::GeneralLedger;
pub use gmv::Gmv;
pub use mrr::{Mrr, MrrMovement, MrrMovementKind};
pub use payout_register::PayoutRegister;
pub use revenue::Revenue;
pub use seller_statement::SellerStatement;
pub use shape::{Cell, Check, Column, Report, Row, Section, Unit};
pub use take_rate::TakeRate;
pub use tax::TaxLiability;
pub use trial_balance::{Detail, TrialBalance};
pub use window::{Month, NotAMonth, Window};

/// How many rows a report may have at most: a longer one is asked for in parts.
pub const ROWS_MAX: usize = 50_000;

/// Why a report cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReportFault {
    /// A sum does not fit into 64 bits of minor units.
    #[error("the {0} exceeds 64-bit minor units")]
    Overflow(&'static str),
    /// It would have more rows than anybody reads at once.
    #[error("this report has more than {ROWS_MAX} rows; ask for a shorter period")]
    TooLong,
}

/// What a report is about: whose book, when, as known when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// When what is counted took effect.
    pub window: Window,
    /// In which time zone days and months are.
    pub zone: chrono_tz::Tz,
    /// The last position of the log that counts.
    pub known_at: u64,
    /// In which book; `None` is all of them.
    pub book: Option<Book>,
    /// In which currency; `None` is all of them, each by itself.
    pub currency: Option<kernel::Currency>,
}

impl Scope {
    /// Whether a line is of this book and currency, known by then, and took effect before the end.
    #[must_use]
    pub fn holds(&self, line: &JournalLine) -> bool {
        line.effective_at < self.window.to
            && line.position.0 <= self.known_at
            && self.book.as_ref().is_none_or(|book| *book == line.book)
            && self.currency.is_none_or(|currency| currency == line.currency)
    }

    /// Whether a line moves something within the period, and not before it.
    #[must_use]
    pub fn moves(&self, line: &JournalLine) -> bool {
        self.window.from.is_none_or(|from| line.effective_at >= from)
    }
}

/// Which lines a report reads. More do no harm.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Of these accounts; empty is all.
    pub accounts: Vec<String>,
    /// Of accounts of these families; empty is all.
    pub families: Vec<&'static str>,
    /// About this seller only.
    pub seller: Option<SellerId>,
    /// Also lines that took effect before the period, for what was there when it began.
    pub since_ever: bool,
}

/// What the things a report mentions are called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// The storefront's numbers of orders.
    pub orders: BTreeMap<OrderId, String>,
    /// The storefront's names of sellers.
    pub sellers: BTreeMap<SellerId, String>,
}

impl Names {
    fn order(&self, order: OrderId) -> String {
        self.orders.get(&order).cloned().unwrap_or_else(|| order.to_string())
    }

    fn seller(&self, seller: SellerId) -> String {
        self.sellers.get(&seller).cloned().unwrap_or_else(|| seller.to_string())
    }
}

/// What a report mentions by id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mentions {
    /// Orders.
    pub orders: BTreeSet<OrderId>,
    /// Sellers.
    pub sellers: BTreeSet<SellerId>,
}

/// A report being made.
pub trait Fold: Send {
    /// Which lines it wants to see.
    fn selection(&self) -> Selection;

    /// Takes one line. Lines that are none of its business change nothing.
    ///
    /// # Errors
    /// [`ReportFault`].
    fn take(&mut self, line: &JournalLine) -> Result<(), ReportFault>;

    /// What it will mention by id, once all lines are taken.
    fn mentions(&self) -> Mentions {
        Mentions::default()
    }

    /// The finished report.
    ///
    /// # Errors
    /// [`ReportFault`].
    fn finish(self: Box<Self>, names: &Names) -> Result<Report, ReportFault>;
}

/// Adds to a sum.
fn add(total: &mut i128, minor: i128) -> Result<(), ReportFault> {
    *total = total.checked_add(minor).ok_or(ReportFault::Overflow("sum of a report"))?;
    Ok(())
}
