//! The read models on PostgreSQL: real tables with real types, for BI tools as much as for Daybook.
//!
//! Two schemas of one database. The one that people see (`daybook`, or `?schema=` in the address)
//! holds a view for each live table, with a comment on every column; the other
//! (`daybook_versions`) holds the physical tables, which carry the version of their projection in
//! their name (`earnings__2`), and the bookkeeping. So the next version is built beside the live
//! one and swapped in one transaction.
//!
//! Several processes may keep the same read models: every step compares and sets its checkpoint
//! first, and whoever comes second writes nothing. A question of one tenant is asked as a role that
//! sees no other tenant's rows (`daybook_reader`, or `?reader=`).
//!
//! What PostgreSQL cannot hold is refused as not well formed: a text with a zero byte, and a key or
//! indexed text of more than about 2,700 bytes.

mod address;
mod errors;
mod lease;
mod names;
mod open;
mod reader;
mod select;
mod statements;
mod step;
mod tables;
#[cfg(test)]
mod tests;
mod turn;
mod values;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{Connection, PgPool};
use store::{Checkpoint, Lease, Query, TableDef, Value, Views, ViewsError, ViewsTransaction};
use tokio::sync::watch;

pub use self::errors::OpenViewsError;
use self::{address::Address, errors::fault, lease::Leases, step::Prepared, turn::within};
use crate::cluster::{Cluster, Session};

/// How long an answer may take. A step is a few thousand rows, a question a page of them.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// How long a change of tables may take, with the wait for another process's and an index over every
/// row.
const CHANGE_MAX: Duration = Duration::from_secs(1_800);

/// A [`Views`] in a PostgreSQL database.
pub struct PostgresViews {
    cluster: Arc<Cluster>,
    closed: watch::Sender<bool>,
    address: Address,
    reader: Option<String>,
    leases: Leases,
    /// The statements of each prepared version.
    prepared: RwLock<HashMap<String, Arc<Prepared>>>,
    /// The physical table that was last found live, by bare name, and for which declaration.
    shown: RwLock<HashMap<&'static str, (String, String)>>,
}

impl PostgresViews {
    /// Opens the read models at `postgres://...`, and sets up what is missing: two schemas, the
    /// bookkeeping, and the reader role. The address may name the schema that people see
    /// (`?schema=`) and the role (`?reader=`).
    ///
    /// # Errors
    /// [`OpenViewsError`].
    pub async fn open(url: &str) -> Result<Self, OpenViewsError> {
        let address = Address::parse(url)?;
        let cluster = Arc::new(address.cluster());
        let reader = open::set_up(&address, &cluster).await?;
        let closed = watch::Sender::new(false);
        let (following, until) = (Arc::clone(&cluster), closed.subscribe());
        tokio::spawn(async move { following.follow_primary(until).await });
        Ok(Self {
            cluster,
            closed,
            address,
            reader,
            leases: Leases::default(),
            prepared: RwLock::default(),
            shown: RwLock::default(),
        })
    }

    /// The role that questions of one tenant are asked as: the second lock on their rows. `None`
    /// when the database does not let us have it; only the conditions of each question keep tenants
    /// apart then.
    #[must_use]
    pub fn reader_role(&self) -> Option<&str> {
        self.reader.as_deref()
    }

    /// Connections to the primary, wherever it is now.
    fn pool(&self) -> Result<PgPool, ViewsError> {
        self.cluster.pool().map_err(ViewsError::Unavailable)
    }

    fn prepared(&self, projection: &str) -> Option<Arc<Prepared>> {
        self.prepared.read().unwrap_or_else(PoisonError::into_inner).get(projection).cloned()
    }

    fn remember(&self, projection: &str, statements: Prepared) {
        let mut prepared = self.prepared.write().unwrap_or_else(PoisonError::into_inner);
        prepared.insert(projection.to_owned(), Arc::new(statements));
    }

    fn forget(&self, projection: &str) {
        self.prepared.write().unwrap_or_else(PoisonError::into_inner).remove(projection);
        self.forget_shown();
    }

    fn shown(&self, table: &TableDef) -> Option<String> {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let (physical, fingerprint) = shown.get(table.name)?;
        (*fingerprint == table.fingerprint()).then(|| physical.clone())
    }

    fn remember_shown(&self, table: &'static TableDef, physical: &str) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        shown.insert(table.name, (physical.to_owned(), table.fingerprint()));
    }

    fn forget_shown(&self) {
        self.shown.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The checkpoints of the read models at `postgres://...`, read beside whoever writes them: for
/// replays that compare, and for the doctor. Changes nothing, and takes no lease.
///
/// # Errors
/// [`ViewsError`].
pub async fn read_checkpoints(url: &str) -> Result<Vec<Checkpoint>, ViewsError> {
    let address = Address::parse(url).map_err(|error| ViewsError::Invalid(error.to_string()))?;
    within(ANSWER_MAX, async {
        let connected = address.cluster().connect(Session::Reading).await;
        let mut connection = connected.map_err(ViewsError::Unavailable)?;
        let read_only = "SET default_transaction_read_only = on";
        turn::run(&mut connection, read_only).await.map_err(fault)?;
        let found = step::checkpoints_over(&mut connection).await;
        // What was asked is answered; a goodbye that fails changes nothing.
        let _ = connection.close().await;
        found
    })
    .await
}

impl fmt::Debug for PostgresViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password.
        f.debug_struct("PostgresViews")
            .field("schema", &self.address.schema)
            .field("reader", &self.reader)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Views for PostgresViews {
    async fn prepare(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        within(CHANGE_MAX, tables::prepare(self, projection, tables)).await
    }

    async fn apply(&self, transaction: ViewsTransaction) -> Result<(), ViewsError> {
        within(ANSWER_MAX, step::apply(self, transaction)).await
    }

    async fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, ViewsError> {
        within(ANSWER_MAX, step::checkpoint(self, projection)).await
    }

    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewsError> {
        within(ANSWER_MAX, step::checkpoints(self)).await
    }

    async fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        within(ANSWER_MAX, select::load(self, projection, table, keys)).await
    }

    async fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        let query = table.question(query)?;
        within(ANSWER_MAX, select::select(self, table, &query)).await
    }

    async fn make_live(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        within(CHANGE_MAX, tables::make_live(self, projection, tables)).await
    }

    async fn live(&self, name: &str) -> Result<Option<String>, ViewsError> {
        within(ANSWER_MAX, tables::live(self, name)).await
    }

    async fn discard(
        &self,
        projection: &str,
        _tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        // What the database holds of the projection is known from the database, also when the
        // program no longer declares it.
        within(CHANGE_MAX, tables::discard(self, projection)).await
    }

    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, ViewsError> {
        within(ANSWER_MAX, lease::lease(self, worker, holder, time)).await
    }

    async fn release(&self, worker: &str, holder: &str) -> Result<(), ViewsError> {
        within(ANSWER_MAX, lease::release(self, worker, holder)).await
    }

    async fn close(&self) {
        self.closed.send_replace(true);
        self.cluster.close().await;
    }
}
