//! Events, decoded once for all projections.

use std::collections::HashSet;

use aggregates::{fact::Fact, period};
use kernel::TenantId;
use projections::{
    Occurrence, Projection, Rows,
    dating::Calendar,
    postings::{Entry, postings},
};
use store::{Log, LogError, Metadata, Position, Recorded, StreamId, whole_stream};

/// An event and all that is derived from it alone.
pub(super) struct Decoded {
    pub(super) recorded: Recorded,
    /// The fact, its metadata and its entries; or why there are none.
    pub(super) content: Result<(Fact, Metadata), String>,
    pub(super) entries: Result<Vec<Entry>, String>,
}

impl Decoded {
    pub(super) fn of(recorded: Recorded) -> Self {
        let content = Fact::decode(&recorded.stream.category, &recorded.payload)
            .map_err(|error| error.to_string())
            .and_then(|fact| {
                let metadata = Metadata::from_json(&recorded.metadata)
                    .map_err(|error| format!("the metadata cannot be read: {error}"))?;
                Ok((fact, metadata))
            });
        let entries = match &content {
            Ok((fact, _)) => postings(&recorded.stream, fact).map_err(|fault| fault.to_string()),
            Err(_) => Ok(Vec::new()),
        };
        Self { recorded, content, entries }
    }

    /// The event as projections see it. One that does not read entries goes on where a fact cannot
    /// be posted.
    ///
    /// # Errors
    /// Why it cannot be folded, in words.
    pub(super) fn occurrence(&self, reads_entries: bool) -> Result<Occurrence<'_>, String> {
        let at = |problem: &String| {
            format!("position {} ({}): {problem}", self.recorded.position, self.recorded.event_type)
        };
        let (fact, metadata) = self.content.as_ref().map_err(at)?;
        let entries = match &self.entries {
            Ok(entries) => entries.as_slice(),
            Err(_) if !reads_entries => &[],
            Err(problem) => return Err(at(problem)),
        };
        Ok(Occurrence { recorded: &self.recorded, fact, metadata, entries })
    }

    /// Folds it, or says in words why it cannot be folded.
    pub(super) fn fold(&self, projection: &dyn Projection, rows: &mut Rows) -> Result<(), String> {
        let occurrence = self.occurrence(projection.reads_entries())?;
        projection.fold(&occurrence, rows).map_err(|error| {
            format!("position {} ({}): {error}", self.recorded.position, self.recorded.event_type)
        })
    }
}

/// Which periods are closed, for the events that are read: what the log says before each of them,
/// wherever reading began.
#[derive(Debug, Default)]
pub(super) struct Dating {
    calendar: Calendar,
    /// The tenants whose periods are known, unless all are.
    known: HashSet<TenantId>,
    /// Everything from the first event on was seen.
    is_complete: bool,
    /// Every event after the first one that was seen, up to this one, was seen.
    through: Position,
    /// On which timeline of the log.
    timeline: u64,
}

impl Dating {
    /// Dates the entries of events that were read after a position.
    async fn date(
        &mut self,
        log: &dyn Log,
        after: Position,
        page: &mut [Decoded],
    ) -> Result<(), LogError> {
        let timeline = log.timeline();
        let follows = after <= self.through && self.timeline == timeline;
        if after == Position::START && !self.is_complete || !follows {
            *self = Self { timeline, is_complete: after == Position::START, ..Self::default() };
        }
        let mut unknown = HashSet::new();
        for event in page.iter() {
            let tenant = event.recorded.stream.tenant;
            let posts = event.entries.as_ref().is_ok_and(|entries| !entries.is_empty());
            if posts && !self.is_complete && !self.known.contains(&tenant) {
                unknown.insert(tenant);
            }
        }
        for tenant in unknown {
            self.learn(log, tenant).await?;
        }
        for event in page.iter_mut() {
            let tenant = event.recorded.stream.tenant;
            if (self.is_complete || self.known.contains(&tenant))
                && let Ok((fact, _)) = &event.content
            {
                self.calendar.note(tenant, event.recorded.position, fact);
            }
            if let Ok(entries) = &mut event.entries {
                self.calendar.date(tenant, event.recorded.position, entries);
            }
        }
        let last = page.last().map_or(after, |event| event.recorded.position);
        self.through = self.through.max(last);
        if log.timeline() != timeline {
            return Err(LogError::Unavailable("it has just gone on elsewhere".to_owned()));
        }
        Ok(())
    }

    /// Reads a tenant's periods, all there are. Those after the events at hand do not count for them
    /// and are not forgotten either.
    async fn learn(&mut self, log: &dyn Log, tenant: TenantId) -> Result<(), LogError> {
        let stream = StreamId::new("period", tenant, period::STREAM);
        for event in whole_stream(log, &stream).await? {
            // What cannot be decoded stops the projections when they come to it.
            if let Ok(fact) = Fact::decode(&event.stream.category, &event.payload) {
                self.calendar.note(tenant, event.position, &fact);
            }
        }
        self.known.insert(tenant);
        Ok(())
    }
}

/// Reads some events after a position, dates their entries, and says where the log ended then.
pub(super) async fn read(
    log: &dyn Log,
    dating: &mut Dating,
    after: Position,
    limit: usize,
) -> Result<(Vec<Decoded>, Position), LogError> {
    let page = log.read_all(after, limit).await?;
    let mut before = after.0;
    for event in &page.events {
        let follows = if log.has_contiguous_positions() {
            event.position.0 == before + 1
        } else {
            event.position.0 > before
        };
        if !follows {
            return Err(LogError::Corrupt(format!(
                "the event after position {before} has position {}",
                event.position
            )));
        }
        before = event.position.0;
    }
    if page.events.is_empty() && page.head > after {
        return Err(LogError::Corrupt(format!(
            "nothing follows position {after}, though the log ends at {}",
            page.head
        )));
    }
    let head = page.head;
    let mut events: Vec<Decoded> = page.events.into_iter().map(Decoded::of).collect();
    dating.date(log, after, &mut events).await?;
    Ok((events, head))
}

#[cfg(test)]
mod tests;
