//! The physical tables: made from their declarations, one set per version, swapped in one step.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use store::{ColumnType, ProjectionName, TableDef, ViewsError};

use super::{errors::fault, step::Statements, writer::State};

/// A table with more columns beside its key keeps its row ids: rows in the tree of the primary key
/// pay when they are short.
const SHORT_ROW_COLUMNS_MAX: usize = 12;

/// An identifier as SQL takes it literally.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Identifiers, with a comma between them.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// Makes sure that the tables of a projection's version exist, as they are declared.
pub(super) fn prepare(
    state: &mut State,
    projection: &str,
    tables: &'static [TableDef],
) -> Result<(), ViewsError> {
    let name = ProjectionName::parse(projection)?;
    tables.iter().try_for_each(TableDef::check)?;
    let transaction = begin(&mut state.connection)?;
    for table in tables {
        if let Some(owner) = owner_of(&transaction, table, name.name).map_err(fault)? {
            return Err(ViewsError::belongs_elsewhere(table, &owner));
        }
    }
    if exists(&transaction, projection).map_err(fault)? {
        let stored = fingerprints(&transaction, projection).map_err(fault)?;
        let declared: BTreeMap<String, String> =
            tables.iter().map(|table| (table.name.to_owned(), table.fingerprint())).collect();
        if stored != declared {
            return Err(ViewsError::declared_differently(projection));
        }
    } else {
        create(&transaction, projection, name, tables).map_err(fault)?;
    }
    // Nobody asks a version that is not live, and an index over rows that are there already is made
    // in a fraction of the time it takes to keep it while they come: it is made when it goes live.
    let live = is_live(&transaction, projection).map_err(fault)?;
    for table in tables {
        document(&transaction, &name.physical(table), table).map_err(fault)?;
        if live {
            index(&transaction, &name.physical(table), table).map_err(fault)?;
        }
    }
    transaction.commit().map_err(fault)?;
    let statements: HashMap<_, _> = tables
        .iter()
        .map(|table| (table.name, Statements::of(table, &name.physical(table))))
        .collect();
    state.prepared.insert(projection.to_owned(), statements);
    Ok(())
}

/// Shows this version to questions, and drops every other one.
pub(super) fn make_live(
    state: &mut State,
    projection: &str,
    tables: &'static [TableDef],
) -> Result<(), ViewsError> {
    let name = ProjectionName::parse(projection)?;
    let transaction = begin(&mut state.connection)?;
    if !exists(&transaction, projection).map_err(fault)? {
        return Err(ViewsError::UnknownName(projection.to_owned()));
    }
    let stored = fingerprints(&transaction, projection).map_err(fault)?;
    if let Some(table) = tables.iter().find(|table| !stored.contains_key(table.name)) {
        return Err(ViewsError::UnknownName(table.name.to_owned()));
    }
    for table in tables {
        index(&transaction, &name.physical(table), table).map_err(fault)?;
    }
    let others = versions(&transaction, name.name).map_err(fault)?;
    for other in others.iter().filter(|other| *other != projection) {
        remove(&transaction, other).map_err(fault)?;
    }
    show(&transaction, projection).map_err(fault)?;
    transaction.commit().map_err(fault)?;
    state.prepared.retain(|known, _| known == projection || !others.contains(known));
    Ok(())
}

/// Forgets a version: its rows, its checkpoint, and that it was live.
pub(super) fn discard(state: &mut State, projection: &str) -> Result<(), ViewsError> {
    let transaction = begin(&mut state.connection)?;
    remove(&transaction, projection).map_err(fault)?;
    transaction.commit().map_err(fault)?;
    state.prepared.remove(projection);
    Ok(())
}

/// Which version of a projection is live.
pub(super) fn live(connection: &Connection, name: &str) -> Result<Option<String>, ViewsError> {
    const LIVE: &str = "SELECT projection FROM daybook_projections WHERE name = ?1 AND live = 1";
    connection
        .prepare_cached(LIVE)
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(fault)
}

/// Starts a transaction that holds the write lock from its first statement.
pub(super) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, ViewsError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)
}

fn exists(connection: &Connection, projection: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM daybook_projections WHERE projection = ?1")?
        .exists([projection])
}

fn is_live(connection: &Connection, projection: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM daybook_projections WHERE projection = ?1 AND live = 1")?
        .exists([projection])
}

fn owner_of(
    connection: &Connection,
    table: &TableDef,
    name: &str,
) -> rusqlite::Result<Option<String>> {
    const OWNER: &str = "SELECT p.name FROM daybook_tables AS t \
         JOIN daybook_projections AS p ON p.projection = t.projection \
         WHERE t.name = ?1 AND p.name <> ?2 LIMIT 1";
    connection.query_row(OWNER, [table.name, name], |row| row.get(0)).optional()
}

