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

use std::{
    io::{self, Write},
    sync::Arc,
};

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

/// An export under way, a page at a time: it holds no more than that in memory.
pub struct Exporter<'a> {
    log: Source<'a>,
    scope: ExportScope,
    through: Position,
    after: Position,
    tree: Tree,
    previous: Hash,
    first: u64,
    last: u64,
}

enum Source<'a> {
    Borrowed(&'a dyn Log),
    Shared(Arc<dyn Log>),
}

impl Source<'_> {
    fn log(&self) -> &dyn Log {
        match self {
            Self::Borrowed(log) => *log,
            Self::Shared(log) => &**log,
        }
    }
}

impl std::fmt::Debug for Exporter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter")
            .field("scope", &self.scope)
            .field("through", &self.through)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

impl Exporter<'static> {
    /// Starts an export that keeps its log alive, for answers that are sent while they are made.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn shared(log: Arc<dyn Log>, scope: ExportScope) -> Result<Self, ExportError> {
        Self::start(Source::Shared(log), scope).await
    }
}

impl<'a> Exporter<'a> {
    /// Starts an export.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn of(log: &'a dyn Log, scope: ExportScope) -> Result<Self, ExportError> {
        Self::start(Source::Borrowed(log), scope).await
    }

    async fn start(log: Source<'a>, scope: ExportScope) -> Result<Self, ExportError> {
        let head = log.log().head().await?.position;
        let through = scope.through.unwrap_or(head);
        if through > head {
            return Err(ExportError::BeyondHead { head, wanted: through });
        }
        Ok(Self {
            log,
            scope,
            through,
            after: Position::START,
            tree: Tree::new(),
            previous: [0; 32],
            first: 0,
            last: 0,
        })
    }

    /// Up to and including which position it goes.
    #[must_use]
    pub const fn through(&self) -> Position {
        self.through
    }

    /// How far it has come.
    #[must_use]
    pub fn passed(&self) -> Position {
        self.after.min(self.through)
    }

    /// Adds the lines of the next page to `lines`, which may be none if all were somebody else's;
    /// `false` when there are no more pages.
    ///
    /// # Errors
    /// [`ExportError`].
    pub async fn next_page(&mut self, lines: &mut Vec<u8>) -> Result<bool, ExportError> {
        if self.after >= self.through {
            return Ok(false);
        }
        let page = self.log.log().read_all(self.after, PAGE_EVENTS).await?;
        let Some(end) = page.events.last().map(|recorded| recorded.position) else {
            return Ok(false);
        };
        for recorded in page.events.iter().filter(|recorded| recorded.position <= self.through) {
            if self.scope.tenant.is_some_and(|tenant| tenant != recorded.stream.tenant) {
                continue;
            }
            let line = ExportLine::of(recorded, &self.previous);
            self.previous = line.computed_leaf();
            self.tree.push(self.previous);
            self.last = recorded.position.0;
            self.first = if self.first == 0 { self.last } else { self.first };
            serde_json::to_writer(&mut *lines, &line).map_err(io::Error::from)?;
            lines.push(b'\n');
        }
        self.after = end;
        Ok(true)
    }

    /// How what was written is to be checked, once there are no more pages.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest {
            format: 1,
            log: self.log.log().log_id().0.clone(),
            tenant: self.scope.tenant,
            through: self.through.0,
            first: self.first,
            last: self.last,
            count: self.tree.leaves(),
            root: hex::encode(self.tree.root()),
        }
    }
}

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
    let mut exporter = Exporter::of(log, scope).await?;
    let mut lines = Vec::new();
    while exporter.next_page(&mut lines).await? {
        out.write_all(&lines)?;
        lines.clear();
        progress(exporter.passed().0, exporter.through().0);
    }
    out.flush()?;
    Ok(exporter.manifest())
}

#[cfg(test)]
mod tests;
