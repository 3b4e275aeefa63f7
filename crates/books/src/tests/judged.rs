//! hledger, ledger and beancount read random histories, find nothing wrong, and add up what we add up;
//! and they do find a minor unit that is wrong.

use std::{fs, path::PathBuf};

use projections::chart::Book;
use tempfile::TempDir;
use test_judges::{Balances, Verdict, beancount, hledger, ledger};

use super::{
    history::{History, at_random, one_order, seed, tenant},
    text_of,
};
use crate::{Format, Scope, day, names};

fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// Only what differs, if anything does.
#[track_caller]
fn same(judge: &str, found: &Balances, ours: &Balances) {
    let keys = found.keys().chain(ours.keys());
    let differing: Vec<_> = keys
        .filter(|key| found.get(*key) != ours.get(*key))
        .map(|key| format!("{key:?}: {:?}, ours {:?}", found.get(key), ours.get(key)))
        .collect();
    assert!(differing.is_empty(), "{judge}: {differing:#?}");
}

async fn all_agree(history: &History, scope: Scope, plain: &Balances, bean: &Balances) {
    let folder = TempDir::new().unwrap();
    let text = text_of(&history.log, scope.clone(), Format::Hledger).await;
    assert_eq!(text, text_of(&history.log, scope.clone(), Format::Ledger).await);
    let journal = written(&folder, "books.journal", &text);
    same("hledger", &hledger(&journal).balances(), plain);
    same("ledger", &ledger(&journal).balances(), plain);
    let text = text_of(&history.log, scope, Format::Beancount).await;
    let journal = written(&folder, "books.beancount", &text);
    same("beancount", &beancount(&journal).balances(), bean);
}

#[tokio::test]
async fn three_programs_agree_with_random_histories() {
    for _ in 0..3 {
        let history = at_random(seed(), 120).await;
        let (plain, bean) = (history.plain(), history.beancount());
        assert!(plain.len() > 100, "{}", plain.len());
        assert_eq!(plain.len(), bean.len());
        all_agree(&history, Scope::of(tenant()), &plain, &bean).await;
    }
}

#[tokio::test]
async fn a_part_of_the_books_opens_with_what_stood_before() {
    let history = at_random(seed(), 60).await;
    let (from, to) = (day("2026-03-10").unwrap(), day("2026-03-20").unwrap());
    let scope = Scope { from: Some(from), to: Some(to), ..Scope::of(tenant()) };
    // The balances at the end of the last day; days are of the zone that held when it was recorded.
    let text =
        text_of(&history.log, Scope { to: Some(to), ..Scope::of(tenant()) }, Format::Hledger);
    let folder = TempDir::new().unwrap();
    let plain = hledger(&written(&folder, "to.journal", &text.await)).balances();
    assert!(plain != history.plain(), "something took effect later");
    let text =
        text_of(&history.log, Scope { to: Some(to), ..Scope::of(tenant()) }, Format::Beancount);
    let bean = beancount(&written(&folder, "to.beancount", &text.await)).balances();
    all_agree(&history, scope, &plain, &bean).await;

    let book = Book::Mirror("acct_1X".into());
    let scope = Scope { book: Some(book.clone()), ..Scope::of(tenant()) };
    let plain = history.balances(names::plain, |entry| *entry.book() == book);
    let bean = history.balances(names::beancount, |entry| *entry.book() == book);
    assert!(!plain.is_empty());
    all_agree(&history, scope, &plain, &bean).await;
}

#[tokio::test]
async fn every_program_finds_one_cent() {
    let history = one_order().await;
    let folder = TempDir::new().unwrap();
    type Judge = fn(&std::path::Path) -> Verdict;
    let judges: [(Format, Judge); 3] =
        [(Format::Hledger, hledger), (Format::Ledger, ledger), (Format::Beancount, beancount)];
    for (format, judge) in judges {
        let text = text_of(&history.log, Scope::of(tenant()), format).await;
        let good = judge(&written(&folder, "good", &text));
        assert!(good.sound, "{format}: {}", good.said);
        // In a posting, and in what is asserted at the end.
        let posting = text.replacen("3.29 USD", "3.30 USD", 1);
        let last = text.rfind("3.29").unwrap();
        let assertion = format!("{}3.30{}", &text[..last], &text[last + 4..]);
        assert!(posting != assertion && posting != text && assertion != text);
        for wrong in [posting, assertion] {
            let verdict = judge(&written(&folder, "wrong", &wrong));
            assert!(!verdict.sound, "{format} let a cent pass");
            assert!(
                verdict.said.contains("0.01") || verdict.said.contains("3.30"),
                "{}",
                verdict.said
            );
        }
        // A balanced entry that is missing altogether is found by the assertions.
        let entry = text.find("order.paid").unwrap();
        let (start, end) =
            (text[..entry].rfind("\n2026").unwrap(), text[entry..].find("\n\n").unwrap());
        let missing = format!("{}{}", &text[..start], &text[entry + end..]);
        assert!(!judge(&written(&folder, "missing", &missing)).sound, "{format} misses nothing");
    }
}
