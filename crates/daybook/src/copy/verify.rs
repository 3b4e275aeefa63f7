//! Two logs read whole and compared: events by their root, commands, idempotency keys and sealing
//! keys one by one.

use std::sync::Arc;

use engine::{
    export::ExportLine,
    merkle::{Hash, Tree, leaf_hash},
};
use serde::Serialize;
use store::{Inventory, Position, Recorded, StoredCommand, Tally};
use tokio::sync::watch;

use super::{PAGE_KEYS, Progress, Stage, commits::STRANGERS_COMMAND, pages::Pages};
use crate::outcome::{Failure, Outcome};

const PAGE_COMMANDS: usize = 50_000;

/// What two logs were found to hold, both of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Verified {
    /// The log's id.
    pub(crate) log: String,
    /// Events.
    pub(crate) events: u64,
    /// Answered commands.
    pub(crate) commands: u64,
    /// Remembered idempotency keys.
    pub(crate) idempotency_keys: u64,
    /// Sealing keys of the target.
    pub(crate) sealing_keys: u64,
    /// Whether every event has the same position in both.
    pub(crate) same_positions: bool,
    /// The RFC 6962 root over the events in order, as in an export of a log whose positions are 1,
    /// 2, 3 and so on; hexadecimal.
    pub(crate) root: String,
}

/// Compares the source up to a position with the whole target.
pub(super) async fn verify(
    source: Arc<dyn Inventory>,
    target: Arc<dyn Inventory>,
    through: Position,
    progress: Progress<'_>,
) -> Outcome<Verified> {
    let end = target.head().await.map_err(Failure::unavailable)?.position;
    let (told, mut heard) = watch::channel(0);
    let ours = tokio::spawn(contents(Arc::clone(&source), through, told));
    let theirs = tokio::spawn(contents(Arc::clone(&target), end, watch::channel(0).0));
    while heard.changed().await.is_ok() {
        progress(Stage::Verifying, *heard.borrow_and_update(), through.0);
    }
    let ours = ours.await.map_err(Failure::unavailable)??;
    let theirs = theirs.await.map_err(Failure::unavailable)??;
    if (ours.events, ours.root) != (theirs.events, theirs.root) {
        return Err(Failure::check(format!(
            "the copy is not the source: {} events with root {} there, {} with root {} here",
            theirs.events,
            hex::encode(theirs.root),
            ours.events,
            hex::encode(ours.root)
        )));
    }
    let same_positions = ours.positions == theirs.positions;
    let commands = same_commands(&*source, &*target, through, same_positions).await?;
    no_sealing_key_too_many(&*source, &*target).await?;
    let Tally { idempotency_keys, sealing_keys, .. } =
        target.tally().await.map_err(Failure::unavailable)?;
    Ok(Verified {
        log: source.log_id().0.clone(),
        events: ours.events,
        commands,
        idempotency_keys,
        sealing_keys,
        same_positions,
        root: hex::encode(ours.root),
    })
}

/// The leaf of an event as its export has it.
fn leaf(event: &Recorded) -> Outcome<Hash> {
    let mut leaf = [0; 32];
    // What line precedes it is not part of the leaf.
    let line = ExportLine::of(event, &leaf);
    hex::decode_to_slice(&line.leaf, &mut leaf).map_err(Failure::unavailable)?;
    Ok(leaf)
}

#[derive(Debug)]
struct Contents {
    events: u64,
    root: Hash,
    /// A root over the positions alone.
    positions: Hash,
}

/// Reads a log up to a position. Leaves are those of an export, with the event's number for its
/// position: the same on every engine.
async fn contents(
    log: Arc<dyn Inventory>,
    through: Position,
    told: watch::Sender<u64>,
) -> Outcome<Contents> {
    let (mut events, mut positions) = (Tree::new(), Tree::new());
    let mut pages = Pages::new(&*log, Position::START, through);
    while let Some(mut event) = pages.next().await? {
        positions.push(leaf_hash(&event.position.0.to_be_bytes()));
        let number = events.leaves() + 1;
        if number.is_multiple_of(1000) {
            told.send_replace(event.position.0);
        }
        event.position = Position(number);
        events.push(leaf(&event)?);
    }
    Ok(Contents { events: events.leaves(), root: events.root(), positions: positions.root() })
}

/// The commands of a log up to a position, one after the other.
struct Commands<'a> {
    log: &'a dyn Inventory,
    listed: Position,
    page: std::vec::IntoIter<StoredCommand>,
    ended: bool,
}

impl<'a> Commands<'a> {
    fn new(log: &'a dyn Inventory) -> Self {
        Self { log, listed: Position::START, page: Vec::new().into_iter(), ended: false }
    }

    async fn next(&mut self) -> Outcome<Option<StoredCommand>> {
        if let Some(command) = self.page.next() {
            return Ok(Some(command));
        }
        if self.ended {
            return Ok(None);
        }
        let page = self.log.commands(self.listed, PAGE_COMMANDS).await;
        let page = page.map_err(Failure::unavailable)?;
        self.ended = page.len() < PAGE_COMMANDS;
        self.listed = page.last().map_or(self.listed, |last| last.receipt.first);
        self.page = page.into_iter();
        Ok(self.page.next())
    }
}

/// How many commands both know, with the same receipts and idempotency keys.
async fn same_commands(
    source: &dyn Inventory,
    target: &dyn Inventory,
    through: Position,
    same_positions: bool,
) -> Outcome<u64> {
    let (mut ours, mut theirs) = (Commands::new(source), Commands::new(target));
    let mut count = 0;
    loop {
        // A source that is being written to knows more by now.
        let here = ours.next().await?.filter(|command| command.receipt.first <= through);
        let mut there = theirs.next().await?;
        // What no command wrote in the source is a command each in the copy.
        while there.as_ref().is_some_and(|command| {
            command.command_id.starts_with(STRANGERS_COMMAND)
                && here.as_ref().is_none_or(|here| here.command_id != command.command_id)
        }) {
            there = theirs.next().await?;
        }
        match (here, there) {
            (None, None) => return Ok(count),
            (Some(here), Some(there)) if is_same(&here, &there, same_positions) => count += 1,
            (Some(one), _) | (None, Some(one)) => {
                return Err(Failure::check(format!(
                    "the copy is not the source: they differ in the command {} of {}",
                    one.command_id, one.tenant
                )));
            }
        }
    }
}

fn is_same(here: &StoredCommand, there: &StoredCommand, same_positions: bool) -> bool {
    here.tenant == there.tenant
        && here.command_id == there.command_id
        && here.idempotency == there.idempotency
        && here.receipt.version == there.receipt.version
        && (!same_positions || here.receipt == there.receipt)
}

/// A key that was destroyed in the source must be destroyed in the copy too. That none is missing
/// was seen when each was stored.
async fn no_sealing_key_too_many(source: &dyn Inventory, target: &dyn Inventory) -> Outcome {
    let mut after = None;
    loop {
        let keys = target.sealing_keys(after.take(), PAGE_KEYS).await;
        let keys = keys.map_err(Failure::unavailable)?;
        let Some(last) = keys.last() else { return Ok(()) };
        after = Some((last.tenant, last.key.clone()));
        for key in &keys {
            let known = source.sealing_key(key.tenant, &key.key).await;
            if known.map_err(Failure::unavailable)? != Some(key.secret) {
                return Err(Failure::check(format!(
                    "the copy still has the sealing key {} of {}, which was destroyed in the \
                     source: destroy it in the copy too",
                    key.key.0, key.tenant
                )));
            }
        }
    }
}
