//! Dashboard sessions: a key exchanged for a cookie that scripts cannot read and other sites cannot
//! use.
//!
//! The cookie carries the key's secret itself and nothing is kept on the server, so a revoked key
//! ends its sessions at once. It is `HttpOnly`, `SameSite=Strict`, `Secure` wherever the page came by
//! TLS, and never in a URL. Forms repeat a token derived from the secret (`CSRF`).

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration as CookieDuration},
};

use crate::secrets::{KeySecret, hash_text, same_hash};

/// The cookie's name.
const COOKIE: &str = "daybook_session";

/// The session of a request: the key's secret and the token its forms must repeat.
#[must_use]
pub fn of_request(request: &HttpRequest) -> Option<(KeySecret, String)> {
    let cookie = request.cookie(COOKIE)?;
    let secret = KeySecret::parse(cookie.value())?;
    let csrf = csrf_token(&secret);
    Some((secret, csrf))
}

/// The token that forms of this session must repeat. It cannot be turned back into the secret.
#[must_use]
pub fn csrf_token(secret: &KeySecret) -> String {
    hash_text(&format!("csrf:{}", secret.reveal()))
}

/// Whether a form repeated the session's token.
#[must_use]
pub fn is_genuine(expected: Option<&str>, given: &str) -> bool {
    expected.is_some_and(|expected| same_hash(expected, given))
}

/// The cookie that begins a session.
#[must_use]
pub fn begin(request: &HttpRequest, secret: &KeySecret, seconds: i64) -> Cookie<'static> {
    Cookie::build(COOKIE, secret.reveal().to_owned())
        .path("/")
        .http_only(true)
        .secure(request.connection_info().scheme() == "https")
        .same_site(SameSite::Strict)
        .max_age(CookieDuration::seconds(seconds))
        .finish()
}

/// The cookie that ends it.
#[must_use]
pub fn end() -> Cookie<'static> {
    let mut cookie = Cookie::build(COOKIE, "").path("/").http_only(true).finish();
    cookie.make_removal();
    cookie
}
