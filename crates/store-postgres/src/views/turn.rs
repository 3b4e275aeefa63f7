//! One turn on a connection of the pool, which never goes back with anything left open.

use std::time::Duration;

use sqlx::{
    Executor, PgConnection, PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgArguments, PgRow},
};
use store::ViewsError;

use super::{errors::is_lost, open::CONNECTIONS_MAX};

/// How long the server may take to forget what it was asked.
const ROLL_BACK_MAX: Duration = Duration::from_secs(10);

/// A turn, mostly a transaction. Dropped unfinished (its caller went away, or waits no longer), it
/// takes the connection with it: a connection that still waits for an answer, or is inside a
/// transaction, perhaps as another role, must serve nobody else.
/// (`sqlx::Transaction` would be dropped in the same state when its opening statement fails or is
/// abandoned, and would put the connection back.)
pub(super) struct Turn {
    connection: Option<PoolConnection<Postgres>>,
}

impl Turn {
    /// Opens a transaction by a batch of statements that begins it; one round trip. Gives the rows
    /// that they answer. Begun on a connection that was lost while it rested, it has done nothing,
    /// and begins again on the next one.
    pub(super) async fn begin(
        pool: &PgPool,
        batch: &str,
    ) -> Result<(Self, Vec<PgRow>), sqlx::Error> {
        let mut lost = 0;
        loop {
            let mut turn = Self::alone(pool).await?;
            match run(turn.connection()?, batch).await {
                Ok(rows) => return Ok((turn, rows)),
                Err(error) if is_lost(&error) && lost < CONNECTIONS_MAX => lost += 1,
                Err(error) => {
                    turn.roll_back().await;
                    return Err(error);
                }
            }
        }
    }

    /// A connection for one statement, outside of any transaction.
    async fn alone(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self { connection: Some(pool.acquire().await?) })
    }

    /// Ends a turn of one statement. A connection that got no answer goes.
    fn settle<T>(mut self, answer: &Result<T, sqlx::Error>) {
        if matches!(answer, Ok(_) | Err(sqlx::Error::Database(_))) {
            self.give_back();
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
        let undone = tokio::time::timeout(ROLL_BACK_MAX, run(connection, "ROLLBACK")).await;
        if matches!(undone, Ok(Ok(_))) {
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

/// Asks one question, and gives all its rows; again on another connection if one was lost. So the
/// question must be one that may be asked twice.
pub(super) async fn ask(
    pool: &PgPool,
    sql: &str,
    arguments: PgArguments,
) -> Result<Vec<PgRow>, sqlx::Error> {
    let mut lost = 0;
    loop {
        let mut turn = Turn::alone(pool).await?;
        let question = sqlx::query_with(sql, arguments.clone());
        let answer = question.fetch_all(turn.connection()?).await;
        match &answer {
            Err(error) if is_lost(error) && lost < CONNECTIONS_MAX => lost += 1,
            _ => {
                turn.settle(&answer);
                return answer;
            }
        }
    }
}

/// Waits for an answer so long and no longer: a server whose machine has gone never says so.
pub(super) async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, ViewsError>>,
) -> Result<T, ViewsError> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| {
        Err(ViewsError::Unavailable(format!("PostgreSQL has not answered for {limit:?}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let never = std::future::pending::<Result<(), ViewsError>>();
        let given_up = within(Duration::from_millis(1), never).await;
        assert!(matches!(given_up, Err(ViewsError::Unavailable(_))), "{given_up:?}");
    }
}
