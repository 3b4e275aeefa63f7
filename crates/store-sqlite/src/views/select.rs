//! Questions: checked against the declaration, turned into SQL with every value bound.

use rusqlite::{
    Connection, OptionalExtension, Row, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};
use store::{Direction, Filter, ProjectionName, Query, TableDef, Value, ViewsError, after_prefix};

use super::{
    errors::fault,
    step::key_is,
    tables::{listed, quoted},
};

/// The live physical table of a bare name, or one that is not live if there is no other.
const LIVE_TABLE: &str = "SELECT t.physical, t.fingerprint, p.live FROM daybook_tables AS t \
     JOIN daybook_projections AS p ON p.projection = t.projection \
     WHERE t.name = ?1 ORDER BY p.live DESC LIMIT 1";

const FINGERPRINT: &str = "SELECT fingerprint FROM daybook_tables WHERE physical = ?1";

/// A value as SQLite takes it.
pub(super) fn bound(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Int(number) => ValueRef::Integer(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
    })
}

fn values_of(row: &Row<'_>, columns: usize) -> Result<Vec<Value>, ViewsError> {
    (0..columns)
        .map(|place| match row.get_ref(place).map_err(fault)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(number) => Ok(Value::Int(number)),
            ValueRef::Text(bytes) => std::str::from_utf8(bytes)
                .map(Value::text)
                .map_err(|_| ViewsError::Corrupt("a text is not UTF-8".to_owned())),
            ValueRef::Real(_) | ValueRef::Blob(_) => {
                Err(ViewsError::Corrupt("a column holds a type that is never stored".to_owned()))
            }
        })
        .collect()
}

/// Loads rows of one version by their keys.
pub(super) fn load(
    connection: &Connection,
    projection: &str,
    table: &'static TableDef,
    keys: Vec<Vec<Value>>,
) -> Result<Vec<Vec<Value>>, ViewsError> {
    let physical = ProjectionName::parse(projection)?.physical(table);
    let stored: Option<String> = connection
        .prepare_cached(FINGERPRINT)
        .and_then(|mut known| known.query_row([&physical], |row| row.get(0)).optional())
        .map_err(fault)?;
    match stored {
        Some(stored) if stored == table.fingerprint() => {}
        Some(_) => return Err(ViewsError::declared_differently(projection)),
        None => return Err(ViewsError::UnknownName(format!("{} of {projection}", table.name))),
    }
    let sql = format!(
        "SELECT {} FROM {} WHERE {}",
        listed(table.columns.iter().map(|column| column.name)),
        quoted(&physical),
        key_is(table)
    );
    let mut find = connection.prepare_cached(&sql).map_err(fault)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let key = table.key_of(key)?;
        let mut rows = find.query(params_from_iter(key.iter().map(bound))).map_err(fault)?;
        if let Some(row) = rows.next().map_err(fault)? {
            found.push(values_of(row, table.columns.len())?);
        }
    }
    Ok(found)
}

/// Answers a question, which [`TableDef::question`] has checked, from the live version.
pub(super) fn select(
    connection: &Connection,
    table: &'static TableDef,
    query: &Query,
) -> Result<Vec<Vec<Value>>, ViewsError> {
    let known: Option<(String, String, bool)> = connection
        .prepare_cached(LIVE_TABLE)
        .and_then(|mut known| {
            known
                .query_row([table.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()
        })
        .map_err(fault)?;
    let physical = match known {
        None => return Err(ViewsError::UnknownName(table.name.to_owned())),
        Some((physical, fingerprint, true)) if fingerprint == table.fingerprint() => physical,
        Some(_) => return Err(ViewsError::still_being_built(table)),
    };
    let (sql, values) = statement(&physical, table, query);
    let mut statement = connection.prepare_cached(&sql).map_err(fault)?;
    let mut rows = statement.query(params_from_iter(values.iter().map(bound))).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        found.push(values_of(row, table.columns.len())?);
    }
    Ok(found)
}

/// The statement of a checked question, and the values to bind.
fn statement(physical: &str, table: &TableDef, query: &Query) -> (String, Vec<Value>) {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    if let Some(tenant) = query.tenant {
        conditions.push("\"tenant\" = ?".to_owned());
        values.push(Value::text(tenant.to_string()));
    }
    for filter in &query.filters {
        conditions.push(condition(filter, &mut values));
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
        .map(|(column, direction)| match direction {
            Direction::Ascending => quoted(column),
            Direction::Descending => format!("{} DESC", quoted(column)),
        })
        .collect();
    sql.push_str(" ORDER BY ");
    sql.push_str(&order.join(", "));
    sql.push_str(" LIMIT ?");
    values.push(Value::Int(i64::try_from(query.limit).unwrap_or(i64::MAX)));
    (sql, values)
}

fn condition(filter: &Filter, values: &mut Vec<Value>) -> String {
    match filter {
        Filter::Eq(column, Value::Null) => format!("{} IS NULL", quoted(column)),
        Filter::Eq(column, value) => {
            values.push(value.clone());
            format!("{} = ?", quoted(column))
        }
        Filter::In(column, wanted) => {
            let before = values.len();
            values.extend(wanted.iter().filter(|value| **value != Value::Null).cloned());
            let marks = vec!["?"; values.len() - before].join(", ");
            let or_empty = if wanted.contains(&Value::Null) {
                format!(" OR {} IS NULL", quoted(column))
            } else {
                String::new()
            };
            format!("({} IN ({marks}){or_empty})", quoted(column))
        }
        Filter::AtLeast(column, value) => {
            values.push(value.clone());
            format!("{} >= ?", quoted(column))
        }
        Filter::Below(column, value) => {
            values.push(value.clone());
            format!("{} < ?", quoted(column))
        }
        // A range, not LIKE: it means every character as it is and uses the index.
        Filter::Prefix(column, prefix) => {
            values.push(Value::text(prefix.as_str()));
            let column = quoted(column);
            match after_prefix(prefix) {
                None => format!("{column} >= ?"),
                Some(end) => {
                    values.push(Value::text(end));
                    format!("({column} >= ? AND {column} < ?)")
                }
            }
        }
        Filter::Present(column) => format!("{} IS NOT NULL", quoted(column)),
        Filter::Beyond(columns, beyond, direction) => {
            values.extend(beyond.iter().cloned());
            let sign = match direction {
                Direction::Ascending => ">",
                Direction::Descending => "<",
            };
            let marks = vec!["?"; beyond.len()].join(", ");
            format!("({}) {sign} ({marks})", listed(columns.iter().copied()))
        }
    }
}
