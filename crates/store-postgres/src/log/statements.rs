//! The statements by which the log is written, each one round trip.

use chrono::{DateTime, Utc};
use kernel::Timestamp;
use sqlx::{
    PgConnection, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};
use store::{Commit, Position, Receipt};

use super::{
    plan::{Facts, KnownKey, Plan},
    reader::integer,
    request::Trouble,
};

const APPEND: &str = "SELECT kind, place, version, first_position, last_position, command_id, \
     bytes, recorded_at FROM daybook_log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
     $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)";

/// Stores a batch that rests on the usual assumptions, or nothing, in one plain statement. The checks
/// see what was there when it began, which may be before the lock was granted; but what they found
/// stays so, because events are never changed, and what has come since meets a primary key. A secret
/// could have come since without anybody noticing, so a batch with secrets does not come this way.
const STRAIGHT: &str = "WITH lock AS MATERIALIZED (\
    SELECT pg_advisory_xact_lock(1145131851, 1), set_config('daybook_log.appending', 'on', true)\
), moved AS (\
    UPDATE daybook_log.head h SET position = h.position + cardinality($12::uuid[]), \
        event_id = ($12::uuid[])[cardinality($12::uuid[])] FROM lock \
    WHERE h.single AND NOT EXISTS (\
        SELECT FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) \
            AS s (type, id, version, at) \
        LEFT JOIN LATERAL (\
            SELECT e.sequence, e.recorded_at FROM daybook_log.events e \
            WHERE e.aggregate_type = s.type AND e.aggregate_id = s.id \
            ORDER BY e.sequence DESC LIMIT 1\
        ) AS l ON true \
        WHERE coalesce(l.sequence, 0) <> s.version OR l.recorded_at > s.at\
    ) AND NOT EXISTS (\
        SELECT FROM unnest($15::uuid[], $16::text[]) AS c (tenant, id) \
        JOIN daybook_log.commands k ON k.tenant = c.tenant AND k.command_id = c.id\
    ) AND NOT EXISTS (\
        SELECT FROM unnest($20::uuid[], $21::text[]) AS i (tenant, key) \
        JOIN daybook_log.idempotency_keys k ON k.tenant = i.tenant AND k.key = i.key\
    ) RETURNING h.position - cardinality($12::uuid[]) AS before\
), stored AS (\
    INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type, \
        event_version, payload, metadata, event_id, tenant, recorded_at, position) \
    SELECT e.type, e.aggregate, e.sequence, e.name, e.version, e.payload::json, \
        e.metadata::json, e.id, e.tenant, e.at, m.before + e.place \
    FROM moved m, unnest($5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], \
        $10::text[], $11::text[], $12::uuid[], $13::uuid[], $14::timestamptz[]) WITH ORDINALITY \
        AS e (type, aggregate, sequence, name, version, payload, metadata, id, tenant, at, place)\
), answered AS (\
    INSERT INTO daybook_log.commands (tenant, command_id, version, first_position, last_position) \
    SELECT c.tenant, c.id, c.version, m.before + c.first, m.before + c.last \
    FROM moved m, unnest($15::uuid[], $16::text[], $17::bigint[], $18::bigint[], $19::bigint[]) \
        AS c (tenant, id, version, first, last)\
), asked AS (\
    INSERT INTO daybook_log.idempotency_keys (tenant, key, fingerprint, command_id) \
    SELECT k.tenant, k.key, k.fingerprint, k.command \
    FROM moved, unnest($20::uuid[], $21::text[], $22::bytea[], $23::text[]) \
        AS k (tenant, key, fingerprint, command)\
) SELECT before FROM moved";

const BARRIER: &str = "SELECT daybook_log.barrier()";

/// Who holds the lock under which positions are handed out.
const LOCK_HOLDERS: &str = "SELECT format('process %s (%s, user %s, %s since %s)', a.pid, \
     coalesce(nullif(a.application_name, ''), 'unnamed'), a.usename, a.state, a.state_change) \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1145131851 AND l.objid = 1 \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// What a batch came to.
pub(super) enum Reply<'g> {
    /// It is stored, after this position.
    Stored { before: u64 },
    /// Nothing is stored, because this is so.
    Facts(Facts<'g>),
}

