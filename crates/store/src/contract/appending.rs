//! What is stored, where, and what is refused.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    Outcome, Subject,
    sample::{all_events, at, commit, commit_of, holds, order, same, saying, tenant, text},
};
use crate::{AppendError, Commit, Expected, Head, Page, Position, StreamId};

/// Nothing is in a new log, and it says so in every way.
pub async fn a_new_log_is_empty<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let nothing = Head { position: Position::START, event_id: Uuid::nil() };
    same("the head", &log.head().await.map_err(text)?, &nothing)?;
    let page = log.read_all(Position::START, 10).await.map_err(text)?;
    same("the first page", &page, &Page { events: vec![], head: Position::START })?;
    same("a stream", &log.read_stream(&order("1"), 0, 10).await.map_err(text)?, &vec![])?;
    same("position 1", &log.event_at(Position(1)).await.map_err(text)?, &None)?;
    same("position 0", &log.event_at(Position(0)).await.map_err(text)?, &None)?;
    same("the signal", &*log.watch().borrow(), &Position::START)?;
    holds(!log.log_id().0.is_empty(), "a log has an id")
}

/// Every part of a stored event comes back as it was given.
pub async fn events_read_back_exactly_as_stored<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let mut given = commit_of(&order("1"), Expected::Absent, "place", 2);
    given.recorded_at = at(7);
    if let Some(event) = given.events.last_mut() {
        event.event_type = "order.paid".into();
        event.event_version = "2.1".into();
    }
    let receipt = log.append(given.clone()).await.map_err(text)?.receipt;
    let stored = log.read_stream(&order("1"), 0, 10).await.map_err(text)?;
    same("the number of events", &stored.len(), &2)?;
    for ((number, event), new) in (1_u64..).zip(&stored).zip(&given.events) {
        same("the stream", &event.stream, &given.stream)?;
        same("the version", &event.version, &number)?;
        same("the id", &event.id, &new.id)?;
        same("the type", &event.event_type, &new.event_type)?;
        same("the type's version", &event.event_version, &new.event_version)?;
        same("the payload", &event.payload, &new.payload)?;
        same("the metadata", &event.metadata, &given.metadata)?;
        same("the time", &event.recorded_at, &at(7))?;
    }
    let positions: Vec<_> = stored.iter().map(|event| event.position).collect();
    same("the positions", &positions, &vec![receipt.first, receipt.last])?;
    same("both ways to read", &all_events(log.as_ref(), 10).await?, &stored)
}

/// White space, the order of keys, numbers no machine can hold, and every script survive.
pub async fn payload_bytes_are_never_touched<S: Subject>(mut subject: S) -> Outcome {
    let payloads = [
        " {\"b\" : 1,\t\"a\":\r\n2 , \"a\": 3 } ",
        "{\"huge\":1e400,\"exact\":0.10000000000000000000000000000000001,\"minus\":-0}",
        "{\"long\":123456789012345678901234567890}",
        "{\"text\":\"na\u{ef}ve \u{6f22}\u{5b57} \u{1f9fe} \\u00e9 \\ud83d\\ude00 \u{2028}\"}",
        "{\"zero\":\"\\u0000\",\"quote\":\"'; DROP TABLE events; --\"}",
        "[]",
        "null",
        "\"\"",
    ];
    for (number, payload) in (0..).zip(payloads) {
        let stream = order(&format!("o{number}"));
        let mut given = saying(&stream, Expected::Absent, "place", payload);
        given.command_id = format!("place {number}");
        given.metadata = payload.into();
        subject.log().append(given).await.map_err(text)?;
    }
    subject.reopen().await?;
    let stored = all_events(subject.log().as_ref(), 3).await?;
    same("the number of events", &stored.len(), &payloads.len())?;
    for (event, payload) in stored.iter().zip(payloads) {
        same("the payload", &&*event.payload, &payload)?;
        same("the metadata", &&*event.metadata, &payload)?;
    }
    Ok(())
}

