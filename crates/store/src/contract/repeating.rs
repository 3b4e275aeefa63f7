//! What happens to a commit, a command or a request that comes again, alone or within one group.

use super::{
    Outcome, Subject,
    sample::{all_events, commit, commit_of, holds, keyed, order, same, tenant, text},
};
use crate::{AppendError, Appended, Expected, Position, Receipt, StreamId, fingerprint};

/// A command that is stored answers with its first receipt, however stale its expectation is.
pub async fn the_same_command_returns_the_first_receipt<S: Subject>(mut subject: S) -> Outcome {
    let given = commit_of(&order("1"), Expected::Absent, "place", 2);
    let first = subject.log().append(given.clone()).await.map_err(text)?;
    subject.log().append(commit(&order("1"), Expected::At(2), "next")).await.map_err(text)?;
    let replay = Appended { receipt: first.receipt, replayed: true };
    same("the answer", &subject.log().append(given.clone()).await, &Ok(replay))?;
    subject.reopen().await?;
    same("the answer later", &subject.log().append(given.clone()).await, &Ok(replay))?;
    let mut elsewhere = given;
    elsewhere.stream = order("2");
    elsewhere.expected = Expected::At(77);
    same("a retry decided anew", &subject.log().append(elsewhere).await, &Ok(replay))?;
    same("the log", &all_events(subject.log().as_ref(), 10).await?.len(), &3)
}

/// Command ids are scoped to their tenant.
pub async fn the_same_command_in_another_tenant_is_another_command<S: Subject>(
    subject: S,
) -> Outcome {
    let log = subject.log();
    for name in ["acme", "bolt"] {
        let stream = StreamId::new("order", tenant(name), "1");
        let appended =
            log.append(commit(&stream, Expected::Absent, "place")).await.map_err(text)?;
        holds(!appended.replayed, "each tenant has commands of its own")?;
    }
    Ok(())
}

/// Same key, same request, another command: the first receipt, and nothing new.
pub async fn a_repeated_request_under_another_command_is_already_stored<S: Subject>(
    mut subject: S,
) -> Outcome {
    let first = keyed(commit(&order("1"), Expected::Absent, "a"), "key", "buy");
    let receipt = subject.log().append(first).await.map_err(text)?.receipt;
    let fresh = keyed(commit(&order("2"), Expected::Absent, "b"), "key", "buy");
    let stale = keyed(commit(&order("1"), Expected::Absent, "c"), "key", "buy");
    let stored = Err(AppendError::AlreadyStored(receipt));
    same("on another stream", &subject.log().append(fresh.clone()).await, &stored)?;
    same("with a stale expectation", &subject.log().append(stale).await, &stored)?;
    subject.reopen().await?;
    same("later", &subject.log().append(fresh).await, &stored)?;
    same("the log", &all_events(subject.log().as_ref(), 10).await?.len(), &1)
}

/// Same key, another request: an error, and nothing new.
pub async fn an_idempotency_key_with_another_body_is_refused<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    log.append(keyed(commit(&order("1"), Expected::Absent, "a"), "key", "buy one"))
        .await
        .map_err(text)?;
    let other = keyed(commit(&order("2"), Expected::Absent, "b"), "key", "buy two");
    same("another body", &log.append(other).await, &Err(AppendError::IdempotencyKeyReused))?;
    let stale = keyed(commit(&order("1"), Expected::At(9), "c"), "key", "buy two");
    same("and stale", &log.append(stale).await, &Err(AppendError::IdempotencyKeyReused))?;
    same("the log", &all_events(log.as_ref(), 10).await?.len(), &1)
}

/// Two tenants may use the same key for different things.
pub async fn idempotency_keys_of_other_tenants_are_independent<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for name in ["acme", "bolt"] {
        let stream = StreamId::new("order", tenant(name), "1");
        let command = format!("place for {name}");
        let given = keyed(commit(&stream, Expected::Absent, &command), "key", name);
        log.append(given).await.map_err(text)?;
        let found = log.find_idempotency_key(tenant(name), "key").await.map_err(text)?;
        same("its command", &found.map(|(_, command, _)| command), &Some(command))?;
    }
    let stranger = log.find_idempotency_key(tenant("cole"), "key").await.map_err(text)?;
    same("a third tenant", &stranger, &None)
}

