//! The log in one SQLite file: a single writer under a lock, group commit, readers beside it.

mod backup;
mod desk;
mod file;
mod heads;
mod inventory;
mod options;
mod reader;
mod request;
mod reserve;
mod statements;
#[cfg(test)]
mod tests;
mod writer;

use std::{path::Path, sync::Arc, thread};

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};
use store::{
    AppendError, Appended, Commit, Durability, Guarantees, Head, Log, LogError, LogId, Page,
    Position, Receipt, Recorded, SealingKey, Snapshot, StreamId,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task,
};
use uuid::Uuid;

pub use options::{Hook, LogOptions, Moment, OpenLogError, Synchronous};

use reader::{ReadError, Readers};
use request::Request;
use reserve::Reserve;
use writer::{GROUP_REQUESTS_MAX, Writer};

/// A log in one SQLite file.
///
/// Clients hand their commits to a bounded queue; one thread takes all that wait, decides about
/// each, and stores them in one transaction with one synchronisation of the disk. Positions are
/// 1, 2, 3 and so on. Readers have connections of their own, see whole transactions only, and never
/// hold the writer up.
#[derive(Debug)]
pub struct SqliteLog {
    id: LogId,
    bytes_max: usize,
    queue: Option<mpsc::Sender<Request>>,
    head: watch::Receiver<Position>,
    /// Keeps the signal of a log that is only read alive.
    _unmoved: Option<watch::Sender<Position>>,
    readers: Arc<Readers>,
}

impl SqliteLog {
    /// Opens the log in this file, or starts a new one.
    ///
    /// # Errors
    /// [`OpenLogError`]; a file that is something else, or newer, is not touched.
    pub async fn open(path: impl AsRef<Path>, options: LogOptions) -> Result<Self, OpenLogError> {
        let path = path.as_ref().to_owned();
        let failed_at = path.clone();
        task::spawn_blocking(move || Self::open_blocking(&path, &options))
            .await
            .map_err(|error| OpenLogError::Io { path: failed_at, reason: error.to_string() })?
    }

    fn open_blocking(path: &Path, options: &LogOptions) -> Result<Self, OpenLogError> {
        let opened = file::open(path, options)?;
        let readers = Readers::new(opened.path.clone(), options);
        let last = readers.last_position().map_err(|error| match error {
            LogError::Corrupt(reason) => OpenLogError::Corrupt { path: path.to_owned(), reason },
            LogError::Unavailable(reason) => OpenLogError::Io { path: path.to_owned(), reason },
        })?;
        let (announcer, head) = watch::channel(last);
        let (id, bytes_max) = (opened.id, options.commit_bytes_max);
        let Some((lock, connection)) = opened.writer else {
            let _unmoved = Some(announcer);
            return Ok(Self { id, bytes_max, queue: None, head, _unmoved, readers });
        };
        let (queue, requests) = mpsc::channel(GROUP_REQUESTS_MAX);
        let writer = Writer {
            reserve: Reserve::of(&opened.path),
            path: opened.path,
            options: options.clone(),
            queue: requests,
            head: announcer,
            lock,
        };
        thread::Builder::new()
            .name("daybook-log".to_owned())
            .spawn(move || writer.run(connection))
            .map_err(|error| OpenLogError::Io {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self { id, bytes_max, queue: Some(queue), head, _unmoved: None, readers })
    }

    /// Reads the whole file and returns what is wrong with it, in words; empty when nothing is.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when it cannot be read at all.
    pub async fn integrity(&self) -> Result<Vec<String>, LogError> {
        let found = self.readers.ask(|reader| integrity(reader.connection())).await;
        match found {
            Err(LogError::Corrupt(why)) => Ok(vec![why]),
            other => other,
        }
    }

    /// Hands a request to the writer and waits for its answer.
    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, LogError>>) -> Request,
    ) -> Result<T, LogError> {
        let queue = self.queue.as_ref().ok_or_else(|| unavailable(READ_ONLY))?;
        let (reply, answer) = oneshot::channel();
        queue.send(request(reply)).await.map_err(|_| unavailable(CLOSED))?;
        answer.await.map_err(|_| unavailable("the writer has stopped"))?
    }
}

const CLOSED: &str = "it is closed";
const READ_ONLY: &str = "it is opened for reading only";

fn unavailable(why: &str) -> LogError {
    LogError::Unavailable(why.to_owned())
}