/// A receipt says where the commit is; versions count within the stream, positions in the log.
pub async fn versions_and_positions_count_up<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let mut last = Position::START;
    for (round, expected) in [(1, Expected::Absent), (2, Expected::At(1)), (3, Expected::At(2))] {
        for id in ["a", "b"] {
            let given = commit(&order(id), expected, &format!("{id}{round}"));
            let appended = log.append(given).await.map_err(text)?;
            holds(!appended.replayed, "a new commit is not a replay")?;
            same("the version", &appended.receipt.version, &round)?;
            same("one event", &appended.receipt.first, &appended.receipt.last)?;
            holds(appended.receipt.first > last, "positions grow")?;
            last = appended.receipt.last;
            let head = log.head().await.map_err(text)?;
            same("the head", &head.position, &last)?;
            let found = log.event_at(last).await.map_err(text)?.map(|event| event.id);
            same("the event at the head", &found, &Some(head.event_id))?;
        }
    }
    Ok(())
}

/// Positions are 1, 2, 3 and so on, whatever was refused in between.
pub async fn positions_have_no_holes<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for number in 0..20_u64 {
        let stream = order(&number.to_string());
        let given = commit_of(&stream, Expected::Absent, &format!("c{number}"), 3);
        log.append(given.clone()).await.map_err(text)?;
        let mut late = given;
        late.command_id = format!("late {number}");
        same("a late one", &log.append(late).await, &Err(AppendError::Conflict { actual: 3 }))?;
    }
    let positions: Vec<u64> =
        all_events(log.as_ref(), 7).await?.iter().map(|event| event.position.0).collect();
    same("what the log says of its positions", &log.has_contiguous_positions(), &S::CONTIGUOUS)?;
    if S::CONTIGUOUS {
        same("the positions", &positions, &(1..=60).collect())
    } else {
        same("the number of events", &positions.len(), &60)?;
        holds(positions.is_sorted_by(|one, next| one < next), "positions grow")
    }
}

/// The events of one commit stand together, and none without the others.
pub async fn a_commit_of_several_events_is_stored_whole<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let receipt =
        log.append(commit_of(&order("1"), Expected::Absent, "c", 5)).await.map_err(text)?.receipt;
    same("the version", &receipt.version, &5)?;
    let refused = log.append(commit_of(&order("1"), Expected::At(4), "d", 5)).await;
    same("a commit in the middle", &refused, &Err(AppendError::Conflict { actual: 5 }))?;
    let stored = log.read_stream(&order("1"), 0, 100).await.map_err(text)?;
    same("the number of events", &stored.len(), &5)?;
    same("the end", &stored.last().map(|event| event.position), &Some(receipt.last))
}

/// `Absent` is only true of a stream without events.
pub async fn an_absent_stream_must_be_absent<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    log.append(commit(&order("1"), Expected::Absent, "a")).await.map_err(text)?;
    let again = log.append(commit(&order("1"), Expected::Absent, "b")).await;
    same("a second first", &again, &Err(AppendError::Conflict { actual: 1 }))
}

/// `At` is only true of the stream's last version, and a conflict says which that is.
pub async fn a_stream_must_be_where_the_writer_believes_it<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let nowhere = log.append(commit(&order("1"), Expected::At(1), "a")).await;
    same("a stream without events", &nowhere, &Err(AppendError::Conflict { actual: 0 }))?;
    log.append(commit_of(&order("1"), Expected::Absent, "b", 3)).await.map_err(text)?;
    for wrong in [1, 2, 4, u64::MAX] {
        let refused =
            log.append(commit(&order("1"), Expected::At(wrong), &format!("c{wrong}"))).await;
        same("a wrong version", &refused, &Err(AppendError::Conflict { actual: 3 }))?;
    }
    let right = log.append(commit(&order("1"), Expected::At(3), "d")).await.map_err(text)?;
    same("the version", &right.receipt.version, &4)
}

/// After a conflict neither the stream nor the log has changed.
pub async fn a_refused_commit_leaves_nothing_behind<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    log.append(commit(&order("1"), Expected::Absent, "a")).await.map_err(text)?;
    let before = log.head().await.map_err(text)?;
    let refused = commit_of(&order("1"), Expected::At(9), "b", 4);
    holds(log.append(refused.clone()).await.is_err(), "it is refused")?;
    same("the head", &log.head().await.map_err(text)?, &before)?;
    for event in refused.events {
        same("its event", &log.event_by_id(event.id).await.map_err(text)?, &None)?;
    }
    Ok(())
}