/// What was refused may be tried again under the same command id and the same key.
pub async fn a_refused_commit_uses_up_neither_command_nor_key<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let stale = keyed(commit(&order("1"), Expected::At(3), "a"), "key", "buy");
    same("stale", &log.append(stale).await, &Err(AppendError::Conflict { actual: 0 }))?;
    same("the command", &log.find_command(tenant("acme"), "a").await.map_err(text)?, &None)?;
    let key = log.find_idempotency_key(tenant("acme"), "key").await.map_err(text)?;
    same("the key", &key, &None)?;
    let again = keyed(commit(&order("1"), Expected::Absent, "a"), "key", "buy");
    let appended = log.append(again).await.map_err(text)?;
    holds(!appended.replayed, "it is stored now")
}

/// Receipts can be looked up by command and by key, and only by their tenant.
pub async fn commands_and_keys_are_found_again<S: Subject>(mut subject: S) -> Outcome {
    let given = keyed(commit_of(&order("1"), Expected::Absent, "a", 3), "key", "buy");
    let receipt = subject.log().append(given).await.map_err(text)?.receipt;
    for _ in 0..2 {
        let (log, acme, bolt) = (subject.log(), tenant("acme"), tenant("bolt"));
        let found: Option<Receipt> = log.find_command(acme, "a").await.map_err(text)?;
        same("the command", &found, &Some(receipt))?;
        same("another command", &log.find_command(acme, "A").await.map_err(text)?, &None)?;
        same("another tenant", &log.find_command(bolt, "a").await.map_err(text)?, &None)?;
        let found = log.find_idempotency_key(acme, "key").await.map_err(text)?;
        let wanted = Some((fingerprint(&[b"buy"]), "a".to_owned(), receipt));
        same("the key", &found, &wanted)?;
        let found = log.find_idempotency_key(bolt, "key").await.map_err(text)?;
        same("another tenant's key", &found, &None)?;
        subject.reopen().await?;
    }
    Ok(())
}

/// Each event can be fetched by where it is and by what it is.
pub async fn events_are_found_by_position_and_by_id<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for number in 0..3 {
        let stream = order(&number.to_string());
        let given = commit_of(&stream, Expected::Absent, &format!("c{number}"), 2);
        log.append(given).await.map_err(text)?;
    }
    let events = all_events(log.as_ref(), 100).await?;
    for event in &events {
        let wanted = Some(event.clone());
        same("by position", &log.event_at(event.position).await.map_err(text)?, &wanted)?;
        same("by id", &log.event_by_id(event.id).await.map_err(text)?, &wanted)?;
    }
    same("a strange id", &log.event_by_id(uuid::Uuid::nil()).await.map_err(text)?, &None)?;
    let beyond = events.last().map_or(u64::MAX, |event| event.position.0 + 1);
    same("beyond", &log.event_at(Position(beyond)).await.map_err(text)?, &None)?;
    same("far beyond", &log.event_at(Position(u64::MAX)).await.map_err(text)?, &None)
}

/// Commits of one group are judged one after the other.
pub async fn the_second_of_two_commits_in_a_group_sees_the_first<S: Subject>(
    subject: S,
) -> Outcome {
    let verdicts = subject
        .append_together(vec![
            commit_of(&order("1"), Expected::Absent, "a", 2),
            commit(&order("1"), Expected::At(2), "b"),
            commit(&order("1"), Expected::At(3), "c"),
        ])
        .await;
    let mut receipts = Vec::new();
    for verdict in verdicts {
        receipts.push(verdict.map_err(text)?.receipt);
    }
    same("versions", &receipts.iter().map(|receipt| receipt.version).collect(), &vec![2, 3, 4])?;
    let events = subject.log().read_stream(&order("1"), 0, 10).await.map_err(text)?;
    same("the stream", &events.len(), &4)
}

