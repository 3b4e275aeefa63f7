//! Opening: the tables are made or brought up to date, and the log gets its identity, once.

use sqlx::{Connection, PgConnection, migrate::Migrator};
use store::LogId;

use super::{options::OpenLogError, sessions::SCHEMA};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations/postgres-log");

/// Two processes that start at once make the tables one after the other.
const LOCK: &str = "SELECT pg_advisory_lock(1145131851, 2)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(1145131851, 2)";

const IS_THERE: &str = "SELECT to_regclass('daybook_log.events') IS NOT NULL";
const LOG_ID: &str = "SELECT value FROM daybook_log.meta WHERE name = 'log_id'";
const GIVE_ID: &str = "INSERT INTO daybook_log.meta (name, value) VALUES ('log_id', $1) \
     ON CONFLICT DO NOTHING";

/// Why the tables are not as they should be.
enum Fault {
    Sql(sqlx::Error),
    Newer(String),
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

/// Makes sure that the tables are there and of this version.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    database: &str,
) -> Result<(), OpenLogError> {
    let prepared = async {
        sqlx::query(LOCK).execute(&mut *connection).await?;
        let made = make(connection).await;
        sqlx::query(UNLOCK).execute(&mut *connection).await?;
        made
    };
    prepared.await.map_err(|fault| match fault {
        Fault::Sql(error) => unavailable(database, &error),
        Fault::Newer(reason) => OpenLogError::NewerSchema { database: database.to_owned(), reason },
    })
}

async fn make(connection: &mut PgConnection) -> Result<(), Fault> {
    let schema = format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}");
    sqlx::query(&schema).execute(&mut *connection).await?;
    MIGRATOR.run_direct(connection).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error)
        | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => Fault::Sql(error),
        other => Fault::Newer(other.to_string()),
    })
}

/// Whether there is a log.
pub(super) async fn is_there(
    connection: &mut PgConnection,
    database: &str,
) -> Result<bool, OpenLogError> {
    let asked = sqlx::query_scalar(IS_THERE).fetch_one(connection).await;
    asked.map_err(|error| unavailable(database, &error))
}

/// The id of the log; a new one gets the id that is wanted, or mints its own.
pub(super) async fn identity(
    connection: &mut PgConnection,
    database: &str,
    wanted: Option<&LogId>,
    read_only: bool,
) -> Result<LogId, OpenLogError> {
    let fault = |error: sqlx::Error| unavailable(database, &error);
    if !read_only {
        let own = wanted.cloned().unwrap_or_else(LogId::mint).0;
        let mut transaction = connection.begin().await.map_err(fault)?;
        sqlx::query(GIVE_ID).bind(own).execute(&mut *transaction).await.map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
    }
    let found: Option<String> =
        sqlx::query_scalar(LOG_ID).fetch_optional(connection).await.map_err(fault)?;
    let found =
        LogId(found.ok_or_else(|| OpenLogError::Missing { database: database.to_owned() })?);
    match wanted {
        Some(wanted) if *wanted != found => Err(OpenLogError::OtherLog {
            database: database.to_owned(),
            found,
            wanted: wanted.clone(),
        }),
        _ => Ok(found),
    }
}

fn unavailable(database: &str, error: &sqlx::Error) -> OpenLogError {
    OpenLogError::Unavailable { database: database.to_owned(), reason: error.to_string() }
}
