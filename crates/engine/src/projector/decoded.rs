//! Events, decoded once for all projections.

use aggregates::fact::Fact;
use projections::{
    Occurrence, Projection, Rows,
    postings::{Entry, postings},
};
use store::{Log, LogError, Metadata, Position, Recorded};

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

/// Reads some events after a position, and where the log ended then.
pub(super) async fn read(
    log: &dyn Log,
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
    Ok((page.events.into_iter().map(Decoded::of).collect(), head))
}