/// A commit has at least one event.
pub async fn a_commit_without_events_is_refused<S: Subject>(subject: S) -> Outcome {
    invalid(&subject, commit_of(&order("1"), Expected::Absent, "c", 0)).await
}

/// Payload and metadata are JSON.
pub async fn what_is_not_json_is_refused<S: Subject>(subject: S) -> Outcome {
    for text in ["", "{", "{\"a\":01}", "{} {}", "nul", "{\"a\":\"\u{1}\"}"] {
        invalid(&subject, saying(&order("1"), Expected::Absent, "c", text)).await?;
        let mut given = commit(&order("1"), Expected::Absent, "c");
        given.metadata = text.into();
        invalid(&subject, given).await?;
    }
    Ok(())
}

/// Categories are lower-case words; ids are short and printable.
pub async fn names_outside_the_rules_are_refused<S: Subject>(subject: S) -> Outcome {
    let acme = tenant("acme");
    for category in ["", "Order", "order-line", "order 1", "bestellung\u{e9}"] {
        let stream = StreamId::new(category, acme, "1");
        invalid(&subject, commit(&stream, Expected::Absent, "c")).await?;
    }
    for id in ["", "line\nbreak", "\u{7f}", &"x".repeat(201)] {
        invalid(&subject, commit(&order(id), Expected::Absent, "c")).await?;
    }
    invalid(&subject, commit(&order("1"), Expected::Absent, "")).await?;
    let keyed =
        super::sample::keyed(commit(&order("1"), Expected::Absent, "c"), &"k".repeat(256), "body");
    invalid(&subject, keyed).await?;
    let longest = commit(&order(&"x".repeat(200)), Expected::Absent, "c");
    subject.log().append(longest).await.map(drop).map_err(text)
}

async fn invalid<S: Subject>(subject: &S, commit: Commit) -> Outcome {
    let verdict = subject.log().append(commit).await;
    holds(
        matches!(verdict, Err(AppendError::Invalid(_))),
        &format!("a malformed commit is refused as invalid (it was {verdict:?})"),
    )?;
    let head = subject.log().head().await.map_err(text)?;
    same("the head", &head.position, &Position::START)
}

/// One mebibyte is fine; beyond the limit the answer names size and limit, and nothing is stored.
pub async fn a_large_event_is_stored_and_a_larger_one_refused<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    log.append(saying(&order("1"), Expected::Absent, "a", &large)).await.map_err(text)?;
    let stored = log.read_stream(&order("1"), 0, 1).await.map_err(text)?;
    same("the payload", &stored.first().map(|event| event.payload.len()), &Some(large.len()))?;

    let larger = format!("\"{}\"", "x".repeat(64 * 1024 * 1024));
    let refused = log.append(saying(&order("2"), Expected::Absent, "b", &larger)).await;
    let Err(AppendError::TooLarge { size, limit }) = refused else {
        return Err(format!("64 MiB were not refused as too large: {refused:?}"));
    };
    holds(size >= larger.len() && size > limit, "size and limit are named")?;
    holds(limit >= 1024 * 1024, "the limit is at least one mebibyte")?;
    let absent = log.read_stream(&order("2"), 0, 1).await.map_err(text)?;
    same("the refused stream", &absent, &vec![])
}

/// An event's id is its identity in the whole log.
pub async fn an_event_id_is_used_once<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let first = commit(&order("1"), Expected::Absent, "a");
    let mut second = commit_of(&order("2"), Expected::Absent, "b", 2);
    second.events.extend(first.events.clone());
    log.append(first).await.map_err(text)?;
    let refused = log.append(second).await;
    holds(matches!(refused, Err(AppendError::Invalid(_))), "a taken id is refused")?;
    same("the log", &all_events(log.as_ref(), 10).await?.len(), &1)?;
    let mut twice = commit(&order("3"), Expected::Absent, "c");
    twice.events.extend(twice.events.clone());
    let refused = log.append(twice).await;
    holds(matches!(refused, Err(AppendError::Invalid(_))), "an id twice is refused")?;
    let next = log.append(commit(&order("3"), Expected::Absent, "d")).await.map_err(text)?;
    holds(!S::CONTIGUOUS || next.receipt.first == Position(2), "no position was used up")
}

