//! The dashboard.

use actix_web::web;

/// Mounts the pages.
pub fn configure(_: &mut web::ServiceConfig) {}
