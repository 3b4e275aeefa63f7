//! A few connections that only read, so that questions never wait for writes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use store::ViewsError;
use tokio::sync::Semaphore;

use super::{errors::fault, file, writer::closed};

/// How many questions are answered at the same time; the others wait their turn.
const READERS_MAX: u32 = 8;

/// The connections that are not answering anything.
pub(super) struct Readers {
    path: PathBuf,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Connections are opened when they are first needed.
    pub(super) fn new(path: PathBuf) -> Self {
        let turns = usize::try_from(READERS_MAX).unwrap_or(1);
        Self { path, turns: Arc::new(Semaphore::new(turns)), idle: Mutex::new(Vec::new()) }
    }

    /// Answers a question inside one read transaction, so that all of its statements see the same
    /// step of every projection.
    pub(super) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&Connection) -> Result<T, ViewsError> + Send + 'static,
    ) -> Result<T, ViewsError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| closed())?;
        let readers = Arc::clone(self);
        let answered = tokio::task::spawn_blocking(move || {
            let answer = readers.answer(question);
            // Also when the caller has gone: the turn lasts as long as the connection is used.
            drop(turn);
            answer
        });
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    fn answer<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ViewsError>,
    ) -> Result<T, ViewsError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => file::open_reader(&self.path).map_err(fault)?,
        };
        let answer = {
            let _snapshot = connection.unchecked_transaction().map_err(fault)?;
            question(&connection)
        };
        // After trouble with the file, the next question starts with a fresh connection.
        if !matches!(answer, Err(ViewsError::Unavailable(_) | ViewsError::Corrupt(_))) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        answer
    }

    /// Waits for the questions under way, refuses further ones and closes the connections.
    pub(super) async fn close(&self) {
        if let Ok(all_turns) = self.turns.acquire_many(READERS_MAX).await {
            self.turns.close();
            drop(all_turns);
        }
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(idle);
    }
}
