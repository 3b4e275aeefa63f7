//! The default store: SQLite files on one machine, with nothing to set up.

mod views;

pub use views::{OpenViewsError, SqliteViews};
