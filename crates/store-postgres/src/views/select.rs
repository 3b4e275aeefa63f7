//! Questions: checked against the declaration, turned into SQL with every value bound.

use sqlx::{Row, postgres::PgArguments, query_with};
use store::{
    ColumnType, Direction, Filter, ProjectionName, Query, TableDef, Value, ViewsError, after_prefix,
};

use super::{
    PostgresViews,
    errors::{UNDEFINED_TABLE, fault, says},
    names::{listed, literal, quoted},
    reader::become_reader_of,
    statements::Statements,
    turn::{Turn, ask},
    values::{bind, bind_all, bind_rows, texts, values_of},
};

/// The live physical table of a bare name, or one that is not live if there is no other.
const LIVE_TABLE: &str = "SELECT t.physical, t.fingerprint, p.live FROM daybook_tables AS t \
     JOIN daybook_projections AS p ON p.projection = t.projection \
     WHERE t.name = $1 ORDER BY p.live DESC LIMIT 1";

const FINGERPRINT: &str = "SELECT fingerprint FROM daybook_tables WHERE physical = $1";

/// How often a question is asked again because a version went live under it.
const ATTEMPTS_MAX: u32 = 5;

/// Loads rows of one version by their keys, all in one question.
pub(super) async fn load(
    views: &PostgresViews,
    projection: &str,
    table: &'static TableDef,
    keys: Vec<Vec<Value>>,
) -> Result<Vec<Vec<Value>>, ViewsError> {
    let unknown = || ViewsError::UnknownName(format!("{} of {projection}", table.name));
    let fingerprint = table.fingerprint();
    let prepared = views.prepared(projection);
    let known = prepared.as_ref().and_then(|tables| tables.get(table.name));
    let sql = match known.filter(|known| known.table.fingerprint() == fingerprint) {
        Some(known) => known.load.clone(),
        None => {
            let physical = ProjectionName::parse(projection)?.physical(table);
            let asked = ask(&views.pool()?, FINGERPRINT, texts(&[&physical])?).await;
            let stored: Option<String> = asked
                .and_then(|rows| rows.first().map(|row| row.try_get(0)).transpose())
                .map_err(fault)?;
            match stored {
                Some(stored) if stored == fingerprint => Statements::of(table, &physical).load,
                Some(_) => return Err(ViewsError::declared_differently(projection)),
                None => return Err(unknown()),
            }
        }
    };
    let keys = keys.into_iter().map(|key| table.key_of(key)).collect::<Result<Vec<_>, _>>()?;
    let arguments = bind_rows(table.key(), &keys)?;
    match ask(&views.pool()?, &sql, arguments).await {
        Ok(rows) => rows.iter().map(|row| values_of(row, table.columns)).collect(),
        Err(error) if says(&error, UNDEFINED_TABLE) => {
            views.forget(projection);
            Err(unknown())
        }
        Err(error) => Err(fault(error)),
    }
}

/// Answers a question, which [`TableDef::question`] has checked, from the live version.
pub(super) async fn select(
    views: &PostgresViews,
    table: &'static TableDef,
    query: &Query,
) -> Result<Vec<Vec<Value>>, ViewsError> {
    for _ in 0..ATTEMPTS_MAX {
        let physical = match views.shown(table) {
            Some(physical) => physical,
            None => find_live(views, table).await?,
        };
        if let Some(rows) = answer(views, table, &physical, query).await? {
            return Ok(rows);
        }
        views.forget_shown();
    }
    Err(ViewsError::Unavailable(format!("{} is being replaced again and again", table.name)))
}

async fn find_live(views: &PostgresViews, table: &'static TableDef) -> Result<String, ViewsError> {
    let found = ask(&views.pool()?, LIVE_TABLE, texts(&[table.name])?).await.map_err(fault)?;
    let Some(row) = found.first() else {
        return Err(ViewsError::UnknownName(table.name.to_owned()));
    };
    let physical: String = row.try_get(0).map_err(fault)?;
    let fingerprint: String = row.try_get(1).map_err(fault)?;
    let live: bool = row.try_get(2).map_err(fault)?;
    if !live || fingerprint != table.fingerprint() {
        return Err(ViewsError::still_being_built(table));
    }
    views.remember_shown(table, &physical);
    Ok(physical)
}

/// The rows, or `None` when this physical table is not the live one any more. One batch opens the
/// transaction, holds the table against being dropped, looks whether it is live (in the snapshot
/// that the rows will come from) and becomes the reader of the one tenant.
async fn answer(
    views: &PostgresViews,
    table: &'static TableDef,
    physical: &str,
    query: &Query,
) -> Result<Option<Vec<Vec<Value>>>, ViewsError> {
    let (sql, arguments) = statement(physical, table, query)?;
    let reader = match (query.tenant, &views.reader) {
        (Some(tenant), Some(reader)) => become_reader_of(&tenant.to_string(), reader),
        _ => String::new(),
    };
    let batch = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; LOCK TABLE {} IN ACCESS SHARE MODE; \
         SELECT EXISTS (SELECT FROM daybook_tables JOIN daybook_projections USING (projection) \
         WHERE physical = {} AND fingerprint = {} AND live); {reader}",
        quoted(physical),
        literal(physical),
        literal(&table.fingerprint())
    );
    let (mut turn, rows) = match Turn::begin(&views.pool()?, &batch).await {
        Ok(begun) => begun,
        Err(error) if says(&error, UNDEFINED_TABLE) => return Ok(None),
        Err(error) => return Err(fault(error)),
    };
    let live: bool = rows.first().map_or(Ok(false), |row| row.try_get(0)).map_err(fault)?;
    if !live {
        turn.end_in_background();
        return Ok(None);
    }
    let found = query_with(&sql, arguments).fetch_all(turn.connection().map_err(fault)?).await;
    turn.end_in_background();
    let rows = found.map_err(fault)?;
    rows.iter().map(|row| values_of(row, table.columns)).collect::<Result<_, _>>().map(Some)
}

