//! `daybook replay`: everything again from the first event, compared with what is stored.

use std::sync::Arc;

use engine::{all_projections, replay};
use projections::{Projection, invariants::Violation};
use serde::Serialize;
use store::{Checkpoint, Log, Position};

use super::check::examine;
use crate::{
    config::DataArgs,
    engines::{read_log, stored_checkpoints},
    outcome::{Failure, Outcome},
    show,
};

/// What to replay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Only up to and including this position: says what the state was there, and compares it with
    /// nothing
    #[arg(long, value_name = "POSITION")]
    through: Option<u64>,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What a projection came to, and what is stored.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    pub(super) projection: String,
    position: u64,
    rows: u64,
    replayed: String,
    live: Option<String>,
    pub(super) equal: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let head = reach(&*log, args.through).await?;
    let checkpoints = match args.through {
        Some(_) => Vec::new(),
        None => stored_checkpoints(&args.data).await?,
    };
    let comparisons = compare_all(&*log, head, &checkpoints).await?;
    let violations = examine(Arc::clone(&log), head).await?.violations();
    tell(&comparisons, &violations, args.json)?;
    let differing = comparisons.iter().filter(|one| !one.equal).count();
    if differing > 0 && args.through.is_none() {
        let problem = format!("{differing} read models differ from a replay of the log");
        return Err(Failure::check(problem));
    }
    if let Some(violation) = violations.first() {
        let count = violations.len();
        return Err(Failure::check(format!("{count} violations, the first: {violation}")));
    }
    let equal = match args.through {
        Some(_) => "nothing was compared",
        None => "every read model equals its live state",
    };
    eprintln!("replayed to position {head}: {equal}, and the invariants held after every event");
    Ok(())
}

/// The last position to be looked at: the one asked for, which must be there, or the log's last.
pub(super) async fn reach(log: &dyn Log, through: Option<u64>) -> Outcome<Position> {
    let end = log.head().await.map_err(Failure::unavailable)?.position;
    let head = through.map_or(end, Position);
    if head > end {
        return Err(Failure::usage(format!("the log ends at position {end}")));
    }
    Ok(head)
}

/// Replays every read model to where it stands, or to `head`, and compares.
pub(super) async fn compare_all(
    log: &dyn Log,
    head: Position,
    checkpoints: &[Checkpoint],
) -> Outcome<Vec<Comparison>> {
    let mut comparisons = Vec::new();
    for (position, projections) in by_position(checkpoints, head) {
        compare(log, position, &projections, checkpoints, &mut comparisons).await?;
    }
    comparisons.sort_by(|a, b| a.projection.cmp(&b.projection));
    Ok(comparisons)
}

/// Projections by the position that is stored for them, so that each is replayed to where it is.
fn by_position(
    checkpoints: &[Checkpoint],
    head: Position,
) -> Vec<(Position, Vec<Arc<dyn Projection>>)> {
    let mut groups: Vec<(Position, Vec<Arc<dyn Projection>>)> = Vec::new();
    for projection in all_projections() {
        let name = versioned(projection.name(), projection.version());
        let stored = checkpoints.iter().find(|checkpoint| checkpoint.projection == name);
        let position = stored.map_or(head, |checkpoint| checkpoint.position);
        match groups.iter_mut().find(|(known, _)| *known == position) {
            Some((_, group)) => group.push(projection),
            None => groups.push((position, vec![projection])),
        }
    }
    groups
}

fn versioned(name: &str, version: u32) -> String {
    format!("{name}@{version}")
}

async fn compare(
    log: &dyn Log,
    position: Position,
    projections: &[Arc<dyn Projection>],
    checkpoints: &[Checkpoint],
    comparisons: &mut Vec<Comparison>,
) -> Outcome {
    let bar = show::bar("replaying");
    bar.set_length(position.0);
    let replayed = replay(log, projections, position, |reached| bar.set_position(reached.0))
        .await
        .map_err(Failure::check)?;
    bar.finish_and_clear();
    for one in replayed {
        let name = versioned(one.projection, one.version);
        let live = checkpoints.iter().find(|checkpoint| checkpoint.projection == name);
        let live = live.map(|checkpoint| checkpoint.state_hash.clone());
        comparisons.push(Comparison {
            equal: live.as_deref() == Some(one.state_hash.as_str()),
            projection: name,
            position: one.position.0,
            rows: one.rows,
            replayed: one.state_hash,
            live,
        });
    }
    Ok(())
}

fn tell(comparisons: &[Comparison], violations: &[Violation], as_json: bool) -> Outcome {
    if as_json {
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        return show::json(&serde_json::json!({
            "read_models": comparisons,
            "violations": violations,
        }));
    }
    for violation in violations {
        println!("{violation}");
    }
    let rows = comparisons
        .iter()
        .map(|one| {
            let verdict = match (&one.live, one.equal) {
                (_, true) => "equal",
                (Some(_), false) => "DIFFERS",
                (None, false) => "not stored",
            };
            let hash = one.replayed.chars().take(16).collect();
            vec![
                one.projection.clone(),
                one.position.to_string(),
                one.rows.to_string(),
                hash,
                verdict.to_owned(),
            ]
        })
        .collect();
    println!("{}", show::table(&["read model", "position", "rows", "hash", "live"], &[1, 2], rows));
    Ok(())
}
