//! One projection at work: its checkpoint, its rows in memory, and what it takes to go on.

use std::sync::Arc;

use projections::{Projection, Rows, Wanted};
use store::{Checkpoint, Log, Position, RowHash, TableDef, Views, ViewsError, ViewsTransaction};

use super::{Decoded, ProjectionStatus, ProjectorError, first_checkpoint, names};

/// How many rows a projection keeps in memory before it lets go of what is written.
const ROWS_MAX: usize = 200_000;

/// One projection at work.
pub(super) struct Running {
    projection: Arc<dyn Projection>,
    /// `seller_balances@1`.
    versioned: String,
    rows: Rows,
    /// The checkpoint as it is stored; `None` before it is opened.
    open: Option<Open>,
}

struct Open {
    /// What is stored now; `None` when nothing is.
    stored: Option<(Position, uuid::Uuid)>,
    checkpoint: Checkpoint,
    hash: RowHash,
    live: bool,
    /// It goes live when it has come here: the head when it was opened.
    target: Position,
}

impl Running {
    pub(super) fn new(projection: Arc<dyn Projection>) -> Self {
        let versioned = format!("{}@{}", projection.name(), projection.version());
        Self { projection, versioned, rows: Rows::new(), open: None }
    }

    pub(super) fn name(&self) -> &'static str {
        self.projection.name()
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The position after which it wants to read; `None` while it is stopped.
    pub(super) fn next_after(&self) -> Option<Position> {
        let checkpoint = &self.open.as_ref()?.checkpoint;
        checkpoint.stopped.is_none().then_some(checkpoint.position)
    }

    pub(super) fn status(&self, head: Position, problem: Option<String>) -> ProjectionStatus {
        let open = self.open.as_ref();
        let position = open.map_or(Position::START, |open| open.checkpoint.position);
        ProjectionStatus {
            name: self.projection.name(),
            version: self.projection.version(),
            position,
            lag: head.0.saturating_sub(position.0),
            rows: open.map_or(0, |open| open.checkpoint.rows),
            state_hash: open.map_or(RowHash::ZERO, |open| open.hash).to_string(),
            live: open.is_some_and(|open| open.live),
            stopped: open.and_then(|open| open.checkpoint.stopped.clone()),
            problem,
            held_by: None,
        }
    }

    /// Lets go of what it knows; the next opening compares its checkpoint with the log.
    pub(super) fn close(&mut self) {
        self.open = None;
        self.rows = Rows::new();
    }

    /// Whether the store has another checkpoint than this one has written.
    pub(super) fn differs(&self, stored: &[Checkpoint]) -> bool {
        let ours = self.open.as_ref().and_then(|open| open.stored);
        ours.is_some_and(|ours| {
            let found = stored.iter().find(|found| found.projection == self.versioned);
            found.is_none_or(|found| (found.position, found.event_id) != ours)
        })
    }

