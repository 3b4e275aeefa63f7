//! An export to a file that is interrupted ends with the same bytes as one that is not.

use std::{fs, path::Path, sync::Arc};

use store::{Log, MemoryLog};
use tempfile::TempDir;

use super::history::{at_random, seed, tenant};
use crate::{
    Beginning, BooksFault, Contents, Dataset, Format, Pace, Scope, TextFile, Written, day,
};

const PACE: Pace =
    Pace { page_events: 7, pages_per_note: 3, rows_per_group: 40, rows_per_part: 150 };

fn scope() -> Scope {
    // With opening balances, so that they too are carried over an interruption.
    Scope { from: Some(day("2026-03-05").unwrap()), ..Scope::of(tenant()) }
}

async fn open(log: &MemoryLog, path: &Path, format: Format) -> TextFile {
    let log: Arc<dyn Log> = Arc::new(log.reopen());
    TextFile::open(path, log, scope(), format, PACE).await.unwrap()
}

async fn to_the_end(mut file: TextFile) -> Written {
    while file.step().await.unwrap() {}
    file.finish().unwrap()
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_text_goes_on_where_it_was_interrupted() {
    let history = at_random(seed(), 80).await;
    for format in [Format::Hledger, Format::Beancount, Format::Csv] {
        let folder = TempDir::new().unwrap();
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        let undisturbed = to_the_end(open(&history.log, &whole, format).await).await;

        // Aborted again and again, after more steps each time; what was not noted is done anew.
        let mut went_on = 0;
        for steps in [2, 5, 11, 17] {
            let mut file = open(&history.log, &broken, format).await;
            went_on += u32::from(matches!(file.beginning(), Beginning::GoneOn(_)));
            for _ in 0..steps {
                assert!(file.step().await.unwrap());
            }
        }
        assert_eq!(went_on, 2, "the first two had noted nothing before they began");
        assert!(broken.with_extension("part").exists() && !broken.exists());
        let resumed = to_the_end(open(&history.log, &broken, format).await).await;
        assert_eq!(resumed, undisturbed);
        assert_eq!(fs::read(&broken).unwrap(), fs::read(&whole).unwrap());
        assert_eq!(names_in(folder.path()), ["broken", "whole"], "nothing is left beside them");
    }
}

#[tokio::test]
async fn a_log_that_grows_meanwhile_changes_nothing() {
    let mut history = at_random(7, 40).await;
    let folder = TempDir::new().unwrap();
    let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
    let undisturbed = to_the_end(open(&history.log, &whole, Format::Hledger).await).await;
    let mut file = open(&history.log, &broken, Format::Hledger).await;
    for _ in 0..9 {
        assert!(file.step().await.unwrap());
    }
    drop(file);
    let event = aggregates::tenant::events::TenantEvent::TimeZoneSet {
        time_zone: "UTC".to_owned(),
        at: super::history::noon(1),
    };
    history.tell(tenant(), &aggregates::fact::Fact::Tenant(event)).await;
    let resumed = to_the_end(open(&history.log, &broken, Format::Hledger).await).await;
    assert_eq!(resumed, undisturbed);
}

#[tokio::test]
async fn what_cannot_be_gone_on_with_is_begun_again() {
    let history = at_random(8, 40).await;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("books");
    let whole = folder.path().join("whole");
    let undisturbed = to_the_end(open(&history.log, &whole, Format::Hledger).await).await;
    let interrupt = async || {
        let mut file = open(&history.log, &path, Format::Hledger).await;
        for _ in 0..9 {
            assert!(file.step().await.unwrap());
        }
    };
    // Another format; then a part that somebody wrote into.
    interrupt().await;
    let file = open(&history.log, &path, Format::Beancount).await;
    assert!(matches!(file.beginning(), Beginning::Over(_)), "{:?}", file.beginning());
    drop(file);
    interrupt().await;
    let part = folder.path().join("books.part");
    let mut bytes = fs::read(&part).unwrap();
    bytes[10] ^= 1;
    fs::write(&part, bytes).unwrap();
    let file = open(&history.log, &path, Format::Hledger).await;
    assert!(matches!(file.beginning(), Beginning::Over(_)), "{:?}", file.beginning());
    assert_eq!(to_the_end(file).await, undisturbed);
}

#[tokio::test]
async fn a_data_set_goes_on_behind_its_last_whole_file() {
    let history = at_random(9, 120).await;
    for contents in [Contents::JournalLines, Contents::Events] {
        let folder = TempDir::new().unwrap();
        let (whole, broken) = (folder.path().join("whole"), folder.path().join("broken"));
        let open = async |path: &Path| {
            let log: Arc<dyn Log> = Arc::new(history.log.reopen());
            Dataset::open(path, log, Scope::of(tenant()), contents, PACE).await
        };
        let mut dataset = open(&whole).await.unwrap();
        while dataset.step().await.unwrap() {}
        let undisturbed = dataset.finish().unwrap();
        assert!(undisturbed.files.len() > 2, "{undisturbed:?}");

        let mut went_on = 0;
        for steps in [3, 30, 30] {
            let mut dataset = open(&broken).await.unwrap();
            went_on += u32::from(matches!(dataset.beginning(), Beginning::GoneOn(_)));
            for _ in 0..steps {
                assert!(dataset.step().await.unwrap());
            }
        }
        assert_eq!(went_on, 1);
        let mut dataset = open(&broken).await.unwrap();
        while dataset.step().await.unwrap() {}
        assert_eq!(dataset.finish().unwrap(), undisturbed);
        assert_eq!(names_in(&broken), names_in(&whole));
        for name in names_in(&whole) {
            assert_eq!(fs::read(whole.join(&name)).unwrap(), fs::read(broken.join(&name)).unwrap());
        }
        assert!(matches!(open(&whole).await, Err(BooksFault::Senseless(_))), "never written over");
    }
}
