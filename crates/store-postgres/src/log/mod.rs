//! The log in PostgreSQL: one committer per process with group commit, any number of processes, and
//! readers that never see a gap.

mod committer;
mod guarantees;
mod integrity;
mod inventory;
mod listener;
mod options;
mod plan;
mod reader;
mod request;
mod sessions;
mod setup;
mod statements;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;
use store::{
    AppendError, Appended, Commit, Guarantees, Head, Lease, Log, LogError, LogId, Page, Position,
    Receipt, Recorded, SealingKey, Snapshot, StreamId,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use uuid::Uuid;

pub use options::{Hook, Moment, OpenLogError, PostgresLogOptions};

use committer::{Committer, GROUP_REQUESTS_MAX};
use reader::{Names, integer, read_error};
use request::Request;

use crate::cluster::{Cluster, Session};

const SAVE_SNAPSHOT: &str = "INSERT INTO daybook_log.stream_snapshots AS s \
     (aggregate_type, aggregate_id, version, schema, state) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE SET version = excluded.version, \
     schema = excluded.schema, state = excluded.state WHERE excluded.version >= s.version";

// A bookmark of a worker whose lease has gone to somebody else is refused.
const SAVE_BOOKMARK: &str = "INSERT INTO daybook_log.bookmarks (worker, position) \
     SELECT $1, $2 WHERE NOT EXISTS \
     (SELECT FROM daybook_log.leases WHERE worker = $1 AND fence > $3) \
     ON CONFLICT (worker) DO UPDATE SET position = excluded.position";

const ENSURE_SEALING_KEY: &str = "SELECT daybook_log.ensure_sealing_key($1, $2, $3)";

const LEASE: &str = "INSERT INTO daybook_log.leases AS l (worker, holder, fence, expires_at) \
     VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond') \
     ON CONFLICT (worker) DO UPDATE SET holder = excluded.holder, \
     fence = l.fence + (l.holder <> excluded.holder)::int, expires_at = excluded.expires_at \
     WHERE l.holder = excluded.holder OR l.expires_at < clock_timestamp() RETURNING fence";

const LEASE_HOLDER: &str = "SELECT holder FROM daybook_log.leases WHERE worker = $1";

const RELEASE: &str = "UPDATE daybook_log.leases SET expires_at = '-infinity' \
     WHERE worker = $1 AND holder = $2";

const CLOSED: &str = "it is closed";
const READ_ONLY: &str = "it is opened for reading only";

/// A log in a PostgreSQL database, in the schema `daybook_log`.
///
/// Clients hand their commits to a bounded queue; one task takes all that wait, decides about each,
/// and stores them with one statement, in one transaction under the log's advisory lock. Positions are
/// 1, 2, 3 and so on, with any number of processes, and an event becomes visible only after every
/// event with a lower position. The URL may name several hosts; after a fail-over the log goes on at
/// the new primary.
#[derive(Debug)]
pub struct PostgresLog {
    id: LogId,
    options: PostgresLogOptions,
    cluster: Arc<Cluster>,
    names: Names,
    queue: Option<mpsc::Sender<Request>>,
    head: watch::Receiver<Position>,
    durable: Arc<watch::Sender<Position>>,
    closed: watch::Sender<bool>,
    /// The fences of the leases this process was granted.
    fences: Mutex<HashMap<String, u64>>,
}

impl PostgresLog {
    /// Opens the log in this database, or makes it there.
    ///
    /// # Errors
    /// [`OpenLogError`].
    pub async fn open(url: &str, options: PostgresLogOptions) -> Result<Self, OpenLogError> {
        let (cluster, database) = sessions::cluster(url, &options)?;
        let cluster = Arc::new(cluster);
        let unavailable =
            |reason: String| OpenLogError::Unavailable { database: database.clone(), reason };
        let session = if options.read_only { Session::Reading } else { Session::Committing };
        let mut connection = cluster.connect(session).await.map_err(unavailable)?;
        if options.read_only && !setup::is_there(&mut connection, &database).await? {
            return Err(OpenLogError::Missing { database });
        }
        if !options.read_only {
            setup::prepare(&mut connection, &database).await?;
        }
        let wanted = options.log_id.as_ref();
        let id = setup::identity(&mut connection, &database, wanted, options.read_only).await?;
        let pool = cluster.pool().map_err(unavailable)?;
        if options.high_availability {
            let stated = guarantees::state(&pool, true).await;
            let stated = stated.map_err(|error| unavailable(error.to_string()))?;
            if let Some(reason) = stated.broken.into_iter().next() {
                cluster.close().await;
                return Err(OpenLogError::NotReplicated { reason });
            }
        }
        let head = reader::head(&pool).await.map_err(|error| unavailable(error.to_string()))?;
        let (announcer, head) = watch::channel(head.position);
        let closed = watch::Sender::new(false);
        let listening = listener::run(Arc::clone(&cluster), announcer.clone(), closed.subscribe());
        tokio::spawn(listening);
        // What is visible after a crash may not have reached a standby yet.
        let durable = Arc::new(watch::Sender::new(Position::START));
        let queue = (!options.read_only).then(|| {
            let (queue, requests) = mpsc::channel(GROUP_REQUESTS_MAX);
            let committer = Committer {
                cluster: Arc::clone(&cluster),
                queue: requests,
                head: announcer,
                durable: Arc::clone(&durable),
                reconnect_patience: options.reconnect_patience,
                hook: options.hook.clone(),
                connection: Some(connection),
                connected_in: cluster.epoch(),
            };
            tokio::spawn(committer.run());
            let (told, closing) = (durable.subscribe(), closed.subscribe());
            tokio::spawn(listener::announce(Arc::clone(&cluster), told, closing));
            queue
        });
        let (names, fences) = (Names::default(), Mutex::default());
        Ok(Self { id, options, cluster, names, queue, head, durable, closed, fences })
    }

    /// Reads the whole log and returns what is wrong with it, in words; empty when nothing is.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when it cannot be read at all.
    pub async fn integrity(&self) -> Result<Vec<String>, LogError> {
        match integrity::check(&self.pool()?).await {
            Err(LogError::Corrupt(why)) => Ok(vec![why]),
            other => other,
        }
    }

    /// The repository of `postgres-es` on this very log, for programs that run the stock `cqrs_es`
    /// framework: what they write gets its place in the one order, and aggregate ids are
    /// `{tenant}/{id}`. It knows neither command ids nor idempotency keys; Daybook's own commands do
    /// not come this way. Snapshots have no table here, since those of `cqrs_es` 0.5.0 apply every
    /// event twice. Its connections go to the primary of this moment; ask again after a fail-over.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when the log is closed or opened for reading only.
    pub fn framework_repository(&self) -> Result<PostgresEventRepository, LogError> {
        self.writing_pool()?;
        let pool = self.cluster.committing_pool().map_err(LogError::Unavailable)?;
        let repository = PostgresEventRepository::new(pool);
        Ok(repository.with_tables("daybook_log.events", "daybook_log.no_snapshots"))
    }

    fn pool(&self) -> Result<PgPool, LogError> {
        self.cluster.pool().map_err(LogError::Unavailable)
    }

    /// For what changes something beside the events.
    fn writing_pool(&self) -> Result<PgPool, LogError> {
        match self.queue {
            Some(_) => self.pool(),
            None => Err(LogError::Unavailable(READ_ONLY.to_owned())),
        }
    }
}

#[async_trait]
impl Log for PostgresLog {
    fn log_id(&self) -> &LogId {
        &self.id
    }

    async fn append(&self, commit: Commit) -> Result<Appended, AppendError> {
        commit.check(self.options.commit_bytes_max)?;
        let unavailable = |why: &str| AppendError::Unavailable(why.to_owned());
        let queue = self.queue.as_ref().ok_or_else(|| unavailable(READ_ONLY))?;
        let (reply, verdict) = oneshot::channel();
        let epoch = self.cluster.epoch();
        let request = Request::Append { commit: Box::new(commit), epoch, reply };
        queue.send(request).await.map_err(|_| unavailable(CLOSED))?;
        match timeout(self.options.commit_patience, verdict).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) => Err(AppendError::Unknown("the committer has stopped".to_owned())),
            Err(_) => Err(AppendError::Unknown(format!(
                "the server has not answered for {} s; does a commit wait for a standby?",
                self.options.commit_patience.as_secs()
            ))),
        }
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        self.names.read_stream(&self.pool()?, stream, after, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Page, LogError> {
        self.names.read_all(&self.pool()?, after, limit).await
    }

    async fn head(&self) -> Result<Head, LogError> {
        reader::head(&self.pool()?).await.map_err(read_error)
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.head.clone()
    }

    async fn find_command(
        &self,
        tenant: TenantId,
        command_id: &str,
    ) -> Result<Option<Receipt>, LogError> {
        reader::command(&self.pool()?, tenant, command_id).await.map_err(read_error)
    }

    async fn find_idempotency_key(
        &self,
        tenant: TenantId,
        key: &str,
    ) -> Result<Option<([u8; 32], String, Receipt)>, LogError> {
        reader::idempotency_key(&self.pool()?, tenant, key).await.map_err(read_error)
    }

    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, LogError> {
        self.names.event_at(&self.pool()?, position).await
    }

    async fn event_by_id(&self, id: Uuid) -> Result<Option<Recorded>, LogError> {
        self.names.event_by_id(&self.pool()?, id).await
    }

    async fn sealing_key(
        &self,
        tenant: TenantId,
        key: &KeyRef,
    ) -> Result<Option<[u8; 32]>, LogError> {
        reader::sealing_key(&self.pool()?, tenant, key).await.map_err(read_error)
    }

    async fn ensure_sealing_key(&self, key: SealingKey) -> Result<[u8; 32], LogError> {
        let pool = self.writing_pool()?;
        let asked = sqlx::query_scalar::<_, Vec<u8>>(ENSURE_SEALING_KEY)
            .bind(key.tenant.uuid())
            .bind(&key.key.0)
            .bind(key.secret.as_slice())
            .fetch_one(&pool);
        asked.await.and_then(reader::secret).map_err(read_error)
    }

    async fn snapshot(&self, stream: &StreamId) -> Result<Option<Snapshot>, LogError> {
        reader::snapshot(&self.pool()?, stream).await.map_err(read_error)
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), LogError> {
        let pool = self.writing_pool()?;
        let saved = sqlx::query(SAVE_SNAPSHOT)
            .bind(&*snapshot.stream.category)
            .bind(snapshot.stream.aggregate_id())
            .bind(integer(snapshot.version))
            .bind(&snapshot.schema)
            .bind(&*snapshot.state)
            .execute(&pool);
        saved.await.map(drop).map_err(read_error)
    }

    async fn bookmark(&self, worker: &str) -> Result<Option<Position>, LogError> {
        reader::bookmark(&self.pool()?, worker).await.map_err(read_error)
    }

    async fn save_bookmark(&self, worker: &str, position: Position) -> Result<(), LogError> {
        let pool = self.writing_pool()?;
        let fence = {
            let fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
            fences.get(worker).copied().unwrap_or(u64::MAX)
        };
        let saved = sqlx::query(SAVE_BOOKMARK)
            .bind(worker)
            .bind(integer(position.0))
            .bind(integer(fence))
            .execute(&pool);
        if saved.await.map_err(read_error)?.rows_affected() == 0 {
            let why = format!("the lease of {worker} has gone to another process");
            return Err(LogError::Unavailable(why));
        }
        Ok(())
    }

    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, LogError> {
        let pool = self.writing_pool()?;
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let granted: Option<i64> = sqlx::query_scalar(LEASE)
            .bind(worker)
            .bind(holder)
            .bind(millis)
            .fetch_optional(&pool)
            .await
            .map_err(read_error)?;
        let Some(fence) = granted else {
            let by: Option<String> = sqlx::query_scalar(LEASE_HOLDER)
                .bind(worker)
                .fetch_optional(&pool)
                .await
                .map_err(read_error)?;
            return Ok(Lease::Held { by: by.unwrap_or_default() });
        };
        let fence = u64::try_from(fence).unwrap_or_default();
        let mut fences = self.fences.lock().unwrap_or_else(PoisonError::into_inner);
        fences.insert(worker.to_owned(), fence);
        Ok(Lease::Granted { fence })
    }

    async fn release(&self, worker: &str, holder: &str) -> Result<(), LogError> {
        let pool = self.writing_pool()?;
        let released = sqlx::query(RELEASE).bind(worker).bind(holder).execute(&pool);
        released.await.map(drop).map_err(read_error)
    }

    fn timeline(&self) -> u64 {
        self.cluster.epoch()
    }

    async fn ensure_durable(&self, position: Position) -> Result<(), LogError> {
        if *self.durable.borrow() >= position {
            return Ok(());
        }
        let unavailable = |why: &str| LogError::Unavailable(why.to_owned());
        let queue = self.queue.as_ref().ok_or_else(|| unavailable(READ_ONLY))?;
        let (reply, passed) = oneshot::channel();
        queue.send(Request::Barrier { position, reply }).await.map_err(|_| unavailable(CLOSED))?;
        let answer = timeout(self.options.commit_patience, passed).await;
        let answer = answer.map_err(|_| unavailable("the standby does not answer"))?;
        answer.map_err(|_| unavailable("the committer has stopped"))?
    }

    async fn guarantees(&self) -> Result<Guarantees, LogError> {
        guarantees::state(&self.pool()?, self.options.high_availability).await
    }

    async fn close(&self) {
        if let Some(queue) = &self.queue {
            let (reply, closed) = oneshot::channel();
            if queue.send(Request::Close { reply }).await.is_ok() {
                // An error means that the committer is gone already, which is what was wanted.
                closed.await.ok();
            }
        }
        self.closed.send_replace(true);
        self.cluster.close().await;
    }
}
