//! One transaction on a connection of the pool, which never goes back with anything left open.

use sqlx::{Executor, PgConnection, PgPool, Postgres, pool::PoolConnection, postgres::PgRow};

/// A transaction. Dropped unfinished (its caller went away), it takes the connection with it: a
/// connection that is still inside a transaction, perhaps as another role, must serve nobody else.
/// (`sqlx::Transaction` would be dropped in the same state when its opening statement fails or is
/// abandoned, and would put the connection back.)
pub(super) struct Turn {
    connection: Option<PoolConnection<Postgres>>,
}

impl Turn {
    /// Opens a transaction by a batch of statements that begins it; one round trip. Gives the rows
    /// that they answer.
    pub(super) async fn begin(
        pool: &PgPool,
        batch: &str,
    ) -> Result<(Self, Vec<PgRow>), sqlx::Error> {
        let mut turn = Self { connection: Some(pool.acquire().await?) };
        let answered = run(turn.connection()?, batch).await;
        match answered {
            Ok(rows) => Ok((turn, rows)),
            Err(error) => {
                turn.roll_back().await;
                Err(error)
            }
        }
    }

    /// The connection.
    pub(super) fn connection(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// Commits. After an error it is not known whether it did.
    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        run(self.connection()?, "COMMIT").await?;
        self.give_back();
        Ok(())
    }

    /// Undoes everything.
    pub(super) async fn roll_back(mut self) {
        let Ok(connection) = self.connection() else { return };
        // If even that fails, the connection goes, and the server rolls back by itself.
        if run(connection, "ROLLBACK").await.is_ok() {
            self.give_back();
        }
    }

    /// Ends a transaction that has only read, without making its caller wait for it.
    pub(super) fn end_in_background(self) {
        tokio::spawn(self.roll_back());
    }

    fn give_back(&mut self) {
        drop(self.connection.take());
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

/// Runs a batch of statements without parameters, in one round trip, and gives the rows of all.
pub(super) async fn run(
    connection: &mut PgConnection,
    batch: &str,
) -> Result<Vec<PgRow>, sqlx::Error> {
    connection.fetch_all(batch).await
}
