//! The default store: SQLite files on one machine, with nothing to set up.

mod log;
mod views;

#[doc(hidden)]
pub use log::{Hook, Moment};
pub use log::{LogOptions, OpenLogError, SqliteLog, Synchronous};
pub use views::{OpenViewsError, SqliteViews, read_checkpoints};
