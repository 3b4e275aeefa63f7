//! A protocol-level test server for KurrentDB clients: the published gRPC services over one history.
//!
//! It proves how a client maps requests, errors, positions and retries over real gRPC, with faults on
//! demand. It proves nothing about KurrentDB's durability, elections or performance: its cluster is one
//! history behind several addresses, written to an append-only file that is never synchronised.
//! Subscriptions, batch append, access control and TLS are not served.
#![expect(clippy::result_large_err, reason = "a Status is what every gRPC handler answers with")]

mod appends;
mod cluster;
mod faults;
mod history;
mod members;
mod proto;
mod reads;
mod server;
mod services;
mod wire;

pub use faults::{AppendFault, Faults};
pub use server::{FakeOptions, FakeServer};
