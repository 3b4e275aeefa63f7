//! The promise everything rests on, tried at length: a reader never misses a committed event, whatever
//! the writers go through.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::{
    Outcome,
    sample::{commit_of, order, text},
};
use crate::{AppendError, Commit, Expected, Log, Position};

/// Events of one commit, at most.
const COMMIT_EVENTS_MAX: u64 = 40;

/// What a run of [`skip_test`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkipTest {
    /// Events in the log at the end.
    pub events: u64,
    /// Events that the poller has not seen.
    pub skipped: u64,
    /// Events that the poller has seen more than once.
    pub doubled: u64,
    /// Commits that were refused or rolled back on the way.
    pub refused: u64,
}

/// Lets one writer per given log write until there are so many events, some commits being stale and
/// some poisoned, while a poller reads pages of random sizes. `CONTIGUOUS` logs are also held to it
/// that no page begins behind a gap. Whoever calls adds the disturbances that only this engine knows.
///
/// # Errors
/// Whatever a writer or the poller met that is not part of the game.
pub async fn skip_test(
    writers: Vec<Arc<dyn Log>>,
    poller: Arc<dyn Log>,
    events: u64,
    seed: u64,
) -> Result<SkipTest, String> {
    let refused = Arc::new(AtomicU64::new(0));
    let mut writing = JoinSet::new();
    let each = events.div_ceil(u64::try_from(writers.len()).map_err(text)?.max(1));
    for (writer, log) in (0..).zip(writers) {
        writing.spawn(write(log, writer, each, seed, Arc::clone(&refused)));
    }
    let done = Arc::new(AtomicU64::new(u64::MAX));
    let polling = tokio::spawn(poll(Arc::clone(&poller), Arc::clone(&done), seed));
    while let Some(ended) = writing.join_next().await {
        ended.map_err(text)??;
    }
    let head = poller.head().await.map_err(text)?.position;
    done.store(head.0, Ordering::SeqCst);
    let (seen, doubled) = polling.await.map_err(text)??;
    let mut skipped = 0;
    let mut total = 0;
    let mut after = Position::START;
    while after < head {
        let page = poller.read_all(after, 5_000).await.map_err(text)?;
        for event in page.events.iter().filter(|event| event.position <= head) {
            total += 1;
            skipped += u64::from(!seen.contains(&event.id));
        }
        after = page.events.last().map_or(head, |event| event.position);
    }
    Ok(SkipTest { events: total, skipped, doubled, refused: refused.load(Ordering::SeqCst) })
}

async fn write(
    log: Arc<dyn Log>,
    writer: u64,
    events: u64,
    seed: u64,
    refused: Arc<AtomicU64>,
) -> Outcome {
    let mut random = Random(seed ^ (writer + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (mut written, mut number) = (0, 0_u64);
    let mut taken: Option<Uuid> = None;
    let mut stream = (order(&format!("skip {seed} {writer} 0")), 0);
    while written < events {
        number += 1;
        let count = random.below(COMMIT_EVENTS_MAX) + 1;
        let expected = if stream.1 == 0 { Expected::Absent } else { Expected::At(stream.1) };
        let command = format!("skip {seed} {writer} {number}");
        let size = usize::try_from(count).map_err(text)?;
        let mut commit = commit_of(&stream.0, expected, &command, size);
        let game = random.below(16);
        if game == 0 {
            commit.expected = Expected::At(stream.1 + 1 + random.below(5));
        } else if let (1, Some(id), Some(event)) = (game, taken, commit.events.last_mut()) {
            event.id = id;
        }
        let id = commit.events.first().map(|event| event.id);
        match until_known(&*log, commit).await {
            Ok(version) => {
                written += count;
                taken = id;
                stream.1 = version;
            }
            Err(AppendError::Conflict { .. } | AppendError::Invalid(_)) => {
                refused.fetch_add(1, Ordering::SeqCst);
            }
            Err(error) => return Err(text(error)),
        }
        if random.below(10) == 0 {
            stream = (order(&format!("skip {seed} {writer} {number}")), 0);
        }
    }
    Ok(())
}

/// Sends a commit again while its outcome is not known, or nobody is there to take it.
async fn until_known(log: &dyn Log, commit: Commit) -> Result<u64, AppendError> {
    loop {
        match log.append(commit.clone()).await {
            Ok(appended) => return Ok(appended.receipt.version),
            Err(AppendError::Unknown(_) | AppendError::Unavailable(_)) => {
                tokio::task::yield_now().await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Reads pages until the end that is told later; returns what was seen, and how often again.
async fn poll(
    log: Arc<dyn Log>,
    end: Arc<AtomicU64>,
    seed: u64,
) -> Result<(HashSet<Uuid>, u64), String> {
    let mut random = Random(seed);
    let (mut seen, mut doubled, mut after) = (HashSet::new(), 0, Position::START);
    while after.0 < end.load(Ordering::SeqCst) {
        let limit = usize::try_from(random.below(2_000) + 1).map_err(text)?;
        // A server that is away for a moment is part of the game.
        let Ok(page) = log.read_all(after, limit).await else { continue };
        for event in page.events {
            doubled += u64::from(event.position <= after || !seen.insert(event.id));
            after = after.max(event.position);
        }
        tokio::task::yield_now().await;
    }
    Ok((seen, doubled))
}

/// Steps of an LCG (Knuth's MMIX), so that a printed seed repeats a run.
struct Random(u64);

impl Random {
    const fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
