//! Daybook over HTTP: the JSON API, the webhook endpoints, and the dashboard.

pub mod commands;
pub mod dashboard;
pub mod extract;
mod observe;
mod openapi;
pub mod paper;
pub mod permissions;
pub mod problem;
mod resources;
mod routes;
pub mod secrets;
mod server;
pub mod session;
mod state;

pub use openapi::openapi;
pub use server::{Running, ServeError, serve};
pub use state::{Api, Limits, RenderMetrics};
