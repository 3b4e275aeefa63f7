//! Facts in, rows out: one small history that touches every read model, folded in every way the
//! engine may fold it.

mod broken;
mod closing;
mod figures;
pub(crate) mod lives;
mod memberships;
mod queues;
mod reports;
mod selectors;
mod shelf;
mod story;

use closing::a_closed_month;
use shelf::Shelf;
use story::a_month;

use crate::{
    all,
    invariants::{Checker, Invariant},
};

#[test]
fn every_read_model_comes_to_the_same_rows_however_it_is_folded() {
    let month = a_closed_month();
    for projection in all() {
        let one_by_one = Shelf::folded(&*projection, &month, 1);
        let in_batches = Shelf::folded(&*projection, &month, 7);
        let rebuilt = Shelf::rebuilt(&*projection, &month);
        for (how, other) in [("in batches", &in_batches), ("rebuilt", &rebuilt)] {
            assert_eq!(one_by_one.tables, other.tables, "{} {how}", projection.name());
            assert_eq!(one_by_one.hash, other.hash, "{} {how}", projection.name());
            assert_eq!(one_by_one.count, other.count, "{} {how}", projection.name());
        }
        one_by_one.hash_is_that_of_the_rows(&*projection);
        // The work list is empty because all the work was done.
        let is_empty = one_by_one.count == 0;
        assert_eq!(is_empty, projection.name() == "work_items", "{}", projection.name());
    }
}

#[test]
fn every_table_belongs_to_one_projection_only() {
    let mut names: Vec<&str> =
        all().iter().flat_map(|projection| projection.tables()).map(|table| table.name).collect();
    let many = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), many);
    for projection in all() {
        for table in projection.tables() {
            table.check().unwrap();
            assert!(table.columns.iter().all(|column| !column.comment.is_empty()));
        }
    }
}

#[test]
fn the_books_hold_after_every_event_of_the_month() {
    let mut checker = Checker::new();
    for told in a_closed_month() {
        let violations = checker.check(&told.occurrence());
        assert_eq!(violations, [], "{}", told.recorded.event_type);
    }
    assert_eq!(checker.open_accounts(), [], "everything that was on its way has arrived");
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let month = a_month();
    let mut checker = Checker::new();
    let posts = month.iter().find(|told| !told.occurrence().entries.is_empty()).unwrap();
    assert_eq!(checker.check(&posts.occurrence()), []);
    let again = checker.check(&posts.occurrence());
    assert!(again.iter().any(|violation| violation.invariant == Invariant::I12), "{again:?}");

    // A seller's release that comes before his credit takes him below zero.
    let mut checker = Checker::new();
    let release = month.iter().find(|told| &*told.recorded.event_type == "seller_account.released");
    let violations = checker.check(&release.unwrap().occurrence());
    assert!(violations.iter().any(|found| found.invariant == Invariant::I6), "{violations:?}");

    // A refund of a line that was never paid gives back more than there was.
    let mut checker = Checker::new();
    let refund = month.iter().find(|told| &*told.recorded.event_type == "refund.approved");
    let violations = checker.check(&refund.unwrap().occurrence());
    assert!(violations.iter().any(|found| found.invariant == Invariant::I7), "{violations:?}");
    let first = &violations[0];
    assert!(first.to_string().starts_with(&format!("{} at position", first.invariant)));
}
