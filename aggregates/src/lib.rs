//! The rules. One module per aggregate: `decide` chooses, `evolve` remembers, and nothing here can
//! reach the world. What it needs to know arrives in the command.

#![deny(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::float_arithmetic
)]

pub mod adjustment;
pub mod api_key;
pub mod balance_transaction;
pub mod calendar;
mod components;
pub mod dispute;
pub mod fact;
pub mod link;
pub mod membership;
pub mod order;
pub mod payment;
pub mod payout;
pub mod period;
pub mod policies;
pub mod refund;
pub mod rejection;
pub mod seller_account;
pub mod tenant;
#[cfg(test)]
mod testing;
pub mod topup;
pub mod vocabulary;
pub mod webhook_event;

pub use components::SplitError;
