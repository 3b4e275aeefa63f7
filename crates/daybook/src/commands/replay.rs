//! `daybook replay`: everything again from the first event, compared with what is stored.

use std::sync::Arc;

use engine::{all_projections, replay};
use projections::Projection;
use serde::Serialize;
use store::{Checkpoint, Log, Position};
use store_sqlite::read_checkpoints;

use crate::{
    config::DataArgs,
    house::read_log,
    outcome::{Failure, Outcome},
    show,
};

/// What to replay.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// What a projection came to, and what is stored.
#[derive(Debug, Serialize)]
struct Comparison {
    projection: String,
    position: u64,
    rows: u64,
    replayed: String,
    live: Option<String>,
    equal: bool,
}

pub(crate) async fn run(args: Args) -> Outcome {
    let log = read_log(&args.data).await?;
    let checkpoints = read_checkpoints(args.data.views()).await.map_err(Failure::unavailable)?;
    let mut comparisons = Vec::new();
    let head = log.head().await.map_err(Failure::unavailable)?.position;
    for (position, projections) in by_position(&checkpoints, head) {
        compare(&*log, position, &projections, &checkpoints, &mut comparisons).await?;
    }
    comparisons.sort_by(|a, b| a.projection.cmp(&b.projection));
    tell(&comparisons, args.json)?;
    let differing = comparisons.iter().filter(|one| !one.equal).count();
    if differing == 0 {
        eprintln!("replayed to position {head}: every read model equals its live state");
        return Ok(());
    }
    Err(Failure::check(format!("{differing} read models differ from a replay of the log")))
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

fn tell(comparisons: &[Comparison], as_json: bool) -> Outcome {
    if as_json {
        return show::json(&comparisons);
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
