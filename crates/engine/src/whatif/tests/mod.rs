//! Histories under another policy: by hand, at random, and what a policy file may not say.

mod by_hand;
mod lives;
mod story;
mod terms;

use std::sync::Arc;

use serde_json::Value;
use store::MemoryLog;

use super::{PolicyChange, Report, Scope, what_if};
use story::Story;

/// The story's history under these terms.
async fn replayed(story: &Story, terms: Value, scope: Scope) -> Report {
    let change = PolicyChange::read(&terms).unwrap();
    let report = what_if(&*story.log, Arc::new(MemoryLog::new()), change, scope, |_| {}).await;
    let report = report.unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    for row in &report.trial {
        assert_eq!((row.actual, row.what_if), (0, 0), "{row:?}");
    }
    report
}

/// Both sides of a family of accounts.
fn account(report: &Report, family: &str) -> (i128, i128) {
    let row = report.accounts.iter().find(|row| row.family == family);
    row.map_or((0, 0), |row| (row.actual, row.what_if))
}

/// Both sides of a part of what the only seller has.
fn seller(report: &Report, part: &str) -> (i128, i128) {
    let row = report.sellers.iter().find(|row| row.part == part);
    row.map_or((0, 0), |row| (row.actual, row.what_if))
}
