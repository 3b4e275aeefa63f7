//! The log and the read models of Daybook on PostgreSQL.

mod cluster;
mod log;
mod views;

pub use log::{Hook, Moment, OpenLogError, PostgresLog, PostgresLogOptions};
pub use views::{OpenViewsError, PostgresViews, read_checkpoints};