/// The statement of a checked question, and the values to bind.
fn statement(
    physical: &str,
    table: &TableDef,
    query: &Query,
) -> Result<(String, PgArguments), ViewsError> {
    let mut asked = Asked { table, arguments: PgArguments::default(), bound: 0 };
    let mut conditions = Vec::new();
    if let Some(tenant) = query.tenant {
        let mark = asked.mark("tenant", &Value::text(tenant.to_string()))?;
        conditions.push(format!("\"tenant\" = {mark}"));
    }
    for filter in &query.filters {
        conditions.push(asked.condition(filter)?);
    }
    let mut sql = format!(
        "SELECT {} FROM {}",
        listed(table.columns.iter().map(|column| column.name)),
        quoted(physical)
    );
    if !conditions.is_empty() {
        sql.push_str(" WHERE ");
        sql.push_str(&conditions.join(" AND "));
    }
    let order: Vec<String> = table
        .order_of(query)
        .into_iter()
        .map(|(column, direction)| ordered(table, column, direction))
        .collect();
    sql.push_str(" ORDER BY ");
    sql.push_str(&order.join(", "));
    let limit = Value::Int(i64::try_from(query.limit).unwrap_or(i64::MAX));
    sql.push_str(&format!(" LIMIT {}", asked.bound(ColumnType::Integer, &limit)?));
    Ok((sql, asked.arguments))
}

/// Nothing comes before everything. A key is never nothing, and is left to PostgreSQL's own order,
/// which is that of its index.
fn ordered(table: &TableDef, column: &str, direction: Direction) -> String {
    let is_key = table.key().iter().any(|part| part.name == column);
    let words = match (direction, is_key) {
        (Direction::Ascending, true) => "",
        (Direction::Descending, true) => " DESC",
        (Direction::Ascending, false) => " NULLS FIRST",
        (Direction::Descending, false) => " DESC NULLS LAST",
    };
    format!("{}{words}", quoted(column))
}

/// A statement in the making.
struct Asked<'a> {
    table: &'a TableDef,
    arguments: PgArguments,
    bound: usize,
}

impl Asked<'_> {
    fn kind(&self, column: &str) -> Result<ColumnType, ViewsError> {
        let place = self.table.place(column)?;
        Ok(self.table.columns.get(place).map_or(ColumnType::Text, |column| column.kind))
    }

    fn bound(&mut self, kind: ColumnType, value: &Value) -> Result<String, ViewsError> {
        bind(&mut self.arguments, kind, value)?;
        self.bound += 1;
        Ok(format!("${}", self.bound))
    }

    fn mark(&mut self, column: &str, value: &Value) -> Result<String, ViewsError> {
        self.bound(self.kind(column)?, value)
    }

    fn condition(&mut self, filter: &Filter) -> Result<String, ViewsError> {
        Ok(match filter {
            Filter::Eq(column, Value::Null) => format!("{} IS NULL", quoted(column)),
            Filter::Eq(column, value) => {
                format!("{} = {}", quoted(column), self.mark(column, value)?)
            }
            Filter::In(column, wanted) => {
                let or_empty = if wanted.contains(&Value::Null) {
                    format!(" OR {} IS NULL", quoted(column))
                } else {
                    String::new()
                };
                let kind = self.kind(column)?;
                bind_all(&mut self.arguments, kind, wanted)?;
                self.bound += 1;
                format!("({} = ANY(${}){or_empty})", quoted(column), self.bound)
            }
            Filter::AtLeast(column, value) => {
                format!("{} >= {}", quoted(column), self.mark(column, value)?)
            }
            Filter::Below(column, value) => {
                format!("{} < {}", quoted(column), self.mark(column, value)?)
            }
            // A range, not LIKE: it means every character as it is and uses the index.
            Filter::Prefix(column, prefix) => {
                let from = self.mark(column, &Value::text(prefix.as_str()))?;
                let named = quoted(column);
                match after_prefix(prefix) {
                    None => format!("{named} >= {from}"),
                    Some(end) => {
                        let end = self.mark(column, &Value::text(end))?;
                        format!("({named} >= {from} AND {named} < {end})")
                    }
                }
            }
            Filter::Present(column) => format!("{} IS NOT NULL", quoted(column)),
            Filter::Beyond(columns, beyond, direction) => {
                let sign = match direction {
                    Direction::Ascending => ">",
                    Direction::Descending => "<",
                };
                let marks = columns
                    .iter()
                    .zip(beyond)
                    .map(|(column, value)| self.mark(column, value))
                    .collect::<Result<Vec<_>, _>>()?;
                format!("({}) {sign} ({})", listed(columns.iter().copied()), marks.join(", "))
            }
        })
    }
}
