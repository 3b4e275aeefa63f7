//! Wake-ups: the server tells whenever the log has grown, whoever has written. They are never the
//! source of truth; a follower that misses one looks by itself a little later.
//!
//! A notification in a commit would make every commit wait for all listeners to be signalled. So what
//! was committed is announced afterwards, many commits at once when there are many.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, postgres::PgListener};
use store::Position;
use tokio::{
    sync::watch,
    time::{interval, sleep},
};

use super::reader;
use crate::cluster::{Cluster, Session};

/// Where [`crate::PostgresLog`] is told.
const CHANNEL: &str = "daybook_log";

/// How often we look whether another server has taken the primary's place.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How long after an announcement the next one may follow.
const ANNOUNCE_REST: Duration = Duration::from_millis(5);

const ANNOUNCE: &str = "SELECT pg_notify($1, $2)";

const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LONGEST: Duration = Duration::from_secs(2);

/// Listens until the log is closed, wherever the primary is.
pub(super) async fn run(
    cluster: Arc<Cluster>,
    head: watch::Sender<Position>,
    mut closed: watch::Receiver<bool>,
) {
    let mut delay = RETRY_FIRST;
    loop {
        let listening = listen(&cluster, &head, &mut delay);
        let ended = tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            ended = listening => ended,
        };
        if let Err(why) = ended {
            tracing::debug!(why, "not listening to the log");
        }
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            () = sleep(delay) => {}
        }
        delay = (delay * 2).min(RETRY_LONGEST);
    }
}

/// Tells other processes what this one has committed, until the log is closed.
pub(super) async fn announce(
    cluster: Arc<Cluster>,
    mut durable: watch::Receiver<Position>,
    mut closed: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = closed.wait_for(|closed| *closed) => return,
            changed = durable.changed() => if changed.is_err() { return },
        }
        let position = *durable.borrow_and_update();
        if let Ok(pool) = cluster.pool() {
            let told = sqlx::query(ANNOUNCE).bind(CHANNEL).bind(position.to_string());
            if let Err(error) = told.execute(&pool).await {
                tracing::debug!(%error, %position, "other processes were not told");
            }
        }
        sleep(ANNOUNCE_REST).await;
    }
}

/// Listens until the connection is lost.
async fn listen(
    cluster: &Cluster,
    head: &watch::Sender<Position>,
    delay: &mut Duration,
) -> Result<(), String> {
    let before = cluster.epoch();
    // This finds the primary, for the connections of the pool too.
    let found = cluster.connect(Session::Reading).await?;
    found.close().await.ok();
    let pool = cluster.pool()?;
    let mut listener = PgListener::connect_with(&pool).await.map_err(text)?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await.map_err(text)?;
    // What was committed before we listened.
    let now = reader::head(&pool).await.map_err(text)?.position;
    if cluster.epoch() == before {
        grow(head, now);
    } else {
        // Another history may be shorter than what we have seen of the last one.
        head.send_replace(now);
    }
    *delay = RETRY_FIRST;
    let mut looks = interval(LOOK_EVERY);
    loop {
        tokio::select! {
            told = listener.try_recv() => match told.map_err(text)? {
                None => return Ok(()),
                Some(told) => {
                    if let Ok(position) = told.payload().parse() {
                        grow(head, Position(position));
                    }
                }
            },
            _ = looks.tick() => if cluster.is_left_behind().await { return Ok(()) },
        }
    }
}

fn grow(head: &watch::Sender<Position>, position: Position) {
    head.send_if_modified(|known| {
        let grown = *known < position;
        *known = (*known).max(position);
        grown
    });
}

fn text(error: sqlx::Error) -> String {
    error.to_string()
}
