//! The log on KurrentDB (EventStoreDB), for those who outgrow one machine.
//!
//! One stream per aggregate named `category-tenant/id`, appends with the expected revision and event
//! ids derived from the command, catch-up over `$all` by bounded pages. Everything that names the
//! `eventstore` client 4.0.0 is in this crate, so that moving to its successor is a change in this
//! crate alone; `docs/decisions/0011` says when. What the client does wrong is handled in `tls` and
//! `connection`.
//!
//! What is proven here is proven against `kurrent-fake`, a server of our own that speaks the published
//! protocol: the mapping of requests, errors, positions and retries. KurrentDB's durability, elections
//! and real versions are not; `docs/guides/kurrentdb.md` says how to run the same suite against a
//! real server.

mod address;
mod append;
mod bookkeeping;
mod connection;
mod envelope;
mod index;
mod integrity;
mod inventory;
mod keys;
mod log;
mod names;
mod options;
mod tail;
#[cfg(test)]
mod tests;
mod tls;
mod turns;

pub use log::KurrentLog;
pub use options::{LogOptions, OpenLogError, TlsError};
pub use tls::prepare_tls;
