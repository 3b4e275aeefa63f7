//! The skip test: eight writers, a writer thread that stalls and loses answers, and a poller beside it
//! who must see everything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use store::{Log, contract::skip_test};

use super::Moment;
use crate::{LogOptions, SqliteLog};

const WRITERS: usize = 8;

/// A few thousand in every run, more than a million when soaking.
fn events() -> u64 {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { 1_050_000 } else { 6_000 }
}

/// Stalls now and then, rolls back before COMMIT, and loses answers after it.
fn disturbed() -> LogOptions {
    let count = AtomicU64::new(0);
    let hook = move |moment| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        match (moment, number % 97) {
            (Moment::BeforeCommit, 0..8) => {
                thread::sleep(Duration::from_millis(2));
                Ok(())
            }
            (Moment::BeforeCommit | Moment::AfterCommit, 8..14) => Err("a fault".to_owned()),
            _ => Ok(()),
        }
    };
    LogOptions { hook: Some(Arc::new(hook)), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_skips_nothing_whatever_the_writers_go_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("daybook.log");
    let log = Arc::new(SqliteLog::open(&path, disturbed()).await.unwrap());
    let reader = Arc::new(SqliteLog::open(&path, LogOptions::read_only()).await.unwrap());
    let writers = (0..WRITERS).map(|_| Arc::clone(&log) as Arc<dyn Log>).collect();
    let seed = u64::from(std::process::id());
    let outcome = skip_test(writers, reader, events(), seed).await.unwrap();
    println!("SQLite, seed {seed}: {outcome:?}");
    assert!(outcome.events >= events(), "{outcome:?}");
    assert_eq!((outcome.skipped, outcome.doubled), (0, 0), "seed {seed}");
    assert!(outcome.refused > 0);
    assert_eq!(log.integrity().await.unwrap(), Vec::<String>::new());
}
