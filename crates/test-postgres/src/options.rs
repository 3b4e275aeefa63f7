//! What a test may ask of its server.

/// How a server is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    settings: Vec<String>,
}

impl Options {
    /// The usual server: durable (`fsync` is on), UTF-8, with checksums, 200 connections.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line of `postgresql.conf`; the last line about a setting counts.
    #[must_use]
    pub fn setting(mut self, line: impl Into<String>) -> Self {
        self.settings.push(line.into());
        self
    }

    pub(crate) fn settings(&self) -> &[String] {
        &self.settings
    }
}
