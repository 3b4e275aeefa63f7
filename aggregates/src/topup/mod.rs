//! Placeholder.

pub mod events;
