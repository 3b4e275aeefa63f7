//! The skip test: several processes, strangers who stall and roll back, and a poller who must see it all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{PgPool, postgres::PgPoolOptions};
use store::{Log, contract::skip_test};
use tokio::{task::JoinSet, time::sleep};

use super::{InPostgres, order};

const PROCESSES: usize = 3;
const WRITERS_EACH: usize = 2;
const STRANGERS: usize = 2;

/// A few thousand in every run, more than a million when soaking.
fn events() -> u64 {
    if std::env::var_os("DAYBOOK_SOAK").is_some() { 1_050_000 } else { 6_000 }
}

/// A stranger's transaction: some events one by one, a stall now and then, and often a rollback.
const INSERT: &str = "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, \
     event_type, event_version, payload, metadata) VALUES ('order', $1, $2, 't', '1', '{}', '{}')";

async fn stranger(pool: PgPool, who: usize, stop: Arc<AtomicBool>, gone: Arc<AtomicU64>) {
    for round in 0_u64.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let id = order(&format!("stranger {who} {round}")).aggregate_id();
        let mut transaction = pool.begin().await.unwrap();
        for sequence in 1_i64..=3 {
            let insert = sqlx::query(INSERT).bind(&id).bind(sequence);
            insert.execute(&mut *transaction).await.unwrap();
            if round % 20 == 0 {
                let stall = sqlx::query("SELECT pg_sleep(0.01)");
                stall.execute(&mut *transaction).await.unwrap();
            }
        }
        if round % 3 == 0 {
            transaction.rollback().await.unwrap();
            gone.fetch_add(1, Ordering::SeqCst);
        } else {
            transaction.commit().await.unwrap();
        }
        // Strangers come now and then; the load is ours.
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_skips_nothing_whatever_the_writers_go_through() {
    let subject = InPostgres::new().await;
    let pool = PgPoolOptions::new().max_connections(4).connect(subject.database.url());
    let pool = pool.await.unwrap();
    let (stop, gone) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut strangers = JoinSet::new();
    for who in 0..STRANGERS {
        strangers.spawn(stranger(pool.clone(), who, Arc::clone(&stop), Arc::clone(&gone)));
    }
    let mut writers: Vec<Arc<dyn Log>> = Vec::new();
    for _ in 0..PROCESSES {
        let process = subject.another().await;
        writers.extend((0..WRITERS_EACH).map(|_| Arc::clone(&process) as Arc<dyn Log>));
    }
    let seed = u64::from(std::process::id());
    let poller = Arc::clone(&subject.log) as Arc<dyn Log>;
    let outcome = skip_test(writers, poller, events(), seed).await;
    stop.store(true, Ordering::SeqCst);
    while let Some(ended) = strangers.join_next().await {
        ended.unwrap();
    }
    let outcome = outcome.unwrap();
    let rolled_back = gone.load(Ordering::SeqCst);
    println!("PostgreSQL, seed {seed}: {outcome:?}, {rolled_back} strangers' rollbacks");
    assert!(outcome.events >= events(), "{outcome:?}");
    assert_eq!((outcome.skipped, outcome.doubled), (0, 0), "seed {seed}");
    assert!(outcome.refused > 0 && rolled_back > 0);
    assert_eq!(subject.log.integrity().await.unwrap(), Vec::<String>::new());
}
