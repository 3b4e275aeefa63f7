//! Every list of the API: one row type, who may see it, by what it can be narrowed, in which order.
//!
//! A list answers `{"data": [...], "next_cursor": "..."}`. Any filter column can be given as a query
//! parameter; `limit` is at most 500; `cursor` continues where a page ended, exactly, also when rows
//! were added meanwhile.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::SellerId;
use serde_json::{Map, Value as Json};
use store::{ColumnType, Filter, Query, TableDef, Value};

use super::{
    catalogue::{LISTS, List},
    personal, shared,
};
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
    let mut narrowed = narrowed(list, &parameters)?;
    for (column, value) in fixed {
        narrowed.filters.push(Filter::Eq(column, Value::text(value)));
    }
    if list.by_now {
        let now = api.engine.bus().directory().now(Some(&caller.info));
        narrowed.filters.push(engine::by_now(now));
    }
    let (mut data, behind) = match reach {
        Reach::Own(seller) if !list.shared.is_empty() => {
            shared::page(&api, &caller, seller, list, narrowed).await?
        }
        Reach::All | Reach::Own(_) => {
            narrowed.filters.extend(own_rows(list, reach)?);
            rows_of(&api, &caller, list, narrowed).await?
        }
    };
    personal::open(&api, &caller, &list.table, &mut data).await?;
    let next_cursor = behind.map(|values| cursor_of(&values));
    Ok(HttpResponse::Ok().json(serde_json::json!({ "data": data, "next_cursor": next_cursor })))
}

/// The condition that a row is the caller's, if he may not see all.
fn own_rows(list: &'static List, reach: Reach) -> Result<Option<Filter>, Problem> {
    match (reach, list.seller_column) {
        (Reach::All, _) => Ok(None),
        (Reach::Own(seller), Some(column)) => {
            Ok(Some(Filter::Eq(column, Value::text(seller.to_string()))))
        }
        (Reach::Own(_), None) => Err(Problem::forbidden("a seller's key sees no such list")),
    }
}

async fn rows_of(
    api: &Api,
    caller: &Caller,
    list: &'static List,
    narrowed: Narrowed,
) -> Result<(Vec<Json>, Option<Vec<Value>>), Problem> {
    let columns = order_columns(list);
    let mut query = Query::of(caller.tenant).limit(narrowed.limit + 1);
    query.filters = narrowed.filters;
    if let Some(values) = narrowed.behind {
        query = query.filter(Filter::Beyond(columns.clone(), values, list.direction));
    }
    for column in columns {
        query = query.order_by(column, list.direction);
    }
    let mut rows = api.engine.views().select(&list.table, query).await?;
    let more = rows.len() > narrowed.limit;
    rows.truncate(narrowed.limit);
    let behind = rows.last().filter(|_| more).map(|row| order_values(list, row));
    Ok((rows.into_iter().map(|row| json_row(&list.table, row)).collect(), behind))
}

/// What a caller asked for.
pub(crate) struct Narrowed {
    /// All of these hold.
    pub(crate) filters: Vec<Filter>,
    /// Ordering values of the row that the page before ended with.
    pub(crate) behind: Option<Vec<Value>>,
    /// At most so many rows.
    pub(crate) limit: usize,
}

fn after(parameters: &BTreeMap<String, String>) -> Result<After, Problem> {
    let parse = |text: &String| {
        text.parse().map_err(|_| Problem::malformed("after must be a position, a whole number"))
    };
    Ok(After { after: parameters.get("after").map(parse).transpose()? })
}

fn narrowed(
    list: &'static List,
    parameters: &BTreeMap<String, String>,
) -> Result<Narrowed, Problem> {
    let mut narrowed = Narrowed { filters: Vec::new(), behind: None, limit: LIMIT_DEFAULT };
    for (name, text) in parameters {
        match name.as_str() {
            "after" => {}
            "limit" => {
                narrowed.limit =
                    text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(
                        || Problem::malformed(format!("limit must be from 1 to {LIMIT_MAX}")),
                    )?;
            }
            "cursor" => {
                narrowed.behind = Some(cursor_values(text, order_columns(list).len())?);
            }
            other => narrowed.filters.push(filter_of(list, other, text)?),
        }
    }
    Ok(narrowed)
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
pub(crate) fn order_columns(list: &'static List) -> Vec<&'static str> {
    let mut columns = list.order.to_vec();
    for column in &list.table.columns[1..list.table.key_columns] {
        if !columns.contains(&column.name) {
            columns.push(column.name);
        }
    }
    columns
}

/// A row's values of the columns that its list is ordered by.
pub(crate) fn order_values(list: &'static List, row: &[Value]) -> Vec<Value> {
    let place = |column| list.table.columns.iter().position(|known| known.name == column);
    order_columns(list)
        .into_iter()
        .map(|column| {
            place(column).and_then(|place| row.get(place)).cloned().unwrap_or(Value::Null)
        })
        .collect()
}

fn cursor_of(values: &[Value]) -> String {
    let values: Vec<Json> = values.iter().map(json_value).collect();
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
    let shared = if list.shared.is_empty() { None } else { own_seller(reach) };
    if shared.is_none() {
        query.filters.extend(own_rows(list, reach)?);
    }
    for (column, value) in fixed {
        query = query.eq(column, value);
    }
    let missing = || Problem::not_found(list.what);
    let rows = api.engine.views().select(&list.table, query).await?;
    let row = rows.into_iter().next().ok_or_else(missing)?;
    let json = match shared {
        Some(seller) => {
            let his = shared::single(&api, &caller, seller, list, row).await?;
            his.ok_or_else(missing)?
        }
        None => json_row(&list.table, row),
    };
    let mut answer = [json];
    personal::open(&api, &caller, &list.table, &mut answer).await?;
    let [json] = answer;
    Ok(HttpResponse::Ok().json(json))
}

const fn own_seller(reach: Reach) -> Option<SellerId> {
    match reach {
        Reach::All => None,
        Reach::Own(seller) => Some(seller),
    }
}
