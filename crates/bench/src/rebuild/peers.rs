//! What a rebuild is measured against: reading, decoding, and writing rows that are known already.

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aggregates::fact::Fact;
use rusqlite::{Connection, params_from_iter, types::Value};
use store::{Log, Metadata, Position, Recorded};

use crate::fault::{Doing, Fault, Outcome};

/// As many as the projector reads at once.
const PAGE_EVENTS: usize = 4096;

/// Reads and decodes every event, page by page.
pub(super) async fn scan_and_decode(log: &Arc<dyn Log>) -> Outcome<Duration> {
    let started = Instant::now();
    let mut position = Position::START;
    loop {
        let page = log.read_all(position, PAGE_EVENTS).await.doing("read the log")?;
        for recorded in &page.events {
            decode(recorded)?;
        }
        match page.events.last() {
            Some(last) => position = last.position,
            None => return Ok(started.elapsed()),
        }
    }
}

/// Decodes every event; they are in memory before the clock starts.
pub(super) async fn decode_alone(log: &Arc<dyn Log>) -> Outcome<Duration> {
    let mut events: Vec<Recorded> = Vec::new();
    loop {
        let position = events.last().map_or(Position::START, |last| last.position);
        let page = log.read_all(position, PAGE_EVENTS).await.doing("read the log")?;
        if page.events.is_empty() {
            break;
        }
        events.extend(page.events);
    }
    let started = Instant::now();
    for recorded in &events {
        decode(recorded)?;
    }
    Ok(started.elapsed())
}

fn decode(recorded: &Recorded) -> Outcome<()> {
    black_box(Fact::decode(&recorded.stream.category, &recorded.payload).doing("decode an event")?);
    black_box(Metadata::from_json(&recorded.metadata).doing("decode metadata")?);
    Ok(())
}

struct Table {
    /// The statement that makes it.
    create: String,
    insert: String,
    rows: Vec<Vec<Value>>,
}

/// Every row of every projection, in memory.
pub(super) struct Rows {
    tables: Vec<Table>,
}

impl Rows {
    /// Reads them from a file of read models.
    pub(super) fn of(views: &Path) -> Outcome<Self> {
        const TABLES: &str = "SELECT t.physical, s.sql FROM daybook_tables AS t \
             JOIN sqlite_schema AS s ON s.type = 'table' AND s.name = t.physical \
             ORDER BY t.physical";
        let reading = "read the rows of the projections";
        let connection = Connection::open(views).doing(reading)?;
        let mut named = connection.prepare(TABLES).doing(reading)?;
        let named: Vec<(String, String)> = named
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .doing(reading)?;
        let mut tables = Vec::new();
        for (name, create) in named {
            let mut all =
                connection.prepare(&format!("SELECT * FROM \"{name}\"")).doing(reading)?;
            let columns = all.column_count();
            let rows: Vec<Vec<Value>> = all
                .query_map([], |row| (0..columns).map(|column| row.get(column)).collect())
                .and_then(Iterator::collect)
                .doing(reading)?;
            let marks = vec!["?"; columns].join(", ");
            let insert = format!("INSERT INTO \"{name}\" VALUES ({marks})");
            tables.push(Table { create, insert, rows });
        }
        let found = Self { tables };
        if found.len() == 0 {
            return Err(Fault::new(reading, "there are none"));
        }
        Ok(found)
    }

    pub(super) fn len(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }

    pub(super) fn tables(&self) -> usize {
        self.tables.len()
    }

    /// Writes them into bare tables in a new file with the settings of the read models' file, each
    /// table in one transaction and in the order of its key.
    pub(super) fn insert(&self, path: &Path) -> Outcome<Duration> {
        let mut connection = Connection::open(path).doing("make a bare database")?;
        let started = Instant::now();
        self.insert_all(&mut connection).doing("insert the rows into bare tables")?;
        Ok(started.elapsed())
    }

    fn insert_all(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; \
             PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY;",
        )?;
        for table in &self.tables {
            connection.execute_batch(&table.create)?;
            let transaction = connection.transaction()?;
            let mut insert = transaction.prepare(&table.insert)?;
            for row in &table.rows {
                insert.execute(params_from_iter(row))?;
            }
            drop(insert);
            transaction.commit()?;
        }
        Ok(())
    }
}
