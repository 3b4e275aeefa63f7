//! From the read models to what the pages show, within what the visitor may see.

use std::collections::{BTreeMap, BTreeSet};

use aggregates::vocabulary::LineShare;
use chrono_tz::Tz;
use kernel::{Currency, OrderId, SellerId, TenantId, Timestamp};
use projections::{
    orders::{Order, OrderLine, OrderRefund},
    sellers::Seller,
};
use store::{Direction, Field, Filter, Query, Table, Value, Views, ViewsExt};

use super::{
    shown::{Amount, Due, Reference, Status, When},
    trouble::Trouble,
    views::OrderRow,
};
use crate::{
    extract::Caller,
    permissions::{Permission, Reach, reach},
    state::Api,
};

/// How many rows a list shows at once.
pub(crate) const PAGE_ROWS: usize = 50;
/// How many rows are read at once where all are needed.
const READ_ROWS: usize = 5000;

/// The read models, as one visitor may read them.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// The engine.
    pub(crate) api: &'a Api,
    /// Who reads.
    pub(crate) caller: &'a Caller,
}

impl Reader<'_> {
    pub(crate) fn views(&self) -> &dyn Views {
        &**self.api.engine.views()
    }

    pub(crate) const fn tenant(&self) -> TenantId {
        self.caller.tenant
    }

    pub(crate) fn zone(&self) -> Tz {
        self.caller.info.zone
    }

    /// The tenant's present: that of its test clock, if it has one.
    pub(crate) fn now(&self) -> Timestamp {
        self.api.engine.bus().directory().now(Some(&self.caller.info))
    }

    pub(crate) fn when(&self, instant: Timestamp) -> When {
        When::new(instant, self.zone())
    }

    pub(crate) fn due(&self, instant: Timestamp) -> Due {
        Due { at: self.when(instant), now: self.now() }
    }

    /// How far the visitor sees, for sections that are left out rather than refused.
    pub(crate) fn reach(&self, permission: Permission) -> Option<Reach> {
        reach(&self.caller.holder, permission)
    }

    pub(crate) fn sees_all(&self, permission: Permission) -> bool {
        self.reach(permission) == Some(Reach::All)
    }

    pub(crate) async fn rows<T: Table>(&self, query: Query) -> Result<Vec<T>, Trouble> {
        Ok(self.views().rows(query).await?)
    }

    /// Every row that answers the question, in the order of the key.
    pub(crate) async fn all<T: Table>(&self, question: Query) -> Result<Vec<T>, Trouble> {
        Ok(self.views().all(question, READ_ROWS).await?)
    }

    /// What sellers are called: the storefront's own name for them.
    pub(crate) async fn seller_names(
        &self,
        sellers: impl IntoIterator<Item = SellerId>,
    ) -> Result<BTreeMap<SellerId, Reference>, Trouble> {
        let wanted: BTreeSet<SellerId> = sellers.into_iter().collect();
        let mut names: BTreeMap<_, _> = wanted
            .iter()
            .map(|seller| (*seller, Reference::to_page(seller, "/dashboard/sellers")))
            .collect();
        let ids: Vec<Value> = wanted.iter().map(Field::to_value).collect();
        for part in ids.chunks(store::IN_VALUES_MAX) {
            let query = Query::of(self.tenant())
                .filter(Filter::In("seller", part.to_vec()))
                .limit(part.len());
            for row in self.rows::<Seller>(query).await? {
                let name = Reference::to_page(row.seller, "/dashboard/sellers");
                names.insert(row.seller, name.called(Some(&row.reference)));
            }
        }
        Ok(names)
    }

    /// What orders are called: the storefront's own numbers.
    pub(crate) async fn order_names(
        &self,
        orders: impl IntoIterator<Item = OrderId>,
    ) -> Result<BTreeMap<OrderId, Reference>, Trouble> {
        let rows = self.orders_with(orders.into_iter().collect()).await?;
        Ok(rows.into_iter().map(|row| (row.order_id, order_reference(&row))).collect())
    }

    pub(crate) async fn orders_with(&self, ids: BTreeSet<OrderId>) -> Result<Vec<Order>, Trouble> {
        let ids: Vec<Value> = ids.iter().map(Field::to_value).collect();
        let mut rows = Vec::new();
        for part in ids.chunks(store::IN_VALUES_MAX) {
            let query = Query::of(self.tenant())
                .filter(Filter::In("order_id", part.to_vec()))
                .limit(part.len());
            rows.append(&mut self.rows::<Order>(query).await?);
        }
        Ok(rows)
    }

    /// A page of orders, the latest first, and where the next page begins.
    pub(crate) async fn orders(
        &self,
        of: Option<SellerId>,
        status: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<OrderRow>, Option<String>), Trouble> {
        match of {
            None => self.all_orders(status, cursor, limit).await,
            Some(seller) => self.orders_of(seller, cursor, limit).await,
        }
    }

    async fn all_orders(
        &self,
        status: Option<&str>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<OrderRow>, Option<String>), Trouble> {
        let mut query = page_of(self.tenant(), ["placed_at", "order_id"], cursor)?.limit(limit + 1);
        if let Some(status) = status {
            query = query.eq("status", status);
        }
        let mut rows: Vec<Order> = self.rows(query).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| cursor_of(row.placed_at, row.order_id));
        let shown = rows
            .iter()
            .map(|row| self.order_row(row, row.total, row.refunded, row.lines))
            .collect();
        Ok((shown, next))
    }

    /// Orders with lines of one seller; what is shown are his lines only.
    async fn orders_of(
        &self,
        seller: SellerId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<OrderRow>, Option<String>), Trouble> {
        let mut order: Vec<OrderId> = Vec::new();
        let mut lines: BTreeMap<OrderId, Vec<OrderLine>> = BTreeMap::new();
        let mut cursor = cursor.map(str::to_owned);
        while order.len() <= limit {
            let query = page_of(self.tenant(), ["placed_at", "order_id"], cursor.as_deref())?
                .eq("seller", seller.to_string())
                .limit(READ_ROWS);
            let page: Vec<OrderLine> = self.rows(query).await?;
            let is_last = page.len() < READ_ROWS;
            let before = cursor.clone();
            // An order whose lines may go on behind the end of the page is read again whole.
            let cut = page.last().filter(|_| !is_last).map(|line| line.order_id);
            for line in page {
                if Some(line.order_id) == cut {
                    continue;
                }
                if !lines.contains_key(&line.order_id) {
                    order.push(line.order_id);
                }
                cursor = Some(cursor_of(line.placed_at, line.order_id));
                lines.entry(line.order_id).or_default().push(line);
            }
            if is_last || cursor == before {
                break;
            }
        }
        let more = order.len() > limit;
        order.truncate(limit);
        let next =
            order.last().filter(|_| more).and_then(|id| lines.get(id)).and_then(|lines| {
                lines.first().map(|line| cursor_of(line.placed_at, line.order_id))
            });
        let heads: BTreeMap<OrderId, Order> = self
            .orders_with(order.iter().copied().collect())
            .await?
            .into_iter()
            .map(|head| (head.order_id, head))
            .collect();
        let refunded = self.refunded(order.iter().copied()).await?;
        let shown = order
            .iter()
            .filter_map(|id| Some((heads.get(id)?, lines.get(id)?)))
            .map(|(head, own)| {
                let total = own.iter().map(|line| line.total).sum();
                let back =
                    own.iter().filter_map(|line| refunded.get(&(line.order_id, line.line))).sum();
                let count = u32::try_from(own.len()).unwrap_or(u32::MAX);
                self.order_row(head, total, back, count)
            })
            .collect();
        Ok((shown, next))
    }

    /// What went back to buyers for good, line by line; minor units of each order's currency.
    pub(crate) async fn refunded(
        &self,
        orders: impl IntoIterator<Item = OrderId>,
    ) -> Result<BTreeMap<(OrderId, u32), i64>, Trouble> {
        let ids: BTreeSet<OrderId> = orders.into_iter().collect();
        let ids: Vec<Value> = ids.iter().map(Field::to_value).collect();
        let mut rows: Vec<OrderRefund> = Vec::new();
        for part in ids.chunks(store::IN_VALUES_MAX) {
            let query = Query::of(self.tenant())
                .filter(Filter::In("order_id", part.to_vec()))
                .eq("status", "settled");
            rows.append(&mut self.all(query).await?);
        }
        refunded_lines(&rows)
    }

    fn order_row(&self, row: &Order, total: i64, refunded: i64, lines: u32) -> OrderRow {
        OrderRow {
            order: order_reference(row),
            placed: self.when(row.placed_at),
            status: Status::of(row.status.clone()),
            payment: Status::of(row.payment_status.clone()),
            lines,
            total: Amount::of(total, row.currency),
            refunded: Amount::of(refunded, row.currency),
        }
    }
}

