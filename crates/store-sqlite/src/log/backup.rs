//! A consistent copy of the log's file, made beside the server that writes it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use store::LogError;
use tokio::task;

use super::{SqliteLog, file, reader::ReadError};

impl SqliteLog {
    /// Writes a copy of the whole log, sealing keys included, into a new file that only its owner
    /// can read, and returns when it is on the disk. The copy is the log as it was at one moment;
    /// what was erased from the log is not in it. Writers are not held up, but the write-ahead log
    /// grows until the copy is made.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when the file is there already or cannot be written, and
    /// [`LogError::Corrupt`] when the log cannot be read whole. No half of a copy is left behind.
    pub async fn copy_into(&self, to: impl Into<PathBuf> + Send) -> Result<(), LogError> {
        let (from, patience) = self.readers.file();
        let to = to.into();
        task::spawn_blocking(move || copy(&from, patience, &to))
            .await
            .map_err(|error| LogError::Unavailable(error.to_string()))?
    }
}

fn copy(from: &Path, patience: Duration, to: &Path) -> Result<(), LogError> {
    let unwritable = |error: io::Error| {
        LogError::Unavailable(format!("{} cannot be written: {error}", to.display()))
    };
    create_private(to).map_err(unwritable)?;
    let copied = vacuum_into(from, patience, to).map_err(|error| ReadError::Sql(error).into());
    let copied = copied.and_then(|()| synchronise(to).map_err(unwritable));
    if copied.is_err() {
        // What remains would be half a copy; the error already says that there is none.
        fs::remove_file(to).ok();
    }
    copied
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// SQLite reads under one snapshot and takes an empty file for no file.
fn vacuum_into(from: &Path, patience: Duration, to: &Path) -> rusqlite::Result<()> {
    let connection = file::reading_connection(from, patience)?;
    // The connection still cannot write to the log, which it opened for reading only.
    connection.execute_batch("PRAGMA query_only = OFF")?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map(drop)
}

/// SQLite leaves this to whoever asked for the copy.
fn synchronise(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
