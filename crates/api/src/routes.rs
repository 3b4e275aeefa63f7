//! Every address, on one screen.

use actix_web::web::{self, delete, get, post, put};

use crate::{
    dashboard, openapi,
    resources::{
        adjustments, books, catalogue, chart, disputes, exports, figures, invariants, keys, lists,
        memberships, operations, orders, payments, payouts, periods, refunds, reports, sellers,
        tenant, webhooks,
    },
};

/// Mounts all routes.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/healthz", get().to(operations::healthz))
        .route("/readyz", get().to(operations::readyz))
        .route("/metrics", get().to(operations::metrics))
        .route("/openapi.json", get().to(openapi::document))
        .route("/webhooks/stripe", post().to(webhooks::stripe))
        .route("/webhooks/stripe/connect", post().to(webhooks::stripe_connect))
        .route("/v1/orders", post().to(orders::place))
        .route("/v1/orders/{order}/checkout", post().to(orders::checkout))
        .route("/v1/orders/{order}/cancel", post().to(orders::cancel))
        .route("/v1/orders/{order}/shipments", post().to(orders::ship))
        .route("/v1/orders/{order}/shipments/{shipment}/tracking", post().to(orders::track))
        .route("/v1/orders/{order}/shipments/{shipment}/delivery", post().to(orders::deliver))
        .route("/v1/orders/{order}/refunds", post().to(orders::refund))
        .route("/v1/payments/{payment}/attribution", post().to(payments::attribute))
        .route("/v1/payments/{payment}/refunds", post().to(payments::refund))
        .route("/v1/refunds/{refund}/{action}", post().to(refunds::act))
        .route("/v1/disputes/{dispute}/{action}", post().to(disputes::act))
        .route("/v1/payouts/{payout}/{action}", post().to(payouts::act))
        .route("/v1/sellers", post().to(sellers::register))
        .route("/v1/sellers/{seller}/onboarding", post().to(sellers::onboard))
        .route("/v1/sellers/{seller}/payout-schedule", put().to(sellers::schedule))
        .route("/v1/sellers/{seller}/payouts", post().to(payouts::request))
        .route("/v1/sellers/{seller}/holds", post().to(sellers::hold))
        .route("/v1/sellers/{seller}/holds/{hold}", delete().to(sellers::release_hold))
        .route("/v1/sellers/{seller}/write-off", post().to(sellers::write_off))
        .route("/v1/webhook-events/{event}/retry", post().to(webhooks::retry))
        .route("/v1/adjustments", post().to(adjustments::propose))
        .route("/v1/adjustments/{adjustment}/{action}", post().to(adjustments::act))
        .route("/v1/periods", post().to(periods::close))
        .route("/v1/periods/reopen", post().to(periods::reopen))
        .route("/v1/periods/lock", post().to(periods::lock))
        .route("/v1/revaluations", post().to(periods::revalue))
        .route("/v1/chart/accounts", post().to(chart::open))
        .route("/v1/chart/accounts/{name}", delete().to(chart::close))
        .route("/v1/keys", post().to(keys::issue))
        .route("/v1/keys/{key}/rotate", post().to(keys::rotate))
        .route("/v1/keys/{key}/revoke", post().to(keys::revoke))
        .route("/v1/policy", get().to(tenant::policy))
        .route("/v1/policy", post().to(tenant::set_policy))
        .route("/v1/test-clock", post().to(tenant::advance_clock))
        .route("/v1/time-zone", post().to(tenant::set_time_zone))
        .route("/v1/status", get().to(operations::status))
        .route("/v1/guarantees", get().to(operations::guarantees))
        .route("/v1/events", get().to(operations::events))
        .route("/v1/export", get().to(exports::stream))
        .route("/v1/export/manifest", get().to(exports::manifest))
        .route("/v1/books", get().to(exports::books))
        .route("/v1/rebuild", post().to(operations::rebuild))
        .route("/v1/effects", get().to(operations::effects))
        .route("/v1/stripe-sync", post().to(operations::stripe_sync))
        .route("/v1/balance-transactions", post().to(books::import))
        .route("/v1/trial-balance", get().to(books::trial_balance))
        .route("/v1/invariants", get().to(invariants::list))
        .route("/v1/hashes", get().to(books::hashes))
        .route("/v1/reports", get().to(reports::catalogue))
        .route("/v1/reports/{name}", get().to(reports::answer))
        .route("/v1/explain", get().to(figures::explain))
        .route("/v1/figures", get().to(figures::catalogue))
        .route("/v1/figures/{name}", get().to(figures::figure))
        .route("/v1/balance", get().to(figures::balance))
        .route("/v1/restatement", get().to(figures::restatement));
    for list in catalogue::LISTS {
        config.route(list.path, get().to(lists::answer));
    }
    of_memberships(config);
    dashboard::configure(config);
}

fn of_memberships(config: &mut web::ServiceConfig) {
    config
        .route("/v1/memberships", post().to(memberships::start))
        .route("/v1/memberships/{membership}/periods", post().to(memberships::pay))
        .route("/v1/memberships/{membership}/cancel", post().to(memberships::cancel))
        .route("/v1/memberships/{membership}/end", post().to(memberships::end))
        .route(
            "/v1/memberships/{membership}/periods/{period}/refunds",
            post().to(memberships::refund),
        );
}
