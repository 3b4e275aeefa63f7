//! Days, instants and positions, as people write them.

use aggregates::{
    calendar,
    fact::Fact,
    tenant::{Tenant, events::TenantEvent},
};
use chrono::{Months, NaiveDate};
use chrono_tz::Tz;
use cqrs_es::Aggregate;
use kernel::{TenantId, Timestamp};
use store::{Log, LogError, Position, StreamId, whole_stream};

use super::FigureError;

/// A day or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A calendar day in the tenant's time zone.
    Day(NaiveDate),
    /// An instant.
    Instant(Timestamp),
}

impl std::str::FromStr for Moment {
    type Err = FigureError;

    fn from_str(text: &str) -> Result<Self, FigureError> {
        if let Ok(day) = text.parse() {
            return Ok(Self::Day(day));
        }
        text.parse().map(Self::Instant).map_err(|_| FigureError::Moment(text.to_owned()))
    }
}

impl Moment {
    /// Where a window that begins with it begins: the beginning of the day.
    #[must_use]
    pub fn begin(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(day) => day_start(day, zone),
            Self::Instant(instant) => instant,
        }
    }

    /// Where what is *as of* it ends, half open: the end of the day.
    #[must_use]
    pub fn end(self, zone: Tz) -> Timestamp {
        match self {
            Self::Day(day) => day_end(day, zone),
            Self::Instant(instant) => instant,
        }
    }
}

/// The first instant of a day in a time zone.
#[must_use]
pub fn day_start(day: NaiveDate, zone: Tz) -> Timestamp {
    calendar::start_of(day, zone).unwrap_or(Timestamp::EPOCH)
}

/// The first instant after a day in a time zone.
#[must_use]
pub fn day_end(day: NaiveDate, zone: Tz) -> Timestamp {
    day_start(day.succ_opt().unwrap_or(day), zone)
}

/// A state of knowledge: a position of the log, or the last one recorded by an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownAt {
    /// At this position.
    Position(Position),
    /// At this instant, or at the end of a day.
    Moment(Moment),
}

impl std::str::FromStr for KnownAt {
    type Err = FigureError;

    fn from_str(text: &str) -> Result<Self, FigureError> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        text.parse().map(Self::Moment)
    }
}

impl KnownAt {
    /// The position: of an instant, the last one recorded at or before it.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn position(self, log: &dyn Log, zone: Tz) -> Result<Position, LogError> {
        let instant = match self {
            Self::Position(position) => return Ok(position),
            // A day is over just before the next one begins.
            Self::Moment(day @ Moment::Day(_)) => {
                Timestamp::from_millis(day.end(zone).millis().saturating_sub(1))
            }
            Self::Moment(Moment::Instant(instant)) => instant,
        };
        // Recorded times rise with the positions, so half of what is left goes with each step.
        let (mut low, mut high) = (0, log.head().await?.position.0);
        while low < high {
            let middle = low + (high - low) / 2;
            match log.read_all(Position(middle), 1).await?.events.first() {
                Some(event) if event.recorded_at <= instant => low = event.position.0,
                Some(_) | None => high = middle,
            }
        }
        Ok(Position(low))
    }
}

/// The window of a month (`2026-03`), half open.
#[must_use]
pub fn month(text: &str, zone: Tz) -> Option<(Timestamp, Timestamp)> {
    let first: NaiveDate = format!("{text}-01").parse().ok()?;
    let next = first.checked_add_months(Months::new(1))?;
    Some((day_start(first, zone), day_start(next, zone)))
}

/// The time zone of a tenant's days, straight from the log: UTC until one is set.
///
/// # Errors
/// [`LogError`].
pub async fn zone_of(log: &dyn Log, tenant: TenantId) -> Result<Tz, LogError> {
    let stream = StreamId::new(Tenant::TYPE, tenant, tenant.to_string());
    let mut zone = Tz::UTC;
    for recorded in whole_stream(log, &stream).await? {
        let fact = Fact::decode(&recorded.stream.category, &recorded.payload);
        if let Ok(Fact::Tenant(TenantEvent::TimeZoneSet { time_zone, .. })) = fact {
            zone = time_zone.parse().unwrap_or(zone);
        }
    }
    Ok(zone)
}
