//! Several processes on the same read models: harmless to each other.

use store::{Position, Query, Table, Value, Views, ViewsError, ViewsExt};
use test_postgres::Server;

use super::{FIRST, SECOND, Stall, TABLES, event_at, events, open, stall, step, stocked};
use crate::views::{PostgresViews, read_checkpoints};

#[tokio::test]
async fn what_was_applied_is_there_for_the_next_process() {
    let database = Server::shared().database();
    stocked(&database).await.close().await;
    let views = open(&database).await;
    assert_eq!(events(&views).await, ["spring"]);
    assert_eq!(views.live("stalls").await.unwrap().as_deref(), Some(FIRST));
    // Writing needs the declaration, which the program gives when it prepares.
    let early = views.apply(step(FIRST, 1, &[stall("autumn", 5)])).await;
    assert_eq!(early, Err(ViewsError::UnknownName(FIRST.to_owned())));
    let key = stall("spring", 0).key_values();
    assert_eq!(views.load(FIRST, &TABLES[0], vec![key]).await.unwrap().len(), 1);
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 1, &[stall("autumn", 5)])).await.unwrap();
    assert_eq!(events(&views).await, ["autumn", "spring"]);
    let read = read_checkpoints(database.url()).await.unwrap();
    assert_eq!(read, views.checkpoints().await.unwrap());
    let none = read_checkpoints(Server::shared().database().url()).await;
    assert!(matches!(none, Err(ViewsError::Unavailable(_))), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_start_at_once_all_start() {
    let database = Server::shared().database();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let url = database.url().to_owned();
        starting.spawn(async move {
            let views = PostgresViews::open(&url).await.unwrap();
            views.prepare(FIRST, TABLES).await.unwrap();
            let first = views.apply(step(FIRST, 0, &[stall("spring", 10)])).await;
            views.make_live(FIRST, TABLES).await.unwrap();
            assert_eq!(events(&views).await, ["spring"]);
            first.is_ok()
        });
    }
    let begun = starting.join_all().await;
    assert_eq!(begun.iter().filter(|begun| **begun).count(), 1, "{begun:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_processes_one_takes_each_step() {
    let database = Server::shared().database();
    let (one, other) = (stocked(&database).await, open(&database).await);
    other.prepare(FIRST, TABLES).await.unwrap();
    for position in 1..=50 {
        let (left, right) = tokio::join!(
            one.apply(step(FIRST, position, &[stall("left", 1)])),
            other.apply(step(FIRST, position, &[stall("right", 1)])),
        );
        assert!(left.is_ok() != right.is_ok(), "{left:?} {right:?}");
        let moved = ViewsError::CheckpointMoved { projection: FIRST.to_owned() };
        assert_eq!(left.and(right), Err(moved));
    }
    let at = one.checkpoint(FIRST).await.unwrap().unwrap();
    assert_eq!((at.position, at.event_id), (Position(51), event_at(51)));
}

#[tokio::test]
async fn a_version_made_live_elsewhere_is_answered_from_and_the_old_one_gone() {
    let database = Server::shared().database();
    let (one, other) = (stocked(&database).await, open(&database).await);
    assert_eq!(events(&one).await, ["spring"]);
    other.prepare(SECOND, TABLES).await.unwrap();
    other.apply(step(SECOND, 0, &[stall("summer", 7)])).await.unwrap();
    other.make_live(SECOND, TABLES).await.unwrap();
    assert_eq!(events(&one).await, ["summer"]);
    let late = one.apply(step(FIRST, 1, &[stall("late", 1)])).await;
    assert_eq!(late, Err(ViewsError::UnknownName(FIRST.to_owned())));
    let late = one.apply(step(FIRST, 0, &[stall("late", 1)])).await;
    assert_eq!(late, Err(ViewsError::UnknownName(FIRST.to_owned())));
    let key = stall("spring", 0).key_values();
    let late = one.load(FIRST, &TABLES[0], vec![key]).await;
    assert!(matches!(late, Err(ViewsError::UnknownName(_))), "{late:?}");
    assert_eq!(other.checkpoints().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_rebuild_begun_elsewhere_is_not_answered_from_half_done() {
    let database = Server::shared().database();
    let (one, other) = (stocked(&database).await, open(&database).await);
    assert_eq!(events(&one).await, ["spring"]);
    other.discard(FIRST, TABLES).await.unwrap();
    other.prepare(FIRST, TABLES).await.unwrap();
    other.apply(step(FIRST, 0, &[stall("half", 7)])).await.unwrap();
    let early = one.rows::<Stall>(Query::across_tenants()).await;
    assert!(matches!(early, Err(ViewsError::Unavailable(_))), "{early:?}");
    other.make_live(FIRST, TABLES).await.unwrap();
    assert_eq!(events(&one).await, ["half"]);
}

/// Questions are asked all the while versions come and go; each is answered by one whole version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_never_notice_that_a_version_goes_live() {
    let database = Server::shared().database();
    let (one, other) = (stocked(&database).await, open(&database).await);
    let swapping = async {
        for version in 2..12_u32 {
            let projection = format!("stalls@{version}");
            other.prepare(&projection, TABLES).await.unwrap();
            let rows = [stall("left", i64::from(version)), stall("right", i64::from(version))];
            other.apply(step(&projection, 0, &rows)).await.unwrap();
            other.make_live(&projection, TABLES).await.unwrap();
        }
    };
    let asking = async {
        let mut newest = 0;
        while newest < 11 {
            let rows: Vec<Stall> = one.rows(Query::across_tenants()).await.unwrap();
            if rows[0].event != "spring" {
                assert_eq!((rows.len(), rows[0].left), (2, rows[1].left));
                assert!(rows[0].left >= newest, "an answer went back in time");
                newest = rows[0].left;
            }
        }
    };
    tokio::join!(swapping, asking);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_transaction_behind() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    for polls in 1..40 {
        let abandoned = views.apply(step(FIRST, 1, &[stall("autumn", 5)]));
        if polled(abandoned, polls).await.is_some() {
            break;
        }
        let abandoned = views.rows::<Stall>(Query::of(super::tenant("fair")));
        polled(abandoned, polls).await;
        // Across tenants: not as the reader, whatever the connection was before.
        let rows: Vec<Stall> = views.rows(Query::across_tenants()).await.unwrap();
        let at = views.checkpoint(FIRST).await.unwrap().unwrap().position;
        assert_eq!(u64::try_from(rows.len()).unwrap(), at.0, "half a step");
        if at.0 == 2 {
            break;
        }
    }
    let written = views.load(FIRST, &TABLES[0], vec![stall("spring", 0).key_values()]).await;
    assert_eq!(written.unwrap()[0][2], Value::Int(10));
}

/// Polls so often, each time after it was woken, and drops the future.
async fn polled<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        std::task::Poll::Ready(answer) => std::task::Poll::Ready(Some(answer)),
        std::task::Poll::Pending => {
            left -= 1;
            if left == 0 { std::task::Poll::Ready(None) } else { std::task::Poll::Pending }
        }
    })
    .await
}
