//! The read models of one machine: a SQLite file of their own, which can be deleted at any time.
//!
//! One thread writes, over the only connection that writes or checkpoints; a few read-only
//! connections answer questions. Every physical table carries the version of its projection in its
//! name (`earnings__2`), so the next version is built beside the live one; a SQL view of the bare
//! name (`earnings`) shows the live one to people with a SQL shell, and the views `tables` and
//! `columns` say what everything means. A shell beside a running Daybook should open the file
//! read-only (`sqlite3 -readonly`): only the writing thread may checkpoint.

mod errors;
mod file;
mod readers;
mod select;
mod step;
mod tables;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use store::{Checkpoint, Query, TableDef, Value, Views, ViewsError, ViewsTransaction};

pub use self::errors::OpenViewsError;
use self::{readers::Readers, writer::Writer};

/// A [`Views`] in a SQLite file.
pub struct SqliteViews {
    path: PathBuf,
    writer: Writer,
    readers: Arc<Readers>,
}

impl SqliteViews {
    /// Opens the read models at `path`, making the file if there is none, and takes its lock
    /// (`{path}.lock`), which is held until [`Views::close`] or the end of the process.
    ///
    /// # Errors
    /// [`OpenViewsError`]; a file that is not ours is left as it is.
    pub async fn open(path: impl Into<PathBuf> + Send) -> Result<Self, OpenViewsError> {
        let path = path.into();
        let opening = path.clone();
        tokio::task::spawn_blocking(move || Self::open_now(opening)).await.map_err(|error| {
            OpenViewsError::Failed { path, reason: format!("opening was interrupted: {error}") }
        })?
    }

    fn open_now(path: PathBuf) -> Result<Self, OpenViewsError> {
        let lock = file::lock(&path)?;
        let connection = file::open(&path)?;
        let writer = Writer::start(connection, lock).map_err(|error| OpenViewsError::Failed {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        Ok(Self { readers: Arc::new(Readers::new(path.clone())), path, writer })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The checkpoints of the read models at `path`, read beside whoever holds their lock: for replays
/// that compare, and for the doctor.
///
/// # Errors
/// [`ViewsError`].
pub async fn read_checkpoints(
    path: impl Into<PathBuf> + Send,
) -> Result<Vec<Checkpoint>, ViewsError> {
    Arc::new(Readers::new(path.into())).run(step::checkpoints).await
}

impl fmt::Debug for SqliteViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteViews").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Views for SqliteViews {
    async fn prepare(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        let projection = projection.to_owned();
        self.writer.run(move |state| tables::prepare(state, &projection, tables)).await
    }

    async fn apply(&self, transaction: ViewsTransaction) -> Result<(), ViewsError> {
        self.writer.run(move |state| step::apply(state, transaction)).await
    }

    async fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, ViewsError> {
        let projection = projection.to_owned();
        self.readers.run(move |connection| step::checkpoint(connection, &projection)).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewsError> {
        self.readers.run(step::checkpoints).await
    }

    async fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        let projection = projection.to_owned();
        self.readers.run(move |connection| select::load(connection, &projection, table, keys)).await
    }

    async fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        let query = table.question(query)?;
        self.readers.run(move |connection| select::select(connection, table, &query)).await
    }

    async fn make_live(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        let projection = projection.to_owned();
        self.writer.run(move |state| tables::make_live(state, &projection, tables)).await
    }

    async fn live(&self, name: &str) -> Result<Option<String>, ViewsError> {
        let name = name.to_owned();
        self.readers.run(move |connection| tables::live(connection, &name)).await
    }

    async fn discard(
        &self,
        projection: &str,
        _tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        // What the file holds of the projection is known from the file, also when the program no
        // longer declares it.
        let projection = projection.to_owned();
        self.writer.run(move |state| tables::discard(state, &projection)).await
    }

    async fn close(&self) {
        // Readers first: the connection that goes last checkpoints, and only the writer may.
        self.readers.close().await;
        self.writer.close().await;
    }
}
