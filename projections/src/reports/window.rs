//! Periods: half-open, with days and months of the tenant's own calendar.

use std::{fmt, str::FromStr};

use aggregates::calendar;
use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use kernel::Timestamp;
use serde::Serialize;

/// When what is counted took effect: from an instant on (from the beginning, if there is none) and
/// before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Window {
    /// The first instant that counts.
    pub from: Option<Timestamp>,
    /// The first that does not count any more.
    pub to: Timestamp,
}

impl Window {
    /// From the beginning until before an instant.
    #[must_use]
    pub const fn until(to: Timestamp) -> Self {
        Self { from: None, to }
    }

    /// Whether an instant is within.
    #[must_use]
    pub fn holds(&self, instant: Timestamp) -> bool {
        instant < self.to && self.from.is_none_or(|from| from <= instant)
    }

    /// The part of it that is within a month.
    #[must_use]
    pub fn within(&self, month: Month, zone: Tz) -> Self {
        let (start, end) = (month.start(zone), month.next().start(zone));
        Self { from: Some(self.from.map_or(start, |from| from.max(start))), to: self.to.min(end) }
    }
}

/// A month of the calendar, written `2026-03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month(NaiveDate);

/// A text that is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a month; write a year and a month from 01 to 12, such as 2026-03")]
pub struct NotAMonth(pub String);

impl Month {
    /// The month an instant falls in, in a time zone.
    #[must_use]
    pub fn of(zone: Tz, instant: Timestamp) -> Self {
        let day = calendar::day_of(instant, zone);
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first instant, in a time zone.
    #[must_use]
    pub fn start(self, zone: Tz) -> Timestamp {
        let midnight = || self.0.and_time(NaiveTime::MIN).and_utc().into();
        calendar::start_of(self.0, zone).unwrap_or_else(midnight)
    }

    /// The one after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }

    /// All of it.
    #[must_use]
    pub fn window(self, zone: Tz) -> Window {
        Window { from: Some(self.start(zone)), to: self.next().start(zone) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let digits = |part: &str, length: usize| {
            let plain = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u32>().ok()).flatten()
        };
        text.split_once('-')
            .and_then(|(year, month)| Some((digits(year, 4)?, digits(month, 2)?)))
            .and_then(|(year, month)| {
                NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, 1).map(Self)
            })
            .ok_or_else(|| NotAMonth(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_of_the_tenants_own_calendar() {
        let berlin = Tz::Europe__Berlin;
        let late: Timestamp = "2026-03-31T22:30:00Z".parse().unwrap();
        assert_eq!(Month::of(berlin, late).to_string(), "2026-04");
        assert_eq!(Month::of(Tz::UTC, late).to_string(), "2026-03");
        let march: Month = "2026-03".parse().unwrap();
        let window = march.window(berlin);
        assert_eq!(window.from.unwrap().to_string(), "2026-02-28T23:00:00Z");
        assert_eq!(window.to.to_string(), "2026-03-31T22:00:00Z");
        let december: Month = "2026-12".parse().unwrap();
        assert_eq!(december.next().to_string(), "2027-01");
    }

    #[test]
    fn what_is_not_a_month_is_refused() {
        for text in ["2026-13", "2026-00", "2026-3", "26-03", "2026", "2026-03-01", "+026-03", ""] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth(text.to_owned())));
        }
    }
}
