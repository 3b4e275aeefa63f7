//! Why an export could not be made.

use std::{io, path::Path};

use store::{LogError, Position};

/// Why an export could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BooksFault {
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log ends before the position asked for.
    #[error("the log ends at position {head}; {wanted} does not exist yet")]
    BeyondHead {
        /// Where the log ends.
        head: Position,
        /// What was asked for.
        wanted: Position,
    },
    /// A fact cannot be read or posted; half of the books is not exported.
    #[error("position {position}: {problem}")]
    Fact {
        /// Where it stands.
        position: Position,
        /// What is wrong with it.
        problem: String,
    },
    /// A sum does not fit.
    #[error("the balance of {0} is too large")]
    Overflow(String),
    /// A file could not be written or read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What is wrong.
        error: io::Error,
    },
    /// The Parquet writer refused.
    #[error("Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A row of CSV or a note on progress could not be written.
    #[error("a row cannot be written: {0}")]
    Row(String),
    /// It makes no sense to write this format this way.
    #[error("{0}")]
    Senseless(&'static str),
}

impl BooksFault {
    /// A fault of a file.
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }
}
