//! Part C: building every projection anew from the log, beside the least anybody could do.
//!
//! The peer reads and decodes the same log, then writes the very rows the projections come to into
//! bare tables with the same keys: no folding, no hashes, no checkpoints, no secondary indexes. Less
//! than that is not a rebuild.

mod built;
mod fill;
mod market;
mod peers;
pub(crate) mod postgres;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use store::{Log, Views};
use store_sqlite::SqliteViews;
use tempfile::TempDir;

use self::built::Rebuilt;
use crate::{
    Plan,
    fault::{Doing, Fault, Outcome},
    house,
    report::{Comparison, Rate, Round, Subject},
};

/// Half as fast as doing none of the thinking.
const AIM: f64 = 0.5;

/// Fills a log with the life of a marketplace and rebuilds its projections.
pub(crate) async fn compare(plan: &Plan, folder: &Path) -> Outcome<Vec<Comparison>> {
    let folder = tempfile::Builder::new()
        .prefix("rebuild-")
        .tempdir_in(folder)
        .doing("make a folder for the rebuild")?;
    let log = house::open_log(folder.path()).await?;
    fill::fill(&log, folder.path(), plan.events).await?;
    let log = house::open_log(folder.path()).await?;
    let events = log.head().await.doing("read the head of the log")?.position.0;

    // The first rebuild is not counted: it makes the rows the peer will write.
    let (example, file) = rebuild(&log, &folder, "example").await?;
    let rows = peers::Rows::of(&file)?;
    let (mut beside_insert, mut beside_decode) = (Vec::new(), Vec::new());
    for number in 1..=plan.rounds {
        eprintln!("c: {events} events, {} rows, round {number} of {}", rows.len(), plan.rounds);
        let scanned = peers::scan_and_decode(&log).await?;
        let inserted = rows.insert(&folder.path().join(format!("bare-{number}.sqlite")))?;
        let decoded = peers::decode_alone(&log).await?;
        let (ours, _) = rebuild(&log, &folder, &format!("round-{number}")).await?;
        if ours.hashes != example.hashes {
            return Err(Fault::new("trust the rebuild", "two rebuilds have different hashes"));
        }
        let rate = |elapsed| Rate::new(events, elapsed);
        let ours = rate(ours.elapsed);
        beside_insert.push(Round { peer: rate(scanned + inserted), ours });
        beside_decode.push(Round { peer: rate(decoded), ours });
    }
    log.close().await;
    let subject = |peer, aim| Subject {
        part: "c",
        what: "rebuild of all projections".to_owned(),
        unit: "events",
        peer,
        aim,
    };
    let note = format!(
        "c: {events} events become {} rows in {} tables; we read and decode ahead on a second \
         thread, the peer does one thing after the other",
        rows.len(),
        rows.tables(),
    );
    let insert = subject("scan, decode, bulk insert of the same rows", Some(AIM));
    let decode = subject("decode alone, from memory", None);
    Ok(vec![
        Comparison::of(insert, &beside_insert, vec![note]),
        Comparison::of(decode, &beside_decode, Vec::new()),
    ])
}

/// Builds every projection from the first event to the last, as `daybook rebuild` does.
async fn rebuild(log: &Arc<dyn Log>, folder: &TempDir, name: &str) -> Outcome<(Rebuilt, PathBuf)> {
    let path = folder.path().join(format!("views-{name}.sqlite"));
    let views: Arc<dyn Views> =
        Arc::new(SqliteViews::open(path.clone()).await.doing("open the read models")?);
    Ok((built::rebuild(log, views).await?, path))
}
