//! The physical tables: made from their declarations, one set per version, swapped in one step.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row};
use store::{ProjectionName, TableDef, ViewsError};
use uuid::Uuid;

use super::{
    PostgresViews,
    address::{CHANGE_TIMEOUT, LOCK_TIMEOUT, milliseconds},
    errors::fault,
    names::{index_name, listed, literal, quoted},
    reader::protect,
    statements::Statements,
    turn::{Turn, ask, run},
    values::{sql_type, texts},
};

/// A table smaller than this tells the planner nothing worth knowing.
const ANALYZED_BYTES_MIN: i64 = 1024 * 1024;

/// Makes sure that the tables of a projection's version exist, as they are declared.
pub(super) async fn prepare(
    views: &PostgresViews,
    projection: &str,
    tables: &'static [TableDef],
) -> Result<(), ViewsError> {
    let name = ProjectionName::parse(projection)?;
    tables.iter().try_for_each(TableDef::check)?;
    let mut turn = begin(views).await?;
    match prepare_in(views, turn.connection().map_err(fault)?, projection, name, tables).await {
        Ok(()) => turn.commit().await.map_err(fault)?,
        Err(error) => {
            turn.roll_back().await;
            return Err(error);
        }
    }
    let statements =
        tables.iter().map(|table| (table.name, Statements::of(table, &name.physical(table))));
    views.remember(projection, statements.collect());
    Ok(())
}

async fn prepare_in(
    views: &PostgresViews,
    connection: &mut PgConnection,
    projection: &str,
    name: ProjectionName<'_>,
    tables: &[TableDef],
) -> Result<(), ViewsError> {
    for table in tables {
        let owner = owner_of(connection, table, name.name).await.map_err(fault)?;
        if let Some(owner) = owner {
            return Err(ViewsError::belongs_elsewhere(table, &owner));
        }
    }
    if exists(connection, projection).await.map_err(fault)? {
        let stored = fingerprints(connection, projection).await.map_err(fault)?;
        let declared: BTreeMap<String, String> =
            tables.iter().map(|table| (table.name.to_owned(), table.fingerprint())).collect();
        if stored != declared {
            return Err(ViewsError::declared_differently(projection));
        }
    } else {
        create(views, connection, projection, name, tables).await.map_err(fault)?;
    }
    // Nobody asks a version that is not live, and an index over rows that are there already is made
    // in a fraction of the time it takes to keep it while they come: it is made when it goes live.
    let live = live_now(connection, name.name).await.map_err(fault)?;
    let live = live.as_deref() == Some(projection);
    for table in tables {
        let physical = name.physical(table);
        document(views, connection, &physical, table, live).await.map_err(fault)?;
        if live {
            index(connection, &physical, table).await.map_err(fault)?;
        }
    }
    Ok(())
}

/// Shows this version to questions, and drops every other one.
pub(super) async fn make_live(
    views: &PostgresViews,
    projection: &str,
    tables: &'static [TableDef],
) -> Result<(), ViewsError> {
    let name = ProjectionName::parse(projection)?;
    let mut turn = begin(views).await?;
    match make_live_in(views, turn.connection().map_err(fault)?, projection, name, tables).await {
        Ok(others) => {
            turn.commit().await.map_err(fault)?;
            others.iter().for_each(|other| views.forget(other));
            Ok(())
        }
        Err(error) => {
            turn.roll_back().await;
            Err(error)
        }
    }
}

