//! Which engine holds the log and the read models: the only place that names a concrete store.

#[cfg_attr(not(feature = "kurrent"), path = "without_kurrent.rs")]
mod kurrent;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use store::{
    Checkpoint, Durability, Guarantees, Inventory, Log, LogError, LogId, Views, ViewsError,
};
use store_postgres::{
    OpenLogError as OpenPostgresError, PostgresLog, PostgresLogOptions, PostgresViews,
    read_checkpoints as postgres_checkpoints,
};
use store_sqlite::{
    LogOptions, OpenLogError, OpenViewsError, SqliteLog, SqliteViews, read_checkpoints,
};

use crate::{
    address::{LogAddress, Url, ViewsAddress},
    config::DataArgs,
    outcome::{Failure, Outcome},
};

pub(crate) use kurrent::prepare;

/// What a database without read models says; a test holds it to that.
const NO_READ_MODELS: &str = "there are none in this database";

/// Opens the log for writing: alone on SQLite, beside others elsewhere.
pub(crate) async fn open_log(data: &DataArgs) -> Outcome<Arc<dyn Log>> {
    let address = data.log()?;
    if let LogAddress::Sqlite(path) = &address {
        if data.high_availability {
            return Err(Failure::usage(
                "SQLite keeps the log on one machine, and high availability was asked for: it needs \
                 PostgreSQL with a synchronous standby, or KurrentDB",
            ));
        }
        if path.parent() == Some(&data.data) {
            data.create()?;
        }
    }
    let opened = Opened::to_write(&address, data.high_availability).await?;
    let log = opened.log();
    if data.high_availability {
        let guarantees = log.guarantees().await.map_err(Failure::unavailable)?;
        if let Some(why) = unavailability(&guarantees) {
            log.close().await;
            return Err(Failure::unavailable(format!(
                "high availability was asked for and cannot be had: {why}"
            )));
        }
    }
    Ok(log)
}

/// Opens the log for reading, beside a server that may be writing it.
pub(crate) async fn read_log(data: &DataArgs) -> Outcome<Arc<dyn Log>> {
    Ok(Opened::to_read(&data.log()?, data.high_availability).await?.log())
}

/// Why a log would not survive the loss of a machine.
fn unavailability(guarantees: &Guarantees) -> Option<String> {
    if !guarantees.broken.is_empty() {
        return Some(guarantees.broken.join("; "));
    }
    let replicated = guarantees.durability == Durability::Replicated;
    (!replicated).then(|| "no other machine has a copy of what is acknowledged".to_owned())
}

/// An open log, whichever engine holds it.
#[derive(Debug, Clone)]
pub(crate) enum Opened {
    /// A SQLite file.
    Sqlite(Arc<SqliteLog>),
    /// What a server keeps: PostgreSQL or KurrentDB.
    Served(Arc<dyn Served>),
}

/// A log that a server keeps. Its answers stay on the thread that asks: of sqlx's the compiler
/// cannot see that they could leave it.
#[async_trait(?Send)]
pub(crate) trait Served: Inventory {
    /// Reads all of it and returns what is wrong with it, in words; empty when nothing is.
    async fn integrity(&self) -> Result<Vec<String>, LogError>;
}

#[async_trait(?Send)]
impl Served for PostgresLog {
    async fn integrity(&self) -> Result<Vec<String>, LogError> {
        Self::integrity(self).await
    }
}

impl Opened {
    /// Opens a log for writing, or begins a new one.
    pub(crate) async fn to_write(address: &LogAddress, high_availability: bool) -> Outcome<Self> {
        Self::open(address, Access { high_availability, ..Access::default() }).await
    }

    /// Opens a log that exists for reading only.
    pub(crate) async fn to_read(address: &LogAddress, high_availability: bool) -> Outcome<Self> {
        Self::open(address, Access { read_only: true, high_availability, id: None }).await
    }

