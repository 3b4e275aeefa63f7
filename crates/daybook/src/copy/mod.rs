//! A log copied into another engine: the same events in the same order, with what belongs to them.
//!
//! What is there already is compared first, so that a copy that was cut off at any moment goes on
//! where it stood, and a log that is not a beginning of the source is never written to. In the end
//! both logs are read again and compared whole.

mod commits;
mod compare;
mod keys;
mod pages;
mod verify;

use std::sync::Arc;

use store::{AppendError, Appended, Commit, Inventory, Position, all_in_order};

use crate::outcome::{Failure, Outcome};
use commits::Commits;
use keys::MissingKeys;

pub(crate) use verify::Verified;

/// Commits handed over before the first of them is answered. Fewer than any log lets wait, so that
/// none of them has to queue for a place and could be overtaken there.
const IN_FLIGHT_COMMITS: usize = 256;
/// Bytes handed over before the first of them is answered.
const IN_FLIGHT_BYTES: usize = 8 * 1024 * 1024;
/// Sealing keys listed at once.
const PAGE_KEYS: usize = 256;

/// What is being done, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// What is there already is compared.
    Comparing,
    /// What is missing is copied.
    Copying,
    /// Both logs are read again.
    Verifying,
}

/// Where it has come to, and where it ends, in events.
pub(crate) type Progress<'a> = &'a mut (dyn FnMut(Stage, u64, u64) + Send);

/// What a copy came to.
#[derive(Debug)]
pub(crate) struct Copied {
    /// Events that were there already.
    pub(crate) found: u64,
    /// Events that were copied now.
    pub(crate) copied: u64,
    /// What both logs hold.
    pub(crate) verified: Verified,
}

/// Copies a log up to where it ends now.
pub(crate) async fn copy(
    source: Arc<dyn Inventory>,
    target: Arc<dyn Inventory>,
    progress: Progress<'_>,
) -> Outcome<Copied> {
    if source.log_id() != target.log_id() {
        return Err(Failure::usage(format!(
            "the target is another log ({}) than the source ({}); a copy needs a new one",
            target.log_id().0,
            source.log_id().0
        )));
    }
    let through = source.head().await.map_err(Failure::unavailable)?.position;
    let begun = compare::beginning(&*source, &*target, through, progress).await?;
    // The keys are as of now, which is after the last event that is copied.
    let mut keys = MissingKeys::new(&*source, &*target);
    let mut commits = Commits::new(&*source, begun.position, through);
    let copied = copy_commits(&mut commits, &mut keys, &*target, begun.events, progress).await?;
    keys.store_rest().await?;
    let verified = verify::verify(source, target, through, progress).await?;
    Ok(Copied { found: begun.events, copied, verified })
}

/// Hands over commit after commit, in groups; the next group is read while one is stored.
async fn copy_commits(
    commits: &mut Commits<'_>,
    keys: &mut MissingKeys<'_>,
    target: &dyn Inventory,
    found: u64,
    progress: Progress<'_>,
) -> Outcome<u64> {
    let mut copied = 0;
    let mut group = next_group(commits, keys).await?;
    while !group.is_empty() {
        progress(Stage::Copying, found + copied, found + copied + commits.remaining());
        let events: usize = group.iter().map(|commit| commit.events.len()).sum();
        let expected: Vec<_> = group.iter().map(end_of).collect();
        let appends = group.into_iter().map(|commit| target.append(commit)).collect();
        let (verdicts, next) = tokio::join!(all_in_order(appends), next_group(commits, keys));
        for ((name, version), verdict) in expected.iter().zip(verdicts) {
            check_verdict(name, *version, verdict)?;
        }
        copied += u64::try_from(events).unwrap_or(u64::MAX);
        group = next?;
    }
    Ok(copied)
}

async fn next_group(commits: &mut Commits<'_>, keys: &mut MissingKeys<'_>) -> Outcome<Vec<Commit>> {
    let (mut group, mut bytes) = (Vec::new(), 0);
    while group.len() < IN_FLIGHT_COMMITS && bytes < IN_FLIGHT_BYTES {
        let Some(mut commit) = commits.next().await? else { break };
        commit.sealing_keys = keys.take(commit.stream.tenant).await?;
        // Found out here, before anything behind it is stored.
        commit
            .check(store::COMMIT_BYTES_MAX)
            .map_err(|error| refused(&commit.command_id, error))?;
        bytes += commit.size();
        group.push(commit);
    }
    Ok(group)
}

/// The command of a commit, and the version its stream has after it.
fn end_of(commit: &Commit) -> (String, u64) {
    let events = u64::try_from(commit.events.len()).unwrap_or(u64::MAX);
    (commit.command_id.clone(), commit.expected.version().saturating_add(events))
}

fn check_verdict(command: &str, version: u64, verdict: Result<Appended, AppendError>) -> Outcome {
    let appended = verdict.map_err(|error| refused(command, error))?;
    if appended.receipt.version == version {
        return Ok(());
    }
    Err(Failure::check(format!(
        "the target answered the command {command} with version {} and not {version}; somebody else \
         writes to it",
        appended.receipt.version
    )))
}

fn refused(command: &str, error: AppendError) -> Failure {
    match error {
        AppendError::Unknown(_) | AppendError::Unavailable(_) => Failure::unavailable(format!(
            "the target did not answer ({error}); the same command again goes on from there"
        )),
        AppendError::Conflict { .. } => Failure::usage(format!(
            "somebody else writes to the target: the command {command} found {error}"
        )),
        AppendError::IdempotencyKeyReused
        | AppendError::AlreadyStored(_)
        | AppendError::TooLarge { .. }
        | AppendError::Invalid(_)
        | AppendError::Corrupt(_) => {
            Failure::check(format!("the target does not take the command {command}: {error}"))
        }
    }
}

/// A place in the source, and how many events precede it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Begun {
    position: Position,
    events: u64,
}

#[cfg(test)]
mod tests;
