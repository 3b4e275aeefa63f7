//! One order: its lines, its money, and everything that happened to it.

use actix_web::{HttpResponse, http::StatusCode, web};
use kernel::OrderId;
use projections::{
    audit_trail::AuditEntry,
    order_reconciliation::OrderReconciliation,
    orders::{Order, OrderLine, Shipment},
};
use store::{Direction, Query, ViewsExt};

use super::{
    frame::page,
    money::sum,
    query::Parameters,
    reading::Reader,
    shown::{Amount, Status, When},
    trouble::{Trouble, Visitor},
    views::{Figure, LineRow, OrderPage, ShipmentRow, TimelineItem},
};
use crate::{
    permissions::{Permission, Reach},
    state::Api,
};

/// One order; a seller sees his own lines of it.
pub(crate) async fn show(
    api: web::Data<Api>,
    visitor: Visitor,
    path: web::Path<String>,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    let id: OrderId = path.parse().map_err(|_| Trouble::not_found("order"))?;
    let reach = visitor.0.may(Permission::SeeOrders)?;
    parameters.wait(&api).await?;
    let reader = Reader { api: &api, caller: &visitor.0 };
    let order: Option<Order> = reader.views().row(reader.tenant(), (id,)).await?;
    let order = order.ok_or_else(|| Trouble::not_found("order"))?;
    let mut lines: Vec<OrderLine> = reader.all(of_order(&reader, id)).await?;
    let own = match reach {
        Reach::All => None,
        Reach::Own(seller) => Some(seller),
    };
    if let Some(seller) = own {
        lines.retain(|line| line.seller == seller);
        if lines.is_empty() {
            return Err(Trouble::not_found("order"));
        }
    }
    let name = order.reference.clone().unwrap_or_else(|| super::shown::shortened(&id.to_string()));
    let shown = OrderPage {
        frame: reader.frame(&format!("Order {name}"), "/dashboard/orders", &parameters),
        id: id.to_string(),
        name,
        status: Status::of(order.status.clone()),
        payment: Status::of(order.payment_status.clone()),
        buyer: if order.guest { "a guest" } else { "a registered buyer" }.to_owned(),
        placed: reader.when(order.placed_at),
        paid: order.paid_at.map(|at| reader.when(at)),
        charge: order.charge.clone().filter(|_| own.is_none()),
        totals: if own.is_none() { totals(&order) } else { totals_of(&lines)? },
        lines: line_rows(&reader, &lines).await?,
        shipments: shipments(&reader, id, own.map(|_| lines.as_slice())).await?,
        refunds: reader.refunds_of(id, own).await?,
        reconciliation: reconciliation(&reader, id).await?,
        timeline: timeline(&reader, id).await?,
    };
    Ok(page(StatusCode::OK, &shown))
}

fn of_order(reader: &Reader<'_>, order: OrderId) -> Query {
    Query::of(reader.tenant()).eq("order_id", order.to_string())
}

/// The sums of an order as its buyer sees them.
pub(crate) fn totals(order: &Order) -> Vec<Figure> {
    let figure = |label, minor| Figure { label, amount: Some(Amount::of(minor, order.currency)) };
    let mut figures = vec![figure("Goods", order.goods)];
    if order.discount != 0 {
        figures.push(figure("Discount", order.discount.checked_neg().unwrap_or(i64::MIN)));
    }
    if order.shipping != 0 {
        figures.push(figure("Shipping", order.shipping));
    }
    if order.tax != 0 {
        figures.push(figure("Tax", order.tax));
    }
    figures.push(figure("Total", order.total));
    figures
}

/// The sums of one seller's lines.
fn totals_of(lines: &[OrderLine]) -> Result<Vec<Figure>, Trouble> {
    let Some(first) = lines.first() else { return Ok(Vec::new()) };
    let figure = |label, part: fn(&OrderLine) -> i64| {
        let minor = sum(lines.iter().map(part))?;
        Ok(Figure { label, amount: Some(Amount::of(minor, first.currency)) })
    };
    [
        figure("Your lines", |line| line.total),
        figure("Commission", |line| line.fee),
        figure("You get", |line| line.seller_net),
    ]
    .into_iter()
    .collect()
}

