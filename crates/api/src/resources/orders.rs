//! Orders: placed whole by the storefront, paid through Stripe, shipped, delivered, cancelled.

use actix_web::{HttpResponse, web};
use aggregates::{
    order::{
        Order,
        commands::{OrderCommand, PlaceOrder, PricedLine},
        events::{Buyer, DeliveredBy, Discount, LineAmounts, Origin, ShippedLine, Totals},
    },
    seller_account::SellerAccount,
    vocabulary::{FundedBy, LineNo, Person},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Currency, KeyRef, Money, OrderId, Rate, RefundId, SellerId, SubjectRef, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    commands::{Written, may_with_lines, may_with_order, send, subject_of},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    secrets::hash_text,
    state::Api,
};

/// A full priced order. Every amount is recomputed; a difference is refused and named.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrder {
    /// Your own number for it.
    reference: Option<String>,
    /// ISO 4217 code; every amount is in its Stripe minor units.
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// Where it came from; default `cart`.
    #[serde(default)]
    #[schema(value_type = String)]
    origin: Origin,
    buyer: NewBuyer,
    /// Needed if any line is shippable; kept sealed.
    #[schema(value_type = Object)]
    ship_to: Option<serde_json::Value>,
    lines: Vec<NewLine>,
    discount: Option<NewDiscount>,
    /// For the whole order, minor units.
    #[serde(default)]
    shipping: i64,
    /// For the whole order, minor units.
    #[serde(default)]
    tax: i64,
    /// Whom the tax is owed to, such as `US-CA`.
    #[serde(default = "no_jurisdiction")]
    tax_jurisdiction: String,
    #[schema(value_type = Object)]
    totals: Totals,
    /// When it must be paid (RFC 3339); default by policy.
    #[schema(value_type = Option<String>)]
    pay_by: Option<Timestamp>,
}

pub(super) fn no_jurisdiction() -> String {
    "none".to_owned()
}

/// Either your customer's id, or a guest's e-mail address.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum NewBuyer {
    /// Your customer's id.
    Account(String),
    /// A guest's e-mail address; kept sealed.
    GuestEmail(String),
}

/// A line as you priced it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    listing: String,
    title: String,
    #[schema(value_type = String)]
    seller: SellerId,
    organizer: Option<String>,
    quantity: u32,
    /// Minor units each.
    unit_price: i64,
    #[serde(default)]
    shippable: bool,
    #[serde(default)]
    taxable: bool,
    /// Commission in basis points.
    #[schema(value_type = u16)]
    fee_bps: Rate,
    #[schema(value_type = Object)]
    amounts: LineAmounts,
}

/// A discount on the goods.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDiscount {
    /// Minor units.
    amount: i64,
    /// `platform` or `seller`.
    #[schema(value_type = String)]
    funded_by: FundedBy,
    code: Option<String>,
}

/// A placed order, and what to put on the Stripe objects that pay it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PlacedOrder {
    #[serde(flatten)]
    written: Written,
    status: String,
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
    /// For the guest's order page; only in the answer to the request that placed the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_token: Option<String>,
    /// Metadata, `client_reference_id` and `transfer_group` for session, intent and charge.
    #[schema(value_type = Object)]
    stripe: serde_json::Value,
}

/// Places a priced order.
#[utoipa::path(post, path = "/v1/orders", tag = "orders", request_body = NewOrder,
    responses((status = 201, body = PlacedOrder), (status = 422, body = Problem)))]
pub(crate) async fn place(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewOrder>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::PlaceOrders)?;
    let order = created_id!(OrderId, caller);
    let (command, guest_token) = placement(&api, &caller, order, body.value).await?;
    let command = OrderCommand::Place(Box::new(command));
    let written = send::<Order>(&api, &caller, body.fingerprint, order, command).await?;
    let (status, expires_at) = api
        .engine
        .bus()
        .inspect::<Order, _>(caller.tenant, &order.to_string(), |order, _| {
            (order.status().as_ref().to_owned(), order.due_times().expires_at)
        })
        .await?;
    let stripe = serde_json::json!({
        "metadata": { "daybook_tenant": caller.tenant, "daybook_order": order },
        "client_reference_id": order,
        "transfer_group": order,
    });
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/orders/{order}")))
        .json(PlacedOrder { written, status, expires_at, guest_token, stripe }))
}

async fn placement(
    api: &Api,
    caller: &Caller,
    order: OrderId,
    new: NewOrder,
) -> Result<(PlaceOrder, Option<String>), Problem> {
    let subject = subject_of(order);
    let (buyer, guest_token) = buyer_of(api, caller, order, new.buyer).await?;
    let ship_to = match &new.ship_to {
        Some(address) => {
            let text = serde_json::to_vec(&serde_json::json!({ "ship_to": address }))
                .map_err(|error| Problem::malformed(error.to_string()))?;
            seal(api, caller, subject, &text).await?;
            Some(subject)
        }
        None => None,
    };
    let mut lines = Vec::with_capacity(new.lines.len());
    for line in new.lines {
        let seller_ready = is_ready(api, caller, line.seller).await?;
        lines.push(line.priced(seller_ready));
    }
    let placement = PlaceOrder {
        order,
        reference: new.reference,
        buyer,
        currency: new.currency,
        origin: new.origin,
        lines,
        discount: new.discount.map(|discount| Discount {
            amount: discount.amount,
            funded_by: discount.funded_by,
            code: discount.code,
        }),
        shipping: new.shipping,
        tax: new.tax,
        tax_jurisdiction: new.tax_jurisdiction,
        ship_to,
        claimed: new.totals,
        policy: caller.info.policy.clone(),
        pay_by: new.pay_by,
    };
    Ok((placement, guest_token))
}

