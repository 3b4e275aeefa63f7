//! The way in and out: a key is exchanged for a cookie.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::{
    frame::{page, see_other},
    trouble::{Trouble, Visitor},
    views::LoginPage,
};
use crate::{extract::caller_of_secret, problem::Problem, secrets::KeySecret, session, state::Api};

/// The form that asks for a key.
pub(crate) async fn login_form() -> HttpResponse {
    page(StatusCode::OK, &LoginPage { failure: None })
}

/// A key presented.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginForm {
    key: String,
}

/// Exchanges a key for a session.
pub(crate) async fn login(
    api: web::Data<Api>,
    request: HttpRequest,
    form: web::Form<LoginForm>,
) -> HttpResponse {
    match admitted(&api, &request, &form.key).await {
        Ok(secret) => {
            let seconds = i64::try_from(api.limits.session_max.as_secs()).unwrap_or(i64::MAX);
            let mut answer = see_other("/dashboard");
            if let Err(error) = answer.add_cookie(&session::begin(&request, &secret, seconds)) {
                tracing::error!(%error, "a session could not begin");
            }
            answer
        }
        Err(problem) => {
            tracing::info!(code = problem.code, "a login was refused");
            let status =
                StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let failure = match problem.status {
                401 => "This key is not valid. Check that you copied all of it.".to_owned(),
                429 => "Too many attempts. Wait a moment and try again.".to_owned(),
                500 => "Something went wrong on our side. It has been recorded.".to_owned(),
                _ => problem.detail,
            };
            page(status, &LoginPage { failure: Some(failure) })
        }
    }
}

async fn admitted(api: &Api, request: &HttpRequest, key: &str) -> Result<KeySecret, Problem> {
    let address = request.peer_addr().map_or_else(String::new, |peer| peer.ip().to_string());
    api.admit_login(&address)?;
    if !is_our_own(request) {
        let detail = "log in on this site's own page";
        return Err(Problem::new(StatusCode::FORBIDDEN, "session.foreign_form", detail));
    }
    let secret = KeySecret::parse(key.trim())
        .ok_or_else(|| Problem::unauthenticated("this is not an API key"))?;
    caller_of_secret(api, &secret, None, None).await?;
    Ok(secret)
}

/// Whether a form comes from our own page: nobody is to be logged in by another site. Browsers say
/// so in `Sec-Fetch-Site`; what is no browser has no session to abuse.
fn is_our_own(request: &HttpRequest) -> bool {
    match request.headers().get("Sec-Fetch-Site") {
        Some(site) => site == "same-origin" || site == "none",
        None => true,
    }
}

/// The session's token, on the button that ends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogoutForm {
    csrf: String,
}

/// Ends the session.
pub(crate) async fn logout(
    visitor: Visitor,
    form: web::Form<LogoutForm>,
) -> Result<HttpResponse, Trouble> {
    super::forms::sender(visitor, &form.csrf, "logout")?;
    let mut answer = see_other("/login");
    answer
        .add_cookie(&session::end())
        .map_err(|error| Trouble::fault(format!("the session cannot be ended: {error}")))?;
    Ok(answer)
}