    /// Opens a new log with the id of another, or a copy of it that was begun.
    pub(crate) async fn to_copy(address: &LogAddress, id: &LogId) -> Outcome<Self> {
        Self::open(address, Access { id: Some(id.clone()), ..Access::default() }).await
    }

    async fn open(address: &LogAddress, access: Access) -> Outcome<Self> {
        match address {
            LogAddress::Sqlite(path) => {
                let Access { read_only, id: log_id, .. } = access;
                let options = LogOptions { read_only, log_id, ..LogOptions::default() };
                let log = SqliteLog::open(path, options).await.map_err(log_failure)?;
                Ok(Self::Sqlite(Arc::new(log)))
            }
            LogAddress::Postgres(url) => {
                let Access { read_only, high_availability, id: log_id } = access;
                let options = PostgresLogOptions {
                    read_only,
                    log_id,
                    high_availability,
                    ..PostgresLogOptions::default()
                };
                let log = PostgresLog::open(url.reveal(), options).await;
                Ok(Self::Served(Arc::new(log.map_err(|error| postgres_failure(url, &error))?)))
            }
            LogAddress::Kurrent(url) => kurrent::open(url, access).await.map(Self::Served),
        }
    }

    /// The log.
    pub(crate) fn log(&self) -> Arc<dyn Log> {
        match self {
            Self::Sqlite(log) => Arc::clone(log) as Arc<dyn Log>,
            Self::Served(log) => Arc::clone(log) as Arc<dyn Log>,
        }
    }

    /// The log, which can list all that it holds.
    pub(crate) fn inventory(&self) -> Arc<dyn Inventory> {
        match self {
            Self::Sqlite(log) => Arc::clone(log) as Arc<dyn Inventory>,
            Self::Served(log) => Arc::clone(log) as Arc<dyn Inventory>,
        }
    }

    /// Writes a copy of a log's file, with all its keys, to a new file.
    pub(crate) async fn copy_into(&self, to: &Path) -> Outcome {
        match self {
            Self::Sqlite(log) => log.copy_into(to).await.map_err(Failure::unavailable),
            Self::Served(_) => Err(Failure::usage("only a SQLite log is a file")),
        }
    }

    /// Reads all of it and returns what is wrong with it, in words; empty when nothing is.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>, LogError> {
        match self {
            Self::Sqlite(log) => log.integrity().await,
            Self::Served(log) => log.integrity().await,
        }
    }
}

/// How a log is opened.
#[derive(Debug, Default)]
struct Access {
    read_only: bool,
    high_availability: bool,
    id: Option<LogId>,
}

/// Why the log in a database did not open. Drivers may quote the URL they were given.
fn postgres_failure(url: &Url, error: &OpenPostgresError) -> Failure {
    let line = url.scrub(&error.to_string());
    match error {
        OpenPostgresError::Url { .. } => Failure::usage(line),
        OpenPostgresError::Missing { .. }
        | OpenPostgresError::NewerSchema { .. }
        | OpenPostgresError::OtherLog { .. }
        | OpenPostgresError::NotReplicated { .. }
        | OpenPostgresError::Unavailable { .. } => Failure::unavailable(line),
    }
}

/// Why a log would not survive the loss of one machine; `None` where it would, and where a file's
/// durability already says that it would not.
pub(crate) async fn not_replicated(address: &LogAddress) -> Option<String> {
    match Opened::to_read(address, true).await {
        Ok(opened) => {
            let log = opened.log();
            let stated = log.guarantees().await;
            log.close().await;
            stated.map_or_else(|error| Some(error.to_string()), |stated| unavailability(&stated))
        }
        Err(failure) => Some(failure.to_string()),
    }
}

/// Why the log did not open, and what to do.
fn log_failure(error: OpenLogError) -> Failure {
    match error {
        OpenLogError::Locked { .. } => Failure::unavailable(format!(
            "{error}; is a server running? Use --server and DAYBOOK_KEY to talk to it"
        )),
        OpenLogError::Io { .. } => Failure::unavailable(format!(
            "{error}; Daybook must be able to write in its data folder, and to make files there"
        )),
        other => Failure::unavailable(other),
    }
}