impl NewLine {
    fn priced(self, seller_ready: bool) -> PricedLine {
        PricedLine {
            listing: self.listing,
            title: self.title,
            seller: self.seller,
            seller_ready,
            organizer: self.organizer.map(Into::into),
            quantity: self.quantity,
            unit_price: self.unit_price,
            shippable: self.shippable,
            taxable: self.taxable,
            fee_bps: self.fee_bps,
            claimed: self.amounts,
        }
    }
}

async fn is_ready(api: &Api, caller: &Caller, seller: SellerId) -> Result<bool, Problem> {
    let id = seller.to_string();
    let bus = api.engine.bus();
    Ok(bus.inspect::<SellerAccount, _>(caller.tenant, &id, |seller, _| seller.is_ready()).await?)
}

async fn seal(
    api: &Api,
    caller: &Caller,
    subject: SubjectRef,
    plain: &[u8],
) -> Result<kernel::Sealed, Problem> {
    let sealed = api.engine.sealer().seal_for(caller.tenant, subject, plain).await;
    sealed.map_err(|error| Problem::unavailable(error.to_string()))
}

async fn buyer_of(
    api: &Api,
    caller: &Caller,
    order: OrderId,
    buyer: NewBuyer,
) -> Result<(Buyer, Option<String>), Problem> {
    match buyer {
        NewBuyer::Account(account) => {
            let tenant = caller.tenant.to_string();
            Ok((Buyer::Registered(SubjectRef::derived(&[&tenant, "account", &account])), None))
        }
        NewBuyer::GuestEmail(address) => {
            let plausible = address.len() <= 254 && address.split('@').count() == 2;
            if !plausible {
                return Err(Problem::malformed("guest_email is not an e-mail address"));
            }
            let subject = subject_of(order);
            let email = seal(api, caller, subject, address.as_bytes()).await?;
            let token = guest_token(api, caller, subject, order).await?;
            let token_hash = hash_text(&token);
            Ok((Buyer::Guest { subject, email, token_hash }, Some(token)))
        }
    }
}

/// The guest's token: 256 bits that follow from the guest's own secret sealing key, so that a
/// repeated request gets the same one although only its hash is stored.
async fn guest_token(
    api: &Api,
    caller: &Caller,
    subject: SubjectRef,
    order: OrderId,
) -> Result<String, Problem> {
    let key = KeyRef(format!("subject/{subject}"));
    let log = api.engine.log();
    let secret = log.sealing_key(caller.tenant, &key).await?;
    let secret = secret.ok_or_else(|| Problem::fault("the guest's sealing key is missing"))?;
    let mut hash = Sha256::new();
    hash.update(b"daybook guest token\0");
    hash.update(secret);
    hash.update(order.to_string());
    Ok(URL_SAFE_NO_PAD.encode(hash.finalize()))
}

/// Where the buyer goes after paying.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCheckout {
    pub(super) success_url: String,
    pub(super) cancel_url: String,
}

/// Asks Stripe for a Checkout session. The session appears on the payment when Stripe has opened it.
#[utoipa::path(post, path = "/v1/orders/{order}/checkout", tag = "orders",
    request_body = NewCheckout, responses((status = 202, body = Written)))]
pub(crate) async fn checkout(
    api: web::Data<Api>,
    caller: Caller,
    order: web::Path<OrderId>,
    body: Body<NewCheckout>,
) -> Result<HttpResponse, Problem> {
    may_with_order(&api, &caller, Permission::PlaceOrders, *order).await?;
    let written = super::payments::request(&api, &caller, *order, body).await?;
    Ok(HttpResponse::Accepted().json(written))
}

/// Which lines, why, and what the buyer is charged for it.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCancellation {
    /// Default: all.
    lines: Option<Vec<u16>>,
    reason: String,
    /// Minor units kept from the refund.
    #[serde(default)]
    cancellation_fee: i64,
}

/// Cancels an order before payment, or lines of it afterwards.
#[utoipa::path(post, path = "/v1/orders/{order}/cancel", tag = "orders",
    request_body = NewCancellation, responses((status = 200, body = Written)))]
