//! A tenant's own accounts in the chart.

use actix_web::{HttpResponse, web};
use aggregates::{
    tenant::{Tenant, accounts::OwnAccount, commands::TenantCommand},
    vocabulary::Side,
};
use kernel::Currency;
use serde::Deserialize;

use super::sellers::Empty;
use crate::{
    commands::{Written, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// An account to be opened.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// `<class>:own:<path>`, such as `expenses:own:rent`.
    name: String,
    /// The side on which it grows: `debit` or `credit`.
    #[schema(value_type = String)]
    normal_side: Side,
    /// The one currency it is in; any, if none is named.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Whether its balance may fall below zero on that side.
    #[serde(default)]
    may_be_negative: bool,
    /// Whether a balance other than zero is unfinished business.
    #[serde(default)]
    must_return_to_zero: bool,
    /// What it is for.
    #[serde(default)]
    note: String,
}

/// Opens an account of the tenant's own. Manual adjustments can post to it from then on.
#[utoipa::path(post, path = "/v1/chart/accounts", tag = "books", request_body = NewAccount,
    responses((status = 201, body = Written), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn open(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewAccount>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let NewAccount { name, normal_side, currency, may_be_negative, must_return_to_zero, note } =
        body.value;
    let account =
        OwnAccount { name, normal_side, currency, may_be_negative, must_return_to_zero, note };
    let command = TenantCommand::OpenAccount { account, by: caller.person() };
    let written = send::<Tenant>(&api, &caller, body.fingerprint, caller.tenant, command).await?;
    Ok(HttpResponse::Created().json(written))
}

/// Closes an account of the tenant's own; what was posted to it stays.
#[utoipa::path(delete, path = "/v1/chart/accounts/{name}", tag = "books",
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn close(
    api: web::Data<Api>,
    caller: Caller,
    name: web::Path<String>,
    body: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let command = TenantCommand::CloseAccount { name: name.into_inner(), by: caller.person() };
    let written = send::<Tenant>(&api, &caller, body.fingerprint, caller.tenant, command).await?;
    Ok(HttpResponse::Ok().json(written))
}
