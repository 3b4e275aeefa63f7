//! Random lives of a small market, through the real aggregates and policies, with every invariant
//! after every event.

#![expect(clippy::wildcard_enum_match_arm, reason = "lives are about few of all facts")]

mod conservation;
mod market;
mod permuted;
mod world;

use std::ops::RangeInclusive;

use aggregates::fact::Fact;
use store::StreamId;

use self::{market::Market, world::Lived};
use crate::{
    invariants::{Checker, OpenAccount},
    postings::{Entry, postings},
};

/// How many steps a life has before everything under way arrives.
const STEPS: usize = 60;

/// How many lives: few for every change, many before a release (`DAYBOOK_SOAK=1`, or how many).
pub(super) fn how_many(few: u64, many: u64) -> u64 {
    match std::env::var("DAYBOOK_SOAK") {
        Err(_) => few,
        Ok(given) => given.parse().ok().filter(|count| *count > 1).unwrap_or(many),
    }
}

/// One life, as it was told.
#[derive(Debug)]
pub(crate) struct Life {
    seed: u64,
    told: Vec<Lived>,
    open: Vec<OpenAccount>,
}

/// The lives of these seeds.
pub(crate) fn of_seeds(seeds: RangeInclusive<u64>) -> Vec<Life> {
    seeds.map(Life::of).collect()
}

impl Life {
    fn of(seed: u64) -> Self {
        let mut market = Market::open(seed);
        (0..STEPS).for_each(|_| market.step());
        market.settle();
        let mut life = Self { seed, told: market.world.told, open: Vec::new() };
        for lived in &mut life.told {
            lived.entries = postings(&lived.recorded.stream, &lived.fact)
                .unwrap_or_else(|fault| panic!("seed {seed}: {fault}: {:?}", lived.fact));
        }
        life.open = life.checked().open_accounts();
        life
    }

    /// Goes through the life with the checker; anything it finds is a failure.
    fn checked(&self) -> Checker {
        let mut checker = Checker::new();
        for lived in &self.told {
            let violations = checker.check(&lived.occurrence(&lived.entries));
            let Self { seed, .. } = self;
            let kind = &lived.recorded.event_type;
            assert!(violations.is_empty(), "seed {seed}: {violations:?} after {kind}");
        }
        checker
    }

    /// Whether it has an event of this kind that posts.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.told.iter().any(|lived| &*lived.recorded.event_type == kind)
    }

    /// Posts everything anew.
    pub(crate) fn post_again(&self) {
        for lived in &self.told {
            assert!(postings(&lived.recorded.stream, &lived.fact).is_ok());
        }
    }

    /// How many violations there are when some facts post otherwise, counted up to the first; an
    /// account that stays open although it did not (I5) is one.
    pub(crate) fn check_with(
        &self,
        mut otherwise: impl FnMut(&StreamId, &Fact) -> Option<Vec<Entry>>,
    ) -> usize {
        let mut checker = Checker::new();
        for lived in &self.told {
            let altered = otherwise(&lived.recorded.stream, &lived.fact);
            let entries = altered.as_deref().unwrap_or(&lived.entries);
            let violations = checker.check(&lived.occurrence(entries));
            if !violations.is_empty() {
                return violations.len();
            }
        }
        usize::from(checker.open_accounts() != self.open)
    }

    fn entries(&self) -> usize {
        self.told.iter().map(|lived| lived.entries.len()).sum()
    }
}

#[test]
fn whatever_happens_in_a_market_its_books_hold() {
    let lives = how_many(60, 20_000);
    let (mut events, mut entries, mut excused) = (0, 0, 0);
    for seed in 1..=lives {
        let life = Life::of(seed);
        events += life.told.len();
        entries += life.entries();
        conservation::check(&life);
        if conservation::is_excused(&life) {
            excused += 1;
        } else {
            let open: Vec<&OpenAccount> =
                life.open.iter().filter(|open| open.account.contains("assets:clearing:")).collect();
            assert!(open.is_empty(), "seed {seed}: {open:#?}");
        }
    }
    println!(
        "{lives} lives, {events} events, {entries} entries, 0 violations; in {excused} lives more \
         was refunded or taken back than was there, and clearing rightly stays open"
    );
}