/// What the writer of a log promises, or would.
#[derive(Debug)]
pub(crate) enum Writer {
    /// Its settings.
    Known(Guarantees),
    /// They could not be found out, and that is no fault.
    NotChecked(&'static str),
    /// Something is wrong.
    Wrong(String),
}

/// Finds out with which settings the log would be written from here. It is known to be there and of
/// this schema.
pub(crate) async fn writer_of(address: &LogAddress) -> Writer {
    match address {
        LogAddress::Sqlite(path) => writer_of_file(path).await,
        // There the settings are the server's, and whoever reads the log sees them.
        LogAddress::Postgres(_) | LogAddress::Kurrent(_) => {
            Writer::NotChecked("the settings are the engine's own, shown above")
        }
    }
}

/// Opens the log for a moment as the server would.
async fn writer_of_file(path: &Path) -> Writer {
    match SqliteLog::open(path, LogOptions::default()).await {
        Ok(log) => {
            let guarantees = log.guarantees().await;
            log.close().await;
            guarantees.map_or_else(|error| Writer::Wrong(error.to_string()), Writer::Known)
        }
        Err(OpenLogError::Locked { .. }) => Writer::NotChecked(
            "not checked: a server holds the log; ask it with --server and DAYBOOK_KEY",
        ),
        Err(error) => Writer::Wrong(error.to_string()),
    }
}

/// Opens the read models for writing.
pub(crate) async fn open_views(data: &DataArgs) -> Outcome<Arc<dyn Views>> {
    match data.views()? {
        ViewsAddress::Sqlite(path) => {
            if path.parent() == Some(&data.data) {
                data.create()?;
            }
            let views = SqliteViews::open(path).await.map_err(|error| views_failure(&error))?;
            Ok(Arc::new(views))
        }
        ViewsAddress::Postgres(url) => {
            let views = PostgresViews::open(url.reveal()).await;
            let views =
                views.map_err(|error| Failure::unavailable(url.scrub(&error.to_string())))?;
            Ok(Arc::new(views))
        }
    }
}

/// Why the read models did not open, and what to do: nothing in them is lost with them.
fn views_failure(error: &OpenViewsError) -> Failure {
    match error {
        OpenViewsError::Failed { path, .. } => Failure::unavailable(format!(
            "{error}; the read models ({0}, {0}-wal and {0}-shm) may be deleted, they are rebuilt \
             from the log",
            path.display()
        )),
        OpenViewsError::InUse { .. }
        | OpenViewsError::Foreign { .. }
        | OpenViewsError::Newer { .. }
        | OpenViewsError::Corrupt { .. } => Failure::unavailable(error),
    }
}

/// The checkpoints of the read models as they are stored, beside a server that may be writing them;
/// `None` when there are no read models yet.
pub(crate) async fn checkpoints(address: &ViewsAddress) -> Outcome<Option<Vec<Checkpoint>>> {
    let read = match address {
        ViewsAddress::Sqlite(path) if !exists(path) => return Ok(None),
        ViewsAddress::Sqlite(path) => read_checkpoints(path).await,
        ViewsAddress::Postgres(url) => match postgres_checkpoints(url.reveal()).await {
            Err(ViewsError::Unavailable(why)) if why == NO_READ_MODELS => return Ok(None),
            read => read,
        },
    };
    read.map(Some).map_err(|error| {
        let error = address.scrub(&error.to_string());
        Failure::unavailable(format!(
            "{address}: {error}; they may be deleted, they are rebuilt from the log"
        ))
    })
}

/// The same, where there must be some.
pub(crate) async fn stored_checkpoints(data: &DataArgs) -> Outcome<Vec<Checkpoint>> {
    let address = data.views()?;
    checkpoints(&address).await?.ok_or_else(|| {
        Failure::unavailable(format!(
            "there are no read models at {address}; they are built when the server starts"
        ))
    })
}

/// Whether a file is there.
pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(false)
}
