//! Leases by the server's clock, and the fence they leave behind.

use std::time::Duration;

use store::{Lease, Views, ViewsError};
use test_postgres::Server;

use super::{FIRST, TABLES, open, stall, step, stocked};

const LONG: Duration = Duration::from_secs(600);
const WORKER: &str = "projections";

fn held(by: &str) -> Lease {
    Lease::Held { by: by.to_owned() }
}

#[tokio::test]
async fn a_lease_is_one_holders_until_it_is_given_back() {
    let database = Server::shared().database();
    let (one, other) = (open(&database).await, open(&database).await);
    let granted = |fence| Lease::Granted { fence };
    assert_eq!(one.lease(WORKER, "one", LONG).await.unwrap(), granted(1));
    assert_eq!(other.lease(WORKER, "other", LONG).await.unwrap(), held("one"));
    assert_eq!(one.lease(WORKER, "one", LONG).await.unwrap(), granted(1));
    // Another worker's lease is another lease, and another's release gives nothing back.
    assert_eq!(other.lease("effects", "other", LONG).await.unwrap(), granted(1));
    other.release(WORKER, "other").await.unwrap();
    assert_eq!(other.lease(WORKER, "other", LONG).await.unwrap(), held("one"));
    one.release(WORKER, "one").await.unwrap();
    assert_eq!(other.lease(WORKER, "other", LONG).await.unwrap(), granted(2));
    assert_eq!(one.lease(WORKER, "one", LONG).await.unwrap(), held("other"));
}

#[tokio::test]
async fn a_lease_ends_by_the_servers_clock() {
    let database = Server::shared().database();
    let (one, other) = (open(&database).await, open(&database).await);
    assert_eq!(one.lease(WORKER, "one", LONG).await.unwrap(), Lease::Granted { fence: 1 });
    let expire = "UPDATE daybook_versions.daybook_leases SET expires_at = clock_timestamp()";
    Server::shared().psql_in(database.name(), expire);
    assert_eq!(other.lease(WORKER, "other", LONG).await.unwrap(), Lease::Granted { fence: 2 });
    // Zero time: gone at once, and the next one's.
    assert_eq!(
        other.lease(WORKER, "other", Duration::ZERO).await.unwrap(),
        Lease::Granted { fence: 2 }
    );
    assert_eq!(one.lease(WORKER, "one", LONG).await.unwrap(), Lease::Granted { fence: 3 });
}

#[tokio::test]
async fn steps_of_a_holder_that_was_replaced_are_refused() {
    let database = Server::shared().database();
    let (one, other) = (stocked(&database).await, open(&database).await);
    other.prepare(FIRST, TABLES).await.unwrap();
    one.lease(WORKER, "one", Duration::ZERO).await.unwrap();
    one.apply(step(FIRST, 1, &[stall("autumn", 5)])).await.unwrap();
    other.lease(WORKER, "other", LONG).await.unwrap();
    // The checkpoint is where it expects it, and still: there is a newer holder.
    let moved = ViewsError::CheckpointMoved { projection: FIRST.to_owned() };
    assert_eq!(one.apply(step(FIRST, 2, &[stall("late", 5)])).await, Err(moved.clone()));
    one.prepare("others@1", &[]).await.unwrap();
    let begun = store::ViewsTransaction { writes: [].into(), ..step("others@1", 0, &[]) };
    let other_moved = ViewsError::CheckpointMoved { projection: "others@1".to_owned() };
    assert_eq!(one.apply(begun).await, Err(other_moved));
    other.apply(step(FIRST, 2, &[stall("winter", 5)])).await.unwrap();
    // Back in office, with a newer fence.
    other.release(WORKER, "other").await.unwrap();
    one.lease(WORKER, "one", LONG).await.unwrap();
    one.apply(step(FIRST, 3, &[stall("again", 5)])).await.unwrap();
    assert_eq!(other.apply(step(FIRST, 4, &[stall("late", 5)])).await, Err(moved));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_ask_at_once_one_is_granted() {
    let database = Server::shared().database();
    let views = std::sync::Arc::new(open(&database).await);
    let mut asking = tokio::task::JoinSet::new();
    for holder in 0..16 {
        let views = std::sync::Arc::clone(&views);
        asking.spawn(async move {
            views.lease(WORKER, &format!("holder {holder}"), LONG).await.unwrap()
        });
    }
    let answers = asking.join_all().await;
    let granted = answers.iter().filter(|answer| matches!(answer, Lease::Granted { .. }));
    assert_eq!(granted.count(), 1, "{answers:?}");
}
