//! Tenants, as the role that only reads sees them.

use kernel::TenantId;
use store::{Commit, Expected, Log, StreamId};

use super::{InPostgres, commit};

fn commit_of(tenant: &str, command: &str) -> Commit {
    let stream = StreamId::new("order", TenantId::derived(&[tenant]), "1");
    commit(&stream, Expected::Absent, command)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_filter_returns_nothing() {
    let subject = InPostgres::new().await;
    subject.log.append(commit_of("acme", "a")).await.unwrap();
    subject.log.append(commit_of("bolt", "b")).await.unwrap();
    let acme = TenantId::derived(&["acme"]);
    let count = "SELECT count(*) FROM daybook_log.events";
    let as_reader = |setting: &str| format!("SET ROLE daybook_reader; {setting} {count}");
    let seen = subject.psql(&as_reader("")).await.unwrap();
    assert!(seen.trim_end().ends_with('0'), "without a tenant nothing is seen: {seen}");
    let named = format!("SET daybook.tenant = '{acme}';");
    let seen = subject.psql(&as_reader(&named)).await.unwrap();
    assert!(seen.trim_end().ends_with('1'), "one tenant's events: {seen}");
    let own =
        format!("SET ROLE daybook_reader; {named} SELECT DISTINCT tenant FROM daybook_log.events");
    let seen = subject.psql(&own).await.unwrap();
    assert!(seen.contains(&acme.uuid().to_string()), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_that_reads_can_neither_write_nor_see_keys() {
    let subject = InPostgres::new().await;
    subject.log.append(commit_of("acme", "a")).await.unwrap();
    let acme = TenantId::derived(&["acme"]);
    for statement in [
        "SELECT * FROM daybook_log.sealing_keys",
        "SELECT * FROM daybook_log.commands",
        "UPDATE daybook_log.head SET position = 0",
        "INSERT INTO daybook_log.bookmarks VALUES ('x', 1)",
        "INSERT INTO daybook_log.events (aggregate_type, aggregate_id, sequence, event_type, \
         event_version, payload, metadata) VALUES ('order', 'x', 1, 't', '1', '{}', '{}')",
    ] {
        let sql = format!("SET ROLE daybook_reader; SET daybook.tenant = '{acme}'; {statement}");
        let refused = subject.psql(&sql).await.unwrap_err();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    }
}
