//! The connections of the log: how they are set up, and to which hosts.

use std::{str::FromStr, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::options::{OpenLogError, PostgresLogOptions};
use crate::cluster::{CONNECT_PATIENCE, Cluster, Host, hosts};

/// Where the log's tables are.
pub(super) const SCHEMA: &str = "daybook_log";

/// The servers of a URL, and the name of the database, for people.
pub(super) fn cluster(
    url: &str,
    options: &PostgresLogOptions,
) -> Result<(Cluster, String), OpenLogError> {
    let bad = |reason: &str| OpenLogError::Url { reason: reason.to_owned() };
    let mut all = Vec::new();
    for url in hosts(url).map_err(bad)? {
        // What sqlx says may repeat the URL, which may hold a password.
        let host = PgConnectOptions::from_str(&url);
        all.push(sessions(host.map_err(|_| bad("a part of it cannot be read"))?, options));
    }
    let first = all.first().and_then(|host| host.reading.get_database());
    let database = first.unwrap_or("of the user's name").to_owned();
    let pools = PgPoolOptions::new()
        .max_connections(options.readers.max(1))
        .acquire_timeout(CONNECT_PATIENCE);
    Ok((Cluster::new(all, pools), database))
}

fn sessions(host: PgConnectOptions, options: &PostgresLogOptions) -> Host {
    let host = host.options([
        ("search_path", SCHEMA.to_owned()),
        ("lock_timeout", milliseconds(options.lock_patience)),
        ("idle_in_transaction_session_timeout", "60s".to_owned()),
        ("jit", "off".to_owned()),
        // Rows are always found by an index; a plan that was made when a table was empty must not
        // be kept.
        ("enable_seqscan", "off".to_owned()),
    ]);
    // What is written beside commits are hints, which may be lost.
    let reading = [("synchronous_commit", "off")];
    // Nothing is acknowledged before it is on the disk, and on the standby if there is one.
    let committing = [
        ("synchronous_commit", "on"),
        ("statement_timeout", "0"),
        ("default_transaction_isolation", "read\\ committed"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
    ];
    Host {
        reading: host.clone().application_name("daybook").options(reading),
        committing: host.application_name("daybook commits").options(committing),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_is_refused_without_repeating_it() {
        for url in ["mysql://ann:secret@one/books", "one/books", "postgres://ann:secret@one:x/b"] {
            let error = cluster(url, &PostgresLogOptions::default()).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
            assert!(error.contains("postgres://user@host:5432/database"), "{error}");
        }
    }
}