/// What refunds took from each line, minor units.
pub(crate) fn refunded_lines(
    refunds: &[OrderRefund],
) -> Result<BTreeMap<(OrderId, u32), i64>, Trouble> {
    let mut refunded = BTreeMap::new();
    for row in refunds {
        let shares: Vec<LineShare> = serde_json::from_str(&row.shares)
            .map_err(|error| Trouble::fault(format!("shares of {}: {error}", row.refund)))?;
        for share in shares {
            let line = (row.order_id, u32::from(share.line.0));
            *refunded.entry(line).or_insert(0_i64) += share.components.cash();
        }
    }
    Ok(refunded)
}

/// An order by its number.
pub(crate) fn order_reference(row: &Order) -> Reference {
    Reference::to_page(row.order_id, "/dashboard/orders").called(row.reference.as_deref())
}

/// A question for a page that begins behind a cursor, the latest first.
pub(crate) fn page_of(
    tenant: TenantId,
    columns: [&'static str; 2],
    cursor: Option<&str>,
) -> Result<Query, Trouble> {
    let mut query = Query::of(tenant);
    for column in columns {
        query = query.order_by(column, Direction::Descending);
    }
    if let Some(cursor) = cursor {
        let (first, second) =
            cursor.split_once('~').ok_or_else(|| Trouble::malformed("this is not a page"))?;
        // An instant that is none would be refused by the store as a mistake of ours.
        let instant: Timestamp =
            first.parse().map_err(|_| Trouble::malformed("this is not a page"))?;
        let behind = vec![instant.to_value(), Value::text(second)];
        query = query.filter(Filter::Beyond(columns.to_vec(), behind, Direction::Descending));
    }
    Ok(query)
}

/// Where a page ends, for [`page_of`].
pub(crate) fn cursor_of(instant: Timestamp, id: impl std::fmt::Display) -> String {
    format!("{instant}~{id}")
}

/// An amount of an optional currency.
pub(crate) fn amount(minor: Option<i64>, currency: Option<Currency>) -> Option<Amount> {
    Some(Amount::of(minor?, currency?))
}
