//! Reports: from what is asked for to a finished report. Lines are read a page at a time; what is
//! kept is what the report sums up.

mod asked;
mod read;
mod render;

pub use asked::{AskError, Asked, PARAMETERS, Request, named};
pub use read::{ReportError, known, make};
pub use render::{csv_text, json};
