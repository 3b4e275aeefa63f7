//! Why a file of read models cannot be opened, and how SQLite's errors are told to callers.

use std::path::PathBuf;

use rusqlite::{Error, ErrorCode};
use store::ViewsError;

/// Why the read models cannot be opened. Whether to delete a file is the operator's choice; it is
/// never done for them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenViewsError {
    /// Another process has the file open for writing.
    #[error("{} is in use by another process; only one may write the read models", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A SQLite database that something else made.
    #[error(
        "{} is a database of another program, and was left as it is; choose another path for the \
         read models", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later Daybook has written the file.
    #[error(
        "{} was written by a newer Daybook (format {found}; this one knows {known}); run that one, \
         or delete the file to have the read models rebuilt from the log", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The latest format this program knows.
        known: u32,
    },
    /// Not a SQLite database, or a damaged one.
    #[error(
        "{} is damaged or not a database ({reason}); if it is the file of read models, delete it \
         to have them rebuilt from the log", path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// The file system or SQLite refused.
    #[error("{} cannot be opened: {reason}", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What was said.
        reason: String,
    },
}

impl OpenViewsError {
    pub(super) fn from_sqlite(path: PathBuf, error: &Error) -> Self {
        let reason = error.to_string();
        if is_damage(error) {
            Self::Corrupt { path, reason }
        } else {
            Self::Failed { path, reason }
        }
    }
}

fn is_damage(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Tells an error of SQLite's as one of the read models'.
pub(super) fn fault(error: Error) -> ViewsError {
    if is_damage(&error) {
        return ViewsError::Corrupt(error.to_string());
    }
    match error {
        // What is stored is not of the type that this program stores there.
        Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(_) => ViewsError::Corrupt(error.to_string()),
        other => match other.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig) => {
                ViewsError::Invalid(other.to_string())
            }
            _ => ViewsError::Unavailable(other.to_string()),
        },
    }
}
