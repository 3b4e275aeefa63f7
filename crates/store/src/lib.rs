//! The promises a store makes: the log of events, the rows derived from it, and nothing else.
//!
//! This crate holds the traits, their types and errors, the in-memory log for unit tests, the
//! bridge by which the stock `cqrs_es` framework runs on a Daybook log, and the contract: one suite
//! of conformance cases that every store must pass.

mod bridge;
mod commit_check;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[doc(hidden)]
pub mod field;
mod follow;
mod in_order;
mod inventory;
mod log;
mod memory;
mod memory_views;
mod metadata;
mod row_hash;
mod rows;
mod shape;
mod table;
#[cfg(any(test, feature = "contract"))]
pub mod views_contract;
mod views_ext;

pub use bridge::LogEventRepository;
pub use commit_check::{
    COMMAND_ID_BYTES_MAX, COMMIT_BYTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, STREAM_ID_BYTES_MAX,
};
pub use field::Field;
pub use follow::{FOLLOW_PAGE_EVENTS, Follow, follow, whole_stream};
pub use in_order::all_in_order;
pub use inventory::{Inventory, StoredCommand, Tally};
pub use log::{
    AppendError, Appended, Commit, Durability, Expected, Guarantees, Head, Idempotency, Lease, Log,
    LogError, LogId, NewEvent, Page, Position, Receipt, Recorded, SealingKey, Snapshot, StreamId,
    fingerprint,
};
pub use memory::MemoryLog;
pub use memory_views::MemoryViews;
pub use metadata::Metadata;
pub use row_hash::RowHash;
pub use rows::{
    Checkpoint, Column, ColumnType, Direction, Filter, Query, RowWrite, Table, TableDef, Value,
    Views, ViewsError, ViewsTransaction,
};
pub use shape::{IN_VALUES_MAX, ProjectionName, TABLE_NAME_BYTES_MAX, after_prefix};
pub use views_ext::{RowKey, ViewsExt};
