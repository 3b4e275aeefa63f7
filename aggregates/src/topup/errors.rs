//! Why a top-up refuses: never.

/// Facts about money are never refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
pub enum TopupError {}
