//! Sellers: registered, onboarded, paid by a schedule, and sometimes in debt.

use actix_web::{HttpResponse, web};
use aggregates::{
    link::{Link, LinkCommand, Subject},
    policies::schedule,
    seller_account::{
        SellerAccount,
        commands::SellerAccountCommand,
        events::{PayoutInterval, PayoutSchedule},
    },
    vocabulary::{AccountRef, PayoutAfter},
};
use kernel::{Currency, Money, SellerId, SubjectRef};
use serde::Deserialize;

use crate::{
    commands::{Written, send},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// A seller to be made known.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSeller {
    /// Your own number for the seller.
    reference: String,
    /// Kept sealed.
    name: String,
    /// Who organizes what is sold; default: the seller.
    organizer: Option<String>,
}

/// Registers a seller.
#[utoipa::path(post, path = "/v1/sellers", tag = "sellers", request_body = NewSeller,
    responses((status = 201, body = Written)))]
pub(crate) async fn register(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewSeller>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageSellers)?;
    let seller = created_id!(SellerId, caller);
    let subject = SubjectRef::derived(&[&seller.to_string()]);
    let name = api.engine.sealer().seal_for(caller.tenant, subject, body.value.name.as_bytes());
    let name = name.await.map_err(|error| Problem::unavailable(error.to_string()))?;
    let command = SellerAccountCommand::Register {
        seller,
        reference: body.value.reference,
        subject,
        name,
        organizer: body.value.organizer.map(Into::into),
    };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, seller, command).await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/sellers/{seller}")))
        .json(written))
}

/// The connected account a seller is paid through.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// `acct_...`
    #[schema(value_type = String)]
    account: AccountRef,
}

/// Names a seller's connected account. Whether it is ready, only Stripe's own events say.
#[utoipa::path(post, path = "/v1/sellers/{seller}/onboarding", tag = "sellers",
    request_body = NewAccount, responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn onboard(
    api: web::Data<Api>,
    caller: Caller,
    seller: web::Path<SellerId>,
    body: Body<NewAccount>,
) -> Result<HttpResponse, Problem> {
    caller.may_for(Permission::ManageSellers, *seller)?;
    let account = body.value.account;
    if !account.as_str().starts_with("acct_") {
        return Err(Problem::malformed("account must be a connected account's id, acct_..."));
    }
    let command = SellerAccountCommand::StartOnboarding { account: account.clone() };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, *seller, command).await?;
    // The link is what Stripe's events of this account are found by, and wakes those that waited.
    let link =
        LinkCommand::Establish { object: account.0.clone(), subject: Subject::Seller(*seller) };
    let mut envelope = caller.envelope(body.fingerprint);
    envelope.command_id = format!("link/{}/{seller}", account.0);
    envelope.idempotency = None;
    let bus = api.engine.bus();
    let linked = bus.send::<Link>(&account.0, link, envelope).await;
    linked.map_err(|error| Problem::from(("link", error)))?;
    Ok(HttpResponse::Ok().json(written))
}

/// How a seller is paid out.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSchedule {
    /// `manual`, `daily`, `{"weekly": 1}` (1 = Monday) or `{"monthly": 31}`; at 02:00 of the
    /// tenant's time zone.
    #[schema(value_type = Object)]
    interval: PayoutInterval,
    /// The least amount worth paying, minor units.
    #[serde(default)]
    minimum: i64,
    /// Stripe's own schedule pays the connected account out; Daybook only transfers.
    #[serde(default)]
    automatic_bank: bool,
    delay_days: Option<u32>,
    reserve_bps: Option<u16>,
    #[schema(value_type = Option<String>)]
    payout_after: Option<PayoutAfter>,
}

/// Sets how a seller is paid out.
#[utoipa::path(put, path = "/v1/sellers/{seller}/payout-schedule", tag = "sellers",
    request_body = NewSchedule, responses((status = 200, body = Written), (status = 422, body = Problem)))]
pub(crate) async fn schedule(
    api: web::Data<Api>,
    caller: Caller,
    seller: web::Path<SellerId>,
    body: Body<NewSchedule>,
) -> Result<HttpResponse, Problem> {
    caller.may_for(Permission::RequestPayouts, *seller)?;
    let new = body.value;
    let now = api.engine.bus().directory().now(Some(&caller.info));
    let next_due = schedule::next_due(&new.interval, caller.info.zone, now);
    let schedule = PayoutSchedule {
        automatic_bank: new.automatic_bank,
        interval: new.interval,
        // Nothing is never paid out, so "no minimum" is one minor unit.
        minimum: if new.minimum == 0 { 1 } else { new.minimum },
        delay_days: new.delay_days,
        reserve_bps: new.reserve_bps,
        payout_after: new.payout_after,
    };
    let command = SellerAccountCommand::SetPayoutSchedule { schedule, next_due };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, *seller, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Money to be held back.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// Your name for it.
    hold: String,
    #[schema(value_type = Object)]
    amount: Money,
    reason: String,
}

/// Holds some of a seller's available money back.
#[utoipa::path(post, path = "/v1/sellers/{seller}/holds", tag = "sellers",
    request_body = NewHold, responses((status = 201, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn hold(
    api: web::Data<Api>,
    caller: Caller,
    seller: web::Path<SellerId>,
    body: Body<NewHold>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let NewHold { hold, amount, reason } = body.value;
    let command = SellerAccountCommand::PlaceHold { hold, amount, reason, by: caller.person() };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, *seller, command).await?;
    Ok(HttpResponse::Created().json(written))
}

/// Nothing is needed.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Empty {}

/// Lets held money go.
#[utoipa::path(delete, path = "/v1/sellers/{seller}/holds/{hold}", tag = "sellers",
    responses((status = 200, body = Written), (status = 404, body = Problem)))]
pub(crate) async fn release_hold(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(SellerId, String)>,
    body: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let (seller, hold) = path.into_inner();
    let command = SellerAccountCommand::ReleaseHold { hold, by: caller.person() };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, seller, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// What is given up, and why.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWriteOff {
    #[schema(value_type = String)]
    currency: Currency,
    reason: String,
}

/// Gives up what a seller owes; the second of two different people makes it so.
#[utoipa::path(post, path = "/v1/sellers/{seller}/write-off", tag = "sellers",
    request_body = NewWriteOff, responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn write_off(
    api: web::Data<Api>,
    caller: Caller,
    seller: web::Path<SellerId>,
    body: Body<NewWriteOff>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let NewWriteOff { currency, reason } = body.value;
    let command = SellerAccountCommand::WriteOff { currency, reason, by: caller.person() };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, *seller, command).await?;
    Ok(HttpResponse::Ok().json(written))
}
