//! Checking an export with nothing but the file and its manifest.

use std::io::{self, BufRead};

use super::{ExportLine, Manifest};
use crate::merkle::{Hash, Tree};

/// What is wrong with an export, and where first. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The line is not an event at all.
    #[error("line {line} cannot be read: {problem}")]
    Unreadable {
        /// The line.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The line's contents are not what its leaf was computed over.
    #[error(
        "line {line} (position {position}) was altered: its contents do not give its leaf hash"
    )]
    Altered {
        /// The line.
        line: u64,
        /// The position it claims.
        position: u64,
    },
    /// The line stands behind one that comes later in the log.
    #[error("line {line} (position {position}) is out of order: position {after} stands before it")]
    Reordered {
        /// The line.
        line: u64,
        /// Its position.
        position: u64,
        /// The higher position in front of it.
        after: u64,
    },
    /// At least one line is missing in front of this one.
    #[error(
        "a line is missing before line {line} (position {position}): it follows another event than \
         position {after}"
    )]
    Missing {
        /// The line behind the gap.
        line: u64,
        /// Its position.
        position: u64,
        /// The position in front of the gap, 0 at the beginning.
        after: u64,
    },
    /// Lines are missing at the end.
    #[error("the file ends after {count} events (position {last}); the manifest has {expected}")]
    Truncated {
        /// Events in the file.
        count: u64,
        /// The last position in the file.
        last: u64,
        /// Events by the manifest.
        expected: u64,
    },
    /// There are more lines than the manifest knows.
    #[error(
        "line {line} (position {position}) was added: the manifest ends with {expected} events"
    )]
    Added {
        /// The first line too many.
        line: u64,
        /// The position it claims.
        position: u64,
        /// Events by the manifest.
        expected: u64,
    },
    /// Every line agrees with itself and its neighbour, but not with the manifest.
    #[error("the file was rewritten: its root is {found}, the manifest says {expected}")]
    OtherRoot {
        /// The root of the file.
        found: String,
        /// The root in the manifest.
        expected: String,
    },
    /// A line belongs to another tenant than the manifest says.
    #[error("line {line} (position {position}) belongs to {found}, not to {expected}")]
    OtherTenant {
        /// The line.
        line: u64,
        /// Its position.
        position: u64,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
}

/// Why an export could not be checked, or what was found.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file could not be read.
    #[error("the export cannot be read: {0}")]
    Read(#[from] io::Error),
    /// The manifest is of a format this version does not know.
    #[error("the manifest has format {0}; this version checks format 1")]
    UnknownFormat(u32),
    /// The export is not what the manifest says.
    #[error("{0}")]
    Flawed(#[from] Flaw),
}

/// A sound export.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verified {
    /// Number of events.
    pub count: u64,
    /// Position of the first.
    pub first: u64,
    /// Position of the last.
    pub last: u64,
    /// RFC 6962 root, hexadecimal.
    pub root: String,
}

/// Checks an export line by line against its manifest and names the first flaw. `progress` is told
/// how many lines were checked.
///
/// # Errors
/// [`VerifyError::Flawed`] with the first flaw; the others when there is nothing to check.
pub fn verify(
    lines: impl BufRead,
    manifest: &Manifest,
    progress: &mut dyn FnMut(u64),
) -> Result<Verified, VerifyError> {
    if manifest.format != 1 {
        return Err(VerifyError::UnknownFormat(manifest.format));
    }
    let mut tree = Tree::new();
    let mut previous: Hash = [0; 32];
    let (mut first, mut last) = (0, 0);
    let mut lines = lines.lines().zip(1_u64..);
    while let Some((text, number)) = lines.next() {
        let line = match check_line(&text?, number, last, &previous, manifest) {
            Ok(line) => line,
            Err(flaw) => return Err(missing_or_moved(flaw, &mut lines)?.into()),
        };
        previous = line.computed_leaf();
        tree.push(previous);
        last = line.position;
        first = if number == 1 { last } else { first };
        progress(number);
    }
    let root = hex::encode(tree.root());
    if tree.leaves() < manifest.count {
        let expected = manifest.count;
        return Err(Flaw::Truncated { count: tree.leaves(), last, expected }.into());
    }
    if root != manifest.root {
        return Err(Flaw::OtherRoot { found: root, expected: manifest.root.clone() }.into());
    }
    Ok(Verified { count: tree.leaves(), first, last, root })
}

/// What looks like a gap may be a line that stands further down.
fn missing_or_moved(
    flaw: Flaw,
    rest: &mut dyn Iterator<Item = (io::Result<String>, u64)>,
) -> io::Result<Flaw> {
    let Flaw::Missing { position: behind, after, .. } = flaw else { return Ok(flaw) };
    for (text, line) in rest {
        let Ok(found) = serde_json::from_str::<ExportLine>(&text?) else { continue };
        if found.position > after && found.position < behind {
            return Ok(Flaw::Reordered { line, position: found.position, after: behind });
        }
    }
    Ok(flaw)
}

fn check_line(
    text: &str,
    number: u64,
    last: u64,
    previous: &Hash,
    manifest: &Manifest,
) -> Result<ExportLine, Flaw> {
    let line: ExportLine = serde_json::from_str(text)
        .map_err(|error| Flaw::Unreadable { line: number, problem: error.to_string() })?;
    let position = line.position;
    if hex::encode(line.computed_leaf()) != line.leaf {
        return Err(Flaw::Altered { line: number, position });
    }
    if position <= last {
        return Err(Flaw::Reordered { line: number, position, after: last });
    }
    if line.prev != hex::encode(previous) {
        return Err(Flaw::Missing { line: number, position, after: last });
    }
    if number > manifest.count {
        return Err(Flaw::Added { line: number, position, expected: manifest.count });
    }
    match manifest.tenant {
        Some(tenant) if tenant.to_string() != line.tenant => Err(Flaw::OtherTenant {
            line: number,
            position,
            found: line.tenant,
            expected: tenant.to_string(),
        }),
        Some(_) | None => Ok(line),
    }
}
