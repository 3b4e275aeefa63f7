//! The file of a log: its lock, its connections, its schema and its settings.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};
use store::LogId;

use super::options::{LogOptions, OpenLogError, Synchronous};

/// The letters `DayL`, by which `file(1)` and we recognize a log.
const APPLICATION_ID: u32 = 0x4461_794c;

const MIGRATIONS: [&str; 1] = [include_str!("../../../../migrations/sqlite-log/0001_log.sql")];

/// A log file that was found to be one, or made one.
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) id: LogId,
    /// The lock and the one writing connection, unless the file is only read.
    pub(super) writer: Option<(File, Connection)>,
}

/// Opens, checks and, if it is new or older, brings up to date a log file.
pub(super) fn open(path: &Path, options: &LogOptions) -> Result<LogFile, OpenLogError> {
    if options.read_only { open_to_read(path, options) } else { open_to_write(path, options) }
}

fn open_to_read(path: &Path, options: &LogOptions) -> Result<LogFile, OpenLogError> {
    if !path.is_file() {
        return Err(OpenLogError::Missing { path: path.to_owned() });
    }
    let connection =
        reading_connection(path, options.busy_timeout).map_err(|error| open_error(path, &error))?;
    match schema(path, &connection)? {
        None => {
            let reason = "it is empty".to_owned();
            return Err(OpenLogError::NotALog { path: path.to_owned(), reason });
        }
        Some(found) if found < known_schema() => {
            return Err(OpenLogError::OlderSchema {
                path: path.to_owned(),
                found,
                known: known_schema(),
            });
        }
        Some(_) => {}
    }
    let id = checked_id(path, &connection, options)?;
    Ok(LogFile { path: path.to_owned(), id, writer: None })
}

fn open_to_write(path: &Path, options: &LogOptions) -> Result<LogFile, OpenLogError> {
    let path = prepared(path).map_err(|error| io_error(path, &error))?;
    let lock = lock(&path)?;
    // The file holds secrets; SQLite gives its companions the same permissions.
    create_private(&path).map_err(|error| io_error(&path, &error))?;
    let mut connection =
        plain_connection(&path, options.busy_timeout).map_err(|error| open_error(&path, &error))?;
    // A file that is something else must be found out before anything is written to it.
    let found = schema(&path, &connection)?.unwrap_or(0);
    configure(&connection, options).map_err(|error| open_error(&path, &error))?;
    migrate(&mut connection, found, options).map_err(|error| open_error(&path, &error))?;
    let id = checked_id(&path, &connection, options)?;
    Ok(LogFile { path, id, writer: Some((lock, connection)) })
}

/// One more connection that writes, after the one before was discarded.
pub(super) fn writing_connection(
    path: &Path,
    options: &LogOptions,
) -> rusqlite::Result<Connection> {
    let connection = plain_connection(path, options.busy_timeout)?;
    configure(&connection, options)?;
    Ok(connection)
}

