//! Following a log: catch up by bounded pages, then live; an event is never skipped.

use std::{sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};

use crate::{Log, LogError, Position, Recorded, StreamId};

/// The signal of a log is only a wake-up. Should one get lost (another process writes the log that
/// this one has opened for reading), the follower looks by itself after so long.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How many events a follower reads at once unless told otherwise.
pub const FOLLOW_PAGE_EVENTS: usize = 512;

/// A reader that stays with a log. Dropping a waiting call loses nothing.
#[derive(Debug)]
pub struct Follow {
    log: Arc<dyn Log>,
    grown: watch::Receiver<Position>,
    position: Position,
    page_events: usize,
    page: std::vec::IntoIter<Recorded>,
}

/// How many events of a stream are read at once.
const STREAM_PAGE_EVENTS: usize = 500;

/// Every event of a stream, for streams that are known to be short enough to be held in memory.
///
/// # Errors
/// [`LogError`].
pub async fn whole_stream(log: &dyn Log, stream: &StreamId) -> Result<Vec<Recorded>, LogError> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let after = events.last().map_or(0, |last| last.version);
        let page = log.read_stream(stream, after, STREAM_PAGE_EVENTS).await?;
        let is_last = page.len() < STREAM_PAGE_EVENTS;
        events.extend(page);
        if is_last {
            return Ok(events);
        }
    }
}

/// Follows a log from after a position.
#[must_use]
pub fn follow(log: Arc<dyn Log>, after: Position) -> Follow {
    let grown = log.watch();
    let page = Vec::new().into_iter();
    Follow { log, grown, position: after, page_events: FOLLOW_PAGE_EVENTS, page }
}

impl Follow {
    /// Reads at most so many events at once.
    #[must_use]
    pub const fn page_events(mut self, events: usize) -> Self {
        self.page_events = if events == 0 { 1 } else { events };
        self
    }

    /// The position of the last event handed out.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.position
    }

    /// The next event; waits until there is one.
    ///
    /// # Errors
    /// [`LogError`]; the same call may be made again and continues where it stood.
    pub async fn next(&mut self) -> Result<Recorded, LogError> {
        loop {
            if let Some(event) = self.page.next() {
                self.position = event.position;
                return Ok(event);
            }
            self.page = self.read().await?.into_iter();
        }
    }

    /// The next events, at least one, in order and without a gap; waits until there are some.
    ///
    /// # Errors
    /// [`LogError`]; the same call may be made again and continues where it stood.
    pub async fn next_page(&mut self) -> Result<Vec<Recorded>, LogError> {
        let mut events: Vec<Recorded> = self.page.by_ref().collect();
        if events.is_empty() {
            events = self.read().await?;
        }
        if let Some(last) = events.last() {
            self.position = last.position;
        }
        Ok(events)
    }

    async fn read(&mut self) -> Result<Vec<Recorded>, LogError> {
        loop {
            // Marked as seen before reading: growth during the read wakes the wait below.
            self.grown.borrow_and_update();
            let page = self.log.read_all(self.position, self.page_events).await?;
            if page.events.is_empty() {
                if page.head < self.position {
                    return Err(LogError::Corrupt(format!(
                        "the log ends at {}, before {}, which was read from it",
                        page.head, self.position
                    )));
                }
                if let Ok(Err(_)) = timeout(LOOK_AGAIN_AFTER, self.grown.changed()).await {
                    return Err(LogError::Unavailable("it is closed".to_owned()));
                }
                continue;
            }
            let mut previous = self.position;
            for event in &page.events {
                if event.position <= previous {
                    return Err(LogError::Corrupt(format!(
                        "position {} comes after position {previous}",
                        event.position
                    )));
                }
                previous = event.position;
            }
            return Ok(page.events);
        }
    }
}
