//! Reading the whole log and naming what is wrong with it.

use serde::de::IgnoredAny;
use store::{LogError, Position, Recorded};

use crate::{KurrentLog, envelope, log::READ_EVENTS_MAX};

/// More than this and nobody reads on.
const PROBLEMS_MAX: usize = 20;

impl KurrentLog {
    /// Reads all of it and returns what is wrong with it, in words; empty when nothing is. That
    /// positions grow and no version is missing was seen when it was opened, or it would not be open.
    ///
    /// # Errors
    /// [`LogError`], when the server cannot be asked.
    pub async fn integrity(&self) -> Result<Vec<String>, LogError> {
        self.open_or_closed()?;
        let head = self.tail.catch_up().await?.position;
        let (mut problems, mut after) = (Vec::new(), Position::START);
        while problems.len() < PROBLEMS_MAX {
            let events = match self.tail.next_events(after, head, READ_EVENTS_MAX).await {
                Err(LogError::Corrupt(why)) => {
                    problems.push(why);
                    break;
                }
                read => read?,
            };
            let Some((_, last)) = events.last() else { break };
            after = Position(last.position.commit);
            for (stream, event) in events {
                match envelope::unwrap(stream, &event) {
                    Err(LogError::Corrupt(why)) => problems.push(why),
                    recorded => problems.extend(what_is_no_json(&recorded?)),
                }
            }
        }
        Ok(problems)
    }
}

fn what_is_no_json(event: &Recorded) -> Option<String> {
    let parts = [("payload", &event.payload), ("metadata", &event.metadata)];
    let wrong = parts.iter().find(|(_, text)| serde_json::from_str::<IgnoredAny>(text).is_err());
    wrong.map(|(what, _)| format!("the {what} at position {} is no JSON", event.position))
}
