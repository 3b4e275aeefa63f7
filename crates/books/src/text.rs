//! An export as text, a page of the log at a time.

use std::sync::Arc;

use store::{Log, Position};

use crate::{
    BooksFault, Format, Scope, beancount, general_ledger, plain, reader::DatedEntry,
    reader::Reader, standing::Standing,
};

/// How many events are read at once.
const PAGE_EVENTS: usize = 1000;

/// An export as text under way. It can be sent while it is made.
pub struct TextExport {
    pub(crate) reader: Reader,
    pub(crate) standing: Standing,
    pub(crate) entries: u64,
    pub(crate) lines: u64,
    format: Format,
    page_events: usize,
    ended: bool,
}

impl std::fmt::Debug for TextExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextExport")
            .field("format", &self.format)
            .field("scope", self.reader.scope())
            .field("after", &self.reader.after())
            .finish_non_exhaustive()
    }
}

impl TextExport {
    /// Starts an export.
    ///
    /// # Errors
    /// [`BooksFault`] when the log cannot be read or ends too early, or the format is not a text.
    pub async fn start(
        log: Arc<dyn Log>,
        scope: Scope,
        format: Format,
    ) -> Result<Self, BooksFault> {
        if format == Format::Parquet {
            return Err(BooksFault::Senseless("Parquet is not a text; write a data set"));
        }
        let reader = Reader::open(log, scope).await?;
        let standing = Standing::default();
        let page_events = PAGE_EVENTS;
        Ok(Self { reader, standing, entries: 0, lines: 0, format, page_events, ended: false })
    }

    pub(crate) const fn by_pages_of(mut self, events: usize) -> Self {
        self.page_events = events;
        self
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Up to and including which position it goes.
    #[must_use]
    pub const fn through(&self) -> Position {
        self.reader.through()
    }

    /// How far it has come.
    #[must_use]
    pub const fn passed(&self) -> Position {
        self.reader.after()
    }

    /// Adds the text of the next page to `out`, which may be none; `false` when the text is whole.
    ///
    /// # Errors
    /// [`BooksFault`]; what was written until then is not whole.
    pub async fn next_page(&mut self, out: &mut String) -> Result<bool, BooksFault> {
        if self.ended {
            return Ok(false);
        }
        if self.reader.after() == Position::START {
            self.header(out)?;
        }
        let Some(page) = self.reader.next(self.page_events).await? else {
            self.footer(out);
            self.ended = true;
            return Ok(true);
        };
        let from = self.reader.scope().from;
        for entry in &page.entries {
            if from.is_some_and(|from| entry.day < from) {
                if self.format != Format::Csv {
                    self.standing.open(&entry.lines)?;
                }
                continue;
            }
            self.entries += 1;
            self.lines += entry.lines.len() as u64;
            self.entry(out, entry)?;
        }
        Ok(true)
    }

    fn header(&self, out: &mut String) -> Result<(), BooksFault> {
        match self.format {
            Format::Hledger | Format::Ledger => plain::header(out, &self.reader),
            Format::Beancount => beancount::header(out, &self.reader),
            Format::Csv => general_ledger::header(out)?,
            Format::Parquet => {}
        }
        Ok(())
    }

    fn entry(&mut self, out: &mut String, entry: &DatedEntry) -> Result<(), BooksFault> {
        let standing = &mut self.standing;
        match self.format {
            Format::Hledger | Format::Ledger => plain::entry(out, standing, entry)?,
            Format::Beancount => beancount::entry(out, standing, entry)?,
            Format::Csv => return general_ledger::entry(out, entry),
            Format::Parquet => {}
        }
        standing.settle(&entry.lines);
        Ok(())
    }

    fn footer(&mut self, out: &mut String) {
        match self.format {
            Format::Hledger | Format::Ledger => {
                plain::footer(out, &mut self.standing, &self.reader);
            }
            Format::Beancount => beancount::footer(out, &mut self.standing, &self.reader),
            Format::Csv | Format::Parquet => {}
        }
    }
}
