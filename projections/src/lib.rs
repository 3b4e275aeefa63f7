//! The answers. One module per read model, each a pure fold of facts into rows; and
//! [`postings`], the one function that turns a fact into movements of money.

#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::float_arithmetic
)]

pub mod chart;
pub mod postings;
mod projection;

pub use projection::{FoldError, Occurrence, Projection, Rows, Wanted, Writes};
