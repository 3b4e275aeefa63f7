//! Leases: who keeps the read models up to date, by the clock of the server.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use sqlx::Row;
use store::{Lease, ViewsError};

use super::{
    PostgresViews,
    errors::fault,
    turn::{Turn, ask},
    values::texts,
};

/// Takes, renews or leaves the lease, and says whose it is now, in one statement. Without an
/// answer, somebody has taken it for the first time in this very moment: asking again tells who.
const ASK: &str = "WITH asked AS ( \
     INSERT INTO daybook_leases AS lease (worker, holder, fence, expires_at) \
     VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond') \
     ON CONFLICT (worker) DO UPDATE SET holder = excluded.holder, \
     expires_at = excluded.expires_at, \
     fence = lease.fence + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END \
     WHERE lease.holder = excluded.holder OR lease.expires_at <= clock_timestamp() \
     RETURNING holder, fence) \
     SELECT holder, fence FROM asked \
     UNION ALL \
     SELECT holder, fence FROM daybook_leases WHERE worker = $1 AND NOT EXISTS (SELECT FROM asked)";

/// The row stays, so that the fence goes on from where it was.
const RELEASE: &str = "UPDATE daybook_leases SET expires_at = '-infinity' \
     WHERE worker = $1 AND holder = $2";

/// What was promised is remembered across a crash, unlike rows that can be folded again.
const DURABLY: &str = "BEGIN; SET LOCAL synchronous_commit = on";

const ASKED_MAX: u32 = 10;

/// The fences this store was granted, by worker. They stay when a lease is lost: from then on they
/// are what refuses our steps.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<String, i64>>);

impl Leases {
    /// Workers and their fences, as two lists.
    pub(super) fn granted(&self) -> (Vec<String>, Vec<i64>) {
        let granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        granted.iter().map(|(worker, fence)| (worker.clone(), *fence)).unzip()
    }

    fn remember(&self, worker: &str, fence: i64) {
        let mut granted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        granted.insert(worker.to_owned(), fence);
    }
}

/// Asks for a lease.
pub(super) async fn lease(
    views: &PostgresViews,
    worker: &str,
    holder: &str,
    time: Duration,
) -> Result<Lease, ViewsError> {
    let milliseconds = i64::try_from(time.as_millis())
        .map_err(|_| ViewsError::Invalid(format!("a lease for {time:?}")))?;
    for _ in 0..ASKED_MAX {
        let (mut turn, _) = Turn::begin(&views.pool()?, DURABLY).await.map_err(fault)?;
        let asked = sqlx::query(ASK).bind(worker).bind(holder).bind(milliseconds);
        let answer = asked.fetch_optional(turn.connection().map_err(fault)?).await;
        let Some(row) = answer.map_err(fault)? else {
            turn.roll_back().await;
            continue;
        };
        turn.commit().await.map_err(fault)?;
        let by: String = row.try_get(0).map_err(fault)?;
        let fence: i64 = row.try_get(1).map_err(fault)?;
        if by != holder {
            return Ok(Lease::Held { by });
        }
        views.leases.remember(worker, fence);
        let fence = u64::try_from(fence)
            .map_err(|_| ViewsError::Corrupt(format!("the lease of {worker} has fence {fence}")))?;
        return Ok(Lease::Granted { fence });
    }
    Err(ViewsError::Unavailable(format!("the lease of {worker} is being fought over")))
}

/// Gives a lease back.
pub(super) async fn release(
    views: &PostgresViews,
    worker: &str,
    holder: &str,
) -> Result<(), ViewsError> {
    ask(&views.pool()?, RELEASE, texts(&[worker, holder])?).await.map_err(fault)?;
    Ok(())
}
