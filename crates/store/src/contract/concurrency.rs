//! Many writers, many readers, and clients that go away.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Outcome, Subject,
    sample::{all_events, commit, commit_of, holds, order, same, tenant, text},
};
use crate::{AppendError, Expected, Log, Position, follow};

/// Far longer than any of these cases takes; a case that hangs should fail instead.
const PATIENCE: Duration = Duration::from_secs(60);

const WRITERS: u64 = 8;
const COMMITS_EACH: u64 = 40;

/// A commit that was handed over is stored, whoever still waits for the answer.
pub async fn a_commit_whose_client_is_gone_is_stored_once<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let given = commit(&order("1"), Expected::Absent, "a");
    {
        let handed_over = log.append(given.clone());
        let mut handed_over = std::pin::pin!(handed_over);
        // Polled once, which hands the commit over, and then dropped.
        std::future::poll_fn(|context| {
            let _ = handed_over.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    }
    let mut follower = follow(Arc::clone(&log), Position::START);
    let event = timeout(PATIENCE, follower.next()).await.map_err(text)?.map_err(text)?;
    same("the stream", &event.stream, &order("1"))?;
    let again = log.append(given).await.map_err(text)?;
    holds(again.replayed, "the client that asks again gets the stored receipt")?;
    same("the log", &all_events(log.as_ref(), 10).await?.len(), &1)
}

/// Writers that re-decide on conflict, some on one shared stream.
async fn write(log: Arc<dyn Log>, writer: u64) -> Outcome {
    for number in 0..COMMITS_EACH {
        let shared = number % 4 == 0;
        let stream = if shared { order("shared") } else { order(&format!("own {writer}")) };
        let command = format!("writer {writer} commit {number}");
        let count = usize::try_from(number % 3).map_err(text)? + 1;
        let mut known = 0;
        loop {
            let expected = if known == 0 { Expected::Absent } else { Expected::At(known) };
            match log.append(commit_of(&stream, expected, &command, count)).await {
                Ok(_) => break,
                Err(AppendError::Conflict { actual }) if actual > known => known = actual,
                Err(error) => return Err(text(error)),
            }
        }
    }
    Ok(())
}

fn start_writers(log: &Arc<dyn Log>) -> JoinSet<Outcome> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(Arc::clone(log), writer));
    }
    writers
}

async fn finish(mut writers: JoinSet<Outcome>) -> Outcome {
    while let Some(done) = writers.join_next().await {
        done.map_err(text)??;
    }
    Ok(())
}

fn events_written() -> u64 {
    WRITERS * (0..COMMITS_EACH).map(|number| number % 3 + 1).sum::<u64>()
}

/// Every commit is there once, whole, and every stream counts up.
pub async fn concurrent_writers_never_lose_or_repeat_an_event<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    finish(start_writers(&log)).await?;
    let events = all_events(log.as_ref(), 100).await?;
    same("the number of events", &u64::try_from(events.len()).map_err(text)?, &events_written())?;
    let mut versions: HashMap<_, u64> = HashMap::new();
    for event in &events {
        let version = versions.entry(event.stream.clone()).or_default();
        *version += 1;
        same("the version", &event.version, version)?;
    }
    same("streams", &u64::try_from(versions.len()).map_err(text)?, &(WRITERS + 1))?;
    for writer in 0..WRITERS {
        for number in 0..COMMITS_EACH {
            let command = format!("writer {writer} commit {number}");
            let receipt = log
                .find_command(tenant("acme"), &command)
                .await
                .map_err(text)?
                .ok_or_else(|| format!("{command} is lost"))?;
            holds(receipt.first <= receipt.last, "a commit begins before it ends")?;
            let mine = events
                .iter()
                .filter(|event| (receipt.first..=receipt.last).contains(&event.position));
            let wanted = format!("{{\"command\":\"{command}\"}}");
            let mut count = 0;
            for event in mine {
                count += 1;
                same("whose event", &&*event.metadata, &wanted.as_str())?;
            }
            same("the commit's events", &count, &(number % 3 + 1))?;
        }
    }
    Ok(())
}