/// A connection that can neither write nor checkpoint.
pub(super) fn reading_connection(
    path: &Path,
    busy_timeout: Duration,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.execute_batch(
        "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA mmap_size = 0; \
         PRAGMA cache_size = -16384;",
    )?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Moves everything into the main file, so that a stopped log is one file, and closes.
pub(super) fn close(connection: Connection) {
    let finished = connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .and_then(|_| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    if let Err(error) = finished {
        // Nothing is lost: the next start reads what is still in the write-ahead log.
        tracing::warn!(%error, "the log was closed without a last checkpoint");
    }
}

/// What went wrong in SQLite, in words with the code a search engine knows.
pub(super) fn describe(error: &rusqlite::Error) -> String {
    match error.sqlite_error() {
        Some(inner) => format!("{error} (SQLite code {})", inner.extended_code),
        None => error.to_string(),
    }
}

/// Whether the error says that the file contradicts itself.
pub(super) fn is_corrupt(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(inner, _) => {
            matches!(inner.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(_)
        | rusqlite::Error::InvalidColumnType(..) => true,
        _ => false,
    }
}

fn known_schema() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

fn prepared(path: &Path) -> io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    if path.exists() {
        // However a log is spelled, it has one lock.
        return fs::canonicalize(path);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    Ok(fs::canonicalize(folder)?.join(name))
}

fn lock(path: &Path) -> Result<File, OpenLogError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock)
        .map_err(|error| io_error(&lock, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenLogError::Locked { path: path.to_owned(), lock }),
        Err(TryLockError::Error(error)) => Err(io_error(&lock, &error)),
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn plain_connection(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    // A connection that is discarded after a fault must not touch the file any more.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// The settings the promises rest on. Checkpoints every 10,000 pages keep the slowest commits fast;
/// memory mapping is off, because a fault in it would be a crash and not an error.
fn configure(connection: &Connection, options: &LogOptions) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(match options.synchronous {
        Synchronous::Full => "PRAGMA synchronous = FULL;",
        Synchronous::Normal => "PRAGMA synchronous = NORMAL;",
    })?;
    connection.execute_batch(
        "PRAGMA wal_autocheckpoint = 10000; PRAGMA journal_size_limit = 67108864; \
         PRAGMA secure_delete = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -65536; \
         PRAGMA temp_store = MEMORY;",
    )?;
    if let Some(pages) = options.pages_max {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(())
}

/// The file's schema; `None` for an empty file.
fn schema(path: &Path, connection: &Connection) -> Result<Option<u32>, OpenLogError> {
    let read = |sql: &str| {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|error| open_error(path, &error))
    };
    let application = read("PRAGMA application_id")?;
    let version = read("PRAGMA user_version")?;
    let objects = read("SELECT count(*) FROM sqlite_schema")?;
    if (application, version, objects) == (0, 0, 0) {
        return Ok(None);
    }
    if application != i64::from(APPLICATION_ID) {
        let reason = "it is a database of another program".to_owned();
        return Err(OpenLogError::NotALog { path: path.to_owned(), reason });
    }
    match u32::try_from(version) {
        Ok(found) if (1..=known_schema()).contains(&found) => Ok(Some(found)),
        Ok(found) if found > 0 => {
            Err(OpenLogError::NewerSchema { path: path.to_owned(), found, known: known_schema() })
        }
        _ => Err(OpenLogError::Corrupt {
            path: path.to_owned(),
            reason: format!("its schema version is {version}"),
        }),
    }
}

fn migrate(connection: &mut Connection, found: u32, options: &LogOptions) -> rusqlite::Result<()> {
    for (number, sql) in (1..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        if number == 1 {
            let id = options.log_id.clone().unwrap_or_else(LogId::mint);
            transaction.execute("INSERT INTO meta (name, value) VALUES ('log_id', ?1)", [&id.0])?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

fn checked_id(
    path: &Path,
    connection: &Connection,
    options: &LogOptions,
) -> Result<LogId, OpenLogError> {
    let found = connection
        .query_row("SELECT value FROM meta WHERE name = 'log_id'", [], |row| row.get(0))
        .optional()
        .map_err(|error| open_error(path, &error))?
        .map(LogId)
        .ok_or_else(|| OpenLogError::Corrupt {
            path: path.to_owned(),
            reason: "it has no id".to_owned(),
        })?;
    match &options.log_id {
        Some(wanted) if *wanted != found => {
            Err(OpenLogError::OtherLog { path: path.to_owned(), found, wanted: wanted.clone() })
        }
        _ => Ok(found),
    }
}

fn open_error(path: &Path, error: &rusqlite::Error) -> OpenLogError {
    let (path, reason) = (path.to_owned(), describe(error));
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenLogError::NotALog { path, reason },
        _ if is_corrupt(error) => OpenLogError::Corrupt { path, reason },
        _ => OpenLogError::Io { path, reason },
    }
}

fn io_error(path: &Path, error: &io::Error) -> OpenLogError {
    OpenLogError::Io { path: path.to_owned(), reason: error.to_string() }
}
