//! The journal, computed from the log a page at a time.

use std::sync::Arc;

use aggregates::{calendar, fact::Fact, period, tenant::events::TenantEvent};
use chrono::NaiveDate;
use chrono_tz::Tz;
use projections::{Occurrence, dating::Calendar, journal::JournalLine, postings::postings};
use store::{Log, LogError, Metadata, Position, Recorded, StreamId, whole_stream};

use crate::{BooksFault, Scope};

/// An entry, and the day it took effect on in the tenant's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatedEntry {
    pub(crate) day: NaiveDate,
    pub(crate) lines: Vec<JournalLine>,
}

/// Some events of the tenant, and what they post within the scope.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) events: Vec<Recorded>,
    pub(crate) entries: Vec<DatedEntry>,
}

/// Reads the log from one end of the scope to the other.
pub(crate) struct Reader {
    log: Arc<dyn Log>,
    scope: Scope,
    through: Position,
    after: Position,
    zone: Tz,
    /// Which periods are closed, at every position: what is late is dated as in the read models.
    calendar: Calendar,
}

impl Reader {
    /// From the first event.
    pub(crate) async fn open(log: Arc<dyn Log>, scope: Scope) -> Result<Self, BooksFault> {
        let head = log.head().await?.position;
        let through = scope.through.unwrap_or(head);
        if through > head {
            return Err(BooksFault::BeyondHead { head, wanted: through });
        }
        let calendar = closings(&*log, &scope).await?;
        Ok(Self { log, scope, through, after: Position::START, zone: Tz::UTC, calendar })
    }

    /// Goes on behind `after`, where days were days of `zone`.
    pub(crate) fn go_on(&mut self, through: Position, after: Position, zone: Tz) {
        (self.through, self.after, self.zone) = (through, after, zone);
    }

    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }

    pub(crate) fn log_id(&self) -> &str {
        &self.log.log_id().0
    }

    pub(crate) const fn through(&self) -> Position {
        self.through
    }

    pub(crate) const fn after(&self) -> Position {
        self.after
    }

    pub(crate) const fn zone(&self) -> Tz {
        self.zone
    }

    /// The next page; `None` when the scope has been read. Entries outside book and last day are
    /// left out; those before the first day are not, because their sums are needed.
    pub(crate) async fn next(&mut self, events_max: usize) -> Result<Option<Page>, BooksFault> {
        if self.after >= self.through {
            return Ok(None);
        }
        let read = self.log.read_all(self.after, events_max).await?;
        let Some(last) = read.events.last().map(|recorded| recorded.position) else {
            if read.head >= self.through && !self.log.has_contiguous_positions() {
                self.after = self.through;
                return Ok(None);
            }
            let gap = format!(
                "nothing follows position {}, though the log went on to {}",
                self.after, self.through
            );
            return Err(LogError::Corrupt(gap).into());
        };
        let mut page = Page::default();
        for recorded in read.events {
            if recorded.position > self.through || recorded.stream.tenant != self.scope.tenant {
                continue;
            }
            self.take(&recorded, &mut page.entries)
                .map_err(|problem| BooksFault::Fact { position: recorded.position, problem })?;
            page.events.push(recorded);
        }
        self.after = last.min(self.through);
        Ok(Some(page))
    }

    fn take(&mut self, recorded: &Recorded, into: &mut Vec<DatedEntry>) -> Result<(), String> {
        let fact = Fact::decode(&recorded.stream.category, &recorded.payload)
            .map_err(|error| error.to_string())?;
        if let Fact::Tenant(TenantEvent::TimeZoneSet { time_zone, .. }) = &fact {
            self.zone = time_zone.parse().unwrap_or(Tz::UTC);
        }
        let mut entries = postings(&recorded.stream, &fact).map_err(|fault| fault.to_string())?;
        if entries.is_empty() {
            return Ok(());
        }
        self.calendar.date(self.scope.tenant, recorded.position, &mut entries);
        let metadata = Metadata::from_json(&recorded.metadata)
            .map_err(|error| format!("the metadata cannot be read: {error}"))?;
        let occurrence =
            Occurrence { recorded, fact: &fact, metadata: &metadata, entries: &entries };
        for lines in JournalLine::entries_of(&occurrence) {
            let Some(first) = lines.first() else { continue };
            let day = calendar::day_of(first.effective_at, self.zone);
            let elsewhere = self.scope.book.as_ref().is_some_and(|book| *book != first.book);
            let later = self.scope.to.is_some_and(|to| day > to);
            if !elsewhere && !later {
                into.push(DatedEntry { day, lines });
            }
        }
        Ok(())
    }
}

/// What the tenant closed, and when. A closing counts for the events behind it only, so that all of
/// them can be known from the start, wherever reading goes on.
async fn closings(log: &dyn Log, scope: &Scope) -> Result<Calendar, BooksFault> {
    let stream = StreamId::new("period", scope.tenant, period::STREAM);
    let mut calendar = Calendar::default();
    for event in whole_stream(log, &stream).await? {
        let fact = Fact::decode(&event.stream.category, &event.payload).map_err(|problem| {
            BooksFault::Fact { position: event.position, problem: problem.to_string() }
        })?;
        calendar.note(scope.tenant, event.position, &fact);
    }
    Ok(calendar)
}