/// A reader that polls while writers write sees a log without holes at every moment, and never an
/// event behind one it has read already.
pub async fn readers_never_see_a_gap_while_writers_write<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let mut readers = JoinSet::new();
    for limit in [1, 3, 50] {
        let log = Arc::clone(&log);
        readers.spawn(async move {
            let (mut seen, mut after) = (Vec::new(), Position::START);
            while u64::try_from(seen.len()).map_err(text)? < events_written() {
                let page = log.read_all(after, limit).await.map_err(text)?;
                for event in page.events {
                    holds(event.position > after, "a page is in order")?;
                    let follows = event.position.0 == after.0 + 1;
                    holds(follows || !S::CONTIGUOUS, "a page has no gap")?;
                    after = event.position;
                    seen.push(event.id);
                }
                tokio::task::yield_now().await;
            }
            Ok::<_, String>(seen)
        });
    }
    finish(start_writers(&log)).await?;
    let whole: Vec<_> = all_events(log.as_ref(), 100).await?.iter().map(|it| it.id).collect();
    let all = async {
        while let Some(seen) = readers.join_next().await {
            same("what a reader saw", &seen.map_err(text)??, &whole)?;
        }
        Ok(())
    };
    timeout(PATIENCE, all).await.map_err(text)?
}

/// Followers that start before, amid and after the writing all see the same events, once each.
pub async fn a_follower_sees_every_event_once_across_the_hand_over<S: Subject>(
    subject: S,
) -> Outcome {
    let log = subject.log();
    let total = events_written();
    let mut followers = JoinSet::new();
    let mut start = |page_events: usize| {
        let mut follower = follow(Arc::clone(&log), Position::START).page_events(page_events);
        followers.spawn(async move {
            let mut seen = Vec::new();
            while u64::try_from(seen.len()).map_err(text)? < total {
                if page_events.is_multiple_of(2) {
                    seen.push(follower.next().await.map_err(text)?.id);
                } else {
                    let page = follower.next_page().await.map_err(text)?;
                    seen.extend(page.into_iter().map(|event| event.id));
                }
            }
            Ok::<_, String>(seen)
        });
    };
    start(1);
    start(8);
    let mut writers = start_writers(&log);
    if let Some(done) = writers.join_next().await {
        done.map_err(text)??;
    }
    start(5);
    start(16);
    finish(writers).await?;
    start(1001);
    start(4);
    let whole: Vec<_> = all_events(log.as_ref(), 100).await?.iter().map(|it| it.id).collect();
    let all = async {
        while let Some(seen) = followers.join_next().await {
            same("what a follower saw", &seen.map_err(text)??, &whole)?;
        }
        Ok(())
    };
    timeout(PATIENCE, all).await.map_err(text)?
}

/// The signal comes with every append, also to those who wait already.
pub async fn a_follower_wakes_up_for_a_new_event<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for number in 0..20 {
        let mut signal = log.watch();
        signal.borrow_and_update();
        let stream = order(&number.to_string());
        let appending = log.append(commit(&stream, Expected::Absent, &format!("c{number}")));
        let (appended, woken) = tokio::join!(appending, timeout(PATIENCE, signal.changed()));
        let position = appended.map_err(text)?.receipt.last;
        woken.map_err(text)?.map_err(text)?;
        same("the signal", &*signal.borrow(), &position)?;
    }
    Ok(())
}

/// Once an append is acknowledged, every way of reading shows it.
pub async fn a_reader_sees_its_own_write<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for number in 0..100 {
        let stream = order(&number.to_string());
        let command = format!("c{number}");
        let given = commit(&stream, Expected::Absent, &command);
        let receipt = log.append(given).await.map_err(text)?.receipt;
        let head = log.head().await.map_err(text)?;
        same("the head", &head.position, &receipt.last)?;
        let before = Position(receipt.first.0 - 1);
        let page = log.read_all(before, 10).await.map_err(text)?;
        same("the log", &page.events.len(), &1)?;
        let events = log.read_stream(&stream, 0, 10).await.map_err(text)?;
        same("the stream", &events, &page.events)?;
        let found = log.find_command(tenant("acme"), &command).await;
        same("the command", &found, &Ok(Some(receipt)))?;
        same("the signal", &*log.watch().borrow(), &receipt.last)?;
    }
    Ok(())
}
