//! A folder of Parquet files: each is whole or not there, so an interrupted export goes on behind the
//! last one.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use store::{Log, Position, Recorded};

use crate::{
    BooksFault, Contents, Scope,
    parquet_rows::Sheet,
    progress::{Beginning, Pace, beside, hash_file, read_notes, write_notes},
    reader::Reader,
    schema::{DatedLine, EVENTS, JOURNAL_LINES},
};

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    /// Its name in the folder.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its rows are of events up to and including this position.
    pub through: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// What a data set consists of: `_manifest.json` when it is whole, `_progress.json` until then. Names
/// that begin with an underscore are passed over by those who read the folder as one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetManifest {
    /// What the rows are.
    pub contents: String,
    /// Which log.
    pub log: String,
    /// Which part of the books, in words.
    pub scope: String,
    /// Up to and including which position.
    pub through: u64,
    /// How many rows there are.
    pub rows: u64,
    /// The files, in order.
    pub files: Vec<PartFile>,
    /// The tenant's time zone behind the last file.
    pub time_zone: String,
    /// Rows of a row group and of a file, at least, and events read at once.
    pub pace: (usize, usize, usize),
}

enum Sheets {
    Lines(Sheet<DatedLine>),
    Events(Sheet<Recorded>),
}

struct Part {
    sheet: Sheets,
    name: String,
    rows: u64,
}

/// A data set being written. Dropped before [`Dataset::finish`], it goes on behind the last whole file
/// when it is opened again with the same scope and pace.
pub struct Dataset {
    folder: PathBuf,
    reader: Reader,
    contents: Contents,
    pace: Pace,
    manifest: DatasetManifest,
    part: Option<Part>,
    beginning: Beginning,
}

impl std::fmt::Debug for Dataset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dataset")
            .field("folder", &self.folder)
            .field("manifest", &self.manifest)
            .field("beginning", &self.beginning)
            .finish_non_exhaustive()
    }
}

const MANIFEST: &str = "_manifest.json";
const PROGRESS: &str = "_progress.json";

impl Dataset {
    /// Begins, or goes on behind the last whole file.
    ///
    /// # Errors
    /// [`BooksFault`]; also when the folder holds a data set already, which is never written over.
    pub async fn open(
        folder: &Path,
        log: Arc<dyn Log>,
        scope: Scope,
        contents: Contents,
        pace: Pace,
    ) -> Result<Self, BooksFault> {
        let narrowed = scope.from.is_some() || scope.to.is_some() || scope.book.is_some();
        if contents == Contents::Events && narrowed {
            return Err(BooksFault::Senseless("events have neither a book nor an effective day"));
        }
        fs::create_dir_all(folder).map_err(|error| BooksFault::file(folder, error))?;
        if folder.join(MANIFEST).exists() {
            return Err(BooksFault::Senseless("the folder holds a whole data set already"));
        }
        let wanted = scope.through;
        let reader = Reader::open(log, scope).await?;
        let manifest = DatasetManifest {
            contents: contents.to_string(),
            log: reader.log_id().to_owned(),
            scope: reader.scope().words(),
            through: reader.through().0,
            rows: 0,
            files: Vec::new(),
            time_zone: reader.zone().name().to_owned(),
            pace: (pace.rows_per_group, pace.rows_per_part, pace.page_events),
        };
        let folder = folder.to_owned();
        let (part, beginning) = (None, Beginning::Afresh);
        let mut this = Self { folder, reader, contents, pace, manifest, part, beginning };
        if let Some(noted) = read_notes::<DatasetManifest>(&this.folder.join(PROGRESS)) {
            this.beginning = match this.go_on(noted, wanted) {
                Ok(after) => Beginning::GoneOn(after),
                Err(why) => Beginning::Over(why),
            };
        }
        Ok(this)
    }

