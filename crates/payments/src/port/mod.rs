//! Asking Stripe, and asking things of it: the engine's outbound port through async-stripe.
//!
//! Requests are built with async-stripe's typed builders, so that a wrong parameter does not
//! compile, and sent by its client. Answers are read with our own patient structs
//! ([`crate::objects`]): the crate's own refuse an answer in which one expected field is missing,
//! and an answer to a call that has moved money must never be refused.

mod call;
mod changes;
mod gateway;
mod reads;

#[cfg(test)]
mod tests;

pub use gateway::{StripeConfig, StripeConfigError, StripeGateway};
