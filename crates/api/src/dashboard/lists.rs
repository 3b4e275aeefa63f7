//! Refunds, disputes, payouts, work items and Stripe's events, as rows of tables.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{DisputeId, OrderId, SellerId};
use projections::{
    disputes::{Dispute, DisputeAction},
    orders::OrderLine,
    payouts::Payout,
    refunds::Refund,
    webhooks::Webhook,
    work_items::WorkItem,
};
use store::{Direction, Field, Filter, Query, Value};

use super::{
    reading::{Reader, amount, cursor_of, page_of},
    shown::{Amount, Reference, Status},
    trouble::Trouble,
    views::{DisputeRow, PayoutRow, RefundRow, WebhookRow, WorkItemRow},
};
use crate::{
    permissions::{Permission, Reach},
    secrets::random_text,
};

/// Rows of a list, and where the next page begins.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// Which part of a list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Part<'a> {
    /// Only this seller's.
    pub(crate) seller: Option<SellerId>,
    /// Only those in this state.
    pub(crate) status: Option<&'a str>,
    /// Behind the end of another page.
    pub(crate) cursor: Option<&'a str>,
    /// At most so many.
    pub(crate) limit: usize,
}

impl Part<'_> {
    /// The latest few of everything, or of one seller.
    pub(crate) const fn latest(seller: Option<SellerId>, limit: usize) -> Self {
        Self { seller, status: None, cursor: None, limit }
    }
}

/// The first rows of what was read, and where the next page begins.
pub(crate) fn cut<T>(mut rows: Vec<T>, limit: usize, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(cursor);
    (rows, next)
}