fn fingerprints(
    connection: &Connection,
    projection: &str,
) -> rusqlite::Result<BTreeMap<String, String>> {
    connection
        .prepare("SELECT name, fingerprint FROM daybook_tables WHERE projection = ?1")?
        .query_map([projection], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn versions(connection: &Connection, name: &str) -> rusqlite::Result<BTreeSet<String>> {
    connection
        .prepare("SELECT projection FROM daybook_projections WHERE name = ?1")?
        .query_map([name], |row| row.get(0))?
        .collect()
}

fn create(
    connection: &Connection,
    projection: &str,
    name: ProjectionName<'_>,
    tables: &[TableDef],
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO daybook_projections (projection, name) VALUES (?1, ?2)",
        [projection, name.name],
    )?;
    for table in tables {
        let physical = name.physical(table);
        connection.execute_batch(&create_table(&physical, table))?;
        connection.execute(
            "INSERT INTO daybook_tables (physical, name, projection, fingerprint, comment) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            [&*physical, table.name, projection, &table.fingerprint(), table.comment],
        )?;
    }
    Ok(())
}

/// The statement that makes the physical table. STRICT, so that SQLite refuses a wrong type
/// instead of guessing.
fn create_table(physical: &str, table: &TableDef) -> String {
    let mut columns = String::new();
    for (place, column) in table.columns.iter().enumerate() {
        let kind = match column.kind {
            ColumnType::Integer => "INTEGER",
            ColumnType::Text | ColumnType::Instant => "TEXT",
        };
        let required = if place < table.key_columns { " NOT NULL" } else { "" };
        columns.push_str(&format!("{} {kind}{required}, ", quoted(column.name)));
    }
    let key = listed(table.key().iter().map(|column| column.name));
    let short = table.columns.len() - table.key().len() <= SHORT_ROW_COLUMNS_MAX;
    let options = if short { "STRICT, WITHOUT ROWID" } else { "STRICT" };
    format!("CREATE TABLE {} ({columns}PRIMARY KEY ({key})) {options}", quoted(physical))
}

/// Writes down what the table and its columns mean; the words may change within a version.
fn document(connection: &Connection, physical: &str, table: &TableDef) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE daybook_tables SET comment = ?2 WHERE physical = ?1",
        [physical, table.comment],
    )?;
    let mut describe = connection.prepare_cached(
        "INSERT INTO daybook_columns (physical, place, name, kind, comment) \
         VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (physical, place) DO UPDATE SET comment = excluded.comment",
    )?;
    for (place, column) in table.columns.iter().enumerate() {
        describe.execute(params![
            physical,
            place,
            column.name,
            column.kind.name(),
            column.comment
        ])?;
    }
    Ok(())
}

/// Makes the declared indexes and drops those that are no longer declared; they too may change
/// within a version.
fn index(connection: &Connection, physical: &str, table: &TableDef) -> rusqlite::Result<()> {
    const EXISTING: &str = "SELECT name FROM sqlite_schema \
         WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL";
    let existing: BTreeSet<String> = connection
        .prepare(EXISTING)?
        .query_map([physical], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // Column names have no double underscore, so no two indexes can have one name.
    let declared: BTreeMap<String, &[&str]> = table
        .indexes
        .iter()
        .map(|columns| (format!("{physical}__{}", columns.join("__")), *columns))
        .collect();
    for outdated in existing.iter().filter(|name| !declared.contains_key(*name)) {
        connection.execute_batch(&format!("DROP INDEX {}", quoted(outdated)))?;
    }
    for (name, columns) in declared.iter().filter(|(name, _)| !existing.contains(*name)) {
        connection.execute_batch(&format!(
            "CREATE INDEX {} ON {} ({})",
            quoted(name),
            quoted(physical),
            listed(columns.iter().copied())
        ))?;
    }
    Ok(())
}

fn physical_tables(
    connection: &Connection,
    projection: &str,
) -> rusqlite::Result<Vec<(String, String)>> {
    connection
        .prepare("SELECT name, physical FROM daybook_tables WHERE projection = ?1")?
        .query_map([projection], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Points the SQL views of the bare names at this version.
fn show(connection: &Connection, projection: &str) -> rusqlite::Result<()> {
    for (name, physical) in physical_tables(connection, projection)? {
        connection.execute_batch(&format!(
            "DROP VIEW IF EXISTS {name}; CREATE VIEW {name} AS SELECT * FROM {physical};",
            name = quoted(&name),
            physical = quoted(&physical)
        ))?;
    }
    connection
        .execute("UPDATE daybook_projections SET live = 1 WHERE projection = ?1", [projection])?;
    Ok(())
}

fn remove(connection: &Connection, projection: &str) -> rusqlite::Result<()> {
    let live: Option<bool> = connection
        .query_row(
            "SELECT live FROM daybook_projections WHERE projection = ?1",
            [projection],
            |row| row.get(0),
        )
        .optional()?;
    for (name, physical) in physical_tables(connection, projection)? {
        if live == Some(true) {
            connection.execute_batch(&format!("DROP VIEW IF EXISTS {}", quoted(&name)))?;
        }
        connection.execute_batch(&format!("DROP TABLE {}", quoted(&physical)))?;
        connection.execute("DELETE FROM daybook_columns WHERE physical = ?1", [physical])?;
    }
    for forget in [
        "DELETE FROM daybook_tables WHERE projection = ?1",
        "DELETE FROM daybook_checkpoints WHERE projection = ?1",
        "DELETE FROM daybook_projections WHERE projection = ?1",
    ] {
        connection.execute(forget, [projection])?;
    }
    Ok(())
}
