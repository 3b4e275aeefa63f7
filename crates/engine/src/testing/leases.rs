//! Leases as a shared store grants them, for tests with several processes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use store::{
    Checkpoint, Lease, MemoryViews, Query, TableDef, Value, Views, ViewsError, ViewsTransaction,
};
use tokio::time::Instant;

#[derive(Debug, Clone)]
struct Granted {
    holder: String,
    fence: u64,
    until: Instant,
}

/// Who holds what, as one process sees it.
#[derive(Debug, Default)]
pub(crate) struct LeaseTable {
    granted: Arc<Mutex<HashMap<String, Granted>>>,
    /// What this process was granted last.
    ours: Mutex<HashMap<String, u64>>,
}

impl LeaseTable {
    /// The same table for another process.
    pub(crate) fn of_another_process(&self) -> Self {
        Self { granted: Arc::clone(&self.granted), ours: Mutex::default() }
    }

    pub(crate) fn lease(&self, worker: &str, holder: &str, time: Duration) -> Lease {
        let (mut granted, now) = (self.granted.lock().unwrap(), Instant::now());
        let known = granted.get(worker);
        if let Some(other) = known
            && other.holder != holder
            && other.until > now
        {
            return Lease::Held { by: other.holder.clone() };
        }
        let same = known.filter(|known| known.holder == holder);
        let fence =
            same.map_or_else(|| known.map_or(0, |known| known.fence) + 1, |known| known.fence);
        let lease = Granted { holder: holder.to_owned(), fence, until: now + time };
        granted.insert(worker.to_owned(), lease);
        self.ours.lock().unwrap().insert(worker.to_owned(), fence);
        Lease::Granted { fence }
    }

    pub(crate) fn release(&self, worker: &str, holder: &str) {
        let mut granted = self.granted.lock().unwrap();
        if let Some(known) = granted.get_mut(worker)
            && known.holder == holder
        {
            known.until = Instant::now();
        }
    }

    /// Whether this process held it, and another one has had it since.
    pub(crate) fn is_fenced_off(&self, worker: &str) -> bool {
        let ours = self.ours.lock().unwrap().get(worker).copied();
        let now = self.granted.lock().unwrap().get(worker).map(|known| known.fence);
        ours.is_some_and(|ours| now.is_some_and(|now| now > ours))
    }

    /// Who holds each worker's lease now.
    pub(crate) fn holders(&self) -> HashMap<String, String> {
        let granted = self.granted.lock().unwrap();
        granted.iter().map(|(worker, known)| (worker.clone(), known.holder.clone())).collect()
    }
}

/// Read models that several processes share.
#[derive(Debug)]
pub(crate) struct SharedViews {
    pub(crate) inner: Arc<MemoryViews>,
    pub(crate) leases: LeaseTable,
}

#[async_trait]
impl Views for SharedViews {
    async fn prepare(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.inner.prepare(projection, tables).await
    }
    async fn apply(&self, transaction: ViewsTransaction) -> Result<(), ViewsError> {
        self.inner.apply(transaction).await
    }
    async fn checkpoint(&self, projection: &str) -> Result<Option<Checkpoint>, ViewsError> {
        self.inner.checkpoint(projection).await
    }
    async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewsError> {
        self.inner.checkpoints().await
    }
    async fn load(
        &self,
        projection: &str,
        table: &'static TableDef,
        keys: Vec<Vec<Value>>,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        self.inner.load(projection, table, keys).await
    }
    async fn select(
        &self,
        table: &'static TableDef,
        query: Query,
    ) -> Result<Vec<Vec<Value>>, ViewsError> {
        self.inner.select(table, query).await
    }
    async fn make_live(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.inner.make_live(projection, tables).await
    }
    async fn live(&self, name: &str) -> Result<Option<String>, ViewsError> {
        self.inner.live(name).await
    }
    async fn discard(
        &self,
        projection: &str,
        tables: &'static [TableDef],
    ) -> Result<(), ViewsError> {
        self.inner.discard(projection, tables).await
    }
    async fn lease(&self, worker: &str, holder: &str, time: Duration) -> Result<Lease, ViewsError> {
        Ok(self.leases.lease(worker, holder, time))
    }
    async fn release(&self, worker: &str, holder: &str) -> Result<(), ViewsError> {
        self.leases.release(worker, holder);
        Ok(())
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}