fn integrity(connection: &rusqlite::Connection) -> Result<Vec<String>, ReadError> {
    let mut wrong = Vec::new();
    let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            wrong.push(line);
        }
    }
    let holes: bool = connection.query_row(
        "SELECT count(*) <> coalesce(max(position), 0) FROM log_events",
        [],
        |row| row.get(0),
    )?;
    if holes {
        wrong.push("positions are missing".to_owned());
    }
    let broken: u64 = connection.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM log_events GROUP BY stream \
         HAVING count(*) <> max(version) OR min(version) <> 1)",
        [],
        |row| row.get(0),
    )?;
    if broken > 0 {
        wrong.push(format!("versions are missing in {broken} streams"));
    }
    Ok(wrong)
}

#[async_trait]
impl Log for SqliteLog {
    fn log_id(&self) -> &LogId {
        &self.id
    }

    async fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        commit.check(self.bytes_max)?;
        let unavailable = |why: &str| AppendError::Unavailable(why.to_owned());
        let queue = self.queue.as_ref().ok_or_else(|| unavailable(READ_ONLY))?;
        let (reply, verdict) = oneshot::channel();
        queue.send(Request::Append { commit, reply }).await.map_err(|_| unavailable(CLOSED))?;
        let lost = |_| AppendError::Unknown("the writer has stopped".to_owned());
        verdict.await.map_err(lost)?
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let stream = stream.clone();
        self.readers.ask(move |reader| reader.read_stream(&stream, after, limit)).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError> {
        self.readers.ask(move |reader| reader.read_all(after, limit)).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        self.readers.ask(reader::Reader::head).await
    }

    /// A log that is only read gives no signal; [`store::follow`] looks by itself.
    fn watch(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    async fn find_command(
        &self,
        tenant: TenantId,
        command_id: &str,
    ) -> Result<Option<Receipt>, LogError> {
        let command_id = command_id.to_owned();
        self.readers.ask(move |reader| reader.command(tenant, &command_id)).await
    }

    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        let key = key.to_owned();
        self.readers.ask(move |reader| reader.idempotency_key(tenant, &key)).await
    }

    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        self.readers.ask(move |reader| reader.event_at(position)).await
    }

    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError> {
        self.readers.ask(move |reader| reader.event_by_id(id)).await
    }

    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        let key = key.clone();
        self.readers.ask(move |reader| reader.sealing_key(tenant, &key)).await
    }

    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError> {
        self.ask(|reply| Request::EnsureSealingKey { key, reply }).await
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        let stream = stream.clone();
        self.readers.ask(move |reader| reader.snapshot(&stream)).await
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        self.ask(|reply| Request::SaveSnapshot { snapshot, reply }).await
    }

    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        let worker = worker.to_owned();
        self.readers.ask(move |reader| reader.bookmark(&worker)).await
    }

    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError> {
        let worker = worker.to_owned();
        self.ask(|reply| Request::SaveBookmark { worker, position, reply }).await
    }

    async fn guarantees(&self) -> Result<Guarantees, LogError> {
        let mut settings = if self.queue.is_some() {
            self.ask(|reply| Request::Settings { reply }).await?
        } else {
            let mut read =
                self.readers.ask(|reader| Ok(statements::settings(reader.connection())?)).await?;
            // How hard the writer synchronises is known to the writer only.
            read.retain(|(name, _)| name != "synchronous");
            read.push(("access".to_owned(), "read only".to_owned()));
            read
        };
        settings.push(("sqlite".to_owned(), rusqlite::version().to_owned()));
        let broken = broken_promises(&settings);
        Ok(Guarantees {
            engine: format!("SQLite {}, embedded", rusqlite::version()),
            durability: Durability::Disk,
            settings,
            broken,
        })
    }

    async fn close(&self) {
        self.readers.close();
        let Some(queue) = &self.queue else { return };
        let (reply, closed) = oneshot::channel();
        if queue.send(Request::Close { reply }).await.is_ok() {
            // An error means that the writer is gone already, which is what was wanted.
            closed.await.ok();
        }
    }
}

fn broken_promises(settings: &[(String, String)]) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, value) in settings {
        match name.as_str() {
            "synchronous" if value.parse::<u8>().is_ok_and(|level| level >= 2) => {}
            "synchronous" => broken.push(format!(
                "synchronous is {value}, below 2 (FULL): a power cut can lose acknowledged commits"
            )),
            "journal_mode" if value != "wal" => {
                broken.push(format!("journal_mode is {value}, not wal: readers block the writer"));
            }
            "mmap_size" if value != "0" => {
                broken.push(format!("mmap_size is {value}: a disk fault would crash the process"));
            }
            _ => {}
        }
    }
    broken
}