/// Sends a batch that rests on the usual assumptions and on nothing else. `None` if it is another one,
/// or if one of them does not hold: then nothing is stored.
pub(super) async fn append_straight(
    connection: &mut PgConnection,
    plan: &Plan<'_>,
) -> Result<Option<u64>, Trouble> {
    let keyed = plan.stored.iter().filter(|(commit, _)| commit.idempotency.is_some()).count();
    let everything_is_new = plan.commands.len() == plan.stored.len() && plan.keys.len() == keyed;
    if plan.events.is_empty() || !everything_is_new || !plan.secrets.is_empty() {
        return Ok(None);
    }
    let query = bind_stored(bind_streams(sqlx::query(STRAIGHT), plan), plan);
    let stored = query.fetch_optional(connection).await;
    let before = stored.and_then(|row| row.map(|row| row.try_get::<i64, _>("before")).transpose());
    match before {
        // The statement has run, so an answer that cannot be read leaves its outcome open.
        Ok(Some(before)) => {
            u64::try_from(before).map(Some).map_err(|error| Trouble::Lost(error.to_string()))
        }
        Ok(None) => Ok(None),
        Err(error) => match trouble(&error) {
            // Somebody was faster, or a commit is poisoned: nothing is stored, and facts tell which.
            Trouble::Poisoned(_) => Ok(None),
            trouble => Err(trouble),
        },
    }
}

/// Sends a batch.
pub(super) async fn append<'g>(
    connection: &mut PgConnection,
    plan: &Plan<'g>,
) -> Result<Reply<'g>, Trouble> {
    let query = bind_streams(sqlx::query(APPEND), plan)
        .bind(list(&plan.commands, |(tenant, _)| tenant.uuid()))
        .bind(list(&plan.commands, |(_, id)| *id))
        .bind(list(&plan.keys, |(tenant, _)| tenant.uuid()))
        .bind(list(&plan.keys, |(_, key)| *key))
        .bind(list(&plan.secrets, |(tenant, _, _)| tenant.uuid()))
        .bind(list(&plan.secrets, |(_, key, _)| *key))
        .bind(list(&plan.secrets, |(_, _, secret)| secret.as_slice()));
    let query = bind_stored(query, plan);
    let rows = query.fetch_all(connection).await.map_err(|error| trouble(&error))?;
    read_reply(plan, &rows)
}

type Bound<'q> = Query<'q, Postgres, PgArguments>;

/// Where streams are assumed to end: four lists. Here and below the compiler holds each list to the
/// type of its parameter.
fn bind_streams<'q>(query: Bound<'q>, plan: &'q Plan<'_>) -> Bound<'q> {
    let streams = &plan.streams;
    query
        .bind(list(streams, |one| &*one.stream.category))
        .bind(list(streams, |one| one.stream.aggregate_id()))
        .bind(list(streams, |one| integer(one.version)))
        .bind(list(streams, |one| instant(one.time)))
}

/// What is to be stored: ten lists of events, five of commands and four of idempotency keys.
fn bind_stored<'q>(query: Bound<'q>, plan: &'q Plan<'_>) -> Bound<'q> {
    let (events, stored) = (&plan.events, &plan.stored);
    let keyed: Vec<(&Commit, &store::Idempotency)> = stored
        .iter()
        .filter_map(|(commit, _)| Some((*commit, commit.idempotency.as_ref()?)))
        .collect();
    query
        .bind(list(events, |one| &*one.commit.stream.category))
        .bind(list(events, |one| one.commit.stream.aggregate_id()))
        .bind(list(events, |one| integer(one.version)))
        .bind(list(events, |one| &*one.event.event_type))
        .bind(list(events, |one| &*one.event.event_version))
        .bind(list(events, |one| &*one.event.payload))
        .bind(list(events, |one| &*one.commit.metadata))
        .bind(list(events, |one| one.event.id))
        .bind(list(events, |one| one.commit.stream.tenant.uuid()))
        .bind(list(events, |one| instant(one.recorded_at)))
        .bind(list(stored, |(commit, _)| commit.stream.tenant.uuid()))
        .bind(list(stored, |(commit, _)| commit.command_id.as_str()))
        .bind(list(stored, |(_, placed)| integer(placed.version)))
        .bind(list(stored, |(_, placed)| integer(placed.first)))
        .bind(list(stored, |(_, placed)| integer(placed.last)))
        .bind(list(&keyed, |(commit, _)| commit.stream.tenant.uuid()))
        .bind(list(&keyed, |(_, asked)| asked.key.as_str()))
        .bind(list(&keyed, |(_, asked)| asked.fingerprint.as_slice()))
        .bind(list(&keyed, |(commit, _)| commit.command_id.as_str()))
}

fn list<'a, T, V>(all: &'a [T], value: impl FnMut(&'a T) -> V) -> Vec<V> {
    all.iter().map(value).collect()
}

