//! The writer: one thread, one connection, and everything that waits goes into one transaction.
//!
//! A verdict is given per request but leaves only after COMMIT has returned. Verdicts are decided
//! before anything of a request is written, so that a conflict needs no savepoint: it just writes
//! nothing. Whatever else goes wrong rolls the whole group back, and then each request is tried in
//! a transaction of its own, so that a poisoned one fails alone.

use std::{fs::File, path::PathBuf};

use rusqlite::Connection;
use store::Position;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    desk::{Desk, Failure, before_commit},
    file,
    options::{LogOptions, Moment},
    request::{Outcome, Request, Trouble},
    reserve::Reserve,
};

/// How many requests wait in the queue, and so share one transaction, at most.
pub(super) const GROUP_REQUESTS_MAX: usize = 512;

/// How many bytes of payload share one transaction, unless a single commit is larger.
const GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The one that writes.
pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) options: LogOptions,
    pub(super) queue: mpsc::Receiver<Request>,
    pub(super) head: watch::Sender<Position>,
    pub(super) reserve: Reserve,
    /// Held as long as the writer lives.
    pub(super) lock: File,
}

/// Why the writer has stopped using a connection.
enum End {
    /// The log is closed; the connection may be closed properly.
    Closed,
    /// The connection is not to be trusted any more.
    Discard,
}

impl Writer {
    /// Serves requests until the log is closed or nobody holds it any more.
    pub(super) fn run(mut self, first: Connection) {
        let mut closing = Vec::new();
        let mut next = Some(first);
        loop {
            let connection = match next.take() {
                Some(connection) => connection,
                None => match self.reopen() {
                    Ok(connection) => connection,
                    Err(why) => {
                        // One group is told so, and then the file gets another chance.
                        let Some(group) = self.take_group(&mut closing) else { break };
                        for request in group {
                            request.answer(Err(Trouble::Refused(why.clone())));
                        }
                        continue;
                    }
                },
            };
            match self.serve(&connection, &mut closing) {
                End::Closed => {
                    file::close(connection);
                    break;
                }
                End::Discard => drop(connection),
            }
        }
        // Whoever waits for the end may open the log again at once.
        drop(self.lock);
        for reply in closing {
            reply.send(()).ok();
        }
    }

    fn reopen(&self) -> Result<Connection, String> {
        self.hook(Moment::BeforeReopen)?;
        file::writing_connection(&self.path, &self.options).map_err(|error| file::describe(&error))
    }

    fn hook(&self, moment: Moment) -> Result<(), String> {
        self.options.hook.as_ref().map_or(Ok(()), |hook| hook(moment))
    }

    /// Everything that waits, up to the bounds of a group; `None` when the log is closed.
    fn take_group(&mut self, closing: &mut Vec<oneshot::Sender<()>>) -> Option<Vec<Request>> {
        let mut group = Vec::new();
        let mut request = self.queue.blocking_recv()?;
        if let Err(why) = self.hook(Moment::BeforeGroup) {
            tracing::debug!(why, "the hook has no say here");
        }
        let mut bytes = 0;
        loop {
            match request {
                Request::Close { reply } => {
                    // What waits already is still done; nothing new can be handed over.
                    self.queue.close();
                    closing.push(reply);
                }
                other => {
                    bytes += other.size();
                    group.push(other);
                }
            }
            if group.len() >= GROUP_REQUESTS_MAX || bytes >= GROUP_BYTES_MAX {
                return Some(group);
            }
            match self.queue.try_recv() {
                Ok(next) => request = next,
                Err(_) => return Some(group),
            }
        }
    }

    fn serve(&mut self, connection: &Connection, closing: &mut Vec<oneshot::Sender<()>>) -> End {
        let mut desk = match Desk::new(connection) {
            Ok(desk) => desk,
            Err(error) => {
                let trouble = before_commit(Failure::Sql(error));
                tracing::error!(?trouble, "the log cannot be written at present");
                let Some(group) = self.take_group(closing) else { return End::Closed };
                for request in group {
                    request.answer(Err(trouble.clone()));
                }
                return End::Discard;
            }
        };
        self.announce(desk.last);
        while let Some(group) = self.take_group(closing) {
            if let Err(trouble) = self.commit_group(&mut desk, group) {
                tracing::error!(?trouble, "the log's connection is opened again");
                return End::Discard;
            }
            // Everybody has their answer by now.
            self.reserve.keep();
        }
        End::Closed
    }

    /// Stores a group and answers it. An error means that the connection must go.
    fn commit_group(&self, desk: &mut Desk<'_>, mut group: Vec<Request>) -> Result<(), Trouble> {
        let outcome = self.transact(desk, &group);
        match outcome {
            Err(Trouble::Poisoned(_)) if group.len() > 1 => {
                let mut end = Ok(());
                for request in group.drain(..) {
                    let alone = vec![request];
                    end = match end {
                        Ok(()) => self.commit_group(desk, alone),
                        Err(trouble) => {
                            // The connection is gone: nothing of these was even tried.
                            let refused = Trouble::Refused(format!("{trouble:?}"));
                            alone.into_iter().for_each(|it| it.answer(Err(refused.clone())));
                            Err(trouble)
                        }
                    };
                }
                end
            }
            Err(trouble) => {
                for request in group {
                    request.answer(Err(trouble.clone()));
                }
                match trouble {
                    Trouble::Poisoned(_) => Ok(()),
                    Trouble::Refused(_) | Trouble::Unknown(_) | Trouble::Corrupt(_) => Err(trouble),
                }
            }
            Ok(outcomes) => {
                // Before the verdicts, so that whoever has one also finds the signal moved.
                self.announce(desk.last);
                for (request, outcome) in group.into_iter().zip(outcomes) {
                    request.answer(Ok(outcome));
                }
                Ok(())
            }
        }
    }

    fn announce(&self, last: u64) {
        self.head.send_if_modified(|head| {
            let grown = head.0 < last;
            if grown {
                *head = Position(last);
            }
            grown
        });
    }

    /// One transaction for all requests of the group, or none.
    fn transact(&self, desk: &mut Desk<'_>, group: &[Request]) -> Result<Vec<Outcome>, Trouble> {
        let performed = desk.perform_all(group);
        let outcomes = match performed {
            Ok(outcomes) => outcomes,
            Err(failure) => {
                let trouble = before_commit(failure);
                return Err(desk.undo(trouble));
            }
        };
        if let Err(why) = self.hook(Moment::BeforeCommit) {
            return Err(Trouble::Unknown(why));
        }
        desk.commit()?;
        match self.hook(Moment::AfterCommit) {
            Ok(()) => Ok(outcomes),
            Err(why) => Err(Trouble::Unknown(why)),
        }
    }
}
