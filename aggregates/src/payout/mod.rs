//! Placeholder.

pub mod commands;
pub mod errors;
pub mod events;