fn instant(time: Timestamp) -> DateTime<Utc> {
    time.to_datetime()
}

fn read_reply<'g>(plan: &Plan<'g>, rows: &[PgRow]) -> Result<Reply<'g>, Trouble> {
    let mut facts = Facts::default();
    for (tenant, id) in &plan.commands {
        facts.commands.insert((*tenant, id), None);
    }
    for (tenant, key) in &plan.keys {
        facts.keys.insert((*tenant, key), None);
    }
    for (tenant, key, _) in &plan.secrets {
        facts.secrets.insert((*tenant, key), None);
    }
    for row in rows {
        // The statement has run, so what cannot be read of its answer leaves its outcome open.
        let lost = |error: sqlx::Error| Trouble::Lost(error.to_string());
        let kind: &str = row.try_get("kind").map_err(lost)?;
        if kind == "stored" {
            return Ok(Reply::Stored { before: number(row, "first_position").map_err(lost)? });
        }
        read_fact(plan, kind, row, &mut facts).map_err(lost)?;
    }
    Ok(Reply::Facts(facts))
}

fn read_fact<'g>(
    plan: &Plan<'g>,
    kind: &str,
    row: &PgRow,
    facts: &mut Facts<'g>,
) -> Result<(), sqlx::Error> {
    let place = usize::try_from(number(row, "place")?.saturating_sub(1)).unwrap_or(usize::MAX);
    match kind {
        "stream" => {
            let time: Option<DateTime<Utc>> = row.try_get("recorded_at")?;
            if let Some(one) = plan.streams.get(place) {
                let version = number(row, "version")?;
                facts.streams.insert(one.stream, (version, time.map(Timestamp::from)));
            }
        }
        "command" => {
            if let Some((tenant, id)) = plan.commands.get(place) {
                facts.commands.insert((*tenant, id), Some(receipt(row)?));
            }
        }
        "key" => {
            let is_whole = row.try_get::<Option<i64>, _>("version")?.is_some();
            if let Some((tenant, key)) = plan.keys.get(place) {
                let receipt = if is_whole { Some(receipt(row)?) } else { None };
                let known = KnownKey { fingerprint: row.try_get("bytes")?, receipt };
                facts.keys.insert((*tenant, key), Some(known));
            }
        }
        _ => {
            if let Some((tenant, key, _)) = plan.secrets.get(place) {
                facts.secrets.insert((*tenant, key), Some(row.try_get("bytes")?));
            }
        }
    }
    Ok(())
}

fn number(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A receipt, from the columns version, `first_position` and `last_position`.
pub(super) fn receipt(row: &PgRow) -> Result<Receipt, sqlx::Error> {
    Ok(Receipt {
        version: number(row, "version")?,
        first: Position(number(row, "first_position")?),
        last: Position(number(row, "last_position")?),
    })
}

/// Commits nothing, and so makes sure that everything before is durable. Returns up to where.
pub(super) async fn barrier(connection: &mut PgConnection) -> Result<Position, Trouble> {
    let reached: i64 =
        sqlx::query_scalar(BARRIER).fetch_one(connection).await.map_err(|error| trouble(&error))?;
    Ok(Position(u64::try_from(reached).unwrap_or_default()))
}

/// Who keeps others from writing, in words.
pub(super) async fn lock_holders(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    let holders: Vec<String> =
        sqlx::query_scalar(LOCK_HOLDERS).persistent(false).fetch_all(connection).await?;
    Ok(if holders.is_empty() { "nobody any more".to_owned() } else { holders.join(", ") })
}

/// What an error of a statement that commits by itself means.
///
/// An error the server reports while it works on the statement means that nothing is stored. A lost
/// connection leaves it open, and so does a server that ends: it may have committed just before.
pub(super) fn trouble(error: &sqlx::Error) -> Trouble {
    let sqlx::Error::Database(reported) = error else {
        return Trouble::Lost(error.to_string());
    };
    let why = reported.message().to_owned();
    let code = reported.code().unwrap_or_default();
    if reported.constraint() == Some("events_by_id") {
        return Trouble::Poisoned("an event has an id that is taken".to_owned());
    }
    match code.get(..2).unwrap_or_default() {
        _ if code == "55P03" => Trouble::Blocked(why),
        "22" | "23" => Trouble::Poisoned(why),
        "XX" if code.as_ref() != "XX000" => Trouble::Corrupt(why),
        "57" | "58" | "08" | "XX" => Trouble::Lost(why),
        _ => Trouble::Refused(why),
    }
}
