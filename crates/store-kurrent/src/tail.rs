//! Catching up: reads the whole log by bounded pages from where the last read ended, and keeps the
//! index current.
//!
//! The client can filter subscriptions but not reads (it always sends `no_filter`), and its
//! subscriptions hot-loop when a server ends them. So pages of `$all` are read unfiltered, and what is
//! not ours is skipped here, by the stream's name.

use std::sync::{
    RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicU64, Ordering},
};

use eventstore::{
    Error, Position as Place, ReadAllOptions, ReadStream, ReadStreamOptions, RecordedEvent,
    StreamPosition,
};
use store::{Head, LogError, Position, StreamId};
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

use crate::{
    connection::{Connection, Fault, Session},
    index::Index,
    names::Names,
};

/// How many events of everybody's one page has.
const PAGE_EVENTS: usize = 1000;

/// The index, and the reading that keeps it current.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) connection: Connection,
    pub(crate) names: Names,
    index: RwLock<Index>,
    head: watch::Sender<Position>,
    timeline: AtomicU64,
    /// How many rounds of reading have begun.
    begun: AtomicU64,
    reader: Mutex<Reader>,
}

#[derive(Debug, Default)]
struct Reader {
    /// The last round that is over, and how it ended.
    over: u64,
    outcome: Option<LogError>,
    /// Everything up to this event, ours or a stranger's, has been read.
    read: Option<Mark>,
}

/// One event of the server's, by where it is and what it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    position: u64,
    id: Uuid,
}

impl Mark {
    fn of(event: &RecordedEvent) -> Self {
        Self { position: event.position.commit, id: event.id }
    }

    fn gone(self) -> PageError {
        PageError::Gone(format!("event {} is not at position {} any more", self.id, self.position))
    }
}

impl Tail {
    pub(crate) fn new(connection: Connection, names: Names) -> Self {
        Self {
            connection,
            names,
            index: RwLock::default(),
            head: watch::Sender::default(),
            timeline: AtomicU64::new(0),
            begun: AtomicU64::new(0),
            reader: Mutex::default(),
        }
    }

