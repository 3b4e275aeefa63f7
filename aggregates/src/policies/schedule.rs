//! When a payout schedule runs next: a local date in the tenant's time zone, never "24 hours on".

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use kernel::Timestamp;

use crate::{
    calendar::{day_of, local_instant},
    seller_account::events::PayoutInterval,
};

/// The local hour at which schedules run.
const HOUR: u32 = 2;

/// The first run of the schedule after `after`, at 02:00 local time.
///
/// A month that lacks the day is paid on its last day. Where 02:00 does not exist (clocks go
/// forward), the first instant after the gap counts; where it exists twice, the earlier one.
/// `None` for manual schedules, and at the end of the calendar.
#[must_use]
pub fn next_due(interval: &PayoutInterval, zone: Tz, after: Timestamp) -> Option<Timestamp> {
    let today = day_of(after, zone);
    let mut day = today;
    // 62 days hold two ends of any month.
    for _ in 0..62 {
        let runs = match interval {
            PayoutInterval::Manual => return None,
            PayoutInterval::Daily => true,
            PayoutInterval::Weekly(weekday) => {
                day.weekday().number_from_monday() == u32::from(*weekday)
            }
            PayoutInterval::Monthly(wanted) => {
                day.day() == u32::from(*wanted).min(last_day_of_month(day))
            }
        };
        if runs && let Some(due) = local_instant(day, HOUR, zone).filter(|due| *due > after) {
            return Some(due);
        }
        day = day.checked_add_days(Days::new(1))?;
    }
    None
}

fn last_day_of_month(day: NaiveDate) -> u32 {
    u32::from(day.num_days_in_month())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(interval: &PayoutInterval, zone: &str, after: &str) -> String {
        next_due(interval, zone.parse().unwrap(), after.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_daily_schedule_follows_the_local_date_over_a_change_of_clocks() {
        let daily = PayoutInterval::Daily;
        assert_eq!(due(&daily, "Europe/Berlin", "2026-03-28T03:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(due(&daily, "Europe/Berlin", "2026-03-29T01:00:00Z"), "2026-03-30T00:00:00Z");
        assert_eq!(due(&daily, "Europe/Berlin", "2026-10-24T12:00:00Z"), "2026-10-25T00:00:00Z");
    }

    #[test]
    fn a_month_without_the_day_is_paid_on_its_last() {
        let monthly = PayoutInterval::Monthly(31);
        assert_eq!(due(&monthly, "UTC", "2026-01-31T02:00:00Z"), "2026-02-28T02:00:00Z");
        assert_eq!(due(&monthly, "UTC", "2026-02-28T02:00:00Z"), "2026-03-31T02:00:00Z");
    }

    #[test]
    fn a_weekly_schedule_runs_on_its_weekday() {
        let mondays = PayoutInterval::Weekly(1);
        assert_eq!(due(&mondays, "UTC", "2026-11-21T00:00:00Z"), "2026-11-23T02:00:00Z");
    }

    #[test]
    fn a_manual_schedule_never_runs() {
        let after = "2026-11-21T00:00:00Z".parse().unwrap();
        assert_eq!(next_due(&PayoutInterval::Manual, Tz::UTC, after), None);
    }
}
