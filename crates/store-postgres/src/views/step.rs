//! One step of a projection: rows and checkpoint, in one transaction.

use std::collections::HashMap;

use sqlx::{PgConnection, Row, postgres::PgRow};
use store::{Checkpoint, LogId, Position, ViewsError, ViewsTransaction};
use uuid::Uuid;

use super::{
    PostgresViews,
    errors::{MISSING_REFERENCE, UNDEFINED_TABLE, fault, says},
    statements::{Statements, Work},
    tables,
    turn::{Turn, ask},
    values::texts,
};

/// The compare-and-set. Of two steps from one checkpoint the second waits for the first, and then
/// finds another position. A worker whose lease went to somebody else since it was granted is
/// refused by the fence, as if the other had moved already.
const MOVE: &str = "UPDATE daybook_checkpoints SET log = $2, position = $3, event_id = $4, \
     state_hash = $5, rows = $6, stopped = $7 \
     WHERE projection = $1 AND position = $10 AND event_id = $11 AND NOT EXISTS \
     (SELECT FROM daybook_leases AS lease JOIN UNNEST($8::text[], $9::bigint[]) AS granted(worker, \
     fence) ON lease.worker = granted.worker AND lease.fence > granted.fence)";

const BEGIN: &str = "INSERT INTO daybook_checkpoints \
     (projection, log, position, event_id, state_hash, rows, stopped) \
     SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS \
     (SELECT FROM daybook_leases AS lease JOIN UNNEST($8::text[], $9::bigint[]) AS granted(worker, \
     fence) ON lease.worker = granted.worker AND lease.fence > granted.fence) \
     ON CONFLICT (projection) DO NOTHING";

const ONE: &str = "SELECT projection, log, position, event_id, state_hash, rows, stopped \
     FROM daybook_checkpoints WHERE projection = $1";

const ALL: &str = "SELECT projection, log, position, event_id, state_hash, rows, stopped \
     FROM daybook_checkpoints ORDER BY projection";

/// The statements of a version's tables, by the bare name.
pub(super) type Prepared = HashMap<&'static str, Statements>;

/// Applies a step, or nothing of it.
pub(super) async fn apply(views: &PostgresViews, step: ViewsTransaction) -> Result<(), ViewsError> {
    let ViewsTransaction { expected, checkpoint, writes } = step;
    let unknown = || ViewsError::UnknownName(checkpoint.projection.clone());
    let prepared = views.prepared(&checkpoint.projection).ok_or_else(unknown)?;
    // Everything that can be wrong with the step is found before anything is sent.
    let mut work = Vec::with_capacity(writes.len());
    for (name, writes) in writes {
        let statements =
            prepared.get(name).ok_or_else(|| ViewsError::UnknownName(name.to_owned()))?;
        work.push(statements.work(writes)?);
    }
    let (mut turn, _) = Turn::begin(&views.pool()?, "BEGIN").await.map_err(fault)?;
    let done = perform(views, &mut turn, expected, &checkpoint, &work).await;
    match done {
        Ok(()) => turn.commit().await.map_err(fault),
        Err(error) => {
            turn.roll_back().await;
            Err(error)
        }
    }
}

async fn perform(
    views: &PostgresViews,
    turn: &mut Turn,
    expected: Option<(Position, Uuid)>,
    checkpoint: &Checkpoint,
    work: &[Work<'_>],
) -> Result<(), ViewsError> {
    let connection = turn.connection().map_err(fault)?;
    // First, so that everything behind it is done by one process at a time.
    if !move_on(views, connection, expected, checkpoint).await? {
        let projection = checkpoint.projection.clone();
        return Err(if tables::exists(connection, &projection).await.map_err(fault)? {
            ViewsError::CheckpointMoved { projection }
        } else {
            views.forget(&projection);
            ViewsError::UnknownName(projection)
        });
    }
    for work in work {
        work.perform(connection).await?;
    }
    Ok(())
}

/// Moves the checkpoint, if it is where it should be.
async fn move_on(
    views: &PostgresViews,
    connection: &mut PgConnection,
    expected: Option<(Position, Uuid)>,
    checkpoint: &Checkpoint,
) -> Result<bool, ViewsError> {
    let (workers, fences) = views.leases.granted();
    let query = sqlx::query(if expected.is_some() { MOVE } else { BEGIN })
        .bind(&*checkpoint.projection)
        .bind(&*checkpoint.log.0)
        .bind(number("position", checkpoint.position.0)?)
        .bind(checkpoint.event_id)
        .bind(&*checkpoint.state_hash)
        .bind(number("row count", checkpoint.rows)?)
        // A reason may quote what could not be folded, whatever that is. It must not be lost.
        .bind(checkpoint.stopped.as_ref().map(|reason| reason.replace('\0', "\u{FFFD}")))
        .bind(workers)
        .bind(fences);
    let query = match expected {
        Some((position, event)) => query.bind(number("position", position.0)?).bind(event),
        None => query,
    };
    match query.execute(connection).await {
        Ok(moved) => Ok(moved.rows_affected() == 1),
        // The version has been dropped.
        Err(error) if says(&error, MISSING_REFERENCE) => Ok(false),
        Err(error) => Err(fault(error)),
    }
}

fn number(what: &str, number: u64) -> Result<i64, ViewsError> {
    i64::try_from(number)
        .map_err(|_| ViewsError::Invalid(format!("{what} {number} of a checkpoint")))
}

/// The checkpoint of a projection.
pub(super) async fn checkpoint(
    views: &PostgresViews,
    projection: &str,
) -> Result<Option<Checkpoint>, ViewsError> {
    let found = ask(&views.pool()?, ONE, texts(&[projection])?).await.map_err(fault)?;
    found.first().map(stored).transpose()
}

/// All checkpoints, by name.
pub(super) async fn checkpoints(views: &PostgresViews) -> Result<Vec<Checkpoint>, ViewsError> {
    all(ask(&views.pool()?, ALL, texts(&[])?).await)
}

/// All checkpoints, for one who asks nothing else.
pub(super) async fn checkpoints_over(
    connection: &mut PgConnection,
) -> Result<Vec<Checkpoint>, ViewsError> {
    all(sqlx::query(ALL).fetch_all(connection).await)
}

fn all(found: Result<Vec<PgRow>, sqlx::Error>) -> Result<Vec<Checkpoint>, ViewsError> {
    let found = found.map_err(|error| {
        if says(&error, UNDEFINED_TABLE) {
            return ViewsError::Unavailable("there are none in this database".to_owned());
        }
        fault(error)
    })?;
    found.iter().map(stored).collect()
}

fn stored(row: &PgRow) -> Result<Checkpoint, ViewsError> {
    let whole = |what: &str, number: i64| {
        u64::try_from(number)
            .map_err(|_| ViewsError::Corrupt(format!("a checkpoint has {number} as its {what}")))
    };
    Ok(Checkpoint {
        projection: row.try_get(0).map_err(fault)?,
        log: LogId(row.try_get(1).map_err(fault)?),
        position: Position(whole("position", row.try_get(2).map_err(fault)?)?),
        event_id: row.try_get(3).map_err(fault)?,
        state_hash: row.try_get(4).map_err(fault)?,
        rows: whole("row count", row.try_get(5).map_err(fault)?)?,
        stopped: row.try_get(6).map_err(fault)?,
    })
}
