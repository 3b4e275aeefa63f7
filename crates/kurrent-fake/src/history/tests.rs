//! The server's rules about revisions, repeated events, deletion and its file.

use std::{fs::OpenOptions, io::Write};

use super::*;

fn event(id: u128) -> Event {
    Event {
        id: Uuid::from_u128(id),
        metadata: HashMap::from([("type".to_owned(), "said".to_owned())]),
        custom_metadata: vec![1, 2],
        data: id.to_string().into_bytes(),
    }
}

fn events(ids: &[u128]) -> Vec<Event> {
    ids.iter().copied().map(event).collect()
}

/// The ids of what can still be read from a stream.
fn read(history: &History, name: &str) -> Option<Vec<u128>> {
    let records = history.stream(name).unwrap()?;
    Some(records.iter().map(|record| record.event.id.as_u128()).collect())
}

#[test]
fn a_stream_must_be_where_its_writer_believes_it() {
    let mut history = History::in_memory().unwrap();
    let refused = history.append("a", Expected::Revision(0), events(&[9]));
    assert!(matches!(refused, Err(Refused::WrongRevision(None))));
    assert_eq!(history.append("a", Expected::NoStream, events(&[1, 2])).unwrap().revision, 1);
    for expected in [Expected::NoStream, Expected::Revision(0), Expected::Revision(7)] {
        let refused = history.append("a", expected, events(&[9]));
        assert!(matches!(refused, Err(Refused::WrongRevision(Some(1)))), "{expected:?}");
    }
    assert_eq!(history.append("a", Expected::Revision(1), events(&[3])).unwrap().revision, 2);
    assert_eq!(read(&history, "a"), Some(vec![1, 2, 3]));
}

#[test]
fn the_same_events_at_the_same_place_are_recognized() {
    let mut history = History::in_memory().unwrap();
    let first = history.append("a", Expected::NoStream, events(&[1, 2])).unwrap();
    history.append("a", Expected::Revision(1), events(&[3])).unwrap();
    let again = history.append("a", Expected::NoStream, events(&[1, 2])).unwrap();
    assert_eq!((again.revision, again.position), (first.revision, first.position));
    let other = history.append("a", Expected::NoStream, events(&[1, 9]));
    assert!(matches!(other, Err(Refused::WrongRevision(Some(2)))));
    assert_eq!(read(&history, "a"), Some(vec![1, 2, 3]));
}

#[test]
fn a_deleted_stream_may_be_written_again_and_a_tombstone_may_not() {
    let mut history = History::in_memory().unwrap();
    history.append("a", Expected::NoStream, events(&[1])).unwrap();
    assert!(history.delete("a", Expected::Revision(4)).is_err());
    history.delete("a", Expected::Revision(0)).unwrap();
    assert_eq!(read(&history, "a"), None);
    assert_eq!(history.append("a", Expected::NoStream, events(&[2])).unwrap().revision, 1);
    assert_eq!(read(&history, "a"), Some(vec![2]));
    history.tombstone("a", Expected::Any).unwrap();
    assert!(matches!(history.stream("a"), Err(Refused::Tombstone)));
    let refused = history.append("a", Expected::Any, events(&[3]));
    assert!(matches!(refused, Err(Refused::Tombstone)));
}

#[test]
fn only_so_many_events_are_read_as_the_metadata_allows() {
    let mut history = History::in_memory().unwrap();
    let limit = Event { data: b"{\"$maxCount\":1}".to_vec(), ..event(100) };
    history.append("$$a", Expected::Any, vec![limit]).unwrap();
    assert_eq!(read(&history, "a"), None);
    for id in 1..4 {
        history.append("a", Expected::Any, events(&[id])).unwrap();
        assert_eq!(read(&history, "a"), Some(vec![id]));
    }
}

#[test]
fn positions_grow_and_others_stand_between() {
    let mut history = History::in_memory().unwrap();
    for id in 0..20 {
        history.append("a", Expected::Any, events(&[id])).unwrap();
    }
    let records = history.records();
    assert!(records.is_sorted_by(|one, next| one.position < next.position));
    assert!(records.iter().filter(|record| record.stream.starts_with('$')).count() > 2);
}

#[test]
fn a_history_reads_back_from_its_file_without_a_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history");
    let mut history = History::in_file(&path).unwrap();
    history.append("a", Expected::NoStream, events(&[1, 2])).unwrap();
    history.append("b", Expected::NoStream, events(&[3])).unwrap();
    history.tombstone("b", Expected::Any).unwrap();
    let positions: Vec<_> = history.records().iter().map(|record| record.position).collect();
    drop(history);
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"stream\":\"a").unwrap();
    let mut history = History::in_file(&path).unwrap();
    let again: Vec<_> = history.records().iter().map(|record| record.position).collect();
    assert_eq!(again, positions);
    assert_eq!(read(&history, "a"), Some(vec![1, 2]));
    assert!(matches!(history.stream("b"), Err(Refused::Tombstone)));
    assert_eq!(history.append("a", Expected::Revision(1), events(&[4])).unwrap().revision, 2);
    drop(history);
    assert_eq!(read(&History::in_file(&path).unwrap(), "a"), Some(vec![1, 2, 4]));
}
