//! What a log holds beside its events, listed: what it takes to make a faithful copy of it.

use async_trait::async_trait;
use kernel::{KeyRef, TenantId};

use crate::{Idempotency, Log, LogError, Position, Receipt, SealingKey};

/// A command that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCommand {
    /// Whose command.
    pub tenant: TenantId,
    /// Its id.
    pub command_id: String,
    /// What it was answered with: where its events are.
    pub receipt: Receipt,
    /// The caller's own key for the request, if one was given.
    pub idempotency: Option<Idempotency>,
}

/// How much a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Events.
    pub events: u64,
    /// Answered commands.
    pub commands: u64,
    /// Remembered idempotency keys.
    pub idempotency_keys: u64,
    /// Sealing keys that were not destroyed.
    pub sealing_keys: u64,
}

/// A log that can list what it holds beside its events, a page at a time, also while it is written.
/// Snapshots and bookmarks are not part of it: they can be lost without harm.
#[async_trait]
pub trait Inventory: Log {
    /// Commands whose first event has a position above `after`, at most `limit`, in the order of
    /// the log. A page may cost a look at every command, so it should be a large one.
    ///
    /// # Errors
    /// [`LogError`].
    async fn commands(&self, after: Position, limit: usize)
    -> Result<Vec<StoredCommand>, LogError>;

    /// Sealing keys behind this one (all, if none is given), at most `limit`, in the order of
    /// tenants and names.
    ///
    /// # Errors
    /// [`LogError`].
    async fn sealing_keys(
        &self,
        after: Option<(TenantId, KeyRef)>,
        limit: usize,
    ) -> Result<Vec<SealingKey>, LogError>;

    /// How much there is.
    ///
    /// # Errors
    /// [`LogError`].
    async fn tally(&self) -> Result<Tally, LogError>;
}
