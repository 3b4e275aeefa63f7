//! What the contract cannot see.

use test_postgres::Server;

use super::PostgresViews;

mod contract {
    use super::{PostgresViews, Server};

    async fn open() -> (PostgresViews, ()) {
        let database = Server::shared().database();
        (PostgresViews::open(database.url()).await.unwrap(), ())
    }

    store::views_contract!(open);
}
