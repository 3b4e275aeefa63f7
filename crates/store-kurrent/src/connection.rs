//! The supervisor: it keeps one live client, and builds another when that one is dead, deaf or
//! connected to a node that no longer leads.
//!
//! The client stays dead after one failed connect, does not leave a dead node for the next one, and
//! enforces no deadline on reads. So every request goes through [`Connection::ask`]: it is timed, and
//! any fault that is not the server's considered answer throws the client away. The next request
//! builds a new one, which asks the seeds of the connection string for the leader; a server that names
//! its leader is believed. A client that is thrown away leaves one idle task behind (its own doing),
//! so new ones are built at most every [`REST_MIN`], and less often while nobody can be reached.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use eventstore::{Client, Endpoint, Error};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::{sleep, timeout},
};

use crate::{LogOptions, address::Address};

const REST_MIN: Duration = Duration::from_millis(20);
const REST_MAX: Duration = Duration::from_secs(1);

/// Why a request has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Certain: it was not carried out. Nobody could be reached, or it was the wrong node.
    Unreachable(String),
    /// It was sent, and whether it was carried out is not known.
    Lost(String),
    /// The server has considered it and said no.
    Refused(Box<Error>),
}

impl Fault {
    fn of(error: Error) -> Self {
        use tonic_code::is_about_the_connection;
        match error {
            Error::ConnectionClosed
            | Error::GrpcConnectionError(_)
            | Error::InitializationError(_)
            | Error::NotLeaderException(_) => Self::Unreachable(error.to_string()),
            Error::ServerError(_) | Error::DeadlineExceeded => Self::Lost(error.to_string()),
            Error::Grpc { ref code, .. } if is_about_the_connection(&format!("{code:?}")) => {
                Self::Lost(error.to_string())
            }
            refused => Self::Refused(Box::new(refused)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Lost(why) => f.write_str(why),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

/// The client exports no gRPC codes, only their names.
mod tonic_code {
    pub(super) fn is_about_the_connection(code: &str) -> bool {
        matches!(code, "Cancelled" | "Aborted" | "ResourceExhausted")
    }
}

/// A live client, as far as anybody knows.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// Grows with every client: whoever sees another number talks over another connection.
    pub(crate) number: u64,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The way to the server.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) address: Address,
    answer_time_max: Duration,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    session: Option<Session>,
    built: u64,
    /// The leader as another node has named it.
    leader: Option<(String, u16)>,
    failed: Option<Failed>,
}

/// What callers share that come while nobody can be reached.
#[derive(Debug, Clone)]
struct Failed {
    at: Instant,
    rest: Duration,
    why: String,
}

impl Connection {
    pub(crate) fn new(address: Address, options: &LogOptions) -> Self {
        Self {
            address,
            answer_time_max: options.answer_time_max,
            patience: options.patience,
            state: Mutex::default(),
        }
    }

    /// The live client, or a new one.
    pub(crate) async fn session(&self) -> Result<Session, Fault> {
        let mut state = self.state.lock().await;
        if let Some(session) = &state.session {
            return Ok(session.clone());
        }
        if let Some(failed) = &state.failed
            && failed.at.elapsed() < failed.rest
        {
            return Err(Fault::Unreachable(failed.why.clone()));
        }
        match self.connect(&mut state).await {
            Ok(session) => Ok(session),
            Err(why) => {
                let rest = state.failed.take().map_or(REST_MIN, |it| (it.rest * 2).min(REST_MAX));
                state.failed = Some(Failed { at: Instant::now(), rest, why: why.clone() });
                Err(Fault::Unreachable(why))
            }
        }
    }

    async fn connect(&self, state: &mut MutexGuard<'_, State>) -> Result<Session, String> {
        // A leader that was named is tried once; if it is gone too, the seeds know better.
        let leader = state.leader.take();
        let settings = self.address.client_settings(leader.as_ref())?;
        let client = Client::new(settings).map_err(|error| error.to_string())?;
        match timeout(self.answer_time_max, client.server_info()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) => return Err(format!("{} does not answer", self.address)),
        }
        state.built += 1;
        state.failed = None;
        let session = Session { client, number: state.built };
        tracing::info!(server = %self.address, ?leader, number = session.number, "connected");
        state.session = Some(session.clone());
        Ok(session)
    }

    /// Waits for one answer over this session; a session that fails is not used again.
    pub(crate) async fn answer<T>(
        &self,
        session: &Session,
        answer: impl Future<Output = eventstore::Result<T>>,
    ) -> Result<T, Fault> {
        let error = match timeout(self.answer_time_max, answer).await {
            Ok(Ok(it)) => return Ok(it),
            Ok(Err(error)) => error,
            Err(_) => Error::DeadlineExceeded,
        };
        let leader = match &error {
            Error::NotLeaderException(Endpoint { host, port }) => {
                u16::try_from(*port).ok().map(|port| (host.clone(), port))
            }
            _ => None,
        };
        let fault = Fault::of(error);
        if !matches!(fault, Fault::Refused(_)) {
            self.discard(session, leader, &fault).await;
        }
        Err(fault)
    }

    async fn discard(&self, session: &Session, leader: Option<(String, u16)>, fault: &Fault) {
        let mut state = self.state.lock().await;
        if state.session.as_ref().is_some_and(|current| current.number == session.number) {
            tracing::warn!(server = %self.address, %fault, "the connection is given up");
            state.session = None;
            state.leader = leader;
        }
    }

    /// Asks once, over the live client or a new one.
    pub(crate) async fn ask<T, F>(&self, question: impl FnOnce(Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = eventstore::Result<T>>,
    {
        let session = self.session().await?;
        self.answer(&session, question(session.client.clone())).await
    }

    /// Asks until there is an answer or the patience is at its end. For questions that do no harm
    /// when they are carried out twice.
    pub(crate) async fn ask_again<T, F>(&self, question: impl Fn(Client) -> F) -> Result<T, Fault>
    where
        F: Future<Output = eventstore::Result<T>>,
    {
        let mut patience = self.patience();
        loop {
            match self.ask(&question).await {
                Err(fault) if patience.goes_on(&fault).await => {}
                answer => return answer,
            }
        }
    }

    /// How long something that begins now is tried again.
    pub(crate) fn patience(&self) -> Patience {
        Patience { since: Instant::now(), limit: self.patience, rest: REST_MIN }
    }
}

/// How long something is tried again.
#[derive(Debug)]
pub(crate) struct Patience {
    since: Instant,
    limit: Duration,
    rest: Duration,
}

impl Patience {
    /// Rests a little and says yes, unless the server has said no or the time is over.
    pub(crate) async fn goes_on(&mut self, fault: &Fault) -> bool {
        !matches!(fault, Fault::Refused(_)) && self.rest().await
    }

    /// Rests a little and says yes, unless the time is over.
    pub(crate) async fn rest(&mut self) -> bool {
        if self.since.elapsed() >= self.limit {
            return false;
        }
        sleep(self.rest).await;
        self.rest = (self.rest * 2).min(REST_MAX);
        true
    }
}
