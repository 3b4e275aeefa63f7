//! The one thread that writes, and the one connection it writes over.

use std::{
    collections::HashMap,
    fs::File,
    sync::{Mutex, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use store::ViewsError;
use tokio::sync::oneshot;

use super::step::Statements;

/// What the writing thread owns.
pub(super) struct State {
    /// The only connection that writes.
    pub(super) connection: Connection,
    /// The statements of each prepared projection's tables, by its versioned name.
    pub(super) prepared: HashMap<String, HashMap<&'static str, Statements>>,
}

type Job = Box<dyn FnOnce(&mut State) + Send>;

struct Running {
    jobs: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

/// Hands work to the writing thread.
pub(super) struct Writer(Mutex<Option<Running>>);

impl Writer {
    /// Starts the thread, which keeps the lock as long as it lives.
    pub(super) fn start(connection: Connection, lock: File) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let thread = thread::Builder::new().name("daybook-views".to_owned()).spawn(move || {
            let mut state = State { connection, prepared: HashMap::new() };
            while let Ok(job) = waiting.recv() {
                job(&mut state);
            }
            // The lock goes last: the file is closed when the next process may open it.
            drop(state);
            drop(lock);
        })?;
        Ok(Self(Mutex::new(Some(Running { jobs, thread }))))
    }

    /// Runs a job on the writing thread, after those handed over before. It is also run when the
    /// caller no longer waits for it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut State) -> Result<T, ViewsError> + Send + 'static,
    ) -> Result<T, ViewsError> {
        let (answer, answered) = oneshot::channel();
        let sent = {
            let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            running.as_ref().is_some_and(|running| {
                running
                    .jobs
                    .send(Box::new(move |state| {
                        // Nobody waiting any more is not an error of the job.
                        let _ = answer.send(job(state));
                    }))
                    .is_ok()
            })
        };
        if !sent {
            return Err(closed());
        }
        answered.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Finishes the jobs handed over so far, closes the file and gives up its lock.
    pub(super) async fn close(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Running { jobs, thread }) = running {
            drop(jobs);
            // A thread that panicked has closed its file as well; there is nothing left to do.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// The answer after closing.
pub(super) fn closed() -> ViewsError {
    ViewsError::Unavailable("they are closed".to_owned())
}