    /// How it began.
    #[must_use]
    pub const fn beginning(&self) -> &Beginning {
        &self.beginning
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

    /// Writes the next page; `false` when there are no more.
    ///
    /// # Errors
    /// [`BooksFault`].
    pub async fn step(&mut self) -> Result<bool, BooksFault> {
        let Some(page) = self.reader.next(self.pace.page_events).await? else {
            if self.part.is_none() && self.manifest.files.is_empty() {
                // Without a single row there is still a table with columns.
                self.part = Some(self.new_part()?);
            }
            self.close_part()?;
            return Ok(false);
        };
        let mut part = match self.part.take() {
            Some(part) => part,
            None => self.new_part()?,
        };
        let from = self.reader.scope().from;
        part.rows += match &mut part.sheet {
            Sheets::Events(sheet) => {
                let rows = page.events.len();
                sheet.add(page.events)?;
                rows as u64
            }
            Sheets::Lines(sheet) => {
                let rows: Vec<DatedLine> = page
                    .entries
                    .into_iter()
                    .filter(|entry| from.is_none_or(|from| entry.day >= from))
                    .flat_map(|entry| {
                        let day = entry.day;
                        entry.lines.into_iter().map(move |line| DatedLine { day, line })
                    })
                    .collect();
                let count = rows.len();
                sheet.add(rows)?;
                count as u64
            }
        };
        let full = usize::try_from(part.rows).unwrap_or(usize::MAX) >= self.pace.rows_per_part;
        self.part = Some(part);
        if full {
            self.close_part()?;
            write_notes(&self.folder.join(PROGRESS), &self.manifest)?;
        }
        Ok(true)
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// [`BooksFault`].
    pub fn finish(self) -> Result<DatasetManifest, BooksFault> {
        write_notes(&self.folder.join(MANIFEST), &self.manifest)?;
        let notes = self.folder.join(PROGRESS);
        if notes.exists() {
            fs::remove_file(&notes).map_err(|error| BooksFault::file(&notes, error))?;
        }
        Ok(self.manifest)
    }

    fn new_part(&self) -> Result<Part, BooksFault> {
        let name = format!("{}-{:05}.parquet", self.contents, self.manifest.files.len());
        let path = beside(&self.folder.join(&name), ".part");
        let file = File::create(&path).map_err(|error| BooksFault::file(&path, error))?;
        let facts = vec![
            ("daybook.contents".to_owned(), self.manifest.contents.clone()),
            ("daybook.schema".to_owned(), "1".to_owned()),
            ("daybook.log".to_owned(), self.manifest.log.clone()),
            ("daybook.scope".to_owned(), self.manifest.scope.clone()),
        ];
        let (title, rows) = (self.manifest.contents.as_str(), self.pace.rows_per_group);
        let sheet = match self.contents {
            Contents::JournalLines => {
                Sheets::Lines(Sheet::create(file, title, JOURNAL_LINES, facts, rows)?)
            }
            Contents::Events => Sheets::Events(Sheet::create(file, title, EVENTS, facts, rows)?),
        };
        Ok(Part { sheet, name, rows: 0 })
    }

    fn close_part(&mut self) -> Result<(), BooksFault> {
        let Some(Part { sheet, name, rows }) = self.part.take() else { return Ok(()) };
        let file = match sheet {
            Sheets::Lines(sheet) => sheet.close()?,
            Sheets::Events(sheet) => sheet.close()?,
        };
        let path = self.folder.join(&name);
        let part = beside(&path, ".part");
        file.sync_all()
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| BooksFault::file(&path, error))?;
        let (through, sha256) = (self.reader.after().0, hash_file(&path)?);
        self.manifest.files.push(PartFile { name, rows, through, sha256 });
        self.manifest.rows += rows;
        self.manifest.time_zone = self.reader.zone().name().to_owned();
        Ok(())
    }

    fn go_on(&mut self, noted: DatasetManifest, wanted: Option<Position>) -> Result<u64, String> {
        let same = DatasetManifest {
            through: noted.through,
            rows: noted.rows,
            files: noted.files.clone(),
            time_zone: noted.time_zone.clone(),
            ..self.manifest.clone()
        };
        if noted != same || wanted.is_some_and(|wanted| wanted.0 != noted.through) {
            return Err("the unfinished data set is of another export".to_owned());
        }
        if noted.through > self.reader.through().0 {
            return Err("the log is shorter than it was".to_owned());
        }
        for file in &noted.files {
            if hash_file(&self.folder.join(&file.name)).ok().as_ref() != Some(&file.sha256) {
                return Err(format!("{} is not as it was left", file.name));
            }
        }
        let zone =
            noted.time_zone.parse().map_err(|_| "the time zone cannot be read".to_owned())?;
        let after = noted.files.last().map_or(0, |file| file.through);
        self.reader.go_on(Position(noted.through), Position(after), zone);
        self.manifest = noted;
        Ok(after)
    }
}
