//! The rows: read models derived from the log, with their checkpoints, in a store of their own.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;
use kernel::TenantId;
use uuid::Uuid;

use crate::{Lease, LogId, Position};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A 64-bit whole number: minor units, counts, positions, milliseconds.
    Integer,
    /// Text: ids, names, JSON.
    Text,
    /// An instant (RFC 3339 text in SQLite, `timestamptz` in PostgreSQL).
    Instant,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// What it means, for people who query the table (units!).
    pub comment: &'static str,
    /// Whether it counts for the state hash. Positions, `recorded_at` and minted ids do not.
    pub hashed: bool,
}

/// One table. Every table's first column is `tenant`, and its key starts with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableDef {
    /// Its name.
    pub name: &'static str,
    /// What one row says.
    pub comment: &'static str,
    /// Its columns; `tenant` first.
    pub columns: &'static [Column],
    /// How many of the first columns are the primary key.
    pub key_columns: usize,
    /// Further indexes, each a list of column names.
    pub indexes: &'static [&'static [&'static str]],
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text, or an instant as RFC 3339.
    Text(Cow<'static, str>),
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Int(_) => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Null | Self::Text(_) => None,
        }
    }
}

/// A row type knows its table and how it becomes values and back.
pub trait Table: Clone + Send + Sync + 'static {
    /// The table.
    const TABLE: TableDef;

    /// The values, in the order of the columns.
    fn to_values(&self) -> Vec<Value>;

    /// The row, from values in the order of the columns.
    ///
    /// # Errors
    /// [`ViewsError::Corrupt`] when a value is not what the column should hold.
    fn from_values(values: Vec<Value>) -> Result<Self, ViewsError>;

    /// The values of the key columns, `tenant` first.
    fn key_values(&self) -> Vec<Value> {
        let mut values = self.to_values();
        values.truncate(Self::TABLE.key_columns);
        values
    }
}

/// A row to be written or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowWrite {
    /// Insert or replace the row with the same key.
    Put(Vec<Value>),
    /// Remove the row with this key.
    Delete(Vec<Value>),
}

/// How far a projection has come, and what it would take to prove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The projection, with its version: `seller_balances@1`.
    pub projection: String,
    /// Which log it follows.
    pub log: LogId,
    /// The last position folded.
    pub position: Position,
    /// The identity of the event found there, to be compared with the log at start.
    pub event_id: Uuid,
    /// Order-independent hash of the rows, 64 hexadecimal digits: the sum modulo 2^256 of the
    /// SHA-256 of each row's hashed columns.
    pub state_hash: String,
    /// Rows behind the hash.
    pub rows: u64,
    /// Why it stands still, if it met a fact it cannot fold.
    pub stopped: Option<String>,
}

