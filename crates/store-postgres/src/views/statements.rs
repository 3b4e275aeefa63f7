//! The statements of one physical table: rows by the thousand, in one statement each.

use sqlx::{PgConnection, query_with};
use store::{RowWrite, TableDef, Value, ViewsError};

use super::{
    errors::fault,
    names::{listed, quoted},
    values::{bind_rows, unnested},
};

/// Rows in one statement: the arrays of a message must stay far below PostgreSQL's gigabyte.
const ROWS_MAX: usize = 10_000;

/// How the rows of one physical table are written and loaded.
#[derive(Debug)]
pub(super) struct Statements {
    /// The declaration.
    pub(super) table: &'static TableDef,
    /// Rows by their keys.
    pub(super) load: String,
    put: String,
    delete: String,
}

/// What one step does to one table, checked: a key occurs once.
pub(super) struct Work<'a> {
    statements: &'a Statements,
    puts: Vec<Vec<Value>>,
    deletes: Vec<Vec<Value>>,
}

impl Statements {
    /// Writes the statements.
    pub(super) fn of(table: &'static TableDef, physical: &str) -> Self {
        let physical = quoted(physical);
        Self {
            table,
            load: load(table, &physical),
            put: put(table, &physical),
            delete: format!(
                "DELETE FROM {physical} AS stored USING {} AS gone({}) WHERE {}",
                unnested(table.key()),
                listed(table.key().iter().map(|column| column.name)),
                key_equals(table, "gone")
            ),
        }
    }

    /// Checks writes, and keeps the last of each key, in the order of the keys.
    pub(super) fn work(&self, writes: Vec<RowWrite>) -> Result<Work<'_>, ViewsError> {
        let mut checked = writes
            .into_iter()
            .map(|write| self.table.write(write))
            .collect::<Result<Vec<_>, _>>()?;
        let columns = self.table.key_columns;
        // Neighbours in the index are written one after the other. Stable: the last stays last.
        checked.sort_by(|one, other| key_of(one, columns).cmp(key_of(other, columns)));
        let mut work = Work { statements: self, puts: Vec::new(), deletes: Vec::new() };
        let mut writes = checked.into_iter().peekable();
        while let Some(write) = writes.next() {
            let replaced =
                writes.peek().is_some_and(|next| key_of(next, columns) == key_of(&write, columns));
            match write {
                _ if replaced => {}
                RowWrite::Put(values) => work.puts.push(values),
                RowWrite::Delete(key) => work.deletes.push(key),
            }
        }
        Ok(work)
    }
}

impl Work<'_> {
    /// Does it, inside the caller's transaction.
    pub(super) async fn perform(&self, connection: &mut PgConnection) -> Result<(), ViewsError> {
        let Statements { table, put, delete, .. } = self.statements;
        for (sql, columns, rows) in
            [(delete, table.key(), &self.deletes), (put, table.columns, &self.puts)]
        {
            for some in rows.chunks(ROWS_MAX) {
                let arguments = bind_rows(columns, some)?;
                query_with(sql, arguments).execute(&mut *connection).await.map_err(fault)?;
            }
        }
        Ok(())
    }
}

fn key_of(write: &RowWrite, columns: usize) -> &[Value] {
    let (RowWrite::Put(values) | RowWrite::Delete(values)) = write;
    values.get(..columns).unwrap_or(values)
}

fn key_equals(table: &TableDef, other: &str) -> String {
    let parts: Vec<String> = table
        .key()
        .iter()
        .map(|column| format!("stored.{0} = {other}.{0}", quoted(column.name)))
        .collect();
    parts.join(" AND ")
}

/// Each key is looked up in the index of the primary key. LIMIT holds the planner to that: a table
/// that has just been filled has no statistics yet, and a guess at them could end in reading the
/// whole table at every step.
fn load(table: &TableDef, physical: &str) -> String {
    let columns: Vec<String> =
        table.columns.iter().map(|column| format!("found.{}", quoted(column.name))).collect();
    format!(
        "SELECT {} FROM {} AS wanted({}) CROSS JOIN LATERAL \
         (SELECT * FROM {physical} AS stored WHERE {} LIMIT 1) AS found",
        columns.join(", "),
        unnested(table.key()),
        listed(table.key().iter().map(|column| column.name)),
        key_equals(table, "wanted")
    )
}

/// A row that would not change is not written: in PostgreSQL an update makes a new row, also of the
/// same values.
fn put(table: &TableDef, physical: &str) -> String {
    let rest: Vec<String> =
        table.columns.iter().skip(table.key_columns).map(|column| quoted(column.name)).collect();
    let otherwise = if rest.is_empty() {
        "DO NOTHING".to_owned()
    } else {
        let each = |prefix: &str| {
            rest.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ")
        };
        let set: Vec<String> =
            rest.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        format!(
            "DO UPDATE SET {} WHERE ROW({}) IS DISTINCT FROM ROW({})",
            set.join(", "),
            each("stored."),
            each("excluded.")
        )
    };
    format!(
        "INSERT INTO {physical} AS stored ({}) SELECT * FROM {} ON CONFLICT ({}) {otherwise}",
        listed(table.columns.iter().map(|column| column.name)),
        unnested(table.columns),
        listed(table.key().iter().map(|column| column.name)),
    )
}
