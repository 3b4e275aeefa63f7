//! Where the read models are: a PostgreSQL address with two parameters of our own.

use std::{str::FromStr, time::Duration};

use sqlx::postgres::PgConnectOptions;

use super::{OpenViewsError, names::literal, open::pool_options};
use crate::cluster::{Cluster, Host, hosts};

/// The schema that people see, unless the address says `?schema=`.
const SCHEMA: &str = "daybook";
/// The role that questions of one tenant are asked as, unless the address says `?reader=`.
const READER: &str = "daybook_reader";

/// The longest name of a schema or role; `_versions` must fit behind it.
const NAME_BYTES_MAX: usize = 48;

/// How long a statement waits for a lock before it fails. Rows are only ever locked by another
/// process's step; a table, by a shell or a new version going live.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one process waits for another that is changing tables.
pub(super) const CHANGE_TIMEOUT: Duration = Duration::from_secs(600);
/// After so long, the server ends a transaction in which nothing happens: its process is gone or
/// frozen, and its locks would hold up whoever takes over. No longer than leases last, so that it
/// is not the locks that others wait for.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

const STATEMENTS_MAX: usize = 256;

/// An address, taken apart.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// How to connect to each host.
    pub(super) connect: Vec<PgConnectOptions>,
    /// The schema of the views that people see.
    pub(super) schema: String,
    /// The schema of the physical tables and the bookkeeping.
    pub(super) versions: String,
    /// The role for questions of one tenant.
    pub(super) reader: String,
}

impl Address {
    /// Takes `postgres://...[?schema=...][&reader=...]` apart.
    pub(super) fn parse(url: &str) -> Result<Self, OpenViewsError> {
        let (mut schema, mut reader) = (SCHEMA.to_owned(), READER.to_owned());
        let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
        let mut theirs = Vec::new();
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            match parameter.split_once('=') {
                Some(("schema", name)) => schema = checked("schema", name)?,
                Some(("reader", name)) => reader = checked("role", name)?,
                _ => theirs.push(parameter),
            }
        }
        let wrong = |reason: String| OpenViewsError::Address(reason);
        let url = if theirs.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", theirs.join("&"))
        };
        let versions = format!("{schema}_versions");
        let mut connect = Vec::new();
        for url in hosts(&url).map_err(|reason| wrong(reason.to_owned()))? {
            // The reason never repeats the address, which may hold a password.
            let host =
                PgConnectOptions::from_str(&url).map_err(|error| wrong(error.to_string()))?;
            connect.push(set_up(host, &versions, &schema));
        }
        Ok(Self { connect, schema, versions, reader })
    }

    /// The servers behind it, with pools that try a connection that has rested before they lend it.
    pub(super) fn cluster(&self) -> Cluster {
        let hosts = self
            .connect
            .iter()
            .map(|host| Host { reading: host.clone(), committing: host.clone() });
        Cluster::new(hosts.collect(), pool_options())
    }

    /// The lock under which tables are changed, one for each schema.
    pub(super) fn change_lock(&self) -> String {
        format!("hashtextextended({}, 0)", literal(&format!("daybook views {}", self.versions)))
    }
}

fn set_up(host: PgConnectOptions, versions: &str, schema: &str) -> PgConnectOptions {
    host.application_name("daybook views").statement_cache_capacity(STATEMENTS_MAX).options([
        ("search_path", format!("{versions},{schema}")),
        ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
        ("idle_in_transaction_session_timeout", milliseconds(IDLE_TIMEOUT)),
        // A commit that does not wait for the disk can be taken back by a power cut. That
        // is safe here, and only here: rows and checkpoint go in one transaction and come
        // back together, and the projection folds the same events again.
        ("synchronous_commit", "off".to_owned()),
        // Whoever does not own the tables would see the rows of no tenant, and fold from there:
        // better an error. The reader turns it on for itself.
        ("row_security", "off".to_owned()),
        // A plan that was made while a table was nearly empty reads it from end to end. Kept
        // for a million rows, it would do so for each of them; planning anew costs far less.
        ("plan_cache_mode", "force_custom_plan".to_owned()),
        // Compiling pays for long analyses, and there are none here.
        ("jit", "off".to_owned()),
        ("client_min_messages", "warning".to_owned()),
    ])
}

/// A time as PostgreSQL's settings take it.
pub(super) fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

fn checked(what: &str, name: &str) -> Result<String, OpenViewsError> {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if first && rest && name.len() <= NAME_BYTES_MAX && !name.starts_with("pg_") {
        return Ok(name.to_owned());
    }
    Err(OpenViewsError::Address(format!(
        "\"{name}\" is not a name for a {what}: at most {NAME_BYTES_MAX} of a-z, 0-9 and _"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_name_the_schema_and_the_role() {
        let address = Address::parse("postgres://ada:secret@localhost/books").unwrap();
        assert_eq!((&*address.schema, &*address.versions), ("daybook", "daybook_versions"));
        let address = Address::parse(
            "postgresql://localhost/books?sslmode=disable&schema=shop&reader=shop_reader",
        )
        .unwrap();
        assert_eq!((&*address.schema, &*address.reader), ("shop", "shop_reader"));
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_repeated() {
        for wrong in [
            "sqlite://ada:secret@x",
            "postgres://ada:secret@local host:port/books",
            "postgres://ada:secret@localhost/books?schema=Shop;drop",
            "postgres://ada:secret@localhost/books?reader=pg_monitor",
        ] {
            let refused = Address::parse(wrong).unwrap_err();
            assert!(matches!(refused, OpenViewsError::Address(_)), "{refused:?}");
            assert!(!refused.to_string().contains("secret"), "{refused}");
        }
    }
}
