//! What the server promises with its present settings, and what is wrong with them.

use sqlx::PgPool;
use store::{Durability, Guarantees, LogError};

use super::reader::read_error;

const SETTINGS: &str = "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', \
     'fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names', 'wal_level', \
     'data_checksums', 'server_encoding', 'max_connections', 'transaction_read_only') ORDER BY name";

/// Standbys whose answer a commit waits for. Only a superuser or a member of `pg_monitor` sees them.
const STANDBYS: &str = "SELECT count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), count(*), \
     coalesce(bool_or(sync_state IS NULL), false) FROM pg_stat_replication";

/// How hard the committer's own sessions wait, whatever the server's default is.
const OURS: (&str, &str) = ("synchronous_commit of the committer", "on");

pub(super) async fn state(pool: &PgPool, wants_replication: bool) -> Result<Guarantees, LogError> {
    let mut settings: Vec<(String, String)> =
        sqlx::query_as(SETTINGS).fetch_all(pool).await.map_err(read_error)?;
    let (synchronous, standbys, hidden): (i64, i64, bool) =
        sqlx::query_as(STANDBYS).fetch_one(pool).await.map_err(read_error)?;
    let version = value(&settings, "server_version").unwrap_or("of unknown version").to_owned();
    let mut broken = broken_settings(&settings);
    let named =
        value(&settings, "synchronous_standby_names").is_some_and(|names| !names.is_empty());
    if wants_replication {
        broken.extend(missing_replication(named, synchronous, hidden));
    }
    // What the pool's own sessions are set to says nothing about the committer's.
    settings.retain(|(name, _)| name != "synchronous_commit");
    settings.push((OURS.0.to_owned(), OURS.1.to_owned()));
    settings.push(("standbys".to_owned(), standbys.to_string()));
    settings.push(("synchronous standbys".to_owned(), synchronous.to_string()));
    let durability =
        if named && synchronous > 0 { Durability::Replicated } else { Durability::Disk };
    Ok(Guarantees { engine: format!("PostgreSQL {version}"), durability, settings, broken })
}

fn value<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn broken_settings(settings: &[(String, String)]) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, value) in settings {
        match (name.as_str(), value.as_str()) {
            ("fsync", "off") => broken.push(
                "fsync is off: a power cut can lose acknowledged commits and the whole database"
                    .to_owned(),
            ),
            ("full_page_writes", "off") => broken.push(
                "full_page_writes is off: a power cut can leave torn pages behind".to_owned(),
            ),
            ("server_encoding", encoding) if encoding != "UTF8" => broken.push(format!(
                "server_encoding is {encoding}, not UTF8: not every text can be stored"
            )),
            _ => {}
        }
    }
    broken
}

fn missing_replication(named: bool, synchronous: i64, hidden: bool) -> Option<String> {
    if !named {
        return Some(
            "synchronous_standby_names is empty: acknowledged commits do not survive the loss of \
             the server"
                .to_owned(),
        );
    }
    if synchronous > 0 {
        return None;
    }
    Some(if hidden {
        "whether a synchronous standby is attached cannot be seen: grant pg_monitor to Daybook's role"
            .to_owned()
    } else {
        "no synchronous standby is attached: every commit waits for one".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_may_forget_is_called_broken() {
        let of = |name: &str, value: &str| broken_settings(&[(name.to_owned(), value.to_owned())]);
        assert_eq!(of("fsync", "on"), Vec::<String>::new());
        assert!(of("fsync", "off")[0].contains("fsync is off"));
        assert!(of("full_page_writes", "off")[0].contains("full_page_writes"));
        assert!(of("server_encoding", "SQL_ASCII")[0].contains("UTF8"));
    }

    #[test]
    fn high_availability_needs_a_standby_that_commits_wait_for() {
        assert!(missing_replication(false, 0, false).unwrap().contains("is empty"));
        assert!(missing_replication(true, 0, false).unwrap().contains("no synchronous standby"));
        assert!(missing_replication(true, 0, true).unwrap().contains("pg_monitor"));
        assert_eq!(missing_replication(true, 1, false), None);
    }
}
