//! What a log keeps beside the events, and what it keeps over a restart.

use kernel::KeyRef;

use super::{
    Outcome, Subject,
    sample::{all_events, commit, commit_of, holds, order, same, tenant, text},
};
use crate::{AppendError, Commit, Expected, LogError, Position, SealingKey, Snapshot};

fn key(name: &str, byte: u8) -> SealingKey {
    SealingKey { key: KeyRef(name.to_owned()), tenant: tenant("acme"), secret: [byte; 32] }
}

fn with_key(commit: Commit, key: SealingKey) -> Commit {
    Commit { sealing_keys: vec![key], ..commit }
}

/// A key is there as soon as what it sealed is, and only for its tenant.
pub async fn sealing_keys_come_with_their_commit<S: Subject>(mut subject: S) -> Outcome {
    let given = with_key(commit(&order("1"), Expected::Absent, "a"), key("raw/1", 7));
    subject.log().append(given).await.map_err(text)?;
    for _ in 0..2 {
        let (log, name) = (subject.log(), KeyRef("raw/1".to_owned()));
        let found = log.sealing_key(tenant("acme"), &name).await.map_err(text)?;
        same("the secret", &found, &Some([7; 32]))?;
        let found = log.sealing_key(tenant("bolt"), &name).await.map_err(text)?;
        same("another tenant's", &found, &None)?;
        let other = KeyRef("raw/2".to_owned());
        let found = log.sealing_key(tenant("acme"), &other).await.map_err(text)?;
        same("another key", &found, &None)?;
        subject.reopen().await?;
    }
    Ok(())
}

/// No commit, no key.
pub async fn a_refused_commit_stores_no_sealing_key<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let stale = with_key(commit(&order("1"), Expected::At(4), "a"), key("raw/1", 7));
    same("stale", &log.append(stale).await, &Err(AppendError::Conflict { actual: 0 }))?;
    let found = log.sealing_key(tenant("acme"), &KeyRef("raw/1".to_owned())).await;
    same("the key", &found, &Ok(None))
}

/// The same key again is harmless; another secret under its name could never be opened.
pub async fn a_sealing_key_cannot_change_its_secret<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let one = with_key(commit(&order("1"), Expected::Absent, "a"), key("person", 1));
    log.append(one).await.map_err(text)?;
    let again = with_key(commit(&order("2"), Expected::Absent, "b"), key("person", 1));
    log.append(again).await.map_err(text)?;
    let other = with_key(commit(&order("3"), Expected::Absent, "c"), key("person", 2));
    let refused = log.append(other).await;
    holds(matches!(refused, Err(AppendError::Invalid(_))), "another secret is refused")?;
    let found = log.sealing_key(tenant("acme"), &KeyRef("person".to_owned())).await;
    same("the secret", &found, &Ok(Some([1; 32])))?;
    // Whoever sends a command again may have made a new secret for it; the first one counts.
    let repeated = with_key(commit(&order("1"), Expected::Absent, "a"), key("person", 9));
    let replayed = log.append(repeated).await.map(|appended| appended.replayed);
    same("the command again", &replayed, &Ok(true))?;
    let found = log.sealing_key(tenant("acme"), &KeyRef("person".to_owned())).await;
    same("the secret still", &found, &Ok(Some([1; 32])))?;
    same("the log", &all_events(log.as_ref(), 10).await?.len(), &2)
}

/// Whoever comes first decides the secret; everybody gets that one.
pub async fn an_ensured_sealing_key_keeps_the_first_secret<S: Subject>(mut subject: S) -> Outcome {
    let log = subject.log();
    let first = log.ensure_sealing_key(key("person", 1)).await;
    same("the first", &first, &Ok([1; 32]))?;
    let second = log.ensure_sealing_key(key("person", 2)).await;
    same("the second", &second, &Ok([1; 32]))?;
    let theirs = SealingKey { tenant: tenant("bolt"), ..key("person", 3) };
    same("another tenant's", &log.ensure_sealing_key(theirs).await, &Ok([3; 32]))?;
    drop(log);
    subject.reopen().await?;
    let third = subject.log().ensure_sealing_key(key("person", 4)).await;
    same("after reopening", &third, &Ok([1; 32]))?;
    same("the log", &all_events(subject.log().as_ref(), 10).await?.len(), &0)
}

