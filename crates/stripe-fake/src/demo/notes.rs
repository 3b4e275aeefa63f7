//! What the driver remembers between runs: how far it was, and which ids Daybook gave.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::DemoError;

/// The ids of an order, and what to put on the Stripe objects that pay it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OrderIds {
    pub(super) id: String,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) client_reference_id: String,
    pub(super) transfer_group: String,
}

/// One line of the notes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Note {
    Seller { key: String, id: String },
    Order { key: String, ids: OrderIds },
    Refund { key: String, id: String },
    Tick { number: usize },
}

/// Everything noted so far. Nothing in it is needed for correctness: what is missing is asked for
/// again with the same idempotency key.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) sellers: BTreeMap<String, String>,
    pub(super) orders: BTreeMap<String, OrderIds>,
    pub(super) refunds: BTreeMap<String, String>,
    pub(super) ticks_done: BTreeSet<usize>,
    file: Option<(PathBuf, File)>,
}

impl Notes {
    pub(super) fn open(path: Option<&PathBuf>) -> Result<Self, DemoError> {
        let mut notes = Self::default();
        let Some(path) = path else { return Ok(notes) };
        let failed = |source| DemoError::Notes { path: path.display().to_string(), source };
        let mut ends_whole = true;
        if path.exists() {
            let mut reader = BufReader::new(File::open(path).map_err(failed)?);
            let mut line = String::new();
            while reader.read_line(&mut line).map_err(failed)? > 0 {
                ends_whole = line.ends_with('\n');
                // A line that was cut off by a crash is simply not remembered.
                if let Ok(note) = serde_json::from_str(&line) {
                    notes.remember(note);
                }
                line.clear();
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
        if !ends_whole {
            file.write_all(b"\n").map_err(failed)?;
        }
        notes.file = Some((path.clone(), file));
        Ok(notes)
    }

    fn remember(&mut self, note: Note) {
        match note {
            Note::Seller { key, id } => {
                self.sellers.insert(key, id);
            }
            Note::Order { key, ids } => {
                self.orders.insert(key, ids);
            }
            Note::Refund { key, id } => {
                self.refunds.insert(key, id);
            }
            Note::Tick { number } => {
                self.ticks_done.insert(number);
            }
        }
    }

    fn write(&mut self, note: Note) -> Result<(), DemoError> {
        if let Some((path, file)) = &mut self.file {
            let line = serde_json::to_string(&note).unwrap_or_default();
            file.write_all(format!("{line}\n").as_bytes())
                .map_err(|source| DemoError::Notes { path: path.display().to_string(), source })?;
        }
        self.remember(note);
        Ok(())
    }

    pub(super) fn seller(&mut self, key: &str, id: String) -> Result<(), DemoError> {
        self.write(Note::Seller { key: key.to_owned(), id })
    }

    pub(super) fn order(&mut self, key: &str, ids: OrderIds) -> Result<(), DemoError> {
        self.write(Note::Order { key: key.to_owned(), ids })
    }

    pub(super) fn refund(&mut self, key: &str, id: String) -> Result<(), DemoError> {
        self.write(Note::Refund { key: key.to_owned(), id })
    }

    pub(super) fn tick(&mut self, number: usize) -> Result<(), DemoError> {
        self.write(Note::Tick { number })
    }
}
