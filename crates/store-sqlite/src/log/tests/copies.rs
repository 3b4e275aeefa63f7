//! What is listed and copied of a log is the log, whole and consistent, also while it is written.

use std::{fs, os::unix::fs::PermissionsExt};

use store::{Log, LogError, Position, SealingKey, contract};

use super::{OnDisk, first};
use crate::{LogOptions, SqliteLog};

#[tokio::test]
async fn its_inventory_lists_everything() {
    let log = OnDisk::new().await;
    contract::an_inventory_lists_everything(&*log.log).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_while_the_log_is_written_is_the_log_at_one_moment() {
    let log = OnDisk::new().await;
    for number in 0..500 {
        log.log.append(first(&format!("before {number}"))).await.unwrap();
    }
    let writing = async {
        for number in 0..500 {
            log.log.append(first(&format!("during {number}"))).await.unwrap();
        }
    };
    let reader = SqliteLog::open(log.path(), LogOptions::read_only()).await.unwrap();
    let to = log.folder.path().join("copy.db");
    let (copied, ()) = tokio::join!(reader.copy_into(&to), writing);
    copied.unwrap();
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    let copy = SqliteLog::open(&to, LogOptions::read_only()).await.unwrap();
    assert_eq!(copy.log_id(), log.log.log_id());
    assert_eq!(copy.integrity().await.unwrap(), Vec::<String>::new());
    let events = copy.read_all(Position::START, 10_000).await.unwrap().events;
    assert!(events.len() >= 500, "{} events", events.len());
    assert_eq!(events, log.all().await[..events.len()]);
}

#[tokio::test]
async fn a_copy_never_overwrites_and_leaves_no_half_of_itself() {
    let log = OnDisk::new().await;
    let to = log.folder.path().join("copy.db");
    fs::write(&to, "somebody's").unwrap();
    let refused = log.log.copy_into(&to).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    assert_eq!(fs::read_to_string(&to).unwrap(), "somebody's");
    let nowhere = log.folder.path().join("no folder").join("copy.db");
    assert!(log.log.copy_into(&nowhere).await.is_err());
}

#[tokio::test]
async fn what_was_erased_is_not_in_a_copy_and_what_was_not_is() {
    let log = OnDisk::new().await;
    let mut commit = first("a");
    let key = |name: &str, byte| SealingKey {
        key: kernel::KeyRef(name.to_owned()),
        tenant: commit.stream.tenant,
        secret: [byte; 32],
    };
    commit.sealing_keys = vec![key("kept", 0xA7), key("erased", 0xB9)];
    log.log.append(commit).await.unwrap();
    let stranger = rusqlite::Connection::open(log.path()).unwrap();
    stranger.execute("DELETE FROM sealing_keys WHERE key = 'erased'", []).unwrap();
    let to = log.folder.path().join("copy.db");
    log.log.copy_into(&to).await.unwrap();
    let bytes = fs::read(&to).unwrap();
    let holds = |byte: u8| bytes.windows(32).any(|window| window == [byte; 32]);
    assert!(holds(0xA7) && !holds(0xB9));
}
