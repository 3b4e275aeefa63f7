//! The tenant's own settings: its policy, its time zone and, in the sandbox, its clock.

use actix_web::{HttpResponse, web};
use aggregates::{
    tenant::{Tenant, commands::TenantCommand},
    vocabulary::CommercePolicy,
};
use kernel::Timestamp;
use serde::Deserialize;

use crate::{
    commands::{Written, send},
    extract::{Body, Caller},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// The policy in force.
#[utoipa::path(get, path = "/v1/policy", tag = "tenant", responses((status = 200, body = Object)))]
pub(crate) async fn policy(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let directory = api.engine.bus().directory();
    let info = directory.refresh(caller.tenant).await?;
    let info = info.ok_or_else(|| Problem::not_found("tenant"))?;
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "tenant": caller.tenant,
        "name": info.name,
        "mode": info.mode,
        "time_zone": info.zone.name(),
        "test_clock": info.test_clock,
        "policy": info.policy,
    })))
}

/// Changes the policy; `version` must be the one in force. Orders placed before keep theirs.
#[utoipa::path(post, path = "/v1/policy", tag = "tenant", request_body = Object,
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn set_policy(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<CommercePolicy>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let command = TenantCommand::SetPolicy { policy: body.value };
    let written = send::<Tenant>(&api, &caller, body.fingerprint, caller.tenant, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Where the tenant's days begin and end.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTimeZone {
    /// IANA name, such as `Europe/Berlin`.
    time_zone: String,
}

/// Changes the time zone of report days and payout schedules. What was recorded before stays on the
/// days it was reported on.
#[utoipa::path(post, path = "/v1/time-zone", tag = "tenant", request_body = NewTimeZone,
    responses((status = 200, body = Written), (status = 422, body = Problem)))]
pub(crate) async fn set_time_zone(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewTimeZone>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let command = TenantCommand::SetTimeZone { time_zone: body.value.time_zone };
    let written = send::<Tenant>(&api, &caller, body.fingerprint, caller.tenant, command).await?;
    Ok(HttpResponse::Ok().json(written))
}

/// Where the test clock is to stand.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTime {
    /// RFC 3339.
    #[schema(value_type = String)]
    to: Timestamp,
}

/// Moves a sandbox tenant's test clock forward.
#[utoipa::path(post, path = "/v1/test-clock", tag = "tenant", request_body = NewTime,
    responses((status = 200, body = Written), (status = 409, body = Problem)))]
pub(crate) async fn advance_clock(
    api: web::Data<Api>,
    caller: Caller,
    body: Body<NewTime>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let command = TenantCommand::AdvanceClock { to: body.value.to };
    let written = send::<Tenant>(&api, &caller, body.fingerprint, caller.tenant, command).await?;
    Ok(HttpResponse::Ok().json(written))
}