/// Everything one step of a projection changes, applied in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewsTransaction {
    /// The checkpoint that must be there now (compare-and-set); `None` for a new projection.
    pub expected: Option<(Position, Uuid)>,
    /// The checkpoint afterwards.
    pub checkpoint: Checkpoint,
    /// Rows by table. Physical table names carry the projection's version; the store maps them.
    pub writes: BTreeMap<&'static str, Vec<RowWrite>>,
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Equal to; with [`Value::Null`], is empty.
    Eq(&'static str, Value),
    /// One of at most [`crate::IN_VALUES_MAX`] values.
    In(&'static str, Vec<Value>),
    /// At least.
    AtLeast(&'static str, Value),
    /// Less than.
    Below(&'static str, Value),
    /// Starts with (text; `%` and `_` mean themselves).
    Prefix(&'static str, String),
    /// Not null.
    Present(&'static str),
    /// Row comparison for keyset pagination: `(a, b) > (x, y)` (or `<` when descending).
    Beyond(Vec<&'static str>, Vec<Value>, Direction),
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A question to one table of one tenant. The tenant is a parameter, never a filter that somebody
/// may forget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Whose rows; `None` only for the engine's own work across tenants.
    pub tenant: Option<TenantId>,
    /// Conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// Order.
    pub order: Vec<(&'static str, Direction)>,
    /// At most so many rows.
    pub limit: usize,
}

impl Query {
    /// All rows of a tenant, in key order, at most 1000.
    #[must_use]
    pub const fn of(tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), filters: Vec::new(), order: Vec::new(), limit: 1000 }
    }

    /// Rows of all tenants: for the engine's own workers, never for an API answer.
    #[must_use]
    pub const fn across_tenants() -> Self {
        Self { tenant: None, filters: Vec::new(), order: Vec::new(), limit: 1000 }
    }

    /// Adds a condition.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Adds the condition that a column equals a text.
    #[must_use]
    pub fn eq(self, column: &'static str, text: impl Into<String>) -> Self {
        self.filter(Filter::Eq(column, Value::text(text)))
    }

    /// Orders by a column, after the orders given before.
    #[must_use]
    pub fn order_by(mut self, column: &'static str, direction: Direction) -> Self {
        self.order.push((column, direction));
        self
    }

    /// Takes at most so many rows.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }
}

/// Why the rows could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ViewsError {
    /// Another worker has moved the checkpoint; nothing was written.
    #[error("another worker has moved the checkpoint of {projection}")]
    CheckpointMoved {
        /// The projection.
        projection: String,
    },
    /// A question names a table or column that does not exist.
    #[error("there is no such table or column: {0}")]
    UnknownName(String),
    /// A question, a row or a table is not well formed (a text where a number belongs, a table
    /// declared differently under the same version): a mistake in the caller's code.
    #[error("not well formed: {0}")]
    Invalid(String),
    /// The store cannot be reached or has failed; the same call may succeed later.
    #[error("the read models are unavailable: {0}")]
    Unavailable(String),
    /// The rows contradict themselves; rebuild them.
    #[error("the read models are corrupt: {0}; delete them or run daybook rebuild")]
    Corrupt(String),
}

/// The store of read models: rows and checkpoints, everything in it can be rebuilt from the log.
#[async_trait]
pub trait Views: Send + Sync + fmt::Debug {
    /// Makes sure the tables of a projection (by its versioned name, `seller_balances@1`) exist.
    /// Must be called once after opening, before [`Views::apply`].
    ///
    /// # Errors
    /// [`ViewsError::Invalid`] when they are declared differently from what is stored under this
    /// version, or belong to another projection.
    async fn prepare(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError>;

    /// Applies one step of a projection: rows and checkpoint, in one transaction.
    ///
    /// # Errors
    /// [`ViewsError::CheckpointMoved`] when the compare-and-set fails; nothing is written then.
    async fn apply(&self, transaction: ViewsTransaction) -> Result<(), ViewsError>;

    /// The checkpoint of a projection.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, ViewsError>;

    /// All checkpoints.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewsError>;

    /// Loads the rows with these keys (values of the key columns) for folding; missing ones are
    /// absent from the answer. Answers from this version, live or not.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError>;

    /// Answers a question about the live version of a table, in the order of
    /// [`TableDef::order_of`].
    ///
    /// # Errors
    /// [`ViewsError::Unavailable`] while no version with these columns is live;
    /// [`ViewsError::UnknownName`] and [`ViewsError::Invalid`] for questions that make no sense.
    async fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError>;

    /// Makes this version of a projection the one that `select` answers from, in one step, and
    /// drops the rows of every other version.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn make_live(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError>;

    /// Which version of a projection (by its bare name) is live.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn live(&self, name: &str) -> Result<Option<String>, ViewsError>;

    /// Forgets a projection version: rows and checkpoint.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn discard(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError>;

    /// Asks to be, or to stay, the only one who keeps these read models up to date, for so long. It
    /// spares double work; what keeps two from harming each other is the compare-and-set of every
    /// checkpoint. A store that only one process can write grants it always.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, ViewsError> {
        let _one_process = (worker, holder, time);
        Ok(Lease::Granted { fence: 0 })
    }

    /// Gives a lease back before its time, if it is still this holder's.
    ///
    /// # Errors
    /// [`ViewsError`].
    async fn release(&self, worker: &str, holder: &str) -> Result<(), ViewsError> {
        let _one_process = (worker, holder);
        Ok(())
    }

    /// Finishes what is under way and releases the store.
    async fn close(&self);
}
