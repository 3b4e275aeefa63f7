//! Which programs are written for.

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Format {
    /// A journal for hledger.
    Hledger,
    /// A journal for ledger. It is the same file: one dialect passes both.
    Ledger,
    /// A journal for beancount.
    Beancount,
    /// A general ledger as CSV.
    Csv,
    /// Parquet files.
    Parquet,
}

/// A text that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a format; there are hledger, ledger, beancount, csv and parquet")]
pub struct UnknownFormat(pub String);

impl Format {
    /// The format of this name.
    ///
    /// # Errors
    /// [`UnknownFormat`].
    pub fn named(name: &str) -> Result<Self, UnknownFormat> {
        name.parse().map_err(|_| UnknownFormat(name.to_owned()))
    }

    /// What HTTP calls it.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Hledger | Self::Ledger | Self::Beancount => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// What the rows of a Parquet data set are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Contents {
    /// One row for each line of the journal.
    JournalLines,
    /// One row for each event, as stored.
    Events,
}
