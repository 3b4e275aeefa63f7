//! `daybook check`: every invariant over the whole history, in memory and from the first event, with
//! one verdict for each.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use aggregates::fact::Fact;
use projections::{
    Occurrence,
    dating::Calendar,
    invariants::{Alarm, AlarmState, Checker, Invariant, Violation, WatchedBy},
    postings::{Entry, postings},
};
use serde::Serialize;
use store::{Log, Metadata, Position, Recorded};

use super::replay::{Comparison, compare_all, reach};
use crate::{
    config::DataArgs,
    engines::{read_log, stored_checkpoints},
    outcome::{Failure, Outcome},
    show,
};

/// Events read at once.
const PAGE_EVENTS: usize = 5000;
/// So many violations are kept to be told; all are counted.
const TOLD_MAX: usize = 100;

/// What to check.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Only up to and including this position; nothing is compared with the live state then
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What an examination of the history came to.
pub(super) struct Examined {
    checker: Checker,
    violations: Vec<Violation>,
    counts: BTreeMap<Invariant, u64>,
    took: Duration,
}

impl Examined {
    /// The violations that count, at most [`TOLD_MAX`]: those that may heal only while they have
    /// not.
    pub(super) fn violations(&self) -> Vec<Violation> {
        let open: Vec<Alarm> = self.open();
        let is_open = |found: &Violation| {
            open.iter()
                .any(|alarm| (alarm.invariant, &alarm.subject) == (found.invariant, &found.subject))
        };
        let seen = self.violations.iter();
        let counts = |found: &&Violation| !found.invariant.may_heal() || is_open(found);
        let mut told: Vec<Violation> = seen.filter(counts).cloned().collect();
        told.extend(self.checker.overdue().into_iter().map(|alarm| Violation {
            invariant: alarm.invariant,
            position: alarm.last_position,
            subject: alarm.subject,
            what: alarm.what,
        }));
        told.truncate(TOLD_MAX);
        told
    }

    fn open(&self) -> Vec<Alarm> {
        let mut alarms = self.checker.alarms();
        alarms.retain(|alarm| alarm.state == AlarmState::Open);
        alarms
    }
}

/// One invariant's line.
#[derive(Debug, Serialize)]
struct Line {
    invariant: String,
    sentence: &'static str,
    checked: u64,
    violations: u64,
    /// Broken for a time, as it may be, and right again.
    healed: u64,
    verdict: &'static str,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let head = reach(&*log, args.through).await?;
    let examined = examine(Arc::clone(&log), head).await?;
    let comparisons = match args.through {
        Some(_) => None,
        None => {
            let checkpoints = stored_checkpoints(&args.data).await?;
            Some(compare_all(&*log, head, &checkpoints).await?)
        }
    };
    let lines = lines(&examined, comparisons.as_deref());
    tell(head, &examined, &lines, args.json)?;
    let broken: Vec<&str> = lines
        .iter()
        .filter(|line| line.verdict == VIOLATED)
        .map(|line| line.invariant.as_str())
        .collect();
    if broken.is_empty() {
        eprintln!("checked to position {head}: every invariant holds");
        return Ok(());
    }
    Err(Failure::check(format!("violated: {}", broken.join(", "))))
}

/// Folds the history through the checker.
pub(super) async fn examine(log: Arc<dyn Log>, head: Position) -> Outcome<Examined> {
    let bar = show::bar("checking");
    bar.set_length(head.0);
    let began = Instant::now();
    let mut calendar = Calendar::default();
    let mut examined = Examined {
        checker: Checker::new(),
        violations: Vec::new(),
        counts: BTreeMap::new(),
        took: Duration::ZERO,
    };
    let mut reading = tokio::spawn(page(Arc::clone(&log), Position::START, head));
    loop {
        let page = reading.await.map_err(Failure::unavailable)??;
        let Some(end) = page.last().map(|read| read.recorded.position) else { break };
        // The next page is read and decoded while this one is checked.
        reading = tokio::spawn(self::page(Arc::clone(&log), end, head));
        for read in page {
            for violation in check_one(&mut examined.checker, &mut calendar, read) {
                *examined.counts.entry(violation.invariant).or_default() += 1;
                if examined.violations.len() < TOLD_MAX {
                    examined.violations.push(violation);
                }
            }
        }
        bar.set_position(end.0);
    }
    bar.finish_and_clear();
    examined.took = began.elapsed();
    Ok(examined)
}

/// An event, and what it does to the books.
struct Read {
    recorded: Recorded,
    fact: Fact,
    metadata: Metadata,
    entries: Vec<Entry>,
}