/// Of two commits with the same expectation in one group the first wins; the other learns where the
/// stream is now.
pub async fn two_rivals_in_a_group_have_one_winner<S: Subject>(subject: S) -> Outcome {
    let rivals = (0..10)
        .map(|number| commit(&order("1"), Expected::Absent, &format!("rival {number}")))
        .collect();
    let verdicts = subject.append_together(rivals).await;
    holds(verdicts.first().is_some_and(Result::is_ok), "the first wins")?;
    for verdict in verdicts.iter().skip(1) {
        same("a rival", verdict, &Err(AppendError::Conflict { actual: 1 }))?;
    }
    same("the log", &all_events(subject.log().as_ref(), 10).await?.len(), &1)
}

/// One of them is stored; every other gets its receipt.
pub async fn the_same_command_twice_in_a_group_is_stored_once<S: Subject>(subject: S) -> Outcome {
    let given = commit(&order("1"), Expected::Absent, "a");
    let verdicts = subject.append_together(vec![given; 5]).await;
    let mut answers = Vec::new();
    for verdict in verdicts {
        answers.push(verdict.map_err(text)?);
    }
    same("one is new", &answers.iter().filter(|answer| !answer.replayed).count(), &1)?;
    let receipts: Vec<_> = answers.iter().map(|answer| answer.receipt).collect();
    holds(receipts.windows(2).all(|two| two.first() == two.last()), "all have one receipt")?;
    same("the log", &all_events(subject.log().as_ref(), 10).await?.len(), &1)
}

/// Two commands under one key in one group: the second is told of the first.
pub async fn the_same_key_twice_in_a_group_is_stored_once<S: Subject>(subject: S) -> Outcome {
    let verdicts = subject
        .append_together(vec![
            keyed(commit(&order("1"), Expected::Absent, "a"), "key", "buy"),
            keyed(commit(&order("2"), Expected::Absent, "b"), "key", "buy"),
            keyed(commit(&order("3"), Expected::Absent, "c"), "key", "sell"),
        ])
        .await;
    let [first, second, third] = verdicts.as_slice() else {
        return Err("three commits have three verdicts".to_owned());
    };
    let receipt = first.clone().map_err(text)?.receipt;
    same("the same request", second, &Err(AppendError::AlreadyStored(receipt)))?;
    same("another request", third, &Err(AppendError::IdempotencyKeyReused))
}

/// A request that the log itself refuses takes nobody with it.
pub async fn a_poisoned_request_fails_alone<S: Subject>(subject: S) -> Outcome {
    let taken = commit(&order("0"), Expected::Absent, "taken");
    let events = taken.events.clone();
    subject.log().append(taken).await.map_err(text)?;
    let mut group: Vec<_> = (1..=9)
        .map(|number| {
            let given = commit_of(&order(&number.to_string()), Expected::Absent, "c", 2);
            crate::Commit { command_id: format!("c{number}"), ..given }
        })
        .collect();
    // The fifth carries an event that is in the log already, after one that is not.
    let poisoned = group.get_mut(4).ok_or("there is a fifth")?;
    poisoned.events.extend(events);
    group.push(commit(&order("9"), Expected::At(2), "after"));
    let verdicts = subject.append_together(group).await;
    for (number, verdict) in (1..).zip(&verdicts) {
        match (number, verdict) {
            (5, Err(AppendError::Invalid(_))) => {}
            (5, other) => return Err(format!("the poisoned request got {other:?}")),
            (_, Ok(appended)) => holds(!appended.replayed, "it is stored now")?,
            (_, Err(error)) => return Err(format!("request {number} failed with it: {error}")),
        }
    }
    let events = all_events(subject.log().as_ref(), 100).await?;
    same("the log", &events.len(), &(1 + 8 * 2 + 1))?;
    let poisoned = subject.log().read_stream(&order("5"), 0, 10).await.map_err(text)?;
    same("the poisoned stream", &poisoned, &vec![])
}