async fn line_rows(reader: &Reader<'_>, lines: &[OrderLine]) -> Result<Vec<LineRow>, Trouble> {
    let names = reader.seller_names(lines.iter().map(|line| line.seller)).await?;
    let refunded = reader.refunded(lines.iter().map(|line| line.order_id)).await?;
    lines
        .iter()
        .map(|line| {
            let of = |minor| Amount::of(minor, line.currency);
            let seller = names.get(&line.seller).cloned();
            Ok(LineRow {
                title: line.title.clone(),
                seller: seller.ok_or_else(|| Trouble::fault("a line without a seller"))?,
                quantity: line.quantity,
                unit_price: of(line.unit_price),
                discount: of(line.discount),
                shipping: of(line.shipping),
                tax: of(line.tax),
                total: of(line.total),
                fee: of(line.fee),
                seller_net: of(line.seller_net),
                refunded: of(refunded.get(&(line.order_id, line.line)).copied().unwrap_or(0)),
                fulfilment: Status::of(line.fulfilment.clone()),
            })
        })
        .collect()
}

/// A part of a shipment, as the read model keeps it.
#[derive(serde::Deserialize)]
struct Part {
    line: u32,
}

async fn shipments(
    reader: &Reader<'_>,
    order: OrderId,
    own: Option<&[OrderLine]>,
) -> Result<Vec<ShipmentRow>, Trouble> {
    let mut rows: Vec<Shipment> = reader.all(of_order(reader, order)).await?;
    if let Some(own) = own {
        rows.retain(|row| {
            let parts: Vec<Part> = serde_json::from_str(&row.lines).unwrap_or_default();
            parts.iter().any(|part| own.iter().any(|line| line.line == part.line))
        });
    }
    Ok(rows.into_iter().map(|row| shipment_row(row, |at| reader.when(at))).collect())
}

/// A shipment as a row.
pub(crate) fn shipment_row(row: Shipment, when: impl Fn(kernel::Timestamp) -> When) -> ShipmentRow {
    let arrived = row.delivered_at.is_some();
    ShipmentRow {
        name: row.shipment,
        carrier: row.carrier,
        tracking: row.tracking.unwrap_or_default(),
        status: Status::of(if arrived { "delivered" } else { "shipped" }),
        shipped: Some(when(row.delivered_at.unwrap_or(row.shipped_at))),
    }
}

/// The order's money from end to end, for those who see the books.
async fn reconciliation(
    reader: &Reader<'_>,
    order: OrderId,
) -> Result<Option<Vec<Figure>>, Trouble> {
    if !reader.sees_all(Permission::SeeBooks) {
        return Ok(None);
    }
    let row: Option<OrderReconciliation> = reader.views().row(reader.tenant(), (order,)).await?;
    let Some(row) = row else { return Ok(None) };
    let figure = |label, minor| Figure { label, amount: Some(Amount::of(minor, row.currency)) };
    Ok(Some(vec![
        figure("Captured", row.captured),
        figure("Sellers", row.seller_net),
        figure("Commission", row.commission),
        figure("Tax", row.tax),
        figure("Discount", row.discount),
        figure("Released", row.released),
        figure("Refunded", row.refunded),
        figure("Lost", row.lost),
        Figure {
            label: "Stripe's fee",
            amount: super::reading::amount(row.stripe_fee, row.stripe_fee_currency),
        },
        figure("Difference", row.difference),
    ]))
}

/// Everything that happened to the order, for those who read the audit trail.
async fn timeline(
    reader: &Reader<'_>,
    order: OrderId,
) -> Result<Option<Vec<TimelineItem>>, Trouble> {
    if !reader.sees_all(Permission::ReadAudit) {
        return Ok(None);
    }
    let query = Query::of(reader.tenant())
        .eq("category", "order")
        .eq("stream_id", order.to_string())
        .order_by("position", Direction::Ascending);
    let rows: Vec<AuditEntry> = reader.rows(query).await?;
    let shown = rows.into_iter().map(|row| TimelineItem {
        when: reader.when(row.recorded_at),
        what: row.event_type,
        summary: row.summary,
        who: actor_words(&row.actor_kind, &row.actor),
        webhook: row.webhook,
        explain: format!("/dashboard/events/{}", row.position.0),
    });
    Ok(Some(shown.collect()))
}

/// Who acted, in words.
pub(crate) fn actor_words(kind: &str, actor: &str) -> String {
    let actor = super::shown::shortened(actor);
    match kind {
        "api_key" => format!("key {actor}"),
        "stripe" => "Stripe".to_owned(),
        "guest" => "the guest".to_owned(),
        "timer" => "a timer".to_owned(),
        "policy" => format!("the policy {}", actor.replace('_', " ")),
        _ => format!("{kind} {actor}"),
    }
}
