//! Time as data: instants in UTC, and the one door through which the machine's clock comes in.

use std::{fmt, str::FromStr, sync::Arc};

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC with a resolution of one millisecond. Written as RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// A text or number that is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an instant; write RFC 3339, such as 2026-03-01T12:00:00Z")]
pub struct TimestampError(pub String);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since 1970-01-01T00:00:00Z; clamped to the years chrono can write.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(
            DateTime::<Utc>::MIN_UTC.timestamp_millis(),
            DateTime::<Utc>::MAX_UTC.timestamp_millis(),
        ))
    }

    /// From whole seconds since 1970-01-01T00:00:00Z, as Stripe's `created` counts them.
    #[must_use]
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant and so many seconds later.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// This instant and so many days of 24 hours later.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Self {
        self.plus_seconds(days.saturating_mul(86_400))
    }

    /// The instant as chrono knows it, for calendars and time zones.
    #[must_use]
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
            .checked_add_signed(TimeDelta::milliseconds(self.0))
            .unwrap_or(DateTime::UNIX_EPOCH)
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_millis())
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        if let Some(instant) = read_own_spelling(text) {
            return Ok(instant);
        }
        DateTime::parse_from_rfc3339(text)
            .map(|instant| Self(instant.timestamp_millis()))
            .map_err(|_| TimestampError(text.to_owned()))
    }
}

/// Reads the two spellings that we write ourselves, `2026-03-01T12:00:00Z` and
/// `2026-03-01T12:00:00.250Z`: nearly every instant there is to read. Everything else is left to
/// chrono.
fn read_own_spelling(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let millis = match bytes {
        [.., b'Z'] if bytes.len() == 20 => 0,
        [.., b'Z'] if bytes.len() == 24 && bytes[19] == b'.' => number(&bytes[20..23])?,
        _ => return None,
    };
    let separators = [bytes[4], bytes[7], bytes[10], bytes[13], bytes[16]];
    if &separators != b"--T::" {
        return None;
    }
    let year = i32::try_from(number(&bytes[0..4])?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&bytes[5..7])?, number(&bytes[8..10])?)?;
    let (hour, minute) = (number(&bytes[11..13])?, number(&bytes[14..16])?);
    let instant = date.and_hms_milli_opt(hour, minute, number(&bytes[17..19])?, millis)?;
    Some(Timestamp(instant.and_utc().timestamp_millis()))
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
    })
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision =
            if self.0.rem_euclid(1000) == 0 { SecondsFormat::Secs } else { SecondsFormat::Millis };
        f.write_str(&self.to_datetime().to_rfc3339_opts(precision, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Self::EPOCH
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

/// Where the present instant comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one door for the machine's clock")]
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}

/// A clock that shows what it was set to, for tests.
#[derive(Debug, Clone, Default)]
pub struct FixedClock(Arc<std::sync::atomic::AtomicI64>);

impl FixedClock {
    /// A clock that shows `instant`.
    #[must_use]
    pub fn new(instant: Timestamp) -> Self {
        let clock = Self::default();
        clock.set(instant);
        clock
    }

    /// Sets the clock.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.millis(), std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_travel_as_rfc_3339() {
        let instant: Timestamp = "2026-03-01T12:00:00.250Z".parse().unwrap();
        assert_eq!(serde_json::to_string(&instant).unwrap(), "\"2026-03-01T12:00:00.250Z\"");
        assert_eq!(Timestamp::from_unix_seconds(0).to_string(), "1970-01-01T00:00:00Z");
        let offset: Timestamp = "2026-03-01T13:00:00.250+01:00".parse().unwrap();
        assert_eq!(offset, instant);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn our_own_spellings_read_as_chrono_reads_them() {
        for text in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:00:00.250Z",
            "0000-01-01T00:00:00.001Z",
            "1969-12-31T23:59:59.999Z",
            "2024-02-29T23:59:59Z",
            "9999-12-31T23:59:59.999Z",
        ] {
            let chrono = DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
            assert_eq!(read_own_spelling(text), Some(Timestamp(chrono)), "{text}");
        }
        for text in [
            "2026-02-29T12:00:00Z",
            "2026-03-01 12:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T12:00:60Z",
            "2026-03-01T12:00:00,250Z",
            "2026-03-01T12:00:00.25+Z",
            "+026-03-01T12:00:00Z",
            "Z",
            "",
        ] {
            assert_eq!(read_own_spelling(text), None, "{text}");
        }
    }

    #[test]
    fn instants_before_the_epoch_floor_to_their_second() {
        assert_eq!(Timestamp::from_millis(-1).unix_seconds(), -1);
        assert_eq!(Timestamp::from_unix_seconds(10).plus_days(1).unix_seconds(), 86_410);
    }
}
