//! Stripe's door: verified, stored raw, answered; only then worked on.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use aggregates::webhook_event::{WebhookEvent, commands::WebhookEventCommand, events::Endpoint};
use engine::ports::IntakeError;

use super::sellers::Empty;
use crate::{
    commands::{Written, send},
    extract::{Body, Caller, RawBody},
    permissions::Permission,
    problem::Problem,
    state::Api,
};

/// Takes an event of the platform's own account.
#[utoipa::path(post, path = "/webhooks/stripe", tag = "webhooks", request_body = Object,
    responses((status = 200), (status = 400, body = Problem), (status = 413, body = Problem)))]
pub(crate) async fn stripe(
    api: web::Data<Api>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    receive(&api, Endpoint::Platform, &request, body.0).await
}

/// Takes an event of a connected account.
#[utoipa::path(post, path = "/webhooks/stripe/connect", tag = "webhooks", request_body = Object,
    responses((status = 200), (status = 400, body = Problem), (status = 413, body = Problem)))]
pub(crate) async fn stripe_connect(
    api: web::Data<Api>,
    request: HttpRequest,
    body: RawBody,
) -> Result<HttpResponse, Problem> {
    receive(&api, Endpoint::Connect, &request, body.0).await
}

async fn receive(
    api: &Api,
    endpoint: Endpoint,
    request: &HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let Some(intake) = &api.intake else {
        return Err(Problem::unavailable("no webhook endpoint secret is configured"));
    };
    let signature = request.headers().get("Stripe-Signature").and_then(|value| value.to_str().ok());
    match intake.receive(endpoint, body, signature).await {
        Ok(intake) => Ok(HttpResponse::Ok().json(serde_json::json!({
            "received": intake.event,
            "duplicate": intake.duplicate,
        }))),
        Err(error) => Err(problem_of(&error)),
    }
}

fn problem_of(error: &IntakeError) -> Problem {
    let detail = error.to_string();
    let (status, code) = match error {
        IntakeError::SignatureMissing => (StatusCode::BAD_REQUEST, "webhook.signature_missing"),
        IntakeError::SignatureInvalid => (StatusCode::BAD_REQUEST, "webhook.signature_invalid"),
        IntakeError::TimestampOutOfTolerance => {
            (StatusCode::BAD_REQUEST, "webhook.timestamp_out_of_tolerance")
        }
        IntakeError::Unavailable(_) => return Problem::unavailable(detail),
    };
    Problem::new(status, code, detail)
}

/// Tries a quarantined or dead-lettered event again.
#[utoipa::path(post, path = "/v1/webhook-events/{event}/retry", tag = "webhooks",
    responses((status = 200, body = Written), (status = 404, body = Problem)))]
pub(crate) async fn retry(
    api: web::Data<Api>,
    caller: Caller,
    event: web::Path<String>,
    body: Body<Empty>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::DecideMoney)?;
    let command = WebhookEventCommand::Retry;
    let written =
        send::<WebhookEvent>(&api, &caller, body.fingerprint, event.as_str(), command).await?;
    Ok(HttpResponse::Ok().json(written))
}
