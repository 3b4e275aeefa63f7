//! The second lock on a tenant's rows: a role that sees only the rows of the tenant it is told.
//!
//! The engine's role owns the tables and works across tenants. A question of one tenant is asked as
//! the reader role, inside a transaction that names the tenant; a policy on every table compares.
//! A filter that somebody forgot then answers nothing instead of everything.

use sqlx::{PgConnection, Row};

use super::{
    OpenViewsError,
    address::Address,
    errors::{NOT_PERMITTED, NOT_UNIQUE, ROLE_EXISTS, says},
    names::{literal, quoted},
    turn::run,
};

const ROLE: &str = "SELECT rolsuper OR rolbypassrls OR pg_has_role(rolname, current_user, 'MEMBER') \
     FROM pg_roles WHERE rolname = $1";

/// Tables that the reader cannot read yet: those made before there was a reader.
const UNREADABLE: &str = "SELECT physical FROM daybook_tables \
     WHERE NOT has_table_privilege($1, physical, 'SELECT')";
const UNREADABLE_VIEWS: &str = "SELECT relname FROM pg_class \
     WHERE relnamespace = $1::regnamespace AND relkind = 'v' \
     AND NOT has_table_privilege($2, oid, 'SELECT')";

/// Makes sure that the role is there, harmless, and ours to become; `None`, and a warning, when the
/// database's administrator has to make it.
pub(super) async fn ensure(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<Option<String>, OpenViewsError> {
    let failed = |error: sqlx::Error| OpenViewsError::setting_up(&error);
    let role = &address.reader;
    match made(connection, role).await {
        Ok(true) => {}
        Ok(false) => {
            return Err(OpenViewsError::Unsuitable(format!(
                "the role {role} may see the rows of every tenant; questions of one tenant are not \
                 asked as such a role (choose another with ?reader= in the address)"
            )));
        }
        Err(error) if says(&error, NOT_PERMITTED) => {
            warn(role, &error);
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    }
    if let Err(error) = become_able(connection, role).await {
        if says(&error, NOT_PERMITTED) {
            warn(role, &error);
            return Ok(None);
        }
        return Err(failed(error));
    }
    grant_missing(connection, address).await.map_err(failed)?;
    Ok(Some(role.clone()))
}

fn warn(role: &str, error: &sqlx::Error) {
    tracing::warn!(
        role,
        %error,
        "the second lock on the tenants' rows is off: this database role may neither make nor become \
         the reader; let an administrator run CREATE ROLE {role} NOLOGIN; GRANT {role} TO ours"
    );
}

/// Whether the role is there and sees no more than it should; makes it if there is none.
async fn made(connection: &mut PgConnection, role: &str) -> Result<bool, sqlx::Error> {
    let harmless = |row: sqlx::postgres::PgRow| row.try_get::<bool, _>(0).map(|sees_all| !sees_all);
    if let Some(row) = sqlx::query(ROLE).bind(role).fetch_optional(&mut *connection).await? {
        return harmless(row);
    }
    let create = format!(
        "CREATE ROLE {} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS",
        quoted(role)
    );
    match run(connection, &create).await {
        Ok(_) => Ok(true),
        // Roles belong to all databases of a server; another Daybook was faster.
        Err(error) if says(&error, ROLE_EXISTS) || says(&error, NOT_UNIQUE) => {
            harmless(sqlx::query(ROLE).bind(role).fetch_one(connection).await?)
        }
        Err(error) => Err(error),
    }
}

/// Makes sure that we can become the role, by becoming it.
async fn become_able(connection: &mut PgConnection, role: &str) -> Result<(), sqlx::Error> {
    let role = quoted(role);
    let become_it = format!("SET ROLE {role}; RESET ROLE");
    match run(connection, &become_it).await {
        Err(error) if says(&error, NOT_PERMITTED) => {
            run(connection, &format!("GRANT {role} TO CURRENT_USER")).await?;
            run(connection, &become_it).await?;
            Ok(())
        }
        other => other.map(|_| ()),
    }
}

/// Lets the role read what was made before it.
async fn grant_missing(
    connection: &mut PgConnection,
    address: &Address,
) -> Result<(), sqlx::Error> {
    let reader = quoted(&address.reader);
    let mut grants = Vec::new();
    for schema in [&address.schema, &address.versions] {
        let may: bool = sqlx::query_scalar("SELECT has_schema_privilege($1, $2, 'USAGE')")
            .bind(&address.reader)
            .bind(schema)
            .fetch_one(&mut *connection)
            .await?;
        if !may {
            grants.push(format!("GRANT USAGE ON SCHEMA {} TO {reader};", quoted(schema)));
        }
    }
    let tables: Vec<String> =
        sqlx::query_scalar(UNREADABLE).bind(&address.reader).fetch_all(&mut *connection).await?;
    let views: Vec<String> = sqlx::query_scalar(UNREADABLE_VIEWS)
        .bind(&address.schema)
        .bind(&address.reader)
        .fetch_all(&mut *connection)
        .await?;
    for (schema, names) in [(&address.versions, tables), (&address.schema, views)] {
        let schema = quoted(schema);
        grants.extend(
            names
                .iter()
                .map(|name| format!("GRANT SELECT ON {schema}.{} TO {reader};", quoted(name))),
        );
    }
    if !grants.is_empty() {
        run(connection, &grants.concat()).await?;
    }
    Ok(())
}

/// The policy of a new table, and who may read it. Not forced on the owner, which is the engine:
/// it works across tenants. Whoever else is let in sees one tenant at a time.
pub(super) fn protect(physical: &str, reader: Option<&str>) -> String {
    let table = quoted(physical);
    let grant = reader
        .map(|reader| format!("GRANT SELECT ON {table} TO {};", quoted(reader)))
        .unwrap_or_default();
    format!(
        "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY daybook_one_tenant ON {table} FOR SELECT \
         USING (\"tenant\" = current_setting('daybook.tenant', true)); {grant}"
    )
}

/// Becomes the reader of one tenant, until the end of the transaction.
pub(super) fn become_reader_of(tenant: &str, reader: &str) -> String {
    format!(
        "SET LOCAL row_security = on; SET LOCAL ROLE {}; SELECT set_config('daybook.tenant', {}, true)",
        quoted(reader),
        literal(tenant)
    )
}
