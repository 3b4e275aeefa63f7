//! Payouts: requested by sellers and finance, and what becomes of those that fail.

use actix_web::{HttpResponse, web};
use aggregates::{
    payout::{Payout, commands::PayoutCommand},
    seller_account::{SellerAccount, commands::SellerAccountCommand},
};
use kernel::{Currency, Money, PayoutId, SellerId};
use serde::Deserialize;

use crate::{
    commands::{Written, send},
    created_id,
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// A payout to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPayout {
    #[schema(value_type = String)]
    currency: Currency,
    /// Minor units; default: all that is available.
    amount: Option<i64>,
}

/// Requests a payout. The seller's balance decides at once; the transfer follows.
#[utoipa::path(post, path = "/v1/sellers/{seller}/payouts", tag = "payouts",
    request_body = NewPayout, responses((status = 201, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn request(
    api: web::Data<Api>,
    caller: Caller,
    seller: web::Path<SellerId>,
    body: Body<NewPayout>,
) -> Result<HttpResponse, Problem> {
    caller.may_for(Permission::RequestPayouts, *seller)?;
    let payout = created_id!(PayoutId, caller);
    let command = SellerAccountCommand::ReserveForPayout {
        payout,
        currency: body.value.currency,
        amount: body.value.amount,
        minimum: caller.info.policy.payout_minimum,
        by: caller.person(),
    };
    let written = send::<SellerAccount>(&api, &caller, body.fingerprint, *seller, command).await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/v1/payouts/{payout}")))
        .json(Written { id: payout.to_string(), ..written }))
}

/// What is to be done; each action needs its own part of it.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PayoutWork {
    /// `reverse`: how much; default: all that is left of the transfer.
    #[schema(value_type = Option<Object>)]
    amount: Option<Money>,
    /// `confirm-bank`: the bank statement's reference.
    reference: Option<String>,
}

/// What can be done with a payout.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PayoutAction {
    /// Try the bank leg again.
    Retry,
    /// Fetch money back from the connected account.
    Reverse,
    /// The platform's own payout was seen on the bank statement.
    ConfirmBank,
}

/// Retries, reverses or confirms a payout.
#[utoipa::path(post, path = "/v1/payouts/{payout}/{action}", tag = "payouts",
    request_body = PayoutWork, responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn act(
    api: web::Data<Api>,
    caller: Caller,
    path: web::Path<(PayoutId, PayoutAction)>,
    body: Body<PayoutWork>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let (payout, action) = path.into_inner();
    let by = caller.person();
    let command = match action {
        PayoutAction::Retry => PayoutCommand::RetryPayout { by },
        PayoutAction::Reverse => PayoutCommand::ReverseTransfer { amount: body.value.amount, by },
        PayoutAction::ConfirmBank => {
            let missing = || Problem::malformed("this action needs \"reference\"");
            let reference = body.value.reference.ok_or_else(missing)?;
            PayoutCommand::ConfirmBank { reference, by }
        }
    };
    let written = send::<Payout>(&api, &caller, body.fingerprint, payout, command).await?;
    Ok(HttpResponse::Ok().json(written))
}
