//! What can be asked of a tenant's periods.

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::Currency;

use super::events::Evidence;
use crate::vocabulary::Person;

/// A rate of exchange somebody states: one unit of `currency` is worth `rate` units of the
/// functional currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatedRate {
    /// The foreign currency.
    pub currency: Currency,
    /// A decimal number as written, such as `1.0850`.
    pub rate: String,
}

/// What stands on `equity:conversion` in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Converted {
    /// The currency.
    pub currency: Currency,
    /// Minor units, debits positive.
    pub minor: i64,
}

/// What can be asked of a tenant's periods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeriodCommand {
    /// Close everything through this day of the tenant's time zone.
    Close {
        /// The last day that is closed.
        day: NaiveDate,
        /// The tenant's time zone.
        zone: Tz,
        /// What the books said then.
        evidence: Evidence,
        /// Who closes.
        by: Person,
    },
    /// Undo the last closing: one person asks, another agrees.
    Reopen {
        /// Why; the first person's words count.
        reason: String,
        /// Who asks or agrees.
        by: Person,
    },
    /// Make all closings final.
    Lock {
        /// Who locks.
        by: Person,
    },
    /// Value what stands on `equity:conversion` at the rates of a day, and book the difference.
    Revalue {
        /// The day whose rates these are; it takes effect in its last instant.
        day: NaiveDate,
        /// The tenant's time zone.
        zone: Tz,
        /// The currency in which the tenant reckons.
        functional: Currency,
        /// What stands on `equity:conversion` now, all currencies.
        balances: Vec<Converted>,
        /// The rates.
        rates: Vec<StatedRate>,
        /// Who published the rates.
        source: String,
        /// Who revalues.
        by: Person,
    },
}
