//! The demo month as data: everything that happens, in the order it happens, made from a seed.
//!
//! A [`Scenario`] is a list of timed [`Step`]s: what the platform does through Daybook's API, and
//! what buyers, banks and Stripe do on their own. It can be written to a file and read back; the
//! file alone is enough to work out what every seller must be owed in the end ([`Expected`]).

mod arithmetic;
mod expected;
mod generate;
mod order;
mod random;
mod step;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use expected::{Expected, SellerCurrency};
pub(crate) use generate::account_key;
pub use order::{OrderTotals, PlannedBuyer, PlannedDiscount, PlannedLine, PlannedOrder, Snapshot};
pub use step::{Action, Attribution, DisputeAnswer, RefundDecision, SellerSpec, Step};

use crate::id::Seed;

/// Sunday, 1 March 2026, midnight UTC.
pub const MONTH_START: i64 = 1_772_323_200;

/// The seed of the month that `daybook demo` plays.
pub const DEMO_SEED: u64 = 7;

const DAY_S: i64 = 86_400;

/// How much of a month is made, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scale(
    /// Thousandths of the full month.
    pub u32,
);

impl Scale {
    /// The whole month: more than 3,000 orders.
    pub const FULL: Self = Self(1_000);
    /// A tenth of it, with everything in it at least once.
    pub const TENTH: Self = Self(100);

    /// So many of what there are `full` of in the whole month; at least one.
    #[must_use]
    pub fn of(self, full: usize) -> usize {
        let scale = usize::try_from(self.0).unwrap_or(1_000);
        full.saturating_mul(scale).div_ceil(1_000).max(1)
    }
}

/// What a scenario is about, before its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The seed of the scenario, which must be the fake's too: ids in the steps derive from it.
    pub seed: u64,
    /// How much of the month.
    pub scale: Scale,
    /// The first instant; Unix seconds.
    pub start: i64,
    /// When the month is over; afterwards things only come to their end.
    pub month_end: i64,
    /// The last instant.
    pub until: i64,
    /// Seconds of simulated time between two looks at the clock during the month.
    pub tick_s: i64,
    /// What is changed in the tenant's policy before the first order.
    pub policy: Map<String, Value>,
    /// The sellers.
    pub sellers: Vec<SellerSpec>,
}

/// Why a scenario file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file could not be read or written.
    #[error("the scenario file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A line is not what it should be.
    #[error("line {line} of the scenario file is no step: {source}")]
    Line {
        /// Counted from one.
        line: usize,
        /// What went wrong.
        source: serde_json::Error,
    },
    /// The file has no header.
    #[error("the scenario file is empty")]
    Empty,
}

/// Everything that happens in the demo month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it is about.
    pub header: Header,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One look at the clock: what happens from here until there is one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Counted from zero.
    pub number: usize,
    /// Its first instant; Unix seconds. What the platform does happens here.
    pub start: i64,
    /// The first instant after it.
    pub end: i64,
}

impl Scenario {
    /// Makes a month. The same seed and scale always make the same one.
    #[must_use]
    pub fn generate(seed: u64, scale: Scale) -> Self {
        generate::month(Seed(seed), scale)
    }

    /// The ticks of the scenario: short ones during the month, whole days afterwards.
    #[must_use]
    pub fn ticks(&self) -> Vec<Tick> {
        let mut ticks = Vec::new();
        let mut start = self.header.start;
        while start < self.header.until {
            let length =
                if start < self.header.month_end { self.header.tick_s.max(60) } else { DAY_S };
            let end = (start + length).min(self.header.until);
            ticks.push(Tick { number: ticks.len(), start, end });
            start = end;
        }
        ticks
    }

    /// The steps of one tick, in order.
    #[must_use]
    pub fn steps_of(&self, tick: Tick) -> &[Step] {
        let first = self.steps.partition_point(|step| step.at < tick.start);
        let last = self.steps.partition_point(|step| step.at < tick.end);
        &self.steps[first..last]
    }

    /// Writes one JSON object per line: the header, then the steps.
    ///
    /// # Errors
    /// [`ScenarioError`] when the file cannot be written.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<(), ScenarioError> {
        let path = path.as_ref();
        let failed = |source| ScenarioError::File { path: path.display().to_string(), source };
        let file = std::fs::File::create(path).map_err(failed)?;
        let mut writer = BufWriter::new(file);
        let mut write = |value: Result<String, serde_json::Error>| -> std::io::Result<()> {
            writer.write_all(value?.as_bytes())?;
            writer.write_all(b"\n")
        };
        write(serde_json::to_string(&self.header)).map_err(failed)?;
        for step in &self.steps {
            write(serde_json::to_string(step)).map_err(failed)?;
        }
        writer.flush().map_err(failed)
    }

    /// Reads what [`Self::write_to`] wrote.
    ///
    /// # Errors
    /// [`ScenarioError`] when the file cannot be read or is no scenario.
    pub fn read_from(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let failed = |source| ScenarioError::File { path: path.display().to_string(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut header = None;
        let mut steps = Vec::new();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line = line.map_err(failed)?;
            let broken = |source| ScenarioError::Line { line: number + 1, source };
            if header.is_none() {
                header = Some(serde_json::from_str(&line).map_err(broken)?);
            } else {
                steps.push(serde_json::from_str(&line).map_err(broken)?);
            }
        }
        let header = header.ok_or(ScenarioError::Empty)?;
        Ok(Self { header, steps })
    }
}