async fn make_live_in(
    views: &PostgresViews,
    connection: &mut PgConnection,
    projection: &str,
    name: ProjectionName<'_>,
    tables: &[TableDef],
) -> Result<BTreeSet<String>, ViewsError> {
    if !exists(connection, projection).await.map_err(fault)? {
        return Err(ViewsError::UnknownName(projection.to_owned()));
    }
    let stored = fingerprints(connection, projection).await.map_err(fault)?;
    if let Some(table) = tables.iter().find(|table| !stored.contains_key(table.name)) {
        return Err(ViewsError::UnknownName(table.name.to_owned()));
    }
    for table in tables {
        let physical = name.physical(table);
        index(connection, &physical, table).await.map_err(fault)?;
        analyze(connection, &physical).await.map_err(fault)?;
    }
    let mut others = versions(connection, name.name).await.map_err(fault)?;
    others.remove(projection);
    // The slow part is done; from here on, questions may have to wait.
    let live_before = live_now(connection, name.name).await.map_err(fault)?;
    show(views, connection, projection, tables, live_before.as_deref()).await.map_err(fault)?;
    for other in &others {
        remove(connection, other).await.map_err(fault)?;
    }
    sqlx::query("UPDATE daybook_projections SET live = true WHERE projection = $1 AND NOT live")
        .bind(projection)
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(others)
}

/// Forgets a version: its rows, its checkpoint, and that it was live.
pub(super) async fn discard(views: &PostgresViews, projection: &str) -> Result<(), ViewsError> {
    let mut turn = begin(views).await?;
    let connection = turn.connection().map_err(fault)?;
    let mut gone = hide(views, connection, projection).await;
    if gone.is_ok() {
        gone = remove(connection, projection).await;
    }
    if let Err(error) = gone {
        turn.roll_back().await;
        return Err(fault(error));
    }
    turn.commit().await.map_err(fault)?;
    views.forget(projection);
    Ok(())
}

const LIVE: &str = "SELECT projection FROM daybook_projections WHERE name = $1 AND live";

/// Which version of a projection is live.
pub(super) async fn live(views: &PostgresViews, name: &str) -> Result<Option<String>, ViewsError> {
    let found = ask(&views.pool()?, LIVE, texts(&[name])?).await.map_err(fault)?;
    found.first().map(|row| row.try_get(0)).transpose().map_err(fault)
}

async fn live_now(
    connection: &mut PgConnection,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(LIVE).bind(name).fetch_optional(connection).await
}

/// Whether there is such a version.
pub(super) async fn exists(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM daybook_projections WHERE projection = $1)")
        .bind(projection)
        .fetch_one(connection)
        .await
}

/// Starts a transaction that alone changes tables. The one before it may be making an index over
/// many rows, so this waits longer than a statement may wait for a row. Its commit waits for the
/// disk: steps that a crash took back are folded again, but nobody would make a version live again.
async fn begin(views: &PostgresViews) -> Result<Turn, ViewsError> {
    let batch = format!(
        "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock({}); \
         SET LOCAL lock_timeout = {}",
        milliseconds(CHANGE_TIMEOUT),
        views.address.change_lock(),
        milliseconds(LOCK_TIMEOUT)
    );
    let (turn, _) = Turn::begin(&views.pool()?, &batch).await.map_err(fault)?;
    Ok(turn)
}

async fn owner_of(
    connection: &mut PgConnection,
    table: &TableDef,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    const OWNER: &str = "SELECT p.name FROM daybook_tables AS t \
         JOIN daybook_projections AS p ON p.projection = t.projection \
         WHERE t.name = $1 AND p.name <> $2 LIMIT 1";
    sqlx::query_scalar(OWNER).bind(table.name).bind(name).fetch_optional(connection).await
}

async fn fingerprints(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let stored: Vec<(String, String)> =
        sqlx::query_as("SELECT name, fingerprint FROM daybook_tables WHERE projection = $1")
            .bind(projection)
            .fetch_all(connection)
            .await?;
    Ok(stored.into_iter().collect())
}

async fn versions(
    connection: &mut PgConnection,
    name: &str,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT projection FROM daybook_projections WHERE name = $1")
            .bind(name)
            .fetch_all(connection)
            .await?;
    Ok(stored.into_iter().collect())
}