pub(crate) async fn cancel(
    api: web::Data<Api>,
    caller: Caller,
    order: web::Path<OrderId>,
    body: Body<NewCancellation>,
) -> Result<HttpResponse, Problem> {
    let lines = body.value.lines.map(|lines| lines.into_iter().map(LineNo).collect::<Vec<_>>());
    match &lines {
        Some(lines) => {
            may_with_lines(&api, &caller, Permission::FulfilOrders, *order, lines).await?;
        }
        None => may_with_order(&api, &caller, Permission::PlaceOrders, *order).await?,
    }
    let command = OrderCommand::Cancel {
        lines,
        reason: body.value.reason,
        cancellation_fee: body.value.cancellation_fee,
    };
    let written = send::<Order>(&api, &caller, body.fingerprint, *order, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// What was handed to which carrier.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShipment {
    /// Your number for the shipment.
    shipment: String,
    lines: Vec<NewShippedLine>,
    carrier: String,
    tracking: Option<String>,
}

/// How many of a line.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewShippedLine {
    line: u16,
    quantity: u32,
}

/// Records a shipment.
#[utoipa::path(post, path = "/v1/orders/{order}/shipments", tag = "orders",
    request_body = NewShipment, responses((status = 201, body = Written)))]
pub(crate) async fn ship(
    api: web::Data<Api>,
    caller: Caller,
    order: web::Path<OrderId>,
    body: Body<NewShipment>,
) -> Result<HttpResponse, Problem> {
    let lines: Vec<_> = body
        .value
        .lines
        .iter()
        .map(|line| ShippedLine { line: LineNo(line.line), quantity: line.quantity })
        .collect();
    let numbers: Vec<_> = lines.iter().map(|line| line.line).collect();
    may_with_lines(&api, &caller, Permission::FulfilOrders, *order, &numbers).await?;
    let NewShipment { shipment, carrier, tracking, .. } = body.value;
    let command = OrderCommand::Ship { shipment, lines, carrier, tracking };
    let written = send::<Order>(&api, &caller, body.fingerprint, *order, command).await?;
    Ok(HttpResponse::Created().json(written))
}

/// The right tracking number.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTracking {
    carrier: String,
    tracking: String,
}

/// Corrects a tracking number.
#[utoipa::path(post, path = "/v1/orders/{order}/shipments/{shipment}/tracking", tag = "orders",
    request_body = NewTracking, responses((status = 200, body = Written)))]
pub(crate) async fn track(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(OrderId, String)>,
    body: Body<NewTracking>,
) -> Result<HttpResponse, Problem> {
    let (order, shipment) = path.into_inner();
    may_with_order(&api, &caller, Permission::FulfilOrders, order).await?;
    let NewTracking { carrier, tracking } = body.value;
    let command = OrderCommand::AmendTracking { shipment, carrier, tracking };
    let written = send::<Order>(&api, &caller, body.fingerprint, order, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Who says that it arrived.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDelivery {
    /// `carrier` or `buyer`.
    #[schema(value_type = String)]
    how: DeliveredBy,
}

/// Records that a shipment arrived.
#[utoipa::path(post, path = "/v1/orders/{order}/shipments/{shipment}/delivery", tag = "orders",
    request_body = NewDelivery, responses((status = 200, body = Written)))]
pub(crate) async fn deliver(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(OrderId, String)>,
    body: Body<NewDelivery>,
) -> Result<HttpResponse, Problem> {
    let (order, shipment) = path.into_inner();
    may_with_order(&api, &caller, Permission::FulfilOrders, order).await?;
    let command = OrderCommand::Deliver { shipment, how: body.value.how };
    let written = send::<Order>(&api, &caller, body.fingerprint, order, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// A refund to be asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    line: u16,
    /// Minor units of the order's currency; default: all that remains of the line.
    amount: Option<i64>,
    reason: String,
    /// Approve at once, without the seller: for staff who may.
    #[serde(default)]
    force: bool,
}

/// Asks for a refund of a line.
#[utoipa::path(post, path = "/v1/orders/{order}/refunds", tag = "refunds",
    request_body = NewRefund, responses((status = 201, body = Written)))]
pub(crate) async fn refund(
    api: web::Data<Api>,
    caller: Caller,
    order: web::Path<OrderId>,
    body: Body<NewRefund>,
) -> Result<HttpResponse, Problem> {
    let permission =
        if body.value.force { Permission::DecideMoney } else { Permission::RequestRefunds };
    may_with_order(&api, &caller, permission, *order).await?;
    api.admit_refund(caller.key)?;
    let refund = created_id!(RefundId, caller);
    let by = caller.person();
    let command = reservation(&api, &caller, *order, refund, body.value, by).await?;
    let written = send::<Order>(&api, &caller, body.fingerprint, *order, command).await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/refunds/{refund}")))
        .json(Written { id: refund.to_string(), ..written }))
}

async fn reservation(
    api: &Api,
    caller: &Caller,
    order: OrderId,
    refund: RefundId,
    new: NewRefund,
    by: Person,
) -> Result<OrderCommand, Problem> {
    let id = order.to_string();
    let bus = api.engine.bus();
    let currency = bus.inspect::<Order, _>(caller.tenant, &id, |order, _| order.currency()).await?;
    let currency = currency.ok_or_else(|| Problem::not_found("order"))?;
    Ok(OrderCommand::ReserveRefund {
        refund,
        line: LineNo(new.line),
        amount: new.amount.map(|minor| Money::new(minor, currency)),
        reason: new.reason,
        by,
        approved: new.force,
        despite_inquiry: false,
    })
}
