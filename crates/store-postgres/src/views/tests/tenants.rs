//! The second lock on a tenant's rows: whoever forgets to say which tenant sees nothing.

use store::{Query, Table, Views, ViewsError, ViewsExt};
use test_postgres::{Database, Server};

use super::{FIRST, Stall, TABLES, events, open, stall, step, stocked, tenant};
use crate::views::{OpenViewsError, PostgresViews};

/// A live store with a row of each of two tenants.
async fn two_tenants(database: &Database) -> PostgresViews {
    let views = stocked(database).await;
    let theirs = Stall { tenant: tenant("circus"), ..stall("tent", 3) };
    views.apply(step(FIRST, 1, &[theirs])).await.unwrap();
    views
}

fn as_reader(database: &Database, sql: &str) -> Result<String, String> {
    Server::shared().try_psql(database.name(), &format!("SET ROLE daybook_reader; {sql}"))
}

#[tokio::test]
async fn the_reader_sees_the_tenant_it_names_and_no_other() {
    let database = Server::shared().database();
    two_tenants(&database).await;
    for relation in ["daybook.stalls", "daybook_versions.stalls__1"] {
        let all = format!("SELECT string_agg(event, ' ') FROM {relation}");
        assert_eq!(as_reader(&database, &all).unwrap(), "", "no tenant named");
        let forgot = format!("SET daybook.tenant = ''; {all}");
        assert_eq!(as_reader(&database, &forgot).unwrap(), "");
        for (name, seen) in [("fair", "spring"), ("circus", "tent"), ("nobody", "")] {
            let named = format!("SET daybook.tenant = '{}'; {all}", tenant(name));
            assert_eq!(as_reader(&database, &named).unwrap(), seen);
        }
        // A condition that has an error to tell about each row is not asked about others' rows.
        let told = format!(
            "SET daybook.tenant = '{}'; SELECT count(*) FROM {relation} \
             WHERE 1 / (length(event) - length('tent')) < 1",
            tenant("fair")
        );
        assert_eq!(as_reader(&database, &told).unwrap(), "1");
    }
}

#[tokio::test]
async fn the_reader_writes_nothing_and_sees_no_bookkeeping() {
    let database = Server::shared().database();
    two_tenants(&database).await;
    let named = format!("SET daybook.tenant = '{}';", tenant("fair"));
    for forbidden in [
        "UPDATE daybook.stalls SET \"left\" = 0",
        "DELETE FROM daybook_versions.stalls__1",
        "INSERT INTO daybook_versions.stalls__1 (tenant, event) VALUES ('x', 'x')",
        "TRUNCATE daybook_versions.stalls__1",
        "DROP VIEW daybook.stalls",
        "ALTER TABLE daybook_versions.stalls__1 DISABLE ROW LEVEL SECURITY",
        "DROP POLICY daybook_one_tenant ON daybook_versions.stalls__1",
        "CREATE TABLE daybook.mine (x bigint)",
        "SELECT * FROM daybook_versions.daybook_checkpoints",
        "SELECT * FROM daybook_versions.daybook_leases",
        "SET row_security = off; SELECT * FROM daybook.stalls",
    ] {
        let refused = as_reader(&database, &format!("{named} {forbidden}")).unwrap_err();
        let said = ["permission denied", "must be owner", "would be affected", "cannot update"];
        assert!(said.iter().any(|words| refused.contains(words)), "{forbidden}: {refused}");
    }
    let server = Server::shared();
    assert_eq!(server.psql_in(database.name(), "SELECT count(*) FROM daybook.stalls"), "2");
}

/// Becoming another role is the right of the one who logged in, and the reader cannot log in: a
/// connection that belongs to it alone has no way out.
#[tokio::test]
async fn a_login_that_is_only_a_reader_cannot_become_more() {
    let server = Server::shared();
    let database = server.database();
    two_tenants(&database).await;
    let login = format!("analyst_{}", database.name());
    server.psql(&format!("CREATE ROLE {login} LOGIN IN ROLE daybook_reader"));
    let asked = |sql: &str| {
        // A session that began as the login, as far as its rights go.
        server.try_psql(database.name(), &format!("SET SESSION AUTHORIZATION {login}; {sql}"))
    };
    assert_eq!(asked("SELECT count(*) FROM daybook.stalls").unwrap(), "0");
    let named = format!("SET daybook.tenant = '{}';", tenant("circus"));
    assert_eq!(asked(&format!("{named} SELECT event FROM daybook.stalls")).unwrap(), "tent");
    let refused = asked("SET ROLE postgres").unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    // One who may see all tenants says so by an attribute of their own.
    server.psql(&format!("ALTER ROLE {login} BYPASSRLS"));
    assert_eq!(asked("SELECT count(*) FROM daybook.stalls").unwrap(), "2");
    server.psql_in(database.name(), &format!("DROP ROLE {login}"));
}

