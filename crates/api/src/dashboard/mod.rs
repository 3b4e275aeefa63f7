//! The dashboard: pages for people, rendered here, readable without any script.
//!
//! Every page asks [`crate::permissions`] what its visitor may see, reads the same read models as the
//! JSON API, and sends the same commands. There is no script, no style in the markup and nothing
//! from other sites, and the browser is told to insist on that.

mod access;
mod adjustments;
mod alarms;
mod chart;
mod explain;
mod forms;
pub(crate) mod frame;
mod guest;
mod lists;
mod memberships;
mod menu;
mod money;
mod order;
mod pages;
mod periods;
mod query;
mod reading;
mod reports;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod shown;
#[cfg(test)]
pub(crate) mod tests;
mod trouble;
mod views;

use actix_web::web::{self, get, post};

use trouble::Trouble;

/// The largest form, bytes.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Mounts the pages.
pub fn configure(config: &mut web::ServiceConfig) {
    let forms = web::FormConfig::default().limit(FORM_BYTES_MAX).error_handler(|error, _| {
        Trouble::malformed(format!("this form cannot be read: {error}")).into()
    });
    config
        .app_data(forms)
        .route("/", get().to(|| async { frame::see_other("/dashboard") }))
        .route("/static/daybook.css", get().to(frame::style_sheet))
        .route("/static/daybook.svg", get().to(frame::icon))
        .route("/favicon.ico", get().to(frame::icon))
        .route("/login", get().to(access::login_form))
        .route("/login", post().to(access::login))
        .route("/logout", post().to(access::logout))
        .route("/dashboard", get().to(pages::overview))
        .route("/dashboard/sellers", get().to(pages::sellers))
        .route("/dashboard/sellers/{seller}", get().to(pages::seller))
        .route("/dashboard/sellers/{seller}/payouts", post().to(forms::request_payout))
        .route("/dashboard/organizers/{organizer}", get().to(pages::organizer))
        .route("/dashboard/orders", get().to(pages::orders))
        .route("/dashboard/orders/{order}", get().to(order::show))
        .route("/dashboard/refunds", get().to(pages::refunds))
        .route("/dashboard/refunds/{refund}/approve", post().to(forms::approve))
        .route("/dashboard/refunds/{refund}/decline", post().to(forms::decline))
        .route("/dashboard/memberships", get().to(memberships::list))
        .route("/dashboard/disputes", get().to(pages::disputes))
        .route("/dashboard/payouts", get().to(pages::payouts))
        .route("/dashboard/adjustments", get().to(adjustments::show))
        .route("/dashboard/adjustments", post().to(adjustments::propose))
        .route("/dashboard/adjustments/{adjustment}/{action}", post().to(adjustments::act))
        .route("/dashboard/periods", get().to(periods::show))
        .route("/dashboard/periods", post().to(periods::close))
        .route("/dashboard/periods/reopen", post().to(periods::reopen))
        .route("/dashboard/periods/lock", post().to(periods::lock))
        .route("/dashboard/work-items", get().to(pages::work_items))
        .route("/dashboard/alarms", get().to(alarms::show))
        .route("/dashboard/webhooks", get().to(pages::webhooks))
        .route("/dashboard/reports", get().to(reports::list))
        .route("/dashboard/reports/{name}", get().to(reports::show))
        .route("/dashboard/explain", get().to(explain::figure))
        .route("/dashboard/events/{position}", get().to(explain::event))
        .route("/orders/{order}", get().to(guest::show))
        .route("/orders/{order}/refunds", post().to(guest::request_refund));
}
