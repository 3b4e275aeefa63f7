//! Balance transactions from files: Stripe's itemised reports and exports (CSV), and its list of
//! balance transactions (JSON). For tenants without a Stripe key, and for history older than ours.
//!
//! What is read becomes records of [`Provenance::Imported`](aggregates::balance_transaction::Provenance),
//! which are recorded by the same command as any other; recorded twice they change nothing.

mod csv_file;
mod json_file;

use std::fmt;

use aggregates::{balance_transaction::TransactionRecord, vocabulary::AccountRef};

use crate::objects::Fault;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportError {
    /// The line, counted from 1.
    pub line: u64,
    /// The column's name, if it is about one.
    pub column: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl ImportError {
    fn new(line: u64, problem: impl Into<String>) -> Self {
        Self { line, column: None, problem: problem.into() }
    }

    fn in_column(line: u64, column: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { line, column: Some(column.into()), problem: problem.into() }
    }

    fn of_fault(line: u64, fault: Fault) -> Self {
        Self::in_column(line, fault.field, fault.problem)
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.problem),
            None => write!(f, "line {}: {}", self.line, self.problem),
        }
    }
}

impl std::error::Error for ImportError {}

/// The records of a file, one after the other.
pub type Records<'a> = Box<dyn Iterator<Item = Result<TransactionRecord, ImportError>> + Send + 'a>;

/// Reads a file. `account` says whose balance it is about: a connected account's, or the platform's
/// own (`None`).
///
/// JSON may be an array, a list object (`{"data": [...]}`), a single object, or one object per
/// line; anything else is taken for CSV with a line of headers. Transactions of another balance than
/// the normal one (`balance_type`) are left out: what leaves or enters the normal one says the same.
///
/// # Errors
/// [`ImportError`] at once when the file as a whole cannot be read; per record otherwise.
pub fn transactions<'a>(
    content: &'a [u8],
    account: Option<&AccountRef>,
) -> Result<Records<'a>, ImportError> {
    // Spreadsheet programs put a byte order mark in front.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = std::str::from_utf8(content).map_err(|error| {
        let read = content.get(..error.valid_up_to()).unwrap_or_default();
        ImportError::new(line_at(read), "this is not UTF-8")
    })?;
    match text.trim_start().as_bytes().first() {
        None => Err(ImportError::new(1, "the file is empty")),
        Some(b'[' | b'{') => json_file::read(text, account.cloned()),
        Some(_) => csv_file::read(text, account.cloned()),
    }
}

/// The number of the line that follows these bytes.
fn line_at(before: &[u8]) -> u64 {
    before.iter().fold(1, |line, byte| line + u64::from(*byte == b'\n'))
}

#[cfg(test)]
mod tests;
