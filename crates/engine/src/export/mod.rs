//! The event stream for auditors: written once, checked by anybody, with no server and no trust in us.
//!
//! One line of JSON per event. Its `leaf` is the RFC 6962 leaf hash over the event's exact stored
//! bytes, and `prev` the leaf of the line before it; the manifest's root covers all leaves in order.
//! So a changed byte shows in the line's own leaf, a dropped or moved line in the next line's
//! `prev`, and a forger who recomputes both still cannot reach the root.

mod line;
mod verify;

pub use line::ExportLine;
pub use verify::{Flaw, Verified, VerifyError, verify};

use std::io::{self, Write};

use kernel::TenantId;
use serde::{Deserialize, Serialize};
use store::{Log, LogError, Position};

use crate::merkle::{Hash, Tree};

/// How the export of a stream of events is to be checked: what it covers, and its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The format of file and manifest; 1 is the only one so far.
    pub format: u32,
    /// Which log the events come from.
    pub log: String,
    /// Whose events; absent means everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Events up to and including this position were considered.
    pub through: u64,
    /// Position of the first event in the file, 0 if there is none.
    pub first: u64,
    /// Position of the last event in the file, 0 if there is none.
    pub last: u64,
    /// Number of events in the file.
    pub count: u64,
    /// RFC 6962 root over the leaves in order, SHA-256, hexadecimal.
    pub root: String,
}

/// What to export.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportScope {
    /// Whose events; `None` is everybody's.
    pub tenant: Option<TenantId>,
    /// Up to and including this position; `None` is the log's end when the export starts.
    pub through: Option<Position>,
}

/// Why an export could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The file could not be written.
    #[error("the export cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The log ends before the position asked for.
    #[error("the log ends at position {head}; {wanted} does not exist yet")]
    BeyondHead {
        /// Where the log ends.
        head: Position,
        /// What was asked for.
        wanted: Position,
    },
}

const PAGE_EVENTS: usize = 1000;

/// Writes the events up to a stated position, one line each, and says how to check them. What is
/// appended meanwhile is not in it. `progress` is told how many positions were passed, and of how
/// many.
///
/// # Errors
/// [`ExportError`]; what was written until then is of no use without a manifest.
pub async fn export(
    log: &dyn Log,
    scope: ExportScope,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Manifest, ExportError> {
    let head = log.head().await?.position;
    let through = scope.through.unwrap_or(head);
    if through > head {
        return Err(ExportError::BeyondHead { head, wanted: through });
    }
    let mut tree = Tree::new();
    let mut previous: Hash = [0; 32];
    let (mut first, mut last) = (0, 0);
    let mut after = Position::START;
    while after < through {
        let page = log.read_all(after, PAGE_EVENTS).await?;
        let Some(end) = page.events.last().map(|recorded| recorded.position) else { break };
        for recorded in page.events.iter().filter(|recorded| recorded.position <= through) {
            if scope.tenant.is_some_and(|tenant| tenant != recorded.stream.tenant) {
                continue;
            }
            let line = ExportLine::of(recorded, &previous);
            previous = line.computed_leaf();
            tree.push(previous);
            last = recorded.position.0;
            first = if first == 0 { last } else { first };
            serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            out.write_all(b"\n")?;
        }
        after = end;
        progress(after.0.min(through.0), through.0);
    }
    out.flush()?;
    Ok(Manifest {
        format: 1,
        log: log.log_id().0.clone(),
        tenant: scope.tenant,
        through: through.0,
        first,
        last,
        count: tree.leaves(),
        root: hex::encode(tree.root()),
    })
}

#[cfg(test)]
mod tests;