#[tokio::test]
async fn questions_of_a_tenant_are_asked_as_the_reader() {
    let database = Server::shared().database();
    let views = two_tenants(&database).await;
    assert_eq!(views.reader_role(), Some("daybook_reader"));
    assert_eq!(events(&views).await, ["spring"]);
    // Without the right to read, the reader reads nothing; the engine still does.
    let revoke = "REVOKE SELECT ON daybook_versions.stalls__1 FROM daybook_reader";
    Server::shared().psql_in(database.name(), revoke);
    let refused = views.rows::<Stall>(Query::of(tenant("fair"))).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    let all: Vec<Stall> = views.rows(Query::across_tenants()).await.unwrap();
    assert_eq!(all.len(), 2);
    // What a table lacks is granted at the next start.
    let views = open(&database).await;
    assert_eq!(events(&views).await, ["spring"]);
}

#[tokio::test]
async fn without_the_right_to_make_roles_there_is_one_lock_until_there_are_two() {
    let server = Server::shared();
    let database = server.database();
    let engine = format!("engine_{}", database.name());
    let reader = format!("reader_{}", database.name());
    server.psql(&format!(
        "CREATE ROLE {engine} LOGIN; GRANT CREATE ON DATABASE {} TO {engine}",
        database.name()
    ));
    let url =
        format!("{}?reader={reader}", database.url().replace("postgres@", &format!("{engine}@")));
    let views = PostgresViews::open(&url).await.unwrap();
    assert_eq!(views.reader_role(), None);
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 0, &[stall("spring", 10)])).await.unwrap();
    views.make_live(FIRST, TABLES).await.unwrap();
    assert_eq!(events(&views).await, ["spring"]);
    views.close().await;

    server.psql(&format!("CREATE ROLE {reader} NOLOGIN; GRANT {reader} TO {engine}"));
    let views = PostgresViews::open(&url).await.unwrap();
    assert_eq!(views.reader_role(), Some(&*reader));
    assert_eq!(events(&views).await, ["spring"]);
    views.close().await;

    server.psql(&format!("ALTER ROLE {reader} BYPASSRLS"));
    let refused = PostgresViews::open(&url).await.unwrap_err();
    assert!(matches!(refused, OpenViewsError::Unsuitable(_)), "{refused:?}");
}

#[tokio::test]
async fn an_engine_that_may_make_roles_makes_its_reader() {
    let server = Server::shared();
    let database = server.database();
    let engine = format!("maker_{}", database.name());
    server.psql(&format!(
        "CREATE ROLE {engine} LOGIN CREATEROLE; GRANT CREATE ON DATABASE {} TO {engine}",
        database.name()
    ));
    let url = format!(
        "{}?reader=made_{}",
        database.url().replace("postgres@", &format!("{engine}@")),
        database.name()
    );
    let views = PostgresViews::open(&url).await.unwrap();
    assert!(views.reader_role().is_some());
    views.prepare(FIRST, TABLES).await.unwrap();
    views.apply(step(FIRST, 0, &[stall("spring", 10)])).await.unwrap();
    views.make_live(FIRST, TABLES).await.unwrap();
    assert_eq!(events(&views).await, ["spring"]);
}

#[tokio::test]
async fn an_engine_that_does_not_own_the_tables_fails_instead_of_seeing_nothing() {
    let server = Server::shared();
    let database = server.database();
    two_tenants(&database).await;
    let stranger = format!("stranger_{}", database.name());
    server.psql(&format!("CREATE ROLE {stranger} LOGIN"));
    server.psql_in(
        database.name(),
        &format!(
            "GRANT ALL ON SCHEMA daybook, daybook_versions TO {stranger}; \
             GRANT ALL ON ALL TABLES IN SCHEMA daybook, daybook_versions TO {stranger}"
        ),
    );
    let url = database.url().replace("postgres@", &format!("{stranger}@"));
    let views = PostgresViews::open(&url).await.unwrap();
    let refused = views.rows::<Stall>(Query::across_tenants()).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
    let key = stall("spring", 0).key_values();
    let refused = views.load(FIRST, &TABLES[0], vec![key]).await;
    assert!(matches!(refused, Err(ViewsError::Unavailable(_))), "{refused:?}");
}
