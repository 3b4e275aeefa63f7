//! Payments: checkout sessions we ask for, and money that was set aside.

use actix_web::{HttpResponse, web};
use aggregates::{
    order::{Order, OrderStatus},
    payment::{Payment, commands::PaymentCommand, events::AttributedShare},
};
use kernel::{Money, OrderId, PaymentId, RefundId, SellerId};
use serde::Deserialize;

use super::orders::NewCheckout;
use crate::{
    commands::{Written, send},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// Stripe's sessions live at least this long.
const SESSION_SECONDS_MIN: i64 = 30 * 60;

pub(super) async fn request(
    api: &Api,
    caller: &Caller,
    order: OrderId,
    body: Body<NewCheckout>,
) -> Result<Written, Problem> {
    let payment = created_id!(PaymentId, caller);
    let now = api.engine.bus().directory().now(Some(&caller.info));
    let id = order.to_string();
    let (status, amount, expires_at) = api
        .engine
        .bus()
        .inspect::<Order, _>(caller.tenant, &id, |order, _| {
            (order.status(), order.total(), order.due_times().expires_at)
        })
        .await?;
    if status != OrderStatus::Placed {
        let detail = format!("the order is {}; only a placed order can be paid", status.as_ref());
        return Err(Problem::refused("order.not_payable", &detail));
    }
    let amount = amount.ok_or_else(|| Problem::not_found("order"))?;
    let earliest = now.plus_seconds(SESSION_SECONDS_MIN);
    let expires_at = expires_at.map_or(earliest, |due| due.max(earliest));
    let command = PaymentCommand::Request {
        payment,
        order,
        amount,
        transfer_group: order.to_string(),
        success_url: body.value.success_url,
        cancel_url: body.value.cancel_url,
        expires_at,
        idempotency_key: format!("db:{}:payment:{payment}:session", caller.tenant),
    };
    send::<Payment>(api, caller, body.fingerprint, payment, command).await
}

/// Which order, or which sellers, set-aside money belongs to.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAttribution {
    /// The order it pays.
    #[schema(value_type = Option<String>)]
    order: Option<OrderId>,
    /// Or the sellers it is divided among; the shares must sum to what is set aside.
    #[serde(default)]
    shares: Vec<NewShare>,
    reason: String,
}

/// A seller's share.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShare {
    #[schema(value_type = String)]
    seller: SellerId,
    /// What the seller gets, minor units.
    seller_net: i64,
    /// The platform's commission, minor units.
    fee: i64,
}

/// Attributes set-aside money to an order or to sellers.
#[utoipa::path(post, path = "/v1/payments/{payment}/attribution", tag = "payments",
    request_body = NewAttribution, responses((status = 200, body = Written)))]
pub(crate) async fn attribute(
    api: web::Data<Api>,
    caller: Caller,
    payment: web::Path<PaymentId>,
    body: Body<NewAttribution>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let NewAttribution { order, shares, reason } = body.value;
    let command = match (order, shares.is_empty()) {
        (Some(order), true) => PaymentCommand::AttributeToOrder { order, reason },
        (None, false) => {
            let shares = shares
                .into_iter()
                .map(|share| AttributedShare {
                    seller: share.seller,
                    organizer: share.seller.to_string().into(),
                    seller_net: share.seller_net,
                    fee: share.fee,
                })
                .collect();
            PaymentCommand::AttributeToSellers { shares, reason }
        }
        (Some(_), false) | (None, true) => {
            return Err(Problem::malformed("give either an order or shares"));
        }
    };
    let written = send::<Payment>(&api, &caller, body.fingerprint, *payment, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// How much of the set-aside money goes back, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUnallocatedRefund {
    /// Default: all of it.
    #[schema(value_type = Option<Object>)]
    amount: Option<Money>,
    reason: String,
}

/// Sends set-aside money back.
#[utoipa::path(post, path = "/v1/payments/{payment}/refunds", tag = "payments",
    request_body = NewUnallocatedRefund, responses((status = 201, body = Written)))]
pub(crate) async fn refund(
    api: web::Data<Api>,
    caller: Caller,
    payment: web::Path<PaymentId>,
    body: Body<NewUnallocatedRefund>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let refund = created_id!(RefundId, caller);
    let NewUnallocatedRefund { amount, reason } = body.value;
    let command = PaymentCommand::ReserveUnallocatedRefund { refund, amount, reason };
    let written = send::<Payment>(&api, &caller, body.fingerprint, *payment, command).await?;
    Ok(HttpResponse::Created().json(Written { id: refund.to_string(), ..written }))
}
