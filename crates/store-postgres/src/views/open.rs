//! Opening: the server is one that can be used, the schemas are there, the bookkeeping is up to
//! date, and the reader role is known.

use sqlx::{
    Connection, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

use super::{
    OpenViewsError,
    address::{Address, CHANGE_TIMEOUT, LOCK_TIMEOUT, milliseconds},
    names::{literal, quoted},
    reader,
    turn::run,
};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations/postgres-views");

/// Views that hold whoever asks them to their own rights came with this version.
const SERVER_VERSION_MIN: i32 = 150_000;

/// Connections of one process.
pub(super) const CONNECTIONS_MAX: u32 = 8;
/// How long the first connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(30);
/// How long a caller waits for a connection, also for a server that is just starting.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sets up what is missing; the role for questions of one tenant, if there can be one.
pub(super) async fn set_up(address: &Address) -> Result<Option<String>, OpenViewsError> {
    let connected =
        tokio::time::timeout(CONNECT_MAX, PgConnection::connect_with(&address.connect)).await;
    let mut connection = connected
        .map_err(|_| OpenViewsError::Unreachable(format!("no answer for {CONNECT_MAX:?}")))?
        .map_err(|error| OpenViewsError::connecting(&error))?;
    check_server(&mut connection).await?;
    let failed = |error: sqlx::Error| OpenViewsError::setting_up(&error);
    // Held to the end of this connection: of two that start at once, the second finds all done.
    let lock = format!(
        "SET lock_timeout = {}; SELECT pg_advisory_lock({}); SET lock_timeout = {}",
        milliseconds(CHANGE_TIMEOUT),
        address.change_lock(),
        milliseconds(LOCK_TIMEOUT)
    );
    run(&mut connection, &lock).await.map_err(failed)?;
    for (schema, comment) in [
        (&address.versions, "The tables behind Daybook's read models, and their bookkeeping."),
        (&address.schema, "Daybook's read models, for people and their tools."),
    ] {
        make_schema(&mut connection, schema, comment).await.map_err(failed)?;
    }
    MIGRATIONS
        .run_direct(&mut connection)
        .await
        .map_err(|error| OpenViewsError::migrating(&address.versions, error))?;
    let reader = reader::ensure(&mut connection, address).await?;
    // Everything is committed; a goodbye that fails changes nothing.
    let _ = connection.close().await;
    Ok(reader)
}

async fn check_server(connection: &mut PgConnection) -> Result<(), OpenViewsError> {
    let failed = |error: sqlx::Error| OpenViewsError::setting_up(&error);
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), \
         pg_is_in_recovery()",
    )
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    let unsuitable = |reason: String| Err(OpenViewsError::Unsuitable(reason));
    let version: i32 = row.try_get(0).map_err(failed)?;
    if version < SERVER_VERSION_MIN {
        return unsuitable(format!("PostgreSQL 15 or later is needed; this is {version}"));
    }
    let encoding: String = row.try_get(1).map_err(failed)?;
    if encoding != "UTF8" {
        return unsuitable(format!("its encoding is {encoding}, not UTF8"));
    }
    if row.try_get::<bool, _>(2).map_err(failed)? {
        return unsuitable("the server is a standby, which cannot be written".to_owned());
    }
    Ok(())
}

async fn make_schema(
    connection: &mut PgConnection,
    schema: &str,
    comment: &str,
) -> Result<(), sqlx::Error> {
    // Asked first: whoever may not make schemas may use one that an administrator has made.
    let there: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(schema)
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        let (schema, comment) = (quoted(schema), literal(comment));
        let make = format!("CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {comment}");
        run(connection, &make).await?;
    }
    Ok(())
}

/// The connections of the running store, made when they are first needed.
pub(super) fn pool(connect: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Not tried before each use, which would cost a round trip: a turn begins again instead.
        .test_before_acquire(false)
        .connect_lazy_with(connect)
}
