//! Placeholder.

pub mod commands;
pub mod events;
