//! What goes wrong, as RFC 9457 problem details: one shape, one place that chooses the status.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use engine::{ProjectorError, Refusal, SendError, SweepError};
use serde::Serialize;
use store::{LogError, ViewsError};

/// An answer that says what was wrong and what would be right (`application/problem+json`).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem; ends in the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// Stable code for programs, such as `order.already_paid`.
    pub code: String,
    /// Seconds after which trying again makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this code.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let title = code.rsplit('.').next().unwrap_or(code).replace('_', " ");
        Self {
            kind: format!("urn:daybook:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            retry_after: None,
        }
    }

    /// The request itself is not understood.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "request.malformed", detail)
    }

    /// There is no such thing, or it is not the caller's to see: the same answer for both.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// The caller may not do that.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "permission.denied", detail)
    }

    /// Nobody knows the caller.
    #[must_use]
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication.required", detail)
    }

    /// A fault of ours that may pass.
    #[must_use]
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after: Some(1), ..problem }
    }

    /// A fault of ours that will not pass by itself.
    #[must_use]
    pub fn fault(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", detail)
    }

    /// A refusal of an aggregate; the code decides the status.
    #[must_use]
    pub fn refused(code: &str, message: &str) -> Self {
        Self::new(status_of(code), code, message)
    }
}

/// Which status a refusal has: what is not there is 404, what can never be right as written is 422,
/// what another state of the world forbids is 409.
fn status_of(code: &str) -> StatusCode {
    let why = code.split_once('.').map_or(code, |(_, why)| why);
    match why {
        "unknown"
        | "guest_token_invalid"
        | "line_unknown"
        | "shipment_unknown"
        | "refund_unknown"
        | "dispute_unknown"
        | "hold_unknown"
        | "payout_unknown"
        | "claim_unknown"
        | "period_unknown"
        | "secret_unknown" => StatusCode::NOT_FOUND,
        "lines_missing"
        | "unbalanced"
        | "line_without_account"
        | "seller_twice"
        | "seller_unknown"
        | "account_unknown"
        | "account_not_by_hand"
        | "account_currency"
        | "account_name_invalid"
        | "reason_does_not_fit"
        | "reason_missing"
        | "memo_missing"
        | "evidence_invalid"
        | "effective_in_future"
        | "day_invalid"
        | "day_not_over"
        | "rate_missing"
        | "source_missing"
        | "empty_order"
        | "invalid_line"
        | "price_mismatch"
        | "discount_too_large"
        | "address_required"
        | "amount_below_processor_minimum"
        | "not_chargeable"
        | "currency_mismatch"
        | "overflow"
        | "amount_not_positive"
        | "not_shippable"
        | "quantity_exceeds"
        | "shares_do_not_sum"
        | "evidence_empty"
        | "schedule_invalid"
        | "currency_multiple"
        | "below_minimum"
        | "policy_invalid"
        | "time_zone_unknown"
        | "scope_unknown"
        | "seller_needed"
        | "seller_not_allowed"
        | "scopes_needed"
        | "expiry_in_the_past"
        | "rate_invalid"
        | "session_lifetime_too_short"
        | "does_not_add"
        | "product_invalid"
        | "tax_invalid"
        | "period_invalid"
        | "charge_missing"
        | "partial_refunds_disabled" => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    }
}

impl From<SweepError> for Problem {
    fn from(error: SweepError) -> Self {
        match error {
            SweepError::NoKey => {
                Self::new(StatusCode::CONFLICT, "stripe.no_key", error.to_string())
            }
            SweepError::Unavailable(_) => Self::unavailable(error.to_string()),
        }
    }
}

impl<E: std::error::Error + AsRef<str>> From<(&'static str, SendError<E>)> for Problem {
    fn from((aggregate, error): (&'static str, SendError<E>)) -> Self {
        error
            .map(|refusal| Refusal {
                code: format!("{aggregate}.{}", refusal.as_ref()),
                message: refusal.to_string(),
            })
            .into()
    }
}

impl From<SendError<Refusal>> for Problem {
    fn from(error: SendError<Refusal>) -> Self {
        match error {
            SendError::Refused(refusal) => Self::refused(&refusal.code, &refusal.message),
            SendError::IdempotencyKeyReused => {
                let detail = error.to_string();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key.reused", detail)
            }
            SendError::TenantUnknown => Self::not_found("tenant"),
            SendError::TenantSuspended { .. } => {
                Self::new(StatusCode::FORBIDDEN, "tenant.suspended", error.to_string())
            }
            SendError::Invalid(detail) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid", detail)
            }
            SendError::Busy | SendError::Unavailable(_) | SendError::Unknown(_) => {
                Self::unavailable(error.to_string())
            }
            SendError::Corrupt(detail) => Self::fault(detail),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Unavailable(_) => Self::unavailable(error.to_string()),
            LogError::Corrupt(_) => Self::fault(error.to_string()),
        }
    }
}

impl From<ProjectorError> for Problem {
    fn from(error: ProjectorError) -> Self {
        match error {
            ProjectorError::Log(error) => error.into(),
            ProjectorError::Views(error) => error.into(),
        }
    }
}

impl From<ViewsError> for Problem {
    fn from(error: ViewsError) -> Self {
        match error {
            ViewsError::Unavailable(_) | ViewsError::CheckpointMoved { .. } => {
                Self::unavailable(error.to_string())
            }
            ViewsError::UnknownName(_) | ViewsError::Corrupt(_) | ViewsError::Invalid(_) => {
                Self::fault(error.to_string())
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        if self.status >= 500 {
            tracing::error!(code = self.code, detail = self.detail, "answered with a fault");
        }
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if let Some(seconds) = self.retry_after {
            response.insert_header(("Retry-After", seconds.to_string()));
        }
        if self.status == 401 {
            response.insert_header(("WWW-Authenticate", "Bearer"));
        }
        response.body(serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_gets_a_fitting_status() {
        for (code, status) in [
            ("order.already_paid", 409),
            ("order.unknown", 404),
            ("order.price_mismatch", 422),
            ("seller_account.lane_busy", 409),
            ("api_key.scope_unknown", 422),
            ("adjustment.unbalanced", 422),
            ("adjustment.same_person", 409),
            ("adjustment.period_closed", 409),
            ("period.locked", 409),
        ] {
            let problem = Problem::refused(code, "why");
            assert_eq!((problem.code.as_str(), problem.status), (code, status));
        }
    }

    #[test]
    fn a_problem_is_problem_json_and_says_when_to_try_again() {
        let response = Problem::unavailable("later").error_response();
        assert_eq!(response.status(), 503);
        let headers = response.headers();
        assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
        assert_eq!(headers.get("retry-after").unwrap(), "1");
    }
}
