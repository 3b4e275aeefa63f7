//! One log line and two measures per request; never a secret, a body or a query in either.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};

pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let method = request.method().clone();
    let response = next.call(request).await?;
    // The pattern, not the path: ids make no metric labels, and a query may hold a guest's token.
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    let labels =
        [("method", method.to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("daybook_http_requests_total", &labels).increment(1);
    metrics::histogram!("daybook_http_request_seconds", "route" => route.clone()).record(seconds);
    tracing::debug!(%method, route, status, seconds, "answered");
    Ok(response)
}
