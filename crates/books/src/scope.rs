//! Which part of the books.

use chrono::NaiveDate;
use kernel::TenantId;
use projections::chart::Book;
use store::Position;

/// Which part of the books is exported. Days are days of the tenant's time zone, as in every report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Whose.
    pub tenant: TenantId,
    /// As known at this position; `None` is the log's end when the export begins.
    pub through: Option<Position>,
    /// What took effect on this day or later. What took effect before is summed up in opening
    /// balances.
    pub from: Option<NaiveDate>,
    /// What took effect on this day or before.
    pub to: Option<NaiveDate>,
    /// Only this book; `None` is all of them.
    pub book: Option<Book>,
}

impl Scope {
    /// All of a tenant's books, as far as the log goes.
    #[must_use]
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant, through: None, from: None, to: None, book: None }
    }

    /// The scope in words, without the position: the same words for the same scope.
    #[must_use]
    pub fn words(&self) -> String {
        let book = self.book.as_ref().map_or_else(|| "all books".to_owned(), ToString::to_string);
        let from = self.from.map_or_else(String::new, |day| format!(", from {day}"));
        let to = self.to.map_or_else(String::new, |day| format!(", to {day}"));
        format!("{}, {book}{from}{to}", self.tenant).replace(char::is_control, " ")
    }
}

/// A text that is not a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a day; write it as 2026-03-31")]
pub struct DayError(pub String);

/// Reads a day, `2026-03-31`.
///
/// # Errors
/// [`DayError`].
pub fn day(text: &str) -> Result<NaiveDate, DayError> {
    text.parse().map_err(|_| DayError(text.to_owned()))
}