/// Snapshots only move forward.
pub async fn an_older_snapshot_never_replaces_a_newer_one<S: Subject>(mut subject: S) -> Outcome {
    let at = |version: u64, state: &str| Snapshot {
        stream: order("1"),
        version,
        schema: "order@1".to_owned(),
        state: state.into(),
    };
    let log = subject.log();
    same("none yet", &log.snapshot(&order("1")).await, &Ok(None))?;
    for (given, wanted) in [
        (at(5, "{\"a\": 5}"), at(5, "{\"a\": 5}")),
        (at(3, "{}"), at(5, "{\"a\": 5}")),
        (at(5, "{\"a\":55}"), at(5, "{\"a\":55}")),
        (at(8, "[8]"), at(8, "[8]")),
    ] {
        log.save_snapshot(given).await.map_err(text)?;
        same("the snapshot", &log.snapshot(&order("1")).await, &Ok(Some(wanted)))?;
    }
    let other = Snapshot { stream: order("2"), ..at(1, "{}") };
    log.save_snapshot(other.clone()).await.map_err(text)?;
    drop(log);
    subject.reopen().await?;
    let log = subject.log();
    same("after reopening", &log.snapshot(&order("1")).await, &Ok(Some(at(8, "[8]"))))?;
    same("another stream's", &log.snapshot(&order("2")).await, &Ok(Some(other)))?;
    same("the log", &all_events(log.as_ref(), 10).await?.len(), &0)
}

/// Each worker has its own bookmark, which may also be moved back.
pub async fn bookmarks_are_kept_per_worker<S: Subject>(mut subject: S) -> Outcome {
    let log = subject.log();
    same("none yet", &log.bookmark("policies").await, &Ok(None))?;
    for position in [3, 9, 4] {
        log.save_bookmark("policies", Position(position)).await.map_err(text)?;
    }
    log.save_bookmark("effects", Position(1)).await.map_err(text)?;
    drop(log);
    subject.reopen().await?;
    let log = subject.log();
    same("one worker", &log.bookmark("policies").await, &Ok(Some(Position(4))))?;
    same("another worker", &log.bookmark("effects").await, &Ok(Some(Position(1))))
}

/// A clean close and a new start change nothing.
pub async fn everything_is_still_there_after_reopening<S: Subject>(mut subject: S) -> Outcome {
    let id = subject.log().log_id().clone();
    for number in 0..10 {
        let stream = order(&(number % 3).to_string());
        let version = number / 3 * 2;
        let expected = if version == 0 { Expected::Absent } else { Expected::At(version) };
        let given = commit_of(&stream, expected, &format!("c{number}"), 2);
        subject.log().append(given).await.map_err(text)?;
    }
    let events = all_events(subject.log().as_ref(), 100).await?;
    let head = subject.log().head().await.map_err(text)?;
    for _ in 0..3 {
        subject.reopen().await?;
        let log = subject.log();
        same("the log's id", log.log_id(), &id)?;
        same("the events", &all_events(log.as_ref(), 100).await?, &events)?;
        same("the head", &log.head().await.map_err(text)?, &head)?;
        same("the signal", &*log.watch().borrow(), &head.position)?;
    }
    Ok(())
}

/// Positions and versions go on, and conflicts are still seen.
pub async fn a_reopened_log_continues_where_it_stood<S: Subject>(mut subject: S) -> Outcome {
    let mut last = Position::START;
    for round in 0..4_u64 {
        let late = commit(&order("1"), Expected::At(round + 7), &format!("late {round}"));
        let refused = subject.log().append(late).await;
        same("a late one", &refused, &Err(AppendError::Conflict { actual: round }))?;
        let expected = if round == 0 { Expected::Absent } else { Expected::At(round) };
        let given = commit(&order("1"), expected, &format!("c{round}"));
        let receipt = subject.log().append(given).await.map_err(text)?.receipt;
        same("the version", &receipt.version, &(round + 1))?;
        holds(receipt.first > last, "positions grow")?;
        holds(!S::CONTIGUOUS || receipt.first.0 == last.0 + 1, "positions have no holes")?;
        last = receipt.last;
        subject.reopen().await?;
    }
    Ok(())
}

/// After closing, nothing is taken and nothing is answered, and both are certain.
pub async fn a_closed_log_says_so<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    log.append(commit(&order("1"), Expected::Absent, "a")).await.map_err(text)?;
    log.close().await;
    log.close().await;
    let refused = log.append(commit(&order("1"), Expected::At(1), "b")).await;
    holds(matches!(refused, Err(AppendError::Unavailable(_))), "it takes no commits")?;
    let read = log.read_all(Position::START, 10).await;
    holds(matches!(read, Err(LogError::Unavailable(_))), "it answers no questions")
}

/// A log can say what it promises, and a fresh one keeps it.
pub async fn guarantees_are_stated<S: Subject>(subject: S) -> Outcome {
    let stated = subject.log().guarantees().await.map_err(text)?;
    holds(!stated.engine.is_empty(), "the engine is named")?;
    same("what is broken", &stated.broken, &vec![])
}