/// The same id is another stream in another tenant and in another category.
pub async fn tenants_and_categories_have_streams_of_their_own<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let streams = [
        StreamId::new("order", tenant("acme"), "1"),
        StreamId::new("order", tenant("bolt"), "1"),
        StreamId::new("refund", tenant("acme"), "1"),
        StreamId::new("order", tenant("acme"), "1/1"),
        StreamId::new("order", tenant("acme"), "\u{c4}"),
    ];
    for stream in &streams {
        let command = format!("place {stream}");
        log.append(commit(stream, Expected::Absent, &command)).await.map_err(text)?;
    }
    for stream in &streams {
        let found = log.read_stream(stream, 0, 10).await.map_err(text)?;
        same("the events of one stream", &found.len(), &1)?;
        holds(found.iter().all(|event| event.stream == *stream), "they are that stream's")?;
    }
    Ok(())
}

/// Ten thousand events in one stream read back by pages of any size.
pub async fn a_long_stream_reads_in_pages<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    let mut expected = Expected::Absent;
    for round in 1..=20_u64 {
        let given = commit_of(&order("1"), expected, &format!("c{round}"), 500);
        let receipt = log.append(given).await.map_err(text)?.receipt;
        same("the version", &receipt.version, &(round * 500))?;
        expected = Expected::At(receipt.version);
    }
    for limit in [999, 10_000, 20_000] {
        let (mut versions, mut after) = (Vec::new(), 0);
        loop {
            let page = log.read_stream(&order("1"), after, limit).await.map_err(text)?;
            holds(page.len() <= limit, "a page is not longer than asked for")?;
            versions.extend(page.iter().map(|event| event.version));
            match page.last() {
                Some(last) => after = last.version,
                None => break,
            }
        }
        same("the versions", &versions, &(1..=10_000).collect())?;
    }
    let tail = log.read_stream(&order("1"), 9_998, 10).await.map_err(text)?;
    same("the tail", &tail.iter().map(|event| event.version).collect(), &vec![9_999, 10_000])?;
    same("beyond", &log.read_stream(&order("1"), u64::MAX, 10).await.map_err(text)?, &vec![])
}

/// Pages of every size give the same log, and one beyond the end is empty.
pub async fn pages_cover_the_log_without_a_gap<S: Subject>(subject: S) -> Outcome {
    let log = subject.log();
    for number in 0..30 {
        let stream = order(&number.to_string());
        let given = commit_of(&stream, Expected::Absent, &format!("c{number}"), number % 4 + 1);
        log.append(given).await.map_err(text)?;
    }
    let whole = all_events(log.as_ref(), 1000).await?;
    let ids: HashSet<_> = whole.iter().map(|event| event.id).collect();
    same("distinct events", &ids.len(), &whole.len())?;
    for limit in [1, 2, 3, 7, 64] {
        same("the log", &all_events(log.as_ref(), limit).await?, &whole)?;
    }
    let beyond = log.read_all(Position(u64::MAX), 10).await.map_err(text)?;
    same("beyond the end", &beyond.events, &vec![])?;
    let none = log.read_all(Position::START, 0).await.map_err(text)?;
    same("a page of none", &none.events, &vec![])?;
    same("its head", &Some(none.head), &whole.last().map(|event| event.position))
}

/// A tenant's clock may go back; what a stream records does not.
pub async fn recorded_times_never_go_back_within_a_stream<S: Subject>(mut subject: S) -> Outcome {
    let mut expected = Expected::Absent;
    for (number, seconds) in [10, 5, 20, -100].into_iter().enumerate() {
        if number == 3 {
            subject.reopen().await?;
        }
        let mut given = commit(&order("1"), expected, &format!("c{number}"));
        given.recorded_at = at(seconds);
        expected = Expected::At(subject.log().append(given).await.map_err(text)?.receipt.version);
    }
    let mut other = commit(&order("2"), Expected::Absent, "other");
    other.recorded_at = at(-100);
    subject.log().append(other).await.map_err(text)?;
    let stored = all_events(subject.log().as_ref(), 10).await?;
    let times: Vec<_> = stored.iter().map(|event| event.recorded_at).collect();
    same("the times", &times, &vec![at(10), at(10), at(20), at(20), at(-100)])
}
