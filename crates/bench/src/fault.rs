//! What can go wrong while measuring: what was being done, and why it failed.

use std::fmt::Display;

/// Something could not be done.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing}: {why}")]
pub(crate) struct Fault {
    doing: String,
    why: String,
}

impl Fault {
    /// Why something could not be done.
    pub(crate) fn new(doing: impl Into<String>, why: impl Display) -> Self {
        Self { doing: doing.into(), why: why.to_string() }
    }
}

/// What a benchmark comes to.
pub(crate) type Outcome<T> = Result<T, Fault>;

/// Says what was being done when an error came up.
pub(crate) trait Doing<T> {
    /// Completes the sentence "could not ...".
    fn doing(self, what: &str) -> Outcome<T>;
}

impl<T, E: Display> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Outcome<T> {
        self.map_err(|error| Fault::new(what, error))
    }
}
