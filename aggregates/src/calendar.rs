//! Calendar days in a time zone: where they begin, where they end, and how many lie between.

use chrono::{Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use kernel::Timestamp;

/// The instant at which this day reaches this hour.
///
/// Where the hour does not exist (clocks go forward), the first instant after the gap counts; where
/// it exists twice, the earlier one. `None` at the end of the calendar.
#[must_use]
pub fn local_instant(day: NaiveDate, hour: u32, zone: Tz) -> Option<Timestamp> {
    // A gap is at most a few hours long; its end is on a quarter of an hour in every zone.
    (0..16_u32).find_map(|quarter| {
        let time = NaiveTime::from_hms_opt(hour + quarter / 4, quarter % 4 * 15, 0)?;
        let instant = zone.from_local_datetime(&day.and_time(time)).earliest()?;
        Some(instant.with_timezone(&chrono::Utc).into())
    })
}

/// No zone has ever skipped more of a day than this.
const SKIPPED_MINUTES_MAX: i64 = 24 * 60;

/// The first instant of a day. Where clocks skip midnight, the day begins later; one that is skipped
/// whole begins with the next. `None` at the end of the calendar.
#[must_use]
pub fn start_of(day: NaiveDate, zone: Tz) -> Option<Timestamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=SKIPPED_MINUTES_MAX)
        .filter_map(|minutes| midnight.checked_add_signed(TimeDelta::minutes(minutes)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|instant| instant.to_utc().into())
}

/// The last millisecond of a day: what took effect at the end of a day belongs to that day, and not
/// to the next.
#[must_use]
pub fn end_of(day: NaiveDate, zone: Tz) -> Option<Timestamp> {
    let next = start_of(day.checked_add_days(Days::new(1))?, zone)?;
    Some(Timestamp::from_millis(next.millis() - 1))
}

/// The day on which an instant falls.
#[must_use]
pub fn day_of(instant: Timestamp, zone: Tz) -> NaiveDate {
    instant.to_datetime().with_timezone(&zone).date_naive()
}

/// Days from one to another; zero if the other is not later.
#[must_use]
pub fn days_between(from: NaiveDate, to: NaiveDate) -> u32 {
    u32::try_from(to.signed_duration_since(from).num_days()).unwrap_or(0)
}

/// The day so many days later; `None` at the end of the calendar.
#[must_use]
pub fn plus(day: NaiveDate, days: u32) -> Option<NaiveDate> {
    day.checked_add_days(Days::new(u64::from(days)))
}

/// How many whole months lie between two days, if nothing is left over. From the 31st, a month ends
/// on the last day of a shorter one.
#[must_use]
pub fn whole_months(from: NaiveDate, to: NaiveDate) -> Option<u32> {
    let (years, months) =
        (to.year() - from.year(), i64::from(to.month()) - i64::from(from.month()));
    let months = u32::try_from(i64::from(years) * 12 + months).ok().filter(|months| *months > 0)?;
    (from.checked_add_months(Months::new(months))? == to).then_some(months)
}

/// Cuts the days `[from, to)` at the ends of calendar months: `(days, last day)` of each part.
#[must_use]
pub fn months_of(from: NaiveDate, to: NaiveDate) -> Vec<(u32, NaiveDate)> {
    let mut parts = Vec::new();
    let mut start = from;
    while start < to {
        let next = start.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
        let end = next.map_or(to, |next| next.min(to));
        let days = days_between(start, end);
        let Some(last) = end.pred_opt() else { break };
        parts.push((days, last));
        start = end;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_end_of_a_day_is_still_that_day() {
        let zone: Tz = "Europe/Berlin".parse().unwrap();
        for text in ["2026-01-31", "2026-03-29", "2026-10-25"] {
            let end = end_of(day(text), zone).unwrap();
            assert_eq!(day_of(end, zone), day(text));
            assert_eq!(
                day_of(Timestamp::from_millis(end.millis() + 1), zone),
                day(text).succ_opt().unwrap()
            );
        }
        assert_eq!(
            end_of(day("2026-01-31"), zone).unwrap().to_string(),
            "2026-01-31T22:59:59.999Z"
        );
    }

    #[test]
    fn a_day_begins_when_its_clock_does() {
        // In Santiago the clocks jumped from 0:00 to 1:00 on this day; Apia had no such day.
        let started = |zone: Tz, text| start_of(day(text), zone).unwrap().to_string();
        assert_eq!(started(Tz::America__Santiago, "2025-09-07"), "2025-09-07T04:00:00Z");
        assert_eq!(started(Tz::Pacific__Apia, "2011-12-30"), "2011-12-30T10:00:00Z");
        assert_eq!(started(Tz::Pacific__Apia, "2011-12-31"), "2011-12-30T10:00:00Z");
    }

    #[test]
    fn months_are_whole_or_not() {
        assert_eq!(whole_months(day("2026-01-15"), day("2026-02-15")), Some(1));
        assert_eq!(whole_months(day("2026-01-31"), day("2026-02-28")), Some(1));
        assert_eq!(whole_months(day("2026-01-01"), day("2027-01-01")), Some(12));
        assert_eq!(whole_months(day("2026-01-01"), day("2026-01-31")), None);
        assert_eq!(whole_months(day("2026-02-01"), day("2026-01-01")), None);
    }

    #[test]
    fn days_are_cut_at_the_ends_of_months() {
        let parts = months_of(day("2026-01-15"), day("2026-03-02"));
        let ends = ["2026-01-31", "2026-02-28", "2026-03-01"].map(day);
        assert_eq!(parts, [(17, ends[0]), (28, ends[1]), (1, ends[2])]);
    }
}