    fn tables(&self) -> &'static [TableDef] {
        self.projection.tables()
    }

    /// Forgets rows and checkpoint; the next opening builds it anew.
    pub(super) async fn discard(&mut self, views: &dyn Views) -> Result<(), ViewsError> {
        self.close();
        views.discard(&self.versioned, self.tables()).await
    }

    /// Finds out where it stands. A checkpoint that does not fit the log is worth nothing: then it is
    /// built anew, beside the version that is live if that is another one.
    pub(super) async fn open(
        &mut self,
        log: &dyn Log,
        views: &dyn Views,
    ) -> Result<(), ProjectorError> {
        match views.prepare(&self.versioned, self.tables()).await {
            Err(ViewsError::Invalid(problem)) => {
                // The same version with other tables: a development build. The rows can be rebuilt.
                tracing::warn!(projection = self.versioned, problem, "built anew");
                views.discard(&self.versioned, self.tables()).await?;
                views.prepare(&self.versioned, self.tables()).await?;
            }
            prepared => prepared?,
        }
        let mut stored = views.checkpoint(&self.versioned).await?;
        if let Some(checkpoint) = &stored
            && !fits(checkpoint, log).await?
        {
            tracing::warn!(
                projection = self.versioned,
                position = checkpoint.position.0,
                "the checkpoint does not fit the log; built anew"
            );
            views.discard(&self.versioned, self.tables()).await?;
            views.prepare(&self.versioned, self.tables()).await?;
            stored = None;
        }
        self.rows = if stored.is_none() { Rows::from_nothing() } else { Rows::new() };
        let known = stored.as_ref().map(|at| (at.position, at.event_id));
        let mut checkpoint = stored.unwrap_or_else(|| first_checkpoint(&self.versioned, log));
        // What stopped it may be understood by now; if not, it stops again at the same fact.
        checkpoint.stopped = None;
        let live = views.live(self.projection.name()).await?;
        self.open = Some(Open {
            stored: known,
            hash: checkpoint.state_hash.parse()?,
            live: live.as_deref() == Some(self.versioned.as_str()),
            target: log.head().await?.position,
            checkpoint,
        });
        self.go_live_when_there(views).await?;
        Ok(())
    }

    /// Folds what is new to it of a page that was read after `from`, and writes it.
    pub(super) async fn step(
        &mut self,
        log: &dyn Log,
        views: &dyn Views,
        from: Position,
        page: &[Decoded],
        head: Position,
    ) -> Result<(), ProjectorError> {
        let Some(after) = self.next_after() else { return Ok(()) };
        let place = page.partition_point(|event| event.recorded.position <= after);
        let events = page.get(place..).unwrap_or_default();
        // A page that starts further on is for others; this one is read again for us.
        let ours = from <= after && !events.is_empty();
        if ours {
            let outcome = self.fold_and_write(views, events).await;
            if let Err(error) = outcome {
                // What was written is not known, and what is in memory may be ahead of it.
                self.close();
                return match error {
                    ProjectorError::Views(ViewsError::CheckpointMoved { .. }) => {
                        self.open(log, views).await
                    }
                    other => Err(other),
                };
            }
        } else if head < after {
            // The log is not the one we followed, or was restored from an older copy.
            self.close();
            return self.open(log, views).await;
        }
        self.go_live_when_there(views).await?;
        Ok(())
    }

    async fn fold_and_write(
        &mut self,
        views: &dyn Views,
        events: &[Decoded],
    ) -> Result<(), ProjectorError> {
        self.load(views, events).await?;
        let Some((at, why)) = self.fold(events) else {
            return self.write(views, events, None).await;
        };
        // The rows are half folded: back to what is stored, and up to the fact before.
        tracing::error!(projection = self.versioned, why, "the projection stands still");
        self.rows = Rows::new();
        let before = events.get(..at).unwrap_or_default();
        self.load(views, before).await?;
        if let Some((_, why)) = self.fold(before) {
            // The same facts folded a moment ago; only a projection that is not pure comes here.
            self.rows = Rows::new();
            return self.write(views, &[], Some(why)).await;
        }
        self.write(views, before, Some(why)).await
    }

    async fn load(&mut self, views: &dyn Views, events: &[Decoded]) -> Result<(), ViewsError> {
        if self.rows.is_complete() {
            return Ok(());
        }
        let mut wanted = Wanted::new();
        for event in events {
            if let Ok(occurrence) = event.occurrence(self.projection.reads_entries()) {
                self.projection.keys(&occurrence, &mut wanted);
            }
        }
        for (table, keys) in wanted.take_missing(&self.rows) {
            let found = views.load(&self.versioned, table, keys.clone()).await?;
            self.rows.load(table, keys, found);
        }
        Ok(())
    }

    /// Folds until a fact cannot be folded; says which and why.
    fn fold(&mut self, events: &[Decoded]) -> Option<(usize, String)> {
        events.iter().enumerate().find_map(|(at, event)| {
            let why = event.fold(&*self.projection, &mut self.rows).err()?;
            Some((at, why))
        })
    }

    async fn write(
        &mut self,
        views: &dyn Views,
        events: &[Decoded],
        stopped: Option<String>,
    ) -> Result<(), ProjectorError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let writes = match self.rows.take_writes() {
            Ok(writes) => writes,
            Err(error) => {
                // A mistake in the projection; nothing of this batch is written.
                let mut checkpoint = open.checkpoint.clone();
                checkpoint.stopped = Some(error.to_string());
                self.rows = Rows::new();
                return apply(views, open, checkpoint, open.hash, Default::default()).await;
            }
        };
        let mut checkpoint = open.checkpoint.clone();
        if let Some(last) = events.last() {
            checkpoint.position = last.recorded.position;
            checkpoint.event_id = last.recorded.id;
        }
        let hash = open.hash.wrapping_add(writes.hash);
        checkpoint.state_hash = hash.to_string();
        checkpoint.rows = checkpoint.rows.saturating_add_signed(writes.count);
        checkpoint.stopped = stopped;
        apply(views, open, checkpoint, hash, writes.rows).await?;
        metrics::counter!(names::FOLDED, "projection" => self.projection.name())
            .increment(u64::try_from(events.len()).unwrap_or(u64::MAX));
        if self.rows.len() > ROWS_MAX {
            self.rows.forget();
        }
        Ok(())
    }

    async fn go_live_when_there(&mut self, views: &dyn Views) -> Result<(), ViewsError> {
        let Some(open) = &mut self.open else { return Ok(()) };
        let there = open.checkpoint.position >= open.target || open.checkpoint.stopped.is_some();
        if !open.live && there {
            views.make_live(&self.versioned, self.projection.tables()).await?;
            open.live = true;
        }
        Ok(())
    }
}

type RowWrites = std::collections::BTreeMap<&'static str, Vec<store::RowWrite>>;

async fn apply(
    views: &dyn Views,
    open: &mut Open,
    checkpoint: Checkpoint,
    hash: RowHash,
    writes: RowWrites,
) -> Result<(), ProjectorError> {
    let expected = open.stored;
    views.apply(ViewsTransaction { expected, checkpoint: checkpoint.clone(), writes }).await?;
    open.stored = Some((checkpoint.position, checkpoint.event_id));
    open.checkpoint = checkpoint;
    open.hash = hash;
    Ok(())
}

/// Whether the log has, at the checkpoint's position, the event that the checkpoint remembers.
pub(super) async fn fits(checkpoint: &Checkpoint, log: &dyn Log) -> Result<bool, ProjectorError> {
    if checkpoint.log != *log.log_id() {
        return Ok(false);
    }
    if checkpoint.position == Position::START {
        return Ok(checkpoint.event_id.is_nil());
    }
    let found = log.event_at(checkpoint.position).await?;
    Ok(found.is_some_and(|event| event.id == checkpoint.event_id))
}
