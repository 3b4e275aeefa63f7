//! What a seller sees of things that may concern several sellers: orders with lines of his, and the
//! disputes over them, without anybody else's figures and without the buyer.

use std::collections::BTreeSet;

use kernel::SellerId;
use projections::orders::{Order, OrderLine};
use serde_json::Value as Json;
use store::{Direction, Filter, Query, Table, TableDef, Value};

use super::{
    catalogue::List,
    lists::{Narrowed, json_row, order_values},
};
use crate::{extract::Caller, problem::Problem, state::Api};

/// How many rows are read at a time.
const READ_ROWS: usize = 500;
/// How often one request reads; a page may therefore be short, and its cursor goes on.
const READS_MAX: usize = 20;
/// No order has as many lines as would fill this.
const LINES_MAX: usize = 1_000_000;

/// One page of a seller's own: its rows, and the ordering values behind which the next begins.
pub(crate) async fn page(
    api: &Api,
    caller: &Caller,
    seller: SellerId,
    list: &'static List,
    narrowed: Narrowed,
) -> Result<(Vec<Json>, Option<Vec<Value>>), Problem> {
    let search = Search { api, caller, seller, list, filters: narrowed.filters };
    let mut found = Vec::new();
    let mut behind = narrowed.behind;
    for _ in 0..READS_MAX {
        let (mut rows, end) = search.read(behind.as_deref()).await?;
        found.append(&mut rows);
        behind = end;
        if behind.is_none() || found.len() > narrowed.limit {
            break;
        }
    }
    if found.len() > narrowed.limit {
        found.truncate(narrowed.limit);
        behind = found.last().map(|row| order_values(list, row));
    }
    Ok((found.into_iter().map(|row| shown(list, row)).collect(), behind))
}

/// One row of a seller's own, if it is.
pub(crate) async fn single(
    api: &Api,
    caller: &Caller,
    seller: SellerId,
    list: &'static List,
    row: Vec<Value>,
) -> Result<Option<Json>, Problem> {
    let search = Search { api, caller, seller, list, filters: Vec::new() };
    let rows = search.of_his_orders(vec![row]).await?;
    Ok(rows.into_iter().next().map(|row| shown(list, row)))
}

/// The columns a seller sees.
fn shown(list: &'static List, row: Vec<Value>) -> Json {
    let mut json = json_row(&list.table, row);
    if let Some(fields) = json.as_object_mut() {
        fields.retain(|name, _| list.shared.contains(&name.as_str()));
    }
    json
}

struct Search<'a> {
    api: &'a Api,
    caller: &'a Caller,
    seller: SellerId,
    list: &'static List,
    filters: Vec<Filter>,
}

/// Rows in order, and the ordering values of the last one read; `None` when there are no more.
type Read = (Vec<Vec<Value>>, Option<Vec<Value>>);

impl Search<'_> {
    async fn read(&self, behind: Option<&[Value]>) -> Result<Read, Problem> {
        if self.list.table.name == Order::TABLE.name {
            self.orders_by_his_lines(behind).await
        } else {
            self.things_about_orders(behind).await
        }
    }

    /// Orders are found by his lines, which have an index of their own: a seller of ten orders does
    /// not read a million.
    async fn orders_by_his_lines(&self, behind: Option<&[Value]>) -> Result<Read, Problem> {
        const ORDER: [&str; 2] = ["placed_at", "order_id"];
        let lines = &OrderLine::TABLE;
        let mut query = self.his_lines().limit(READ_ROWS);
        for filter in self.filters.iter().filter(|filter| is_about(filter, "placed_at")) {
            query = query.filter(filter.clone());
        }
        if let Some(values) = behind {
            let beyond = Filter::Beyond(ORDER.to_vec(), values.to_vec(), Direction::Descending);
            query = query.filter(beyond);
        }
        for column in ORDER {
            query = query.order_by(column, Direction::Descending);
        }
        let read = self.api.engine.views().select(lines, query).await?;
        let is_last = read.len() < READ_ROWS;
        let end = read.last().map(|line| ORDER.map(|column| value(lines, line, column)).to_vec());
        let Some(of_these) = in_orders(lines, &read) else { return Ok((Vec::new(), None)) };
        let mut query = Query::of(self.caller.tenant).filter(of_these).limit(READ_ROWS);
        for filter in &self.filters {
            query = query.filter(filter.clone());
        }
        for column in ORDER {
            query = query.order_by(column, Direction::Descending);
        }
        let rows = self.api.engine.views().select(&self.list.table, query).await?;
        Ok((rows, end.filter(|_| !is_last)))
    }

    /// What is about orders is read as it stands, and what is not about his is passed over.
    async fn things_about_orders(&self, behind: Option<&[Value]>) -> Result<Read, Problem> {
        let columns = super::lists::order_columns(self.list);
        let mut query = Query::of(self.caller.tenant).limit(READ_ROWS);
        for filter in &self.filters {
            query = query.filter(filter.clone());
        }
        if let Some(values) = behind {
            let direction = self.list.direction;
            query = query.filter(Filter::Beyond(columns.clone(), values.to_vec(), direction));
        }
        for column in columns {
            query = query.order_by(column, self.list.direction);
        }
        let read = self.api.engine.views().select(&self.list.table, query).await?;
        let is_last = read.len() < READ_ROWS;
        let end = read.last().map(|row| order_values(self.list, row)).filter(|_| !is_last);
        Ok((self.of_his_orders(read).await?, end))
    }

    /// Those of the rows whose order holds a line of his.
    async fn of_his_orders(&self, mut rows: Vec<Vec<Value>>) -> Result<Vec<Vec<Value>>, Problem> {
        let table = &self.list.table;
        let Some(of_these) = in_orders(table, &rows) else { return Ok(Vec::new()) };
        let query = self.his_lines().filter(of_these).limit(LINES_MAX);
        let lines = self.api.engine.views().select(&OrderLine::TABLE, query).await?;
        let his: BTreeSet<Value> =
            lines.iter().map(|line| value(&OrderLine::TABLE, line, "order_id")).collect();
        rows.retain(|row| his.contains(&value(table, row, "order_id")));
        Ok(rows)
    }

    fn his_lines(&self) -> Query {
        Query::of(self.caller.tenant).eq("seller", self.seller.to_string())
    }
}

/// Of the orders that these rows are about, if they are about any.
fn in_orders(table: &TableDef, rows: &[Vec<Value>]) -> Option<Filter> {
    let mut ids: BTreeSet<Value> = rows.iter().map(|row| value(table, row, "order_id")).collect();
    ids.remove(&Value::Null);
    (!ids.is_empty()).then(|| Filter::In("order_id", ids.into_iter().collect()))
}

fn is_about(filter: &Filter, column: &str) -> bool {
    match filter {
        Filter::Eq(named, _) | Filter::AtLeast(named, _) | Filter::Below(named, _) => {
            *named == column
        }
        Filter::In(..) | Filter::Prefix(..) | Filter::Present(_) | Filter::Beyond(..) => false,
    }
}

/// The value of a column; null if there is none of this name.
fn value(table: &TableDef, row: &[Value], column: &str) -> Value {
    let place = table.columns.iter().position(|known| known.name == column);
    place.and_then(|place| row.get(place)).cloned().unwrap_or(Value::Null)
}
