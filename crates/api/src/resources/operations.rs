//! Health, readiness, metrics, the engine's state, and what programs and auditors fetch.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use engine::{SweepError, export::ExportLine};
use serde::Deserialize;
use store::Position;

use crate::{extract::Caller, permissions::Permission, problem::Problem, state::Api};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200)))]
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "ok" }))
}

/// Everything works and is caught up; otherwise 503 names what is not.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200), (status = 503)))]
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, Problem> {
    let status = api.engine.readiness().await.map_err(|e| Problem::unavailable(e.to_string()))?;
    if status.is_ready() {
        return Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })));
    }
    let stopped: Vec<_> = status
        .projections
        .iter()
        .filter(|one| !one.live || one.stopped.is_some())
        .map(|one| serde_json::json!({ "read_model": one.name, "stopped": one.stopped }))
        .collect();
    let problems = serde_json::json!({ "read_models": stopped, "ended": status.ended });
    Ok(HttpResponse::ServiceUnavailable()
        .json(serde_json::json!({ "status": "not ready", "problems": problems })))
}

/// Metrics in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200)))]
pub(crate) async fn metrics(api: web::Data<Api>) -> HttpResponse {
    if api.metrics.is_some() {
        api.engine.publish_alarms().await;
    }
    match &api.metrics {
        Some(render) => HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(render()),
        None => HttpResponse::NotFound().finish(),
    }
}

/// How long to wait for the engine to come to rest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settle {
    /// Seconds, at most 600.
    settle: Option<u64>,
}

/// What the engine is doing: positions, lags, what is stopped, what is to do.
#[utoipa::path(get, path = "/v1/status", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn status(
    api: web::Data<Api>,
    caller: Caller,
    settle: web::Query<Settle>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    let settled = match settle.settle {
        Some(seconds) => {
            let patience = Duration::from_secs(seconds.min(600));
            Some(api.engine.settle(patience).await.map_err(|busy| busy.to_string()))
        }
        None => None,
    };
    let status = api.engine.status().await.map_err(|e| Problem::unavailable(e.to_string()))?;
    let mut json = serde_json::to_value(&status).map_err(|e| Problem::fault(e.to_string()))?;
    if let (Some(settled), Some(fields)) = (settled, json.as_object_mut()) {
        fields.insert("settled".to_owned(), settled.is_ok().into());
        fields.insert("busy".to_owned(), settled.err().into());
    }
    Ok(HttpResponse::Ok().json(json))
}

/// What the log promises with the settings of its writer, and which of these promises are broken.
#[utoipa::path(get, path = "/v1/guarantees", tag = "operations",
    responses((status = 200, body = Object)))]
pub(crate) async fn guarantees(
    api: web::Data<Api>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let log = api.engine.log();
    let guarantees = log.guarantees().await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "log": log.log_id(),
        "guarantees": guarantees,
    })))
}

/// Which part of the event stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsAfter {
    /// Events behind this position; default: from the beginning.
    #[serde(default)]
    after: u64,
    /// At most so many, up to 1000.
    limit: Option<usize>,
}

/// The tenant's event stream in order, for feeds that resume where they stopped: NDJSON in the same
/// shape as an export.
#[utoipa::path(get, path = "/v1/events", tag = "audit", responses((status = 200)))]
pub(crate) async fn events(
    api: web::Data<Api>,
    caller: Caller,
    part: web::Query<EventsAfter>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadAudit)?;
    let limit = part.limit.unwrap_or(1000).clamp(1, 1000);
    let page = api.engine.log().read_all(Position(part.after), limit).await?;
    let mut lines = String::new();
    let end = page.events.last().map_or(part.after, |recorded| recorded.position.0);
    for recorded in page.events.iter().filter(|event| event.stream.tenant == caller.tenant) {
        // A feed is a window: it proves each event by its leaf, and an export proves the order.
        let line = ExportLine::of(recorded, &[0; 32]);
        lines.push_str(&serde_json::to_string(&line).map_err(|e| Problem::fault(e.to_string()))?);
        lines.push('\n');
    }
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .insert_header(("Daybook-Position", end.to_string()))
        .insert_header(("Daybook-Head", page.head.0.to_string()))
        .body(lines))
}

/// Which read models.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rebuild {
    /// Their names; none means all.
    #[serde(default)]
    projections: Vec<String>,
}

/// Discards read models and builds them anew from the log.
#[utoipa::path(post, path = "/v1/rebuild", tag = "operations", request_body = Rebuild,
    responses((status = 202, body = Object), (status = 400, body = Problem)))]
pub(crate) async fn rebuild(
    api: web::Data<Api>,
    caller: Caller,
    body: crate::extract::Body<Rebuild>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageTenant)?;
    let unknown = api.engine.projector().rebuild(&body.value.projections);
    if let Some(name) = unknown.first() {
        return Err(Problem::malformed(format!("there is no read model named {name}")));
    }
    Ok(HttpResponse::Accepted().json(serde_json::json!({ "rebuilding": body.value.projections })))
}

/// Asks Stripe which balance transactions there are since the last time, of the platform and of every
/// connected account, and records those that no message has mentioned. Daybook does so by itself
/// every hour; repeating it changes nothing.
#[utoipa::path(post, path = "/v1/stripe-sync", tag = "operations",
    responses((status = 200, body = Object), (status = 409, body = Problem),
        (status = 503, body = Problem)))]
pub(crate) async fn stripe_sync(
    api: web::Data<Api>,
    caller: Caller,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    if api.engine.stripe_tenant() != Some(caller.tenant) {
        return Err(SweepError::NoKey.into());
    }
    Ok(HttpResponse::Ok().json(api.engine.sweep().await?))
}

/// Calls to Stripe without an outcome: made by Daybook where a key is configured, otherwise the list
/// of what a person or program has to do there: `call`, `params` by Stripe's names (amounts in minor
/// units), `idempotency_key`, and the `metadata` by which Daybook recognizes what was made.
#[utoipa::path(get, path = "/v1/effects", tag = "operations", responses((status = 200, body = Object)))]
pub(crate) async fn effects(api: web::Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SeeBooks)?;
    let effects = api.engine.effects(Some(caller.tenant)).await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "data": effects })))
}