async fn create(
    views: &PostgresViews,
    connection: &mut PgConnection,
    projection: &str,
    name: ProjectionName<'_>,
    tables: &[TableDef],
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO daybook_projections (projection, name) VALUES ($1, $2)")
        .bind(projection)
        .bind(name.name)
        .execute(&mut *connection)
        .await?;
    for table in tables {
        let physical = name.physical(table);
        let made = format!(
            "{}; {}",
            create_table(&physical, table),
            protect(&physical, views.reader.as_deref())
        );
        run(connection, &made).await?;
        sqlx::query(
            "INSERT INTO daybook_tables (physical, name, projection, fingerprint) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(&physical)
        .bind(table.name)
        .bind(projection)
        .bind(table.fingerprint())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The statement that makes the physical table. Text is ordered by its bytes, whatever language
/// the database speaks.
fn create_table(physical: &str, table: &TableDef) -> String {
    let mut columns = String::new();
    for (place, column) in table.columns.iter().enumerate() {
        let kind = sql_type(column.kind);
        let collation = if kind == "text" { " COLLATE \"C\"" } else { "" };
        let required = if place < table.key_columns { " NOT NULL" } else { "" };
        columns.push_str(&format!("{} {kind}{collation}{required}, ", quoted(column.name)));
    }
    let key = listed(table.key().iter().map(|column| column.name));
    format!("CREATE TABLE {} ({columns}PRIMARY KEY ({key}))", quoted(physical))
}

/// Writes down what the table and its columns mean, where tools look for it; the words may change
/// within a version, and are written only when they have.
async fn document(
    views: &PostgresViews,
    connection: &mut PgConnection,
    physical: &str,
    table: &TableDef,
    live: bool,
) -> Result<(), sqlx::Error> {
    let words = comments("TABLE", &quoted(physical), table);
    let wording = Uuid::new_v5(&Uuid::NAMESPACE_OID, words.as_bytes());
    let changed = sqlx::query(
        "UPDATE daybook_tables SET wording = $2 \
         WHERE physical = $1 AND wording IS DISTINCT FROM $2",
    )
    .bind(physical)
    .bind(wording)
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() > 0 {
        run(connection, &words).await?;
        if live {
            let shown = comments("VIEW", &view_name(views, table.name), table);
            run(connection, &shown).await?;
        }
    }
    Ok(())
}

fn comments(what: &str, name: &str, table: &TableDef) -> String {
    let mut sql = format!("COMMENT ON {what} {name} IS {};", literal(table.comment));
    for column in table.columns {
        let (column, words) = (quoted(column.name), literal(column.comment));
        sql.push_str(&format!("COMMENT ON COLUMN {name}.{column} IS {words};"));
    }
    sql
}

/// Makes the declared indexes and drops those that are no longer declared; they too may change
/// within a version.
async fn index(
    connection: &mut PgConnection,
    physical: &str,
    table: &TableDef,
) -> Result<(), sqlx::Error> {
    const EXISTING: &str = "SELECT c.relname::text FROM pg_index AS i \
         JOIN pg_class AS c ON c.oid = i.indexrelid \
         WHERE i.indrelid = $1::regclass AND NOT i.indisprimary";
    let existing: Vec<String> =
        sqlx::query_scalar(EXISTING).bind(quoted(physical)).fetch_all(&mut *connection).await?;
    let declared: BTreeMap<String, &[&str]> =
        table.indexes.iter().map(|columns| (index_name(physical, columns), *columns)).collect();
    for outdated in existing.iter().filter(|name| !declared.contains_key(*name)) {
        let drop = format!("DROP INDEX {}", quoted(outdated));
        run(connection, &drop).await?;
    }
    for (name, columns) in declared.iter().filter(|(name, _)| !existing.contains(name)) {
        // In the order that questions ask for, so that they can be answered along the index.
        let parts: Vec<String> = columns
            .iter()
            .map(|column| {
                let is_key = table.key().iter().any(|part| part.name == *column);
                format!("{}{}", quoted(column), if is_key { "" } else { " NULLS FIRST" })
            })
            .collect();
        let create =
            format!("CREATE INDEX {} ON {} ({})", quoted(name), quoted(physical), parts.join(", "));
        run(connection, &create).await?;
    }
    Ok(())
}

/// Tells the planner about a table that was just filled. Not about one that is nearly empty: from a
/// single row it would learn that a tenant has a single row, and would take the wrong index
/// until the server's own statistics catch up.
async fn analyze(connection: &mut PgConnection, physical: &str) -> Result<(), sqlx::Error> {
    let bytes: i64 = sqlx::query_scalar("SELECT pg_relation_size($1::regclass)")
        .bind(quoted(physical))
        .fetch_one(&mut *connection)
        .await?;
    if bytes >= ANALYZED_BYTES_MIN {
        run(connection, &format!("ANALYZE {}", quoted(physical))).await?;
    }
    Ok(())
}

async fn physical_tables(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Vec<(String, String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT name, physical, fingerprint FROM daybook_tables WHERE projection = $1 ORDER BY name",
    )
    .bind(projection)
    .fetch_all(connection)
    .await
}

fn view_name(views: &PostgresViews, name: &str) -> String {
    format!("{}.{}", quoted(&views.address.schema), quoted(name))
}

/// Points the SQL views of the bare names at this version. A view of the same columns is replaced
/// in place, so that what people have built on it, and whom they have let see it, stays.
async fn show(
    views: &PostgresViews,
    connection: &mut PgConnection,
    projection: &str,
    tables: &[TableDef],
    live_before: Option<&str>,
) -> Result<(), sqlx::Error> {
    let mut before = BTreeMap::new();
    if let Some(other) = live_before {
        for (table, _, fingerprint) in physical_tables(connection, other).await? {
            before.insert(table, fingerprint);
        }
    }
    for (table, physical, fingerprint) in physical_tables(connection, projection).await? {
        let view = view_name(views, &table);
        let mut sql = String::new();
        if before.remove(&table).is_some_and(|stored| stored != fingerprint) {
            sql.push_str(&format!("DROP VIEW IF EXISTS {view};"));
        }
        // Whoever asks the view is held to their own rights and policies, not to the owner's.
        sql.push_str(&format!(
            "CREATE OR REPLACE VIEW {view} WITH (security_invoker = true) \
             AS SELECT * FROM {};",
            quoted(&physical)
        ));
        if let Some(reader) = &views.reader {
            sql.push_str(&format!("GRANT SELECT ON {view} TO {};", quoted(reader)));
        }
        if let Some(table) = tables.iter().find(|declared| declared.name == table) {
            sql.push_str(&comments("VIEW", &view, table));
        }
        run(connection, &sql).await?;
    }
    for table in before.keys() {
        let drop = format!("DROP VIEW IF EXISTS {}", view_name(views, table));
        run(connection, &drop).await?;
    }
    Ok(())
}

/// Drops a version, which no view shows any more. Its bookkeeping goes first: a step that is under
/// way holds its checkpoint, and is waited for before any table is touched.
async fn remove(connection: &mut PgConnection, projection: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT FROM daybook_projections WHERE projection = $1 FOR UPDATE")
        .bind(projection)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM daybook_checkpoints WHERE projection = $1")
        .bind(projection)
        .execute(&mut *connection)
        .await?;
    for (_, physical, _) in physical_tables(connection, projection).await? {
        let drop = format!("DROP TABLE {}", quoted(&physical));
        run(connection, &drop).await?;
    }
    sqlx::query("DELETE FROM daybook_projections WHERE projection = $1")
        .bind(projection)
        .execute(connection)
        .await?;
    Ok(())
}

/// Drops the views of a version that is live.
async fn hide(
    views: &PostgresViews,
    connection: &mut PgConnection,
    projection: &str,
) -> Result<(), sqlx::Error> {
    const SHOWN: &str = "SELECT t.name FROM daybook_tables AS t \
         JOIN daybook_projections AS p ON p.projection = t.projection \
         WHERE p.projection = $1 AND p.live";
    let shown: Vec<String> =
        sqlx::query_scalar(SHOWN).bind(projection).fetch_all(&mut *connection).await?;
    for table in shown {
        let drop = format!("DROP VIEW IF EXISTS {}", view_name(views, &table));
        run(connection, &drop).await?;
    }
    Ok(())
}