    /// What is known now.
    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What is known, to be changed.
    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.head.subscribe()
    }

    pub(crate) fn timeline(&self) -> u64 {
        self.timeline.load(Ordering::SeqCst)
    }

    /// Everything that was in the log when this was called is in the index when it returns. Callers
    /// that come while a page is read share the next round, so many of them cost no more than one.
    pub(crate) async fn catch_up(&self) -> Result<Head, LogError> {
        let wanted = self.begun.load(Ordering::SeqCst) + 1;
        let mut reader = self.reader.lock().await;
        if reader.over >= wanted {
            return reader.outcome.clone().map_or_else(|| Ok(self.index().head()), Err);
        }
        let round = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let outcome = self.read_to_the_end(&mut reader).await;
        let head = self.index().head();
        self.head
            .send_if_modified(|known| std::mem::replace(known, head.position) != head.position);
        reader.over = round;
        reader.outcome = outcome.clone().err();
        outcome.map(|()| head)
    }

    async fn read_to_the_end(&self, reader: &mut Reader) -> Result<(), LogError> {
        let mut patience = self.connection.patience();
        loop {
            match self.read_page(reader).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(PageError::Log(error)) => return Err(error),
                Err(PageError::Gone(why)) => return Err(LogError::Unavailable(why)),
                Err(PageError::Fault(fault)) if patience.goes_on(&fault).await => {}
                Err(PageError::Fault(fault)) => return Err(unavailable(&fault)),
            }
        }
    }

    /// Reads one page; whether there may be more.
    async fn read_page(&self, reader: &mut Reader) -> Result<bool, PageError> {
        let session = self.connection.session().await?;
        let goes_on = reader.read.is_some();
        match self.take_in(reader, &session).await {
            // It has gone back, or a stranger's event has just been scavenged away.
            Err(PageError::Gone(why)) if goes_on => {
                self.compare(reader, &session).await?;
                Err(PageError::Fault(Fault::Lost(why)))
            }
            outcome => outcome,
        }
    }

    /// Takes in the next page. It begins with the event read last: the place after it need not exist
    /// yet, and whether it is still the same event tells a log that has gone back. A new connection
    /// would not: the client reconnects by itself.
    async fn take_in(&self, reader: &mut Reader, session: &Session) -> Result<bool, PageError> {
        let begin = reader.read.map_or(StreamPosition::Start, |read| at(Position(read.position)));
        let options = options(begin, PAGE_EVENTS);
        let mut page = self.connection.answer(session, session.client.read_all(&options)).await?;
        let (mut count, mut overlap) = (0, reader.read);
        while let Some(resolved) = self.connection.answer(session, page.next()).await? {
            count += 1;
            let Some(event) = resolved.event else { continue };
            let mark = Mark::of(&event);
            if let Some(read) = overlap.take() {
                if mark != read {
                    return Err(read.gone());
                }
                continue;
            }
            if let Some(stream) = self.names.parse(&event.stream_id) {
                self.index_mut().push(&stream, &event).map_err(PageError::Log)?;
            } else if let Some(key) = self.names.parse_sealing_key(&event.stream_id) {
                self.index_mut().push_sealing_key(key);
            }
            reader.read = Some(mark);
        }
        match overlap {
            Some(read) => Err(read.gone()),
            None => Ok(count == PAGE_EVENTS),
        }
    }

    /// Is what is known still what the server holds? A restored backup, or a node that never had the
    /// last events, begins a new timeline and a new index. Reading goes on from the last event known.
    async fn compare(&self, reader: &mut Reader, session: &Session) -> Result<(), PageError> {
        let head = self.index().head();
        if head.position == Position::START {
            reader.read = None;
            return Ok(());
        }
        let found = match self.one_at(session, head.position).await {
            Ok(event) => event.is_some_and(|event| event.id == head.event_id),
            // An end that lies before what is asked for is no position to this server.
            Err(fault) => match fault.into() {
                PageError::Gone(_) => false,
                error => return Err(error),
            },
        };
        if found {
            reader.read = Some(Mark { position: head.position.0, id: head.event_id });
        } else {
            tracing::error!(position = %head.position, "the log has gone back; reading it anew");
            self.timeline.fetch_add(1, Ordering::SeqCst);
            self.index_mut().start_over();
            reader.read = None;
        }
        Ok(())
    }

    async fn one_at(
        &self,
        session: &Session,
        position: Position,
    ) -> Result<Option<RecordedEvent>, Fault> {
        let options = options(at(position), 1);
        let reading = async {
            let mut page = session.client.read_all(&options).await?;
            page.next().await
        };
        let found = self.connection.answer(session, reading).await?;
        Ok(found
            .and_then(|resolved| resolved.event)
            .filter(|event| event.position.commit == position.0))
    }

    /// The next events of ours behind one position and not behind another, out of so many raw ones:
    /// none only if there are none. Jumps to where the first of them is, so that strangers' events
    /// cost one page at most.
    pub(crate) async fn next_events(
        &self,
        after: Position,
        through: Position,
        count: usize,
    ) -> Result<Vec<(StreamId, RecordedEvent)>, LogError> {
        let next = self.index().next_after(after).filter(|next| *next <= through);
        let Some(next) = next else { return Ok(Vec::new()) };
        let events = self.read_from(next, count).await?;
        let ours = events.into_iter().filter(|event| event.position.commit <= through.0);
        let ours = ours.filter_map(|event| Some((self.names.parse(&event.stream_id)?, event)));
        let ours: Vec<_> = ours.collect();
        match ours.first() {
            Some((_, first)) if first.position.commit == next.0 => Ok(ours),
            _ => Err(LogError::Corrupt(format!("nothing is at position {next} any more"))),
        }
    }

    /// Up to so many raw events, beginning exactly at the position of an event of ours.
    pub(crate) async fn read_from(
        &self,
        position: Position,
        count: usize,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let options = options(at(position), count);
        let mut patience = self.connection.patience();
        loop {
            match self.read_some(&options).await {
                Ok(events) => return Ok(events),
                Err(fault) if patience.goes_on(&fault).await => {}
                Err(fault) => return Err(unavailable(&fault)),
            }
        }
    }

    async fn read_some(&self, options: &ReadAllOptions) -> Result<Vec<RecordedEvent>, Fault> {
        let session = self.connection.session().await?;
        self.collect(&session, session.client.read_all(options)).await
    }

    /// Up to so many events of one stream; none when there is no such stream.
    pub(crate) async fn read_stream(
        &self,
        name: &str,
        options: &ReadStreamOptions,
    ) -> Result<Vec<RecordedEvent>, LogError> {
        let mut patience = self.connection.patience();
        loop {
            let reading = async {
                let session = self.connection.session().await?;
                self.collect(&session, session.client.read_stream(name, options)).await
            };
            match reading.await {
                Ok(events) => return Ok(events),
                Err(Fault::Refused(error)) if matches!(*error, Error::ResourceNotFound) => {
                    return Ok(Vec::new());
                }
                Err(fault) if patience.goes_on(&fault).await => {}
                Err(fault) => return Err(unavailable(&fault)),
            }
        }
    }

    /// Everything a read yields. Each event has its own time, so that a long page may take long.
    async fn collect(
        &self,
        session: &Session,
        opening: impl Future<Output = eventstore::Result<ReadStream>>,
    ) -> Result<Vec<RecordedEvent>, Fault> {
        let mut page = self.connection.answer(session, opening).await?;
        let mut events = Vec::new();
        while let Some(resolved) = self.connection.answer(session, page.next()).await? {
            events.extend(resolved.event);
        }
        Ok(events)
    }
}

enum PageError {
    Fault(Fault),
    /// What was asked for by its position is not there any more.
    Gone(String),
    Log(LogError),
}

impl From<Fault> for PageError {
    fn from(fault: Fault) -> Self {
        match fault {
            // KurrentDB calls a position that it does not have an invalid argument.
            Fault::Refused(error) if matches!(*error, Error::Grpc { .. }) => {
                Self::Gone(error.to_string())
            }
            fault => Self::Fault(fault),
        }
    }
}

fn at(position: Position) -> StreamPosition<Place> {
    // What is appended has no commit record of its own: both halves of its position are the same.
    StreamPosition::Position(Place { commit: position.0, prepare: position.0 })
}

fn options(begin: StreamPosition<Place>, count: usize) -> ReadAllOptions {
    ReadAllOptions::default().forwards().position(begin).max_count(count)
}

/// A fault as whoever only reads sees it.
pub(crate) fn unavailable(fault: &Fault) -> LogError {
    LogError::Unavailable(fault.to_string())
}
