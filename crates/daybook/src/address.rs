//! Where a log and its read models are: `sqlite:PATH`, `postgres://...`, `esdb://...`. Passwords in
//! addresses are never shown.

use std::{fmt, path::PathBuf};

use crate::outcome::{Failure, Outcome};

const LOG_SCHEMES: &str = "sqlite:PATH, postgres://HOST/DATABASE, esdb://HOST or kurrentdb://HOST";
const VIEWS_SCHEMES: &str = "sqlite:PATH or postgres://HOST/DATABASE";

/// A URL that may carry a password: it shows itself without.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Url(String);

impl Url {
    /// The URL with its password, for whoever connects.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it carries a password.
    pub(crate) fn has_password(&self) -> bool {
        !self.secrets().is_empty()
    }

    /// A text in which this URL's passwords are not to be seen: what drivers say may quote it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut scrubbed = text.to_owned();
        for secret in self.secrets() {
            scrubbed = scrubbed.replace(secret, "***");
        }
        scrubbed
    }

    /// Every part that is a secret: the password before the host, and parameters named so.
    fn secrets(&self) -> Vec<&str> {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let (before, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        // The last @: a password that should have been percent-encoded may hold one itself.
        let user = before.rsplit_once('@').map_or("", |(user, _)| user);
        let password = user.split_once(':').map(|(_, password)| password);
        let named = parameters
            .split('&')
            .filter_map(|parameter| parameter.split_once('='))
            .filter(|(name, _)| name.to_ascii_lowercase().contains("password"))
            .map(|(_, value)| value);
        password.into_iter().chain(named).filter(|secret| !secret.is_empty()).collect()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scrub(&self.0))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

/// Where a log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogAddress {
    /// In a SQLite file.
    Sqlite(PathBuf),
    /// In a PostgreSQL database.
    Postgres(Url),
    /// In `KurrentDB` or `EventStoreDB`.
    Kurrent(Url),
}

impl LogAddress {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        if let Some(path) = sqlite_path(text) {
            return path.map(Self::Sqlite);
        }
        match scheme(text) {
            Some("postgres" | "postgresql") => Ok(Self::Postgres(Url(text.to_owned()))),
            Some("esdb" | "esdb+discover" | "kurrentdb" | "kurrentdb+discover") => {
                Ok(Self::Kurrent(Url(text.to_owned())))
            }
            _ => Err(wrong("a log", text, LOG_SCHEMES)),
        }
    }

    /// Whether a server holds it, and not a file of this machine.
    pub(crate) const fn is_served(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    /// Whether it carries a password.
    pub(crate) fn has_password(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) | Self::Kurrent(url) => url.has_password(),
        }
    }
}

impl fmt::Display for LogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) | Self::Kurrent(url) => url.fmt(f),
        }
    }
}

/// Where read models are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ViewsAddress {
    /// In a SQLite file.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, in a schema of their own.
    Postgres(Url),
}

impl ViewsAddress {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        if let Some(path) = sqlite_path(text) {
            return path.map(Self::Sqlite);
        }
        match scheme(text) {
            Some("postgres" | "postgresql") => Ok(Self::Postgres(Url(text.to_owned()))),
            _ => Err(wrong("read models", text, VIEWS_SCHEMES)),
        }
    }

    /// A text in which its passwords are not to be seen.
    pub(crate) fn scrub(&self, text: &str) -> String {
        match self {
            Self::Sqlite(_) => text.to_owned(),
            Self::Postgres(url) => url.scrub(text),
        }
    }

    /// Whether it carries a password.
    pub(crate) fn has_password(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => url.has_password(),
        }
    }
}

impl fmt::Display for ViewsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// The path of a `sqlite:` address; `sqlite://PATH` is the same.
fn sqlite_path(text: &str) -> Option<Outcome<PathBuf>> {
    let path = text.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() {
        return Some(Err(Failure::usage("sqlite: needs the path of a file, sqlite:PATH")));
    }
    Some(Ok(PathBuf::from(path)))
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    (!rest.is_empty()).then_some(scheme)
}

fn wrong(what: &str, text: &str, schemes: &str) -> Failure {
    let shown = Url(text.to_owned());
    Failure::usage(format!("\"{shown}\" does not say where {what} would be; use {schemes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_its_scheme() {
        let file = LogAddress::Sqlite(PathBuf::from("/data/log.db"));
        assert_eq!(LogAddress::parse("sqlite:/data/log.db").unwrap(), file);
        assert_eq!(LogAddress::parse("sqlite:///data/log.db").unwrap(), file);
        for url in ["postgres://localhost/books", "postgresql://localhost/books"] {
            assert!(matches!(LogAddress::parse(url).unwrap(), LogAddress::Postgres(_)));
            assert!(matches!(ViewsAddress::parse(url).unwrap(), ViewsAddress::Postgres(_)));
        }
        for url in [
            "esdb://localhost:2113?tls=false",
            "esdb+discover://a:2113,b:2113",
            "kurrentdb://localhost",
            "kurrentdb+discover://cluster.example",
        ] {
            assert!(matches!(LogAddress::parse(url).unwrap(), LogAddress::Kurrent(_)), "{url}");
            assert!(ViewsAddress::parse(url).is_err());
        }
        for wrong in ["", "log.db", "sqlite:", "mysql://localhost/books", "postgres:books"] {
            assert!(LogAddress::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (text, shown) in [
            ("postgres://ann:hunter2@db.example/books", "postgres://ann:***@db.example/books"),
            ("postgres://ann:hun@ter2@db.example/books", "postgres://ann:***@db.example/books"),
            ("postgres://ann@db.example/books", "postgres://ann@db.example/books"),
            ("postgres://db/books?password=hunter2", "postgres://db/books?password=***"),
            ("esdb://admin:changeit@a:1,b:2?tls=false", "esdb://admin:***@a:1,b:2?tls=false"),
            ("mysql://ann:hunter2@db.example/books", "mysql://ann:***@db.example/books"),
        ] {
            let url = Url(text.to_owned());
            assert_eq!(url.to_string(), shown);
            assert_eq!(url.has_password(), text != shown, "{text}");
            assert!(!format!("{url:?}").contains("hunter2"));
        }
        let url = Url("postgres://ann:hunter2@db/books".to_owned());
        assert_eq!(url.scrub("no password \"hunter2\" for ann"), "no password \"***\" for ann");
    }
}
