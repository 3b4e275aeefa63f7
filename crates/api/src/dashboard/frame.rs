//! What stands around every page: its headers, its menu, its style sheet.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, header},
};
use askama::Template;

/// Nothing but our own style sheet and pictures, and forms that come back to us.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; \
    img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The style sheet.
pub(crate) const STYLE_SHEET: &str = include_str!("../../static/daybook.css");

/// The icon.
pub(crate) const ICON: &str = include_str!("../../static/daybook.svg");

/// Sets what every page of ours carries.
pub(crate) fn guard(response: &mut HttpResponseBuilder) -> &mut HttpResponseBuilder {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header(("Cross-Origin-Opener-Policy", "same-origin"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
}

/// A page as an answer.
#[must_use]
pub(crate) fn page(status: StatusCode, template: &impl Template) -> HttpResponse {
    match template.render() {
        Ok(html) => guard(&mut HttpResponse::build(status))
            .content_type("text/html; charset=utf-8")
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            guard(&mut HttpResponse::InternalServerError())
                .content_type("text/plain; charset=utf-8")
                .body("This page could not be written.")
        }
    }
}

/// Leads elsewhere after a form was taken.
#[must_use]
pub(crate) fn see_other(address: &str) -> HttpResponse {
    guard(&mut HttpResponse::SeeOther()).insert_header((header::LOCATION, address)).finish()
}

/// The style sheet as an answer. It changes only with the program, so a browser may keep it for an
/// hour.
pub(crate) async fn style_sheet() -> HttpResponse {
    asset("text/css; charset=utf-8", STYLE_SHEET)
}

/// The icon as an answer.
pub(crate) async fn icon() -> HttpResponse {
    asset("image/svg+xml", ICON)
}

fn asset(kind: &str, body: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    guard(&mut response).insert_header((header::CACHE_CONTROL, "public, max-age=3600"));
    response.content_type(kind).body(body)
}