impl Reader<'_> {
    pub(super) fn part(
        &self,
        part: Part<'_>,
        columns: [&'static str; 2],
    ) -> Result<Query, Trouble> {
        let mut query = page_of(self.tenant(), columns, part.cursor)?.limit(part.limit + 1);
        if let Some(seller) = part.seller {
            query = query.eq("seller", seller.to_string());
        }
        if let Some(status) = part.status {
            query = query.eq("status", status);
        }
        Ok(query)
    }

    /// Refunds, the latest first.
    pub(crate) async fn refunds(&self, part: Part<'_>) -> Result<Page<RefundRow>, Trouble> {
        let rows = self.rows(self.part(part, ["opened_at", "refund"])?).await?;
        let (rows, next) =
            cut(rows, part.limit, |row: &Refund| cursor_of(row.opened_at, row.refund));
        Ok((self.refund_rows(rows).await?, next))
    }

    /// An order's refunds; of one seller's lines only, if so asked.
    pub(crate) async fn refunds_of(
        &self,
        order: OrderId,
        seller: Option<SellerId>,
    ) -> Result<Vec<RefundRow>, Trouble> {
        let mut query = Query::of(self.tenant())
            .eq("order_id", order.to_string())
            .order_by("opened_at", Direction::Descending);
        if let Some(seller) = seller {
            query = query.eq("seller", seller.to_string());
        }
        self.refund_rows(self.rows(query).await?).await
    }

    async fn refund_rows(&self, rows: Vec<Refund>) -> Result<Vec<RefundRow>, Trouble> {
        let orders = self.order_names(rows.iter().filter_map(|row| row.order_id)).await?;
        let sellers = self.seller_names(rows.iter().filter_map(|row| row.seller)).await?;
        let decides = self.reach(Permission::DecideRefunds);
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let open = matches!(row.status.as_str(), "requested" | "escalated");
            let his = match decides {
                Some(Reach::All) => true,
                Some(Reach::Own(seller)) => row.seller == Some(seller),
                None => false,
            };
            let decide = if open && his { Some((row.refund.to_string(), once()?)) } else { None };
            shown.push(RefundRow {
                refund: Reference::plain(row.refund),
                order: row.order_id.map(|order| named(&orders, order)),
                seller: row.seller.and_then(|seller| sellers.get(&seller).cloned()),
                requested: self.when(row.opened_at),
                amount: Amount::of(row.amount, row.currency),
                status: Status::of(row.status),
                reason: row.failure.or(row.note).or(row.reason).unwrap_or_default(),
                decide_by: row.decide_by.filter(|_| open).map(|at| self.due(at)),
                decide,
            });
        }
        Ok(shown)
    }

    /// Disputes that wait for somebody, the nearest deadline first, then those without one.
    pub(crate) async fn open_disputes(
        &self,
        seller: Option<SellerId>,
        limit: usize,
    ) -> Result<Vec<DisputeRow>, Trouble> {
        let open = Query::of(self.tenant()).filter(Filter::Eq("closed_at", Value::Null));
        let mut rows: Vec<Dispute> = self.all(open).await?;
        if let Some(seller) = seller {
            rows = self.disputes_with(seller, rows).await?;
        }
        rows.sort_by_key(|row| (row.due_by.is_none(), row.due_by, row.opened_at, row.dispute));
        rows.truncate(limit);
        self.dispute_rows(rows).await
    }

    /// Disputes that are over, the latest first.
    pub(crate) async fn closed_disputes(
        &self,
        part: Part<'_>,
    ) -> Result<Page<DisputeRow>, Trouble> {
        let columns = ["opened_at", "dispute"];
        let position = |row: &Dispute| cursor_of(row.opened_at, row.dispute);
        let mut found: Vec<Dispute> = Vec::new();
        let mut cursor = part.cursor.map(str::to_owned);
        loop {
            let query = page_of(self.tenant(), columns, cursor.as_deref())?
                .filter(Filter::Present("closed_at"))
                .limit(READ_DISPUTES);
            let page: Vec<Dispute> = self.rows(query).await?;
            let is_last = page.len() < READ_DISPUTES;
            cursor = page.last().map(position);
            found.append(&mut match part.seller {
                Some(seller) => self.disputes_with(seller, page).await?,
                None => page,
            });
            if is_last || found.len() > part.limit {
                break;
            }
        }
        let (rows, next) = cut(found, part.limit, position);
        Ok((self.dispute_rows(rows).await?, next))
    }

    /// Those of the disputes whose order holds lines of this seller.
    async fn disputes_with(
        &self,
        seller: SellerId,
        mut rows: Vec<Dispute>,
    ) -> Result<Vec<Dispute>, Trouble> {
        let orders: BTreeSet<OrderId> = rows.iter().filter_map(|row| row.order_id).collect();
        let ids: Vec<Value> = orders.iter().map(Field::to_value).collect();
        let mut his: BTreeSet<OrderId> = BTreeSet::new();
        for part in ids.chunks(store::IN_VALUES_MAX) {
            let query = Query::of(self.tenant())
                .filter(Filter::In("order_id", part.to_vec()))
                .eq("seller", seller.to_string());
            let lines: Vec<OrderLine> = self.all(query).await?;
            his.extend(lines.into_iter().map(|line| line.order_id));
        }
        rows.retain(|row| row.order_id.is_some_and(|order| his.contains(&order)));
        Ok(rows)
    }

    async fn dispute_rows(&self, rows: Vec<Dispute>) -> Result<Vec<DisputeRow>, Trouble> {
        let orders = self.order_names(rows.iter().filter_map(|row| row.order_id)).await?;
        let ids: Vec<Value> = rows.iter().map(|row| row.dispute.to_value()).collect();
        let mut assignees: BTreeMap<DisputeId, String> = BTreeMap::new();
        for part in ids.chunks(store::IN_VALUES_MAX) {
            let query = Query::of(self.tenant())
                .filter(Filter::In("dispute", part.to_vec()))
                .eq("action", "assigned");
            let actions: Vec<DisputeAction> = self.all(query).await?;
            // In the order of the log, so the last one stays.
            assignees.extend(actions.into_iter().map(|action| (action.dispute, action.detail)));
        }
        let shown = rows.into_iter().map(|row| DisputeRow {
            dispute: Reference::plain(row.dispute).called(Some(&row.stripe_dispute)),
            order: row.order_id.map(|order| named(&orders, order)),
            opened: self.when(row.opened_at),
            amount: Amount::of(row.amount, row.currency),
            status: Status::of(row.outcome.unwrap_or(row.status)),
            reason: row.failure.unwrap_or_else(|| row.reason.replace('_', " ")),
            due: row.due_by.filter(|_| row.closed_at.is_none()).map(|at| self.due(at)),
            assignee: assignees.remove(&row.dispute),
        });
        Ok(shown.collect())
    }

    /// Payouts, the latest first.
    pub(crate) async fn payouts(&self, part: Part<'_>) -> Result<Page<PayoutRow>, Trouble> {
        let rows = self.rows(self.part(part, ["opened_at", "payout"])?).await?;
        let (rows, next) =
            cut(rows, part.limit, |row: &Payout| cursor_of(row.opened_at, row.payout));
        let sellers = self.seller_names(rows.iter().filter_map(|row| row.seller)).await?;
        let shown = rows.into_iter().map(|row| {
            let dated = |words: &str, at| {
                let local = self.when(at);
                let day = local.instant.to_datetime().with_timezone(&local.zone);
                format!("{words} {}", day.format("%-d %b %Y"))
            };
            let note = match (&row.failure, row.paid_at, row.arrival) {
                (Some(failure), ..) => failure.replace('_', " "),
                (None, Some(paid), _) => dated("paid", paid),
                (None, None, Some(arrival)) => dated("expected", arrival),
                (None, None, None) if row.by_schedule => "by schedule".to_owned(),
                (None, None, None) => String::new(),
            };
            PayoutRow {
                payout: Reference::plain(row.payout).called(row.stripe_payout.as_deref()),
                seller: row.seller.and_then(|seller| sellers.get(&seller).cloned()),
                requested: self.when(row.opened_at),
                amount: row.amount.map(|minor| Amount::of(minor, row.currency)),
                status: Status::of(row.status),
                note,
            }
        });
        Ok((shown.collect(), next))
    }

    /// What waits for somebody: what is due first, then the longest open.
    pub(crate) async fn work_items(
        &self,
        kind: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<WorkItemRow>, BTreeSet<String>), Trouble> {
        let mut rows: Vec<WorkItem> = self.all(Query::of(self.tenant())).await?;
        let kinds = rows.iter().map(|row| row.kind.clone()).collect();
        rows.retain(|row| kind.is_none_or(|kind| row.kind == kind));
        // An account that is open for an hour is how a ledger works; what is late comes first.
        rows.sort_by_key(|row| (row.due_by.unwrap_or(row.opened_at), row.position));
        rows.truncate(limit);
        let shown = rows.into_iter().map(|row| {
            let page = match row.subject.split_once('_').map(|(prefix, _)| prefix) {
                Some("ord") => Some("/dashboard/orders"),
                Some("sel") => Some("/dashboard/sellers"),
                Some(_) | None => None,
            };
            WorkItemRow {
                kind: Status::of(row.kind),
                about: page.map_or_else(
                    || Reference::plain(&row.subject),
                    |page| Reference::to_page(&row.subject, page),
                ),
                detail: row.detail,
                amount: amount(row.amount, row.currency),
                since: self.when(row.opened_at),
                due: row.due_by.map(|at| self.due(at)),
                explain: format!("/dashboard/events/{}", row.position.0),
            }
        });
        Ok((shown.collect(), kinds))
    }

    /// Stripe's events, the latest first.
    pub(crate) async fn webhooks(&self, part: Part<'_>) -> Result<Page<WebhookRow>, Trouble> {
        let rows = self.rows(self.part(part, ["received_at", "event"])?).await?;
        let (rows, next) =
            cut(rows, part.limit, |row: &Webhook| cursor_of(row.received_at, &row.event));
        let shown = rows.into_iter().map(|row| WebhookRow {
            event: Reference::plain(&row.event).called(Some(&row.event)),
            kind: row.kind,
            endpoint: row.account.map_or(row.endpoint, |account| format!("connect, {account}")),
            received: self.when(row.received_at),
            note: row
                .reason
                .or_else(|| row.parked_by.map(|object| format!("waits for {object}")))
                .or_else(|| row.commands.map(|commands| commands.replace('\n', ", ")))
                .unwrap_or_default(),
            status: Status::of(row.status),
        });
        Ok((shown.collect(), next))
    }
}

const READ_DISPUTES: usize = 500;

/// An order by its number, or by its id while the read model does not know it yet.
fn named(orders: &BTreeMap<OrderId, Reference>, order: OrderId) -> Reference {
    let unknown = || Reference::to_page(order, "/dashboard/orders");
    orders.get(&order).cloned().unwrap_or_else(unknown)
}

/// A word for one use: a form sent twice does its work once.
pub(crate) fn once() -> Result<String, Trouble> {
    random_text().map_err(|error| Trouble::fault(error.to_string()))
}
