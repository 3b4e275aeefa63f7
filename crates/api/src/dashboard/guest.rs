//! The order page of a guest: whoever has the order's token sees that order and nothing else.
//!
//! A wrong token and an order that does not exist get the same answer, so nobody learns from it which
//! orders there are. The address carries the token, so the page never tells it to other sites.

use std::sync::Arc;

use actix_web::{HttpResponse, http::StatusCode, web};
use aggregates::{
    order::{Order as OrderStream, commands::OrderCommand},
    vocabulary::{LineNo, Person},
};
use engine::{Envelope, TenantInfo};
use kernel::{Actor, ActorKind, KeyId, OrderId, RefundId, RequestId, Timestamp};
use projections::{
    orders::{Order, OrderLine, OrderRefund, Shipment},
    refunds::Refund,
};
use serde::Deserialize;
use store::{Direction, Idempotency, Query, Views, ViewsExt, fingerprint};

use super::{
    frame::{page, see_other},
    lists::once,
    menu::notice,
    order::{shipment_row, totals},
    query::Parameters,
    reading::refunded_lines,
    shown::{Amount, Reference, Status, When, encoded, shortened},
    trouble::Trouble,
    views::{GuestLine, GuestOrderPage, RefundRow},
};
use crate::{
    problem::Problem,
    secrets::{hash_text, same_hash},
    state::Api,
};

/// A guest's order, opened with its token.
struct Opened {
    order: Order,
    info: Arc<TenantInfo>,
}

/// What is compared where there is nothing to compare with, so that both answers take their time.
const NOBODYS_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

async fn open(api: &Api, id: &str, token: &str) -> Result<Opened, Trouble> {
    let unknown = || Trouble::not_found("order").back_to("/");
    let given = hash_text(token);
    let order = find(api, id).await?;
    let stored = order.as_ref().and_then(|order| order.guest_token_hash.as_deref());
    if !same_hash(stored.unwrap_or(NOBODYS_HASH), &given) {
        return Err(unknown());
    }
    let order = order.ok_or_else(unknown)?;
    let info = api.engine.bus().directory().tenant(order.tenant).await?.ok_or_else(unknown)?;
    Ok(Opened { order, info })
}

/// An order by its id alone: a guest has no key that says whose it is, only its token, which is
/// checked before anything of the order is used.
async fn find(api: &Api, id: &str) -> Result<Option<Order>, Trouble> {
    let Ok(id) = id.parse::<OrderId>() else { return Ok(None) };
    let query = Query::across_tenants().eq("order_id", id.to_string()).limit(1);
    let rows: Vec<Order> = api.engine.views().rows(query).await?;
    Ok(rows.into_iter().next())
}

/// Shows a guest his order.
pub(crate) async fn show(
    api: web::Data<Api>,
    path: web::Path<String>,
    parameters: Parameters,
) -> Result<HttpResponse, Trouble> {
    parameters.wait(&api).await?;
    let token = parameters.get("t").unwrap_or_default();
    let Opened { order, info } = open(&api, &path, token).await?;
    let when = |instant| When::new(instant, info.zone);
    let views = &**api.engine.views();
    let of_order = || Query::of(order.tenant).eq("order_id", order.order_id.to_string());
    let shipments: Vec<Shipment> = views.rows(of_order()).await?;
    let refunds: Vec<Refund> =
        views.rows(of_order().order_by("opened_at", Direction::Descending)).await?;
    let id = order.order_id.to_string();
    let shown = GuestOrderPage {
        shop: info.name.clone(),
        name: order.reference.clone().unwrap_or_else(|| shortened(&id)),
        status: Status::of(order.status.clone()),
        payment: Status::of(order.payment_status.clone()),
        placed: when(order.placed_at),
        totals: totals(&order),
        lines: lines(&api, views, &order, &info).await?,
        shipments: shipments.into_iter().map(|row| shipment_row(row, when)).collect(),
        refunds: refunds.into_iter().map(|row| refund_row(row, when)).collect(),
        token: token.to_owned(),
        once: once()?,
        notice: notice(&parameters),
        zone: info.zone.to_string(),
        id,
    };
    Ok(page(StatusCode::OK, &shown))
}

