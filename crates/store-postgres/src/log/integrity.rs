//! Reading the whole log and naming what is wrong with it.

use sqlx::PgPool;
use store::LogError;

use super::reader::read_error;

/// Each check returns the sentence that is true when something is wrong, and how often.
const CHECKS: &[(&str, &str)] = &[
    (
        "positions are missing",
        "SELECT coalesce(max(position), 0) - count(*) FROM daybook_log.events",
    ),
    (
        "the head is not the last event",
        "SELECT count(*) FROM daybook_log.head h WHERE h.position <> \
         (SELECT coalesce(max(position), 0) FROM daybook_log.events) OR (h.position > 0 AND \
         NOT EXISTS (SELECT FROM daybook_log.events e \
         WHERE e.position = h.position AND e.event_id = h.event_id))",
    ),
    (
        "versions are missing in streams",
        "SELECT count(*) FROM (SELECT FROM daybook_log.events GROUP BY aggregate_type, \
         aggregate_id HAVING count(*) <> max(sequence) OR min(sequence) <> 1) s",
    ),
    (
        "events come before an earlier version of their stream",
        "SELECT count(*) FROM (SELECT position, lag(position) OVER \
         (PARTITION BY aggregate_type, aggregate_id ORDER BY sequence) AS before \
         FROM daybook_log.events) e WHERE position < before",
    ),
    (
        "commands have a receipt beyond the head",
        "SELECT count(*) FROM daybook_log.commands WHERE last_position > \
         (SELECT position FROM daybook_log.head)",
    ),
    (
        "idempotency keys are without their command",
        "SELECT count(*) FROM daybook_log.idempotency_keys k WHERE NOT EXISTS \
         (SELECT FROM daybook_log.commands c \
         WHERE c.tenant = k.tenant AND c.command_id = k.command_id)",
    ),
];

pub(super) async fn check(pool: &PgPool) -> Result<Vec<String>, LogError> {
    let mut wrong = Vec::new();
    let mut transaction = pool.begin().await.map_err(read_error)?;
    // One moment for all checks, and plans for whole tables.
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL enable_seqscan = on")
        .execute(&mut *transaction)
        .await
        .map_err(read_error)?;
    for (what, question) in CHECKS {
        let asked = sqlx::query_scalar::<_, i64>(question).persistent(false);
        let count = asked.fetch_one(&mut *transaction).await.map_err(read_error)?;
        if count != 0 {
            wrong.push(format!("{what} ({count})"));
        }
    }
    transaction.rollback().await.map_err(read_error)?;
    Ok(wrong)
}
