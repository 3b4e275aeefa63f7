//! A throw-away PostgreSQL for tests: a real one, that ends with the process that asked for it.
//!
//! ```no_run
//! let server = test_postgres::Server::shared();
//! let database = server.database();
//! println!("{}", database.url());
//! ```
//!
//! The programs are Debian's (`apt-get install postgresql`); `DAYBOOK_TEST_POSTGRES` names the
//! folder of others. What goes wrong here panics, with the server's own words: a test without its
//! server has failed.

#![allow(
    clippy::panic,
    reason = "this crate exists for tests: a server that cannot be had fails the test that asked"
)]

mod database;
mod options;
mod programs;
mod server;
mod standby;
mod supervisor;

#[cfg(test)]
mod tests;

use std::{
    thread,
    time::{Duration, Instant},
};

pub use database::Database;
pub use options::Options;
pub use server::{Server, StopMode};

/// How long anything here may take before it counts as failed. Many test processes share a
/// machine, and starting one server can take seconds then.
const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer; `None` when patience ends.
fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        thread::sleep(Duration::from_millis(5));
    }
}
