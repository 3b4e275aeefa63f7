//! Why read models cannot be opened, and how PostgreSQL's errors are told to callers.

use sqlx::{Error, migrate::MigrateError};
use store::ViewsError;

/// Why the read models cannot be opened. Nothing of another program's is ever touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenViewsError {
    /// The address is not one of a PostgreSQL database.
    #[error("the address of the read models is wrong: {0}")]
    Address(String),
    /// The server cannot be reached, or refuses the connection; it may do better later.
    #[error("the database of the read models cannot be reached: {0}")]
    Unreachable(String),
    /// The server lacks what the read models rest on.
    #[error("the database of the read models cannot be used: {0}")]
    Unsuitable(String),
    /// A later Daybook has written here.
    #[error(
        "the read models in the schema {schema} were written by a newer Daybook (it has migration \
         {migration}, this one does not); run that one, or drop the schema to have them rebuilt \
         from the log"
    )]
    Newer {
        /// The schema of the bookkeeping.
        schema: String,
        /// The first migration that this program does not know.
        migration: i64,
    },
    /// PostgreSQL refused a statement.
    #[error("the read models cannot be set up: {0}")]
    Failed(String),
}

impl OpenViewsError {
    pub(super) fn setting_up(error: &Error) -> Self {
        match error {
            Error::Database(refusal) => Self::Failed(refusal.to_string()),
            other => Self::Unreachable(other.to_string()),
        }
    }

    pub(super) fn migrating(schema: &str, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(migration) => {
                Self::Newer { schema: schema.to_owned(), migration }
            }
            MigrateError::Execute(error) => Self::setting_up(&error),
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A table or a column is not there (any more).
pub(super) const UNDEFINED_TABLE: &str = "42P01";
/// What a row refers to is not there.
pub(super) const MISSING_REFERENCE: &str = "23503";
/// The role may not do this.
pub(super) const NOT_PERMITTED: &str = "42501";
/// There is a role of this name already.
pub(super) const ROLE_EXISTS: &str = "42710";
/// Two made the same thing at the same moment.
pub(super) const NOT_UNIQUE: &str = "23505";

/// Whether PostgreSQL answered with this code.
pub(super) fn says(error: &Error, code: &str) -> bool {
    matches!(error, Error::Database(answer) if answer.code().as_deref() == Some(code))
}

/// Whether the connection is of no use any more: the server went, or sent its clients away.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        Error::Database(answer) => {
            answer.code().is_some_and(|code| code.starts_with("57P0") || code.starts_with("08"))
        }
        _ => false,
    }
}

/// Tells an error of PostgreSQL's as one of the read models'.
pub(super) fn fault(error: Error) -> ViewsError {
    match error {
        Error::PoolClosed => closed(),
        Error::PoolTimedOut => {
            ViewsError::Unavailable("no connection to PostgreSQL in time".to_owned())
        }
        Error::Database(answer) => {
            let code = answer.code().unwrap_or_default();
            match code.get(..2).unwrap_or_default() {
                // Integrity, data, limits: the row is one that PostgreSQL cannot hold.
                "22" | "23" | "54" => ViewsError::Invalid(answer.to_string()),
                "XX" if code == "XX001" || code == "XX002" => {
                    ViewsError::Corrupt(answer.to_string())
                }
                _ => ViewsError::Unavailable(answer.to_string()),
            }
        }
        // What is stored is not of the type that this program stores there.
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnIndexOutOfBounds { .. } => {
            ViewsError::Corrupt(error.to_string())
        }
        Error::Encode(reason) => ViewsError::Invalid(reason.to_string()),
        other => ViewsError::Unavailable(other.to_string()),
    }
}

/// The answer after closing.
pub(super) fn closed() -> ViewsError {
    ViewsError::Unavailable("they are closed".to_owned())
}
