//! One step of a projection: rows and checkpoint, in one transaction.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};
use store::{Checkpoint, LogId, Position, RowWrite, TableDef, Value, ViewsError, ViewsTransaction};
use uuid::Uuid;

use super::{
    errors::fault,
    select::bound,
    tables::{begin, listed, quoted},
    writer::State,
};

const PRESENT: &str = "SELECT position, event_id FROM daybook_checkpoints WHERE projection = ?1";

const SAVE: &str = "INSERT INTO daybook_checkpoints \
     (projection, log, position, event_id, state_hash, rows, stopped) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT (projection) DO UPDATE SET log = excluded.log, position = excluded.position, \
     event_id = excluded.event_id, state_hash = excluded.state_hash, rows = excluded.rows, \
     stopped = excluded.stopped";

const ONE: &str = "SELECT projection, log, position, event_id, state_hash, rows, stopped \
     FROM daybook_checkpoints WHERE projection = ?1";

const ALL: &str = "SELECT projection, log, position, event_id, state_hash, rows, stopped \
     FROM daybook_checkpoints ORDER BY projection";

/// How the rows of one physical table are written.
pub(super) struct Statements {
    table: &'static TableDef,
    put: String,
    delete: String,
}

impl Statements {
    /// Writes the statements. Unchanged columns are not touched by an upsert, so neither are their
    /// indexes; a REPLACE would delete and insert.
    pub(super) fn of(table: &'static TableDef, physical: &str) -> Self {
        let columns = listed(table.columns.iter().map(|column| column.name));
        let marks = vec!["?"; table.columns.len()].join(", ");
        let key = listed(table.key().iter().map(|column| column.name));
        let rest: Vec<String> = table
            .columns
            .iter()
            .skip(table.key_columns)
            .map(|column| format!("{0} = excluded.{0}", quoted(column.name)))
            .collect();
        let otherwise = if rest.is_empty() {
            "DO NOTHING".to_owned()
        } else {
            format!("DO UPDATE SET {}", rest.join(", "))
        };
        let physical = quoted(physical);
        Self {
            table,
            put: format!(
                "INSERT INTO {physical} ({columns}) VALUES ({marks}) ON CONFLICT ({key}) {otherwise}"
            ),
            delete: format!("DELETE FROM {physical} WHERE {}", key_is(table)),
        }
    }
}

/// The condition that names one row by its key.
pub(super) fn key_is(table: &TableDef) -> String {
    let parts: Vec<String> =
        table.key().iter().map(|column| format!("{} = ?", quoted(column.name))).collect();
    parts.join(" AND ")
}

/// Applies a step, or nothing of it.
pub(super) fn apply(state: &mut State, step: ViewsTransaction) -> Result<(), ViewsError> {
    let ViewsTransaction { expected, checkpoint, writes } = step;
    let State { connection, prepared } = state;
    let tables = prepared
        .get(&checkpoint.projection)
        .ok_or_else(|| ViewsError::UnknownName(checkpoint.projection.clone()))?;
    // Dropped without a commit, the transaction rolls back.
    let transaction = begin(connection)?;
    if present(&transaction, &checkpoint.projection)? != expected {
        return Err(ViewsError::CheckpointMoved { projection: checkpoint.projection });
    }
    for (name, writes) in writes {
        let statements =
            tables.get(name).ok_or_else(|| ViewsError::UnknownName(name.to_owned()))?;
        write(&transaction, statements, writes)?;
    }
    save(&transaction, &checkpoint)?;
    transaction.commit().map_err(fault)
}

