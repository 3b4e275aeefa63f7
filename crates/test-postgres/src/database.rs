//! One empty database on a test server.

/// A database of its own for one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Database {
    /// `postgres://...`, as the superuser, over the loopback address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
