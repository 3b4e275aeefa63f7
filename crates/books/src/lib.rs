//! The books as other programs read them: journals for hledger, ledger and beancount, a general
//! ledger as CSV for accountants, and Parquet for everybody who counts.
//!
//! Everything here is computed from the log by the one function that turns facts into postings, so
//! an export needs neither a server nor a stored read model. It is made a page of the log at a time.
//! What it keeps in memory grows with the accounts that are open, never with the number of lines;
//! of an account that is done with it remembers 16 bytes. An export to a file goes on where it was
//! interrupted, and ends with the same bytes as one that was not.

mod amounts;
mod beancount;
mod dataset;
mod dimensions;
mod fault;
mod file;
mod format;
mod general_ledger;
mod names;
mod parquet_rows;
mod plain;
mod progress;
mod reader;
mod schema;
mod scope;
mod standing;
mod text;

#[cfg(test)]
mod tests;

pub use dataset::{Dataset, DatasetManifest, PartFile};
pub use fault::BooksFault;
pub use file::{TextFile, Written};
pub use format::{Contents, Format, UnknownFormat};
pub use progress::{Beginning, Pace};
pub use schema::{ColumnShown, columns_of_events, columns_of_journal_lines};
pub use scope::{DayError, Scope, day};
pub use text::TextExport;
