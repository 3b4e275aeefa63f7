//! What is noted of an export to a file, so that it can go on after an interruption.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use chrono::NaiveDate;
use kernel::Currency;
use projections::chart::Account;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{
    BooksFault,
    standing::{Known, Standing, Sums},
};

/// In what steps an export is made. The bytes of a Parquet data set depend on it, those of a text do
/// not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Events read at once.
    pub page_events: usize,
    /// Pages after which progress is noted.
    pub pages_per_note: usize,
    /// Rows of a Parquet row group, at least: so many are kept in memory.
    pub rows_per_group: usize,
    /// Rows of a Parquet file, at least; work on an unfinished one is repeated after an interruption.
    pub rows_per_part: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            page_events: 1000,
            pages_per_note: 32,
            rows_per_group: 65_536,
            rows_per_part: 1_000_000,
        }
    }
}

/// How an export to a file begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beginning {
    /// There was nothing.
    Afresh,
    /// Where an earlier one was interrupted: behind this position.
    GoneOn(u64),
    /// From the start, because what an earlier one left cannot be used.
    Over(String),
}

/// The notes of a text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TextNotes {
    pub(crate) log: String,
    pub(crate) scope: String,
    pub(crate) format: String,
    pub(crate) through: u64,
    pub(crate) after: u64,
    pub(crate) zone: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) entries: u64,
    pub(crate) lines: u64,
    standing: StandingNotes,
}

impl TextNotes {
    #[expect(clippy::too_many_arguments, reason = "they are what is noted")]
    pub(crate) fn of(
        log: &str,
        scope: String,
        format: String,
        (through, after): (u64, u64),
        zone: String,
        (bytes, sha256): (u64, String),
        (entries, lines): (u64, u64),
        standing: &Standing,
    ) -> Self {
        let log = log.to_owned();
        let standing = StandingNotes::of(standing);
        Self { log, scope, format, through, after, zone, bytes, sha256, entries, lines, standing }
    }

    pub(crate) const fn settled(&self) -> usize {
        self.standing.settled
    }

    /// How the accounts stood; `None` if that cannot be read.
    pub(crate) fn standing(self, settled: HashSet<u128>) -> Option<Standing> {
        self.standing.restored(settled)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct StandingNotes {
    accounts: Vec<AccountNotes>,
    currencies: Vec<Currency>,
    last_day: Option<NaiveDate>,
    settled: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct AccountNotes {
    book: String,
    account: String,
    declared: bool,
    /// As texts: JSON has no numbers of 128 bits.
    sums: Vec<(Currency, String, String)>,
}

impl StandingNotes {
    fn of(standing: &Standing) -> Self {
        let accounts = standing.accounts().iter().map(|((book, account), known)| AccountNotes {
            book: book.to_string(),
            account: account.name(),
            declared: known.declared,
            sums: known
                .sums
                .iter()
                .map(|(currency, sums)| {
                    (*currency, sums.opening.to_string(), sums.during.to_string())
                })
                .collect(),
        });
        Self {
            accounts: accounts.collect(),
            currencies: standing.currencies().iter().copied().collect(),
            last_day: standing.last_day(),
            settled: standing.settled_count(),
        }
    }

    fn restored(self, settled: HashSet<u128>) -> Option<Standing> {
        let mut accounts = BTreeMap::new();
        for one in self.accounts {
            let mut sums = BTreeMap::new();
            for (currency, opening, during) in one.sums {
                let (opening, during) = (opening.parse().ok()?, during.parse().ok()?);
                sums.insert(currency, Sums { opening, during });
            }
            let key = (one.book.parse().ok()?, Account::parse(&one.account).ok()?);
            accounts.insert(key, Known { declared: one.declared, sums });
        }
        let currencies = self.currencies.into_iter().collect();
        Some(Standing::restored(accounts, settled, currencies, self.last_day))
    }
}

/// A name beside a file's own.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Reads notes; `None` when there are none, or none that can be read.
pub(crate) fn read_notes<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Writes notes so that there are always whole ones.
pub(crate) fn write_notes(path: &Path, notes: &impl Serialize) -> Result<(), BooksFault> {
    let text =
        serde_json::to_vec_pretty(notes).map_err(|error| BooksFault::Row(error.to_string()))?;
    let new = beside(path, ".new");
    let mut file = File::create(&new).map_err(|error| BooksFault::file(&new, error))?;
    file.write_all(&text)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| BooksFault::file(&new, error))
}

/// SHA-256 over the first `bytes` of a file, a piece at a time; `None` if it is shorter.
pub(crate) fn hash_beginning(file: &mut File, bytes: u64) -> io::Result<Option<Sha256>> {
    let mut hash = Sha256::new();
    let mut beginning = file.take(bytes);
    let mut piece = vec![0; 1 << 16];
    let mut seen = 0_u64;
    loop {
        let read = beginning.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        seen += read as u64;
    }
    Ok((seen == bytes).then_some(hash))
}

/// SHA-256 over a whole file, hexadecimal.
pub(crate) fn hash_file(path: &Path) -> Result<String, BooksFault> {
    let open = || {
        let mut file = File::open(path)?;
        let bytes = file.metadata()?.len();
        hash_beginning(&mut file, bytes)
    };
    let hash = open().map_err(|error| BooksFault::file(path, error))?;
    Ok(hash.map(|hash| hex::encode(hash.finalize())).unwrap_or_default())
}
