//! Opening the file of read models: its lock, whose it is, its format and its settings.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::errors::OpenViewsError;

/// Marks the file as Daybook's read models ("DBVW"), in the place SQLite keeps for it.
const APPLICATION_ID: i32 = 0x4442_5657;

/// The formats of the bookkeeping, oldest first. `user_version` counts those that were applied.
const MIGRATIONS: &[&str] =
    &[include_str!("../../../../migrations/sqlite-views/0001_bookkeeping.sql")];

/// How long a statement waits for a lock before it fails, in milliseconds. There is one writer, so
/// only a backup program or a SQL shell can hold one.
const BUSY_TIMEOUT_MS: u64 = 5_000;

const STATEMENTS_MAX: usize = 256;

/// Takes the exclusive lock of the file.
pub(super) fn lock(path: &Path) -> Result<File, OpenViewsError> {
    let failed = |reason: std::io::Error| OpenViewsError::Failed {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenViewsError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Opens the connection that writes, after making sure that the file is ours.
pub(super) fn open(path: &Path) -> Result<Connection, OpenViewsError> {
    let fault = |error: rusqlite::Error| OpenViewsError::from_sqlite(path.to_owned(), &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(fault)?;
    let (known, found) = format_of(&connection, path)?;
    configure(&connection).map_err(fault)?;
    migrate(&mut connection, known, found).map_err(fault)?;
    Ok(connection)
}

/// How many formats this program knows, and how many the file has. Writes nothing.
fn format_of(connection: &Connection, path: &Path) -> Result<(u32, u32), OpenViewsError> {
    let fault = |error: rusqlite::Error| OpenViewsError::from_sqlite(path.to_owned(), &error);
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id").map_err(fault)?;
    let found = number("PRAGMA user_version").map_err(fault)?;
    let objects = number("SELECT count(*) FROM sqlite_schema").map_err(fault)?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if application != i64::from(APPLICATION_ID) {
        let untouched = application == 0 && found == 0 && objects == 0;
        return if untouched {
            Ok((known, 0))
        } else {
            Err(OpenViewsError::Foreign { path: path.to_owned() })
        };
    }
    match u32::try_from(found) {
        Ok(found) if found <= known => Ok((known, found)),
        Ok(found) => Err(OpenViewsError::Newer { path: path.to_owned(), found, known }),
        Err(_) => Err(OpenViewsError::Corrupt {
            path: path.to_owned(),
            reason: format!("its format is {found}"),
        }),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // NORMAL does not wait for the disk at each commit, so a power cut may take back the last
    // steps. That is safe here, and only here: rows and checkpoint go in one transaction and come
    // back together, and the projection folds the same events again. The log never does this.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    // Negative: KiB.
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

fn migrate(connection: &mut Connection, known: u32, found: u32) -> rusqlite::Result<()> {
    if found == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    // Both numbers are part of the file's first page, and so of the transaction.
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()
}

/// Opens a connection that only reads, and so never checkpoints.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS))?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}
