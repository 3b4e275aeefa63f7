//! The journal: one line for every change, written before its answer is given.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::api::ApiRequest;
use crate::id::Seed;
use crate::operation::Operation;

/// A change to the fake, in the words in which it was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A scripted operation.
    Operation {
        /// Its operation key.
        key: String,
        /// What happens.
        operation: Operation,
    },
    /// A request that changes something.
    Request(ApiRequest),
    /// The clock moves.
    AdvanceTo(i64),
    /// Events reached a listener.
    Acknowledge(Vec<String>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    clock: i64,
    entry: Entry,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    stripe_fake_journal: u32,
    seed: Seed,
    start: i64,
}

/// An entry found in a journal.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its line, counted from one.
    pub(crate) line: usize,
    /// The clock at which it was written.
    pub(crate) clock: i64,
    pub(crate) entry: Entry,
}

const VERSION: u32 = 1;

/// Why a journal could not be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file could not be opened, read or written.
    #[error("the journal {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A complete line is not one of ours.
    #[error("line {line} of the journal {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The journal belongs to a fake with another seed, start or version.
    #[error("the journal {path} was written with another seed, start time or version")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Executing the journal again led elsewhere.
    #[error("line {line} of the journal {path} was written at another time than it was repeated")]
    Diverged {
        /// The file.
        path: PathBuf,
        /// The line, counted from one.
        line: usize,
    },
}

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Journal {
    /// Opens or creates a journal; answers its entries, oldest first. A torn last line, left by a process that was killed while writing, is cut
    /// off: its operation was never answered.
    pub(crate) fn open(
        path: &Path,
        seed: Seed,
        start: i64,
    ) -> Result<(Self, Vec<Written>), JournalError> {
        let fault = |source| JournalError::File { path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(fault)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fault)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes.truncate(whole);
        let length = u64::try_from(whole).unwrap_or(u64::MAX);
        file.set_len(length).map_err(fault)?;
        file.seek(SeekFrom::End(0)).map_err(fault)?;
        let mut journal = Self { path: path.to_owned(), file, length };
        let header = Header { stripe_fake_journal: VERSION, seed, start };
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let Some(first) = lines.next() else {
            journal.write(&header)?;
            return Ok((journal, Vec::new()));
        };
        if serde_json::from_slice::<Header>(first).ok() != Some(header) {
            return Err(JournalError::Foreign { path: path.to_owned() });
        }
        let mut entries = Vec::new();
        for (position, line) in lines.enumerate() {
            let number = position + 2;
            let line: Line = serde_json::from_slice(line).map_err(|source| {
                JournalError::Unreadable { path: path.to_owned(), line: number, source }
            })?;
            entries.push(Written { line: number, clock: line.clock, entry: line.entry });
        }
        Ok((journal, entries))
    }

    /// Writes one entry. It is with the operating system when this returns, so it survives the end
    /// of the process. A failed write leaves no part of the line behind.
    pub(crate) fn append(&mut self, clock: i64, entry: &Entry) -> Result<(), JournalError> {
        self.write(&Line { clock, entry: entry.clone() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), JournalError> {
        let fault = |source| JournalError::File { path: self.path.clone(), source };
        let mut bytes = serde_json::to_vec(line).map_err(|source| fault(source.into()))?;
        bytes.push(b'\n');
        if let Err(source) = self.file.write_all(&bytes) {
            // Best effort: if cutting fails as well, the torn line is cut when the file is reopened.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(fault(source));
        }
        self.length += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }
}
