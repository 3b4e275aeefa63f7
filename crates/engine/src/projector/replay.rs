//! Computing every answer again from the first event, without touching what is stored.

use std::sync::Arc;

use projections::{FoldError, Projection, Rows};
use serde::Serialize;
use store::{Log, LogError, Position, RowHash};

use super::{BATCH_EVENTS, decoded};

/// What a replay came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The projection.
    pub projection: &'static str,
    /// Its version.
    pub version: u32,
    /// The last position folded.
    pub position: Position,
    /// How many rows it has.
    pub rows: u64,
    /// The order-independent hash of its rows; to be compared with the live one.
    pub state_hash: String,
}

/// Why a replay came to nothing. A replay that did not reach its end is an error, never a shorter
/// answer.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log ends before the position that was to be reached.
    #[error("the log ends at {ended}, before {declared}, which was to be reached")]
    TooShort {
        /// Where the log ended.
        ended: Position,
        /// What was declared.
        declared: Position,
    },
    /// A fact cannot be folded.
    #[error("{projection} cannot fold {problem}")]
    Fold {
        /// The projection.
        projection: &'static str,
        /// The event and why.
        problem: String,
    },
    /// A projection put a row where it does not belong.
    #[error("{projection}: {error}")]
    Rows {
        /// The projection.
        projection: &'static str,
        /// What is wrong.
        error: FoldError,
    },
}

struct Replaying {
    projection: Arc<dyn Projection>,
    rows: Rows,
    hash: RowHash,
    count: u64,
}

/// Folds every event up to and including `declared` into nothing but memory, and fails if it does
/// not get there. `progress` hears of each position reached.
///
/// # Errors
/// [`ReplayError`].
pub async fn replay(
    log: &dyn Log,
    projections: &[Arc<dyn Projection>],
    declared: Position,
    mut progress: impl FnMut(Position) + Send,
) -> Result<Vec<Replayed>, ReplayError> {
    let mut all: Vec<Replaying> = projections
        .iter()
        .map(|projection| Replaying {
            projection: Arc::clone(projection),
            rows: Rows::from_nothing(),
            hash: RowHash::ZERO,
            count: 0,
        })
        .collect();
    let mut dating = decoded::Dating::default();
    let mut position = Position::START;
    while position < declared {
        let left = usize::try_from(declared.0 - position.0).unwrap_or(usize::MAX);
        let (mut page, head) =
            decoded::read(log, &mut dating, position, left.min(BATCH_EVENTS)).await?;
        page.retain(|event| event.recorded.position <= declared);
        let Some(last) = page.last() else {
            if head >= declared && !log.has_contiguous_positions() {
                // Nothing is at the declared position itself.
                position = declared;
                break;
            }
            return Err(ReplayError::TooShort { ended: head, declared });
        };
        for one in &mut all {
            one.fold(&page)?;
        }
        position = last.recorded.position;
        progress(position);
    }
    Ok(all
        .into_iter()
        .map(|one| Replayed {
            projection: one.projection.name(),
            version: one.projection.version(),
            position,
            rows: one.count,
            state_hash: one.hash.to_string(),
        })
        .collect())
}

impl Replaying {
    fn fold(&mut self, page: &[decoded::Decoded]) -> Result<(), ReplayError> {
        let projection = self.projection.name();
        for event in page {
            event
                .fold(&*self.projection, &mut self.rows)
                .map_err(|problem| ReplayError::Fold { projection, problem })?;
        }
        let writes =
            self.rows.take_writes().map_err(|error| ReplayError::Rows { projection, error })?;
        self.hash = self.hash.wrapping_add(writes.hash);
        self.count = self.count.saturating_add_signed(writes.count);
        Ok(())
    }
}
