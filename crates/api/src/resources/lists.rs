//! Every list of the API: one row type, who may see it, by what it can be narrowed, in which order.
//!
//! A list answers `{"data": [...], "next_cursor": "..."}`. Any filter column can be given as a query
//! parameter; `limit` is at most 500; `cursor` continues where a page ended, exactly, also when rows
//! were added meanwhile.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json};
use store::{ColumnType, Filter, Query, TableDef, Value};

use super::catalogue::{LISTS, List};
use crate::{
    extract::{After, Caller},
    permissions::Reach,
    problem::Problem,
    state::Api,
};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 500;

/// Answers one page of a list.
pub(crate) async fn page(
    api: web::Data<Api>,
    caller: Caller,
    list: &'static List,
    fixed: Vec<(&'static str, String)>,
    parameters: BTreeMap<String, String>,
) -> Result<HttpResponse, Problem> {
    let reach = caller.may(list.permission)?;
    after(&parameters)?.wait(&api).await?;
    let mut query = Query::of(caller.tenant);
    match (reach, list.seller_column) {
        (Reach::All, _) => {}
        (Reach::Own(seller), Some(column)) => query = query.eq(column, seller.to_string()),
        (Reach::Own(_), None) => {
            return Err(Problem::forbidden("a seller's key sees no such list"));
        }
    }
    for (column, value) in fixed {
        query = query.eq(column, value);
    }
    let (query, limit) = narrowed(list, query, &parameters)?;
    let mut rows = api.engine.views().select(&list.table, query.limit(limit + 1)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|row| cursor_of(list, row));
    let data: Vec<Json> = rows.into_iter().map(|row| json_row(&list.table, row)).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "data": data, "next_cursor": next_cursor })))
}

fn after(parameters: &BTreeMap<String, String>) -> Result<After, Problem> {
    let parse = |text: &String| {
        text.parse().map_err(|_| Problem::malformed("after must be a position, a whole number"))
    };
    Ok(After { after: parameters.get("after").map(parse).transpose()? })
}

fn narrowed(
    list: &'static List,
    mut query: Query,
    parameters: &BTreeMap<String, String>,
) -> Result<(Query, usize), Problem> {
    let mut limit = LIMIT_DEFAULT;
    for (name, text) in parameters {
        match name.as_str() {
            "after" => {}
            "limit" => {
                limit =
                    text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(
                        || Problem::malformed(format!("limit must be from 1 to {LIMIT_MAX}")),
                    )?;
            }
            "cursor" => {
                let columns = order_columns(list);
                let values = cursor_values(text, columns.len())?;
                query = query.filter(Filter::Beyond(columns, values, list.direction));
            }
            other => query = query.filter(filter_of(list, other, text)?),
        }
    }
    for column in order_columns(list) {
        query = query.order_by(column, list.direction);
    }
    Ok((query, limit))
}

fn filter_of(list: &'static List, name: &str, text: &str) -> Result<Filter, Problem> {
    let (wanted, bound) = match name.rsplit_once('.') {
        Some((column, bound @ ("from" | "before"))) => (column, bound),
        Some(_) | None => (name, ""),
    };
    let column = list.filters.iter().find(|column| **column == wanted).ok_or_else(|| {
        let known = list.filters.join(", ");
        Problem::malformed(format!("this list cannot be narrowed by \"{name}\"; it knows {known}"))
    })?;
    let kind = list.table.columns.iter().find(|known| known.name == *column);
    let value = match kind.map(|column| column.kind) {
        Some(ColumnType::Integer) => Value::Int(
            text.parse()
                .map_err(|_| Problem::malformed(format!("{name} must be a whole number")))?,
        ),
        Some(ColumnType::Text | ColumnType::Instant) | None => Value::text(text),
    };
    Ok(match bound {
        "from" => Filter::AtLeast(column, value),
        "before" => Filter::Below(column, value),
        _ => Filter::Eq(column, value),
    })
}

/// The columns a list is ordered by: its own, and then the rest of the key, so that no two rows tie.
fn order_columns(list: &'static List) -> Vec<&'static str> {
    let mut columns = list.order.to_vec();
    for column in &list.table.columns[1..list.table.key_columns] {
        if !columns.contains(&column.name) {
            columns.push(column.name);
        }
    }
    columns
}

fn cursor_of(list: &'static List, row: &[Value]) -> String {
    let values: Vec<Json> = order_columns(list)
        .into_iter()
        .map(|column| {
            let place = list.table.columns.iter().position(|known| known.name == column);
            place.and_then(|place| row.get(place)).map_or(Json::Null, json_value)
        })
        .collect();
    URL_SAFE_NO_PAD.encode(Json::from(values).to_string())
}

fn cursor_values(text: &str, count: usize) -> Result<Vec<Value>, Problem> {
    let values: Option<Vec<Json>> = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .filter(|values: &Vec<Json>| values.len() == count);
    let values = values.ok_or_else(|| Problem::malformed("this is not a cursor of this list"))?;
    Ok(values
        .into_iter()
        .map(|value| match value {
            Json::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
            Json::String(text) => Value::text(text),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => Value::Null,
        })
        .collect())
}

/// A row as JSON, by its columns; the tenant is the caller's own and is left out.
pub(crate) fn json_row(table: &TableDef, row: Vec<Value>) -> Json {
    let fields: Map<String, Json> = table
        .columns
        .iter()
        .zip(row)
        .skip(1)
        .map(|(column, value)| (column.name.to_owned(), json_value(&value)))
        .collect();
    Json::Object(fields)
}

fn json_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Int(number) => Json::from(*number),
        Value::Text(text) => Json::from(text.as_ref()),
    }
}

/// Answers the list that a path names.
pub(crate) async fn answer(
    api: web::Data<Api>,
    caller: Caller,
    request: HttpRequest,
    parameters: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let pattern = request.match_pattern().unwrap_or_default();
    let list =
        LISTS.iter().find(|list| list.path == pattern).ok_or_else(|| Problem::not_found("list"))?;
    let mut fixed = Vec::new();
    for (name, value) in request.match_info().iter() {
        let column = list.path_columns.iter().find(|(known, _)| *known == name);
        let column = column.ok_or_else(|| Problem::not_found("list"))?;
        fixed.push((column.1, value.to_owned()));
    }
    if list.single {
        return single(api, caller, list, fixed, parameters.into_inner()).await;
    }
    page(api, caller, list, fixed, parameters.into_inner()).await
}

async fn single(
    api: web::Data<Api>,
    caller: Caller,
    list: &'static List,
    fixed: Vec<(&'static str, String)>,
    parameters: BTreeMap<String, String>,
) -> Result<HttpResponse, Problem> {
    let reach = caller.may(list.permission)?;
    after(&parameters)?.wait(&api).await?;
    let mut query = Query::of(caller.tenant).limit(1);
    if let (Reach::Own(seller), Some(column)) = (reach, list.seller_column) {
        query = query.eq(column, seller.to_string());
    }
    for (column, value) in fixed {
        query = query.eq(column, value);
    }
    let rows = api.engine.views().select(&list.table, query).await?;
    let row = rows.into_iter().next().ok_or_else(|| Problem::not_found(list.what))?;
    Ok(HttpResponse::Ok().json(json_row(&list.table, row)))
}