fn write(
    transaction: &Transaction<'_>,
    statements: &Statements,
    mut writes: Vec<RowWrite>,
) -> Result<(), ViewsError> {
    // In the order of the key, so that neighbours in the tree are written one after the other; a
    // key occurs once, so nothing else depends on the order.
    let columns = statements.table.key_columns;
    writes.sort_unstable_by(|one, other| key_of(one, columns).cmp(key_of(other, columns)));
    let mut put = transaction.prepare_cached(&statements.put).map_err(fault)?;
    let mut delete = transaction.prepare_cached(&statements.delete).map_err(fault)?;
    for write in writes {
        match statements.table.write(write)? {
            RowWrite::Put(values) => put.execute(params_from_iter(values.iter().map(bound))),
            RowWrite::Delete(key) => delete.execute(params_from_iter(key.iter().map(bound))),
        }
        .map_err(fault)?;
    }
    Ok(())
}

fn key_of(write: &RowWrite, columns: usize) -> &[Value] {
    let (RowWrite::Put(values) | RowWrite::Delete(values)) = write;
    values.get(..columns).unwrap_or(values)
}

fn present(
    connection: &Connection,
    projection: &str,
) -> Result<Option<(Position, Uuid)>, ViewsError> {
    let found: Option<(i64, String)> = connection
        .prepare_cached(PRESENT)
        .and_then(|mut statement| {
            statement.query_row([projection], |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(fault)?;
    found.map(|(position, event)| Ok((position_of(position)?, event_of(&event)?))).transpose()
}

fn save(connection: &Connection, checkpoint: &Checkpoint) -> Result<(), ViewsError> {
    let number = |what: &str, number: u64| {
        i64::try_from(number)
            .map_err(|_| ViewsError::Invalid(format!("{what} {number} of a checkpoint")))
    };
    let position = number("position", checkpoint.position.0)?;
    let rows = number("row count", checkpoint.rows)?;
    connection
        .prepare_cached(SAVE)
        .and_then(|mut statement| {
            statement.execute(params![
                checkpoint.projection,
                checkpoint.log.0,
                position,
                checkpoint.event_id.to_string(),
                checkpoint.state_hash,
                rows,
                checkpoint.stopped,
            ])
        })
        .map_err(fault)?;
    Ok(())
}

/// The checkpoint of a projection.
pub(super) fn checkpoint(
    connection: &Connection,
    projection: &str,
) -> Result<Option<Checkpoint>, ViewsError> {
    connection
        .prepare_cached(ONE)
        .and_then(|mut statement| statement.query_row([projection], stored).optional())
        .map_err(fault)?
        .map(Stored::checked)
        .transpose()
}

/// All checkpoints, by name.
pub(super) fn checkpoints(connection: &Connection) -> Result<Vec<Checkpoint>, ViewsError> {
    let all: Vec<Stored> = connection
        .prepare_cached(ALL)
        .and_then(|mut statement| statement.query_map([], stored)?.collect())
        .map_err(fault)?;
    all.into_iter().map(Stored::checked).collect()
}

/// A checkpoint as SQLite keeps it.
struct Stored {
    projection: String,
    log: String,
    position: i64,
    event_id: String,
    state_hash: String,
    rows: i64,
    stopped: Option<String>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        projection: row.get(0)?,
        log: row.get(1)?,
        position: row.get(2)?,
        event_id: row.get(3)?,
        state_hash: row.get(4)?,
        rows: row.get(5)?,
        stopped: row.get(6)?,
    })
}

impl Stored {
    fn checked(self) -> Result<Checkpoint, ViewsError> {
        Ok(Checkpoint {
            position: position_of(self.position)?,
            event_id: event_of(&self.event_id)?,
            rows: u64::try_from(self.rows)
                .map_err(|_| ViewsError::Corrupt(format!("{} rows", self.rows)))?,
            projection: self.projection,
            log: LogId(self.log),
            state_hash: self.state_hash,
            stopped: self.stopped,
        })
    }
}

fn position_of(number: i64) -> Result<Position, ViewsError> {
    u64::try_from(number)
        .map(Position)
        .map_err(|_| ViewsError::Corrupt(format!("a checkpoint is at position {number}")))
}

fn event_of(text: &str) -> Result<Uuid, ViewsError> {
    Uuid::try_parse(text)
        .map_err(|_| ViewsError::Corrupt(format!("a checkpoint names the event \"{text}\"")))
}
