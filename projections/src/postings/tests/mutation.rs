//! The mutation test of the posting rules: each is altered in turn, and somebody must notice.
//!
//! Who notices is the balance of the entry, or a row written by hand. What neither notices is left to
//! the random lives with the invariants, see `crate::tests::lives`.
//!
//! The few that survive are of one kind, `BothAmount` of a high number: they write an amount that only the long events of the lives have, on two lines whose
//! difference no invariant sees, because both are parts of what one seller is owed (a reserve or a hold
//! that is released) or of a mirror book. The rows, whose events have fewer amounts, notice the others.

use super::{mutants::Mutant, *};
use crate::tests::lives;

/// How the altered rules were found out.
#[derive(Debug, Default)]
struct Verdict {
    by_balance: usize,
    by_rows: usize,
    by_invariants: usize,
    survivors: Vec<String>,
}

/// Every row as its own test asserts it.
fn rows() -> Vec<Row> {
    HEARD.set(Some(Vec::new()));
    let all = [
        &by_hand::ROWS[..],
        &conversions::ROWS,
        &disputes::ROWS,
        &orders::ROWS,
        &payouts::ROWS,
        &refunds::ROWS,
        &stripe::ROWS,
        &unallocated::ROWS,
    ];
    all.into_iter().flatten().for_each(|row| row());
    HEARD.take().unwrap_or_default()
}

/// Every amount that is anywhere in the event: what a rule could have taken by mistake.
pub(super) fn amounts_of(fact: &Fact) -> Vec<i64> {
    // The stored form has them all; names of fields do not matter here.
    let text = format!("{fact:?}");
    let mut amounts: Vec<i64> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| (1..=6).contains(&digits.len()))
        .filter_map(|digits| digits.parse().ok())
        .filter(|amount| *amount > 1)
        .collect();
    amounts.sort_unstable();
    amounts.dedup();
    amounts.truncate(AMOUNTS_MAX);
    amounts
}

/// Of how many amounts of an event each is tried in the place of another.
const AMOUNTS_MAX: usize = 8;

#[test]
fn every_row_test_is_listed_for_the_mutation_test() {
    for (file, text, rows) in [
        ("by_hand", include_str!("by_hand.rs"), by_hand::ROWS.len()),
        ("conversions", include_str!("conversions.rs"), conversions::ROWS.len()),
        ("disputes", include_str!("disputes.rs"), disputes::ROWS.len()),
        ("orders", include_str!("orders.rs"), orders::ROWS.len()),
        ("payouts", include_str!("payouts.rs"), payouts::ROWS.len()),
        ("refunds", include_str!("refunds.rs"), refunds::ROWS.len()),
        ("stripe", include_str!("stripe.rs"), stripe::ROWS.len()),
        ("unallocated", include_str!("unallocated.rs"), unallocated::ROWS.len()),
    ] {
        assert_eq!(text.matches("#[test]").count(), rows, "{file}");
    }
}

#[test]
fn every_event_that_posts_has_a_row() {
    let kinds: Vec<String> = rows().iter().map(|row| row.fact.event_type()).collect();
    for (category, golden) in [
        ("adjustment", include_str!("../../../../aggregates/src/adjustment/golden.jsonl")),
        ("period", include_str!("../../../../aggregates/src/period/golden.jsonl")),
        (
            "balance_transaction",
            include_str!("../../../../aggregates/src/balance_transaction/golden.jsonl"),
        ),
        ("dispute", include_str!("../../../../aggregates/src/dispute/golden.jsonl")),
        ("order", include_str!("../../../../aggregates/src/order/golden.jsonl")),
        ("payment", include_str!("../../../../aggregates/src/payment/golden.jsonl")),
        ("payout", include_str!("../../../../aggregates/src/payout/golden.jsonl")),
        ("refund", include_str!("../../../../aggregates/src/refund/golden.jsonl")),
        ("seller_account", include_str!("../../../../aggregates/src/seller_account/golden.jsonl")),
        ("topup", include_str!("../../../../aggregates/src/topup/golden.jsonl")),
    ] {
        for line in golden.lines() {
            let fact = Fact::decode(category, line).unwrap();
            let posts = match postings(&stream(category, &order_id()), &fact) {
                Ok(entries) => !entries.is_empty(),
                Err(_) => postings(&stream(category, &PaymentId::default()), &fact)
                    .map_or(true, |entries| !entries.is_empty()),
            };
            let kind = fact.event_type();
            assert!(!posts || kinds.contains(&kind), "{kind} posts and has no row");
        }
    }
}

#[test]
fn an_altered_posting_rule_is_noticed() {
    let rows = rows();
    let lives = lives::of_seeds(1..=LIVES);
    let seen = mutants::watching(|| {
        for row in &rows {
            assert_eq!(written(&row.stream, &row.fact).unwrap(), row.lines);
        }
        lives.iter().for_each(lives::Life::post_again);
    });
    let mut verdict = Verdict::default();
    let mut made = 0;
    for mutant in mutants::of(&seen, AMOUNTS_MAX) {
        match noticed(&mutant, &rows, &lives) {
            Noticed::NothingChanged => continue,
            Noticed::ByBalance => verdict.by_balance += 1,
            Noticed::ByRow => verdict.by_rows += 1,
            Noticed::ByInvariant => verdict.by_invariants += 1,
            Noticed::No => verdict.survivors.push(mutant.to_string()),
        }
        made += 1;
    }
    let Verdict { by_balance, by_rows, by_invariants, survivors } = &verdict;
    let killed = made - survivors.len();
    println!(
        "{} rules, {made} mutants, {killed} killed ({by_balance} by the balance of the entry, \
         {by_rows} by a row, {by_invariants} by the invariants), {} survive:",
        seen.rules.len(),
        survivors.len()
    );
    survivors.iter().for_each(|survivor| println!("  {survivor}"));
    assert!(killed * 100 >= made * 95, "{killed} of {made}: {survivors:#?}");
}

/// How many random lives are lived for it.
const LIVES: u64 = 8;

enum Noticed {
    /// In nothing that was posted: the same rule in other words.
    NothingChanged,
    ByBalance,
    ByRow,
    ByInvariant,
    No,
}

fn noticed(mutant: &Mutant, rows: &[Row], lives: &[lives::Life]) -> Noticed {
    let kind = mutant.rules[0].kind;
    let mut changed = false;
    for row in rows.iter().filter(|row| row.fact.event_type() == kind) {
        let (lines, touched) =
            mutants::mutated(mutant, &row.amounts, || written(&row.stream, &row.fact));
        changed |= touched;
        match lines {
            Err(_) => return Noticed::ByBalance,
            Ok(lines) if lines != row.lines => return Noticed::ByRow,
            Ok(_) => {}
        }
    }
    for life in lives.iter().filter(|life| life.has(kind)) {
        let mut balanced = true;
        let violations = life.check_with(|stream, fact| {
            if fact.event_type() != kind {
                return None;
            }
            let (entries, touched) =
                mutants::mutated(mutant, &amounts_of(fact), || postings(stream, fact));
            changed |= touched;
            balanced &= entries.is_ok();
            Some(entries.unwrap_or_default())
        });
        if !balanced {
            return Noticed::ByBalance;
        }
        if violations > 0 {
            return Noticed::ByInvariant;
        }
    }
    if changed { Noticed::No } else { Noticed::NothingChanged }
}
