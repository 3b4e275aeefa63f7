//! People and their tools: good names, real types, comments, indexes that are used.

use store::{Query, Table, TableDef, Views};
use test_postgres::{Database, Server};

use super::{FIRST, SECOND, Stall, TABLES, events, open, stall, step, stocked};
use crate::views::PostgresViews;

fn ask(database: &Database, sql: &str) -> String {
    Server::shared().psql_in(database.name(), sql)
}

#[tokio::test]
async fn the_schema_of_people_holds_nothing_but_good_names() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let names = "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class \
                 WHERE relnamespace = 'daybook'::regnamespace";
    assert_eq!(ask(&database, names), "stalls");
    assert_eq!(ask(&database, "SELECT event FROM daybook.stalls"), "spring");

    views.prepare(SECOND, TABLES).await.unwrap();
    views.apply(step(SECOND, 0, &[stall("summer", 7)])).await.unwrap();
    assert_eq!(ask(&database, "SELECT event FROM daybook.stalls"), "spring");
    views.make_live(SECOND, TABLES).await.unwrap();
    assert_eq!(ask(&database, "SELECT event FROM daybook.stalls"), "summer");
    let left_over = "SELECT count(*) FROM pg_class WHERE relname LIKE 'stalls\\_\\_1%'";
    assert_eq!(ask(&database, left_over), "0");
    views.discard(SECOND, TABLES).await.unwrap();
    assert_eq!(ask(&database, names), "");
    assert_eq!(ask(&database, "SELECT count(*) FROM pg_class WHERE relname LIKE 'stall%'"), "0");
}

#[tokio::test]
async fn columns_have_real_types_and_say_what_they_mean() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let types = "SELECT string_agg(column_name || ' ' || udt_name || ' ' || is_nullable \
                 || coalesce(' ' || collation_name, ''), ', ' ORDER BY ordinal_position) \
                 FROM information_schema.columns WHERE table_name = 'stalls__1'";
    assert_eq!(
        ask(&database, types),
        "tenant text NO C, event text NO C, left int8 YES, closes_at timestamptz YES, \
         note text YES C"
    );
    let shown = "SELECT extract(epoch FROM closes_at)::bigint FROM daybook.stalls";
    assert_eq!(ask(&database, shown), "1772366400");
    for relation in ["daybook.stalls", "daybook_versions.stalls__1"] {
        let table = format!("SELECT obj_description('{relation}'::regclass)");
        assert_eq!(ask(&database, &table), "Tickets left for an event.");
        let column = format!("SELECT col_description('{relation}'::regclass, 2)");
        assert_eq!(
            ask(&database, &column),
            "Which event, or which \"stall\" of it; it's free text."
        );
    }
    const REWORDED: &[TableDef] = &[TableDef { comment: "Places left.", ..Stall::TABLE }];
    views.prepare(FIRST, REWORDED).await.unwrap();
    assert_eq!(
        ask(&database, "SELECT obj_description('daybook.stalls'::regclass)"),
        "Places left."
    );
}

#[tokio::test]
async fn what_people_built_on_a_view_stays_when_its_columns_stay() {
    let database = Server::shared().database();
    let views = stocked(&database).await;
    ask(&database, "CREATE VIEW public.mine AS SELECT event FROM daybook.stalls");
    views.prepare(SECOND, TABLES).await.unwrap();
    views.apply(step(SECOND, 0, &[stall("summer", 7)])).await.unwrap();
    views.make_live(SECOND, TABLES).await.unwrap();
    assert_eq!(ask(&database, "SELECT event FROM public.mine"), "summer");
}

#[tokio::test]
async fn indexes_follow_the_declaration_and_are_used() {
    const REINDEXED: &[TableDef] =
        &[TableDef { indexes: &[&["tenant", "note"], &["left"]], ..Stall::TABLE }];
    let database = Server::shared().database();
    let views = stocked(&database).await;
    let indexes = "SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes \
                   WHERE tablename = 'stalls__1' AND indexname NOT LIKE '%pkey'";
    assert_eq!(ask(&database, indexes), "stalls__1__tenant__left stalls__1__tenant__note");
    ask(
        &database,
        "INSERT INTO daybook_versions.stalls__1 SELECT 'ten_' || n % 100, 'event ' || n, n, \
         now(), 'note ' || n FROM generate_series(1, 20000) AS n; \
         ANALYZE daybook_versions.stalls__1",
    );
    // Also behind the policy: what compares in these conditions can leak nothing.
    let plan = |question: &str| {
        ask(
            &database,
            &format!(
                "SET ROLE daybook_reader; SET daybook.tenant = 'ten_7'; \
                 EXPLAIN SELECT * FROM daybook.stalls WHERE tenant = 'ten_7' AND {question}"
            ),
        )
    };
    let found = plan("note >= 'note 1' AND note < 'note 2' ORDER BY note NULLS FIRST LIMIT 2");
    assert!(found.contains("stalls__1__tenant__note") && !found.contains("Sort"), "{found}");
    let found = plan("\"left\" = ANY('{107,207}'::bigint[])");
    assert!(found.contains("stalls__1__tenant__left"), "{found}");
    let found = plan("(event) > ('event 5') ORDER BY tenant, event LIMIT 10");
    assert!(found.contains("stalls__1_pkey") && !found.contains("Sort"), "{found}");

    views.prepare(FIRST, REINDEXED).await.unwrap();
    assert_eq!(ask(&database, indexes), "stalls__1__left stalls__1__tenant__note");
    assert_eq!(events(&views).await, ["spring"]);
}

#[tokio::test]
async fn indexes_with_long_names_do_not_meet() {
    const LONG: &[TableDef] = &[TableDef {
        name: "a_name_that_is_exactly_forty_bytes_long_",
        indexes: &[
            &["tenant", "closes_at", "left", "note"],
            &["tenant", "closes_at", "left", "event"],
        ],
        ..Stall::TABLE
    }];
    let database = Server::shared().database();
    let views = open(&database).await;
    views.prepare("long@4000000000", LONG).await.unwrap();
    views.make_live("long@4000000000", LONG).await.unwrap();
    views.prepare("long@4000000000", LONG).await.unwrap();
    let indexes = "SELECT count(*) FROM pg_indexes WHERE tablename LIKE 'a\\_name%'";
    assert_eq!(ask(&database, indexes), "3");
}

#[tokio::test]
async fn read_models_live_beside_other_schemas() {
    let database = Server::shared().database();
    ask(&database, "CREATE TABLE public.stalls (theirs text); CREATE SCHEMA daybook");
    let views = stocked(&database).await;
    let other = format!("{}?schema=shop&reader=shop_reader", database.url());
    let other = PostgresViews::open(&other).await.unwrap();
    assert_eq!(other.reader_role(), Some("shop_reader"));
    other.prepare(FIRST, TABLES).await.unwrap();
    assert_eq!(other.live("stalls").await.unwrap(), None);
    assert!(other.select(&TABLES[0], Query::across_tenants()).await.is_err());
    assert_eq!(events(&views).await, ["spring"]);
    assert_eq!(ask(&database, "SELECT count(*) FROM public.stalls"), "0");
}
