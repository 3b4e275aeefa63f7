//! A text in a file: written as `FILE.part`, with notes beside it on how far it has come, and given
//! its name when it is whole.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{Log, Position};

use crate::{
    BooksFault, Format, Scope, TextExport,
    progress::{Beginning, Pace, TextNotes, beside, hash_beginning, read_notes, write_notes},
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Entries.
    pub entries: u64,
    /// Lines of entries.
    pub lines: u64,
    /// Up to and including which position.
    pub through: u64,
    /// Length of the file.
    pub bytes: u64,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
}

/// A text on its way into a file. Dropped before [`TextFile::finish`], it goes on where progress was
/// last noted when it is opened again with the same scope and format.
pub struct TextFile {
    path: PathBuf,
    export: TextExport,
    out: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
    pace: Pace,
    pages: usize,
    beginning: Beginning,
    text: String,
}

impl std::fmt::Debug for TextFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextFile")
            .field("path", &self.path)
            .field("bytes", &self.bytes)
            .field("beginning", &self.beginning)
            .finish_non_exhaustive()
    }
}

fn part(path: &Path) -> PathBuf {
    beside(path, ".part")
}

fn notes(path: &Path) -> PathBuf {
    beside(path, ".part.json")
}

fn settled(path: &Path) -> PathBuf {
    beside(path, ".part.accounts")
}

impl TextFile {
    /// Begins, or goes on where an earlier one was interrupted.
    ///
    /// # Errors
    /// [`BooksFault`].
    pub async fn open(
        path: &Path,
        log: Arc<dyn Log>,
        scope: Scope,
        format: Format,
        pace: Pace,
    ) -> Result<Self, BooksFault> {
        let wanted = scope.through;
        let export = TextExport::start(log, scope, format).await?.by_pages_of(pace.page_events);
        let mut this = Self {
            path: path.to_owned(),
            out: BufWriter::new(open_part(&part(path))?),
            export,
            hash: Sha256::new(),
            bytes: 0,
            pace,
            pages: 0,
            beginning: Beginning::Afresh,
            text: String::new(),
        };
        if let Some(noted) = read_notes::<TextNotes>(&notes(path)) {
            this.beginning = match this.go_on(noted, wanted) {
                Ok(after) => Beginning::GoneOn(after),
                Err(why) => Beginning::Over(why),
            };
        }
        this.out
            .get_mut()
            .set_len(this.bytes)
            .and_then(|()| this.out.get_mut().seek(SeekFrom::Start(this.bytes)))
            .map_err(|error| BooksFault::file(&part(path), error))?;
        if !matches!(this.beginning, Beginning::GoneOn(_)) {
            remove(&[notes(path), settled(path)])?;
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
        self.export.through()
    }

    /// How far it has come.
    #[must_use]
    pub const fn passed(&self) -> Position {
        self.export.passed()
    }

    /// Writes the next page; `false` when the text is whole.
    ///
    /// # Errors
    /// [`BooksFault`].
    pub async fn step(&mut self) -> Result<bool, BooksFault> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let more = self.export.next_page(&mut text).await?;
        self.out
            .write_all(text.as_bytes())
            .map_err(|error| BooksFault::file(&part(&self.path), error))?;
        self.hash.update(text.as_bytes());
        self.bytes += text.len() as u64;
        self.text = text;
        self.pages += 1;
        if more && self.pages.is_multiple_of(self.pace.pages_per_note) {
            self.note()?;
        }
        Ok(more)
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`BooksFault`].
    pub fn finish(mut self) -> Result<Written, BooksFault> {
        self.flush()
            .and_then(|()| fs::rename(part(&self.path), &self.path))
            .map_err(|error| BooksFault::file(&self.path, error))?;
        remove(&[notes(&self.path), settled(&self.path)])?;
        Ok(Written {
            entries: self.export.entries,
            lines: self.export.lines,
            through: self.export.through().0,
            bytes: self.bytes,
            sha256: hex::encode(self.hash.finalize()),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    /// What is noted is on disk before the note is.
    fn note(&mut self) -> Result<(), BooksFault> {
        self.flush().map_err(|error| BooksFault::file(&part(&self.path), error))?;
        let fresh = self.export.standing.take_fresh();
        append_hashes(&settled(&self.path), &fresh)?;
        let reader = &self.export.reader;
        let noted = TextNotes::of(
            reader.log_id(),
            reader.scope().words(),
            self.export.format().to_string(),
            (reader.through().0, reader.after().0),
            reader.zone().name().to_owned(),
            (self.bytes, hex::encode(self.hash.clone().finalize())),
            (self.export.entries, self.export.lines),
            &self.export.standing,
        );
        write_notes(&notes(&self.path), &noted)
    }

    /// Takes up what was noted; why it cannot, in words.
    fn go_on(&mut self, noted: TextNotes, wanted: Option<Position>) -> Result<u64, String> {
        let reader = &self.export.reader;
        if noted.log != reader.log_id()
            || noted.scope != reader.scope().words()
            || noted.format != self.export.format().to_string()
            || wanted.is_some_and(|wanted| wanted.0 != noted.through)
        {
            return Err("the unfinished file is of another export".to_owned());
        }
        if noted.through > reader.through().0 {
            return Err("the log is shorter than it was".to_owned());
        }
        let hash = hash_beginning(self.out.get_mut(), noted.bytes)
            .ok()
            .flatten()
            .filter(|hash| hex::encode(hash.clone().finalize()) == noted.sha256)
            .ok_or("the unfinished file is not as it was left")?;
        let hashes = read_hashes(&settled(&self.path), noted.settled())
            .ok_or("the list of settled accounts is not as it was left")?;
        let zone = noted.zone.parse().map_err(|_| "the time zone cannot be read".to_owned())?;
        let (through, after, bytes) = (noted.through, noted.after, noted.bytes);
        (self.export.entries, self.export.lines) = (noted.entries, noted.lines);
        self.export.standing =
            noted.standing(hashes).ok_or("the notes on accounts cannot be read")?;
        self.export.reader.go_on(Position(through), Position(after), zone);
        (self.hash, self.bytes) = (hash, bytes);
        Ok(after)
    }
}

fn open_part(path: &Path) -> Result<File, BooksFault> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|error| BooksFault::file(path, error))
}

fn remove(paths: &[PathBuf]) -> Result<(), BooksFault> {
    for path in paths {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BooksFault::file(path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

const HASH_BYTES: usize = 16;

fn append_hashes(path: &Path, hashes: &[u128]) -> Result<(), BooksFault> {
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect();
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()))
        .map_err(|error| BooksFault::file(path, error))
}

/// The first `count` hashes, and the file cut off behind them.
fn read_hashes(path: &Path, count: usize) -> Option<HashSet<u128>> {
    let mut file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    let bytes = u64::try_from(count.checked_mul(HASH_BYTES)?).ok()?;
    let mut hashes = HashSet::with_capacity(count);
    let mut reader = io::BufReader::new((&mut file).take(bytes));
    let mut hash = [0; HASH_BYTES];
    for _ in 0..count {
        reader.read_exact(&mut hash).ok()?;
        hashes.insert(u128::from_be_bytes(hash));
    }
    drop(reader);
    file.set_len(bytes).ok()?;
    (hashes.len() == count).then_some(hashes)
}