async fn lines(
    api: &Api,
    views: &dyn Views,
    order: &Order,
    info: &TenantInfo,
) -> Result<Vec<GuestLine>, Trouble> {
    let query = Query::of(order.tenant)
        .eq("order_id", order.order_id.to_string())
        .order_by("line", Direction::Ascending);
    let rows: Vec<OrderLine> = views.rows(query).await?;
    let now = api.engine.bus().directory().now(Some(info));
    let id = order.order_id.to_string();
    let bus = api.engine.bus();
    let settled = Query::of(order.tenant).eq("order_id", id.as_str()).eq("status", "settled");
    let refunded = refunded_lines(&views.rows::<OrderRefund>(settled).await?)?;
    let numbers: Vec<u32> = rows.iter().map(|row| row.line).collect();
    let open = bus
        .inspect::<OrderStream, _>(order.tenant, &id, |order, _| {
            numbers.into_iter().map(|line| refundable(order, line, now)).collect::<Vec<_>>()
        })
        .await?;
    let shown = rows.into_iter().zip(open).map(|(row, refundable)| {
        let back = refunded.get(&(row.order_id, row.line)).copied().unwrap_or(0);
        GuestLine {
            line: row.line,
            title: row.title,
            quantity: row.quantity,
            total: Amount::of(row.total, row.currency),
            refunded: Amount::of(back, row.currency),
            fulfilment: Status::of(row.fulfilment),
            refundable: refundable.map(|minor| Amount::of(minor, row.currency)),
        }
    });
    Ok(shown.collect())
}

/// What a guest may still ask back of a line; minor units.
fn refundable(order: &OrderStream, line: u32, now: Timestamp) -> Option<i64> {
    let line = u16::try_from(line).map(LineNo).ok()?;
    let window = i64::from(order.policy()?.refund_window_days);
    let paid = order.payment().filter(|paid| !paid.reversed)?;
    let remaining = order.remaining(line).cash();
    let may = now <= paid.occurred_at.plus_days(window)
        && remaining > 0
        && !order.refund_open(line)
        && !order.dispute_open();
    may.then_some(remaining)
}

fn refund_row(row: Refund, when: impl Fn(Timestamp) -> When) -> RefundRow {
    RefundRow {
        refund: Reference::plain(row.refund),
        order: None,
        seller: None,
        requested: when(row.opened_at),
        amount: Amount::of(row.amount, row.currency),
        status: Status::of(row.status),
        reason: String::new(),
        decide_by: None,
        decide: None,
    }
}

/// A refund that a guest asks for. The token is in the form, not in the address.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundForm {
    token: String,
    once: String,
    line: u16,
    reason: String,
}

/// Asks for a refund of a line of a guest's order.
pub(crate) async fn request_refund(
    api: web::Data<Api>,
    path: web::Path<String>,
    form: web::Form<RefundForm>,
) -> Result<HttpResponse, Trouble> {
    let Opened { order, .. } = open(&api, &path, &form.token).await?;
    let (tenant, id) = (order.tenant, order.order_id.to_string());
    let home = format!("/orders/{id}?t={}", encoded(&form.token));
    let back = |problem: Problem| Trouble::from(problem).back_to(home.as_str());
    let reason = form.reason.trim();
    let fits = !reason.is_empty() && reason.chars().count() <= 500;
    if !fits || form.once.is_empty() || form.once.len() > 100 {
        return Err(back(Problem::malformed("say in at most 500 characters what is wrong")));
    }
    // A guest has no key, so his order has a rate of its own.
    api.admit_refund(KeyId::derived(&["guest", &id])).map_err(back)?;
    let guest = order.buyer.to_string();
    let line = form.line.to_string();
    let print = fingerprint(&[b"guest refund", id.as_bytes(), line.as_bytes(), reason.as_bytes()]);
    let key = format!("guest/{id}/{}", form.once);
    let refund = RefundId::derived(&[&tenant.to_string(), "idempotency", &key]);
    let envelope = Envelope::of_request(
        tenant,
        Actor::new(ActorKind::Guest, guest.as_str()),
        RequestId::mint(),
        Some(Idempotency { key, fingerprint: print }),
    );
    let command = OrderCommand::ReserveRefund {
        refund,
        line: LineNo(form.line),
        amount: None,
        reason: reason.to_owned(),
        by: Person(guest),
        approved: false,
        despite_inquiry: false,
    };
    let sent = api.engine.bus().send::<OrderStream>(&id, command, envelope).await;
    let sent = sent.map_err(|error| back(Problem::from(("order", error))))?;
    Ok(see_other(&format!("{home}&done=refund&after={}", sent.position.0)))
}
