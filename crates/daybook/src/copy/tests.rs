//! A copy equals its source, goes on where it stood, and never touches what is something else.

use kernel::{KeyRef, TenantId, Timestamp, derived_uuid};
use store::{
    Expected, Idempotency, Log, LogId, MemoryLog, NewEvent, SealingKey, StreamId, fingerprint,
};

use super::*;

fn a_commit(number: u64, streams: u64) -> Commit {
    let tenant = TenantId::derived(&["copy"]);
    let stream = StreamId::new("order", tenant, format!("{}", number % streams));
    // Every third commit of a stream has two events.
    let before = (0..number / streams).map(|round| 1 + u64::from(round % 3 == 2)).sum();
    let events = 1 + u64::from((number / streams) % 3 == 2);
    let event = |index: u64| NewEvent {
        id: derived_uuid(&["copy", &number.to_string(), &index.to_string()]),
        event_type: "order.placed".into(),
        event_version: "1".into(),
        payload: format!("{{\"number\": {number},\"of\" :{index}}}").into(),
    };
    Commit {
        command_id: format!("command {number}"),
        stream,
        expected: if before == 0 { Expected::Absent } else { Expected::At(before) },
        events: (0..events).map(event).collect(),
        metadata: format!("{{\"c\":{number}}}").into(),
        recorded_at: Timestamp::from_unix_seconds(1_760_000_000 + i64::try_from(number).unwrap()),
        idempotency: number.is_multiple_of(5).then(|| Idempotency {
            key: format!("till {number}"),
            fingerprint: fingerprint(&[&number.to_be_bytes()]),
        }),
        sealing_keys: if number.is_multiple_of(7) { vec![a_key(number, 7)] } else { Vec::new() },
    }
}

fn a_key(number: u64, byte: u8) -> SealingKey {
    let tenant = TenantId::derived(&["copy"]);
    SealingKey { key: KeyRef(format!("raw/{number}")), tenant, secret: [byte; 32] }
}

async fn a_log(id: &str, commits: std::ops::Range<u64>) -> Arc<MemoryLog> {
    let log = MemoryLog::with_id(LogId(id.to_owned()));
    for number in commits {
        log.append(a_commit(number, 40)).await.unwrap();
    }
    Arc::new(log)
}

async fn copied(source: &Arc<MemoryLog>, target: &Arc<MemoryLog>) -> Outcome<Copied> {
    let (source, target) = (Arc::clone(source), Arc::clone(target));
    copy(source, target, &mut |_, _, _| ()).await
}

#[tokio::test]
async fn a_copy_has_everything_and_recognizes_every_command() {
    let (source, target) = (a_log("log", 0..3000).await, a_log("log", 0..0).await);
    let copied = copied(&source, &target).await.unwrap();
    assert_eq!((copied.found, copied.verified.commands), (0, 3000));
    assert!(copied.verified.same_positions);
    assert_eq!(source.tally().await.unwrap(), target.tally().await.unwrap());
    assert_eq!(copied.copied, source.tally().await.unwrap().events);
    let again = target.append(a_commit(2999, 40)).await.unwrap();
    assert_eq!((again.replayed, again), (true, source.append(a_commit(2999, 40)).await.unwrap()));
}

#[tokio::test]
async fn a_copy_goes_on_where_it_stood() {
    let (source, target) = (a_log("log", 0..2000).await, a_log("log", 0..1234).await);
    let found = target.tally().await.unwrap().events;
    let first = copied(&source, &target).await.unwrap();
    assert_eq!(first.found, found);
    let second = copied(&source, &target).await.unwrap();
    assert_eq!((second.copied, second.verified), (0, first.verified));
}

#[tokio::test]
async fn what_is_no_beginning_of_the_source_is_not_touched() {
    let source = a_log("log", 0..100).await;
    let other = a_log("log", 0..50).await;
    let mut strange = a_commit(50, 40);
    strange.metadata = "{\"c\":0}".into();
    other.append(strange).await.unwrap();
    let longer = a_log("log", 0..120).await;
    let foreign = a_log("another log", 0..0).await;
    for (target, why) in [
        (other, "the first difference is at position 51, another metadata"),
        (longer, "is behind the source's end"),
        (foreign, "the target is another log (another log)"),
    ] {
        let before = target.tally().await.unwrap();
        let failure = copied(&source, &target).await.unwrap_err().to_string();
        assert!(failure.contains(why), "{failure}");
        assert_eq!(target.tally().await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_key_with_another_secret_or_one_too_many_is_found() {
    let (source, target) = (a_log("log", 0..20).await, a_log("log", 0..0).await);
    target.ensure_sealing_key(a_key(7, 9)).await.unwrap();
    let failure = copied(&source, &target).await.unwrap_err().to_string();
    assert!(failure.contains("another secret for the sealing key raw/7"), "{failure}");

    let target = a_log("log", 0..0).await;
    target.ensure_sealing_key(a_key(99, 9)).await.unwrap();
    let failure = copied(&source, &target).await.unwrap_err().to_string();
    assert!(failure.contains("still has the sealing key raw/99"), "{failure}");
}
