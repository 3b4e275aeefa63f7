//! What the tests of the whole house share: the real binary, a fake Stripe, and an HTTP client.
//!
//! Everything in here panics when something is not as it should be: it is only ever part of a test.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot go on fails its test"
)]

pub mod browser;
pub mod caller;
pub mod command;
pub mod daybook;
pub mod goods;
pub mod house;
pub mod kurrent;
pub mod postgres;
pub mod storm;

pub use caller::{Answer, Caller};
pub use command::{Said, daybook_command, run, run_in};
pub use daybook::{Daybook, Engine, Settings};
pub use house::{House, Seller};