/// The events behind a position, up to `head`; none at the end.
async fn page(log: Arc<dyn Log>, after: Position, head: Position) -> Outcome<Vec<Read>> {
    if after >= head {
        return Ok(Vec::new());
    }
    let page = log.read_all(after, PAGE_EVENTS).await.map_err(Failure::unavailable)?;
    page.events.into_iter().filter(|recorded| recorded.position <= head).map(read).collect()
}

fn read(recorded: Recorded) -> Outcome<Read> {
    let wrong =
        |problem: String| Failure::check(format!("position {}: {problem}", recorded.position));
    let fact = Fact::decode(&recorded.stream.category, &recorded.payload)
        .map_err(|error| wrong(error.to_string()))?;
    let metadata =
        Metadata::from_json(&recorded.metadata).map_err(|error| wrong(error.to_string()))?;
    // A fact that cannot be posted is the checker's to name.
    let entries = postings(&recorded.stream, &fact).unwrap_or_default();
    Ok(Read { recorded, fact, metadata, entries })
}

fn check_one(checker: &mut Checker, calendar: &mut Calendar, read: Read) -> Vec<Violation> {
    let Read { recorded, fact, metadata, mut entries } = read;
    let (tenant, position) = (recorded.stream.tenant, recorded.position);
    calendar.note(tenant, position, &fact);
    calendar.date(tenant, position, &mut entries);
    checker.check(&Occurrence {
        recorded: &recorded,
        fact: &fact,
        metadata: &metadata,
        entries: &entries,
    })
}

const HOLDS: &str = "holds";
const VIOLATED: &str = "VIOLATED";

fn lines(examined: &Examined, comparisons: Option<&[Comparison]>) -> Vec<Line> {
    let open = examined.open();
    let count = |alarms: &[Alarm], invariant: Invariant| {
        let found = alarms.iter().filter(|alarm| alarm.invariant == invariant).count();
        u64::try_from(found).unwrap_or(u64::MAX)
    };
    let all = examined.checker.alarms();
    let line = |invariant: Invariant| {
        let (checked, violations, verdict) = match invariant.watched_by() {
            WatchedBy::ReadModel => {
                let violations = if invariant.may_heal() {
                    count(&open, invariant)
                } else {
                    examined.counts.get(&invariant).copied().unwrap_or_default()
                };
                let checked = examined.checker.checked(invariant);
                let verdict = match (violations, checked) {
                    (0, 0) => "nothing to check",
                    (0, _) => HOLDS,
                    (_, _) => VIOLATED,
                };
                (checked, violations, verdict)
            }
            WatchedBy::Replay => replayed(comparisons),
            WatchedBy::Simulation => (0, 0, "by simulation"),
        };
        let healed = if invariant.may_heal() {
            count(&all, invariant).saturating_sub(violations)
        } else {
            0
        };
        let invariant_name = invariant.to_string();
        let sentence = invariant.sentence();
        Line { invariant: invariant_name, sentence, checked, violations, healed, verdict }
    };
    Invariant::ALL.into_iter().map(line).collect()
}

/// I13: how many read models were replayed, and how many of them differ.
fn replayed(comparisons: Option<&[Comparison]>) -> (u64, u64, &'static str) {
    let Some(comparisons) = comparisons else { return (0, 0, "not compared") };
    let (mut checked, mut differing) = (0, 0);
    for one in comparisons {
        checked += 1;
        if !one.equal {
            differing += 1;
        }
    }
    (checked, differing, if differing == 0 { HOLDS } else { VIOLATED })
}

fn tell(head: Position, examined: &Examined, lines: &[Line], as_json: bool) -> Outcome {
    let events = examined.checker.events();
    let millis = examined.took.as_millis().max(1);
    let per_second = u128::from(events) * 1000 / millis;
    let violations = examined.violations();
    if as_json {
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        return show::json(&serde_json::json!({
            "position": head,
            "events": events,
            "milliseconds": u64::try_from(millis).ok(),
            "events_per_second": u64::try_from(per_second).ok(),
            "invariants": lines,
            "violations": violations,
        }));
    }
    for violation in &violations {
        println!("{violation}");
    }
    let rows = lines
        .iter()
        .map(|line| {
            vec![
                line.invariant.clone(),
                line.sentence.to_owned(),
                line.checked.to_string(),
                line.violations.to_string(),
                line.healed.to_string(),
                line.verdict.to_owned(),
            ]
        })
        .collect();
    let header = ["invariant", "what it says", "checked", "violations", "healed", "verdict"];
    println!("{}", show::table(&header, &[2, 3, 4], rows));
    println!("{events} events in {millis} ms, {per_second} events/s");
    Ok(())
}
