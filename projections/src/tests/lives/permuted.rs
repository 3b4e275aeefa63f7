//! Stripe's facts in any order, each of them twice: the same balances in the end.

use std::collections::BTreeMap;

use aggregates::{payout::commands::PayoutCommand, policies::Command};

use super::{
    how_many,
    market::{Dice, Market},
};
use crate::{chart::Account, postings::postings};

/// What stands on every account in the end. Which part of his balance a seller's debit took depends
/// on what came first and is decided once; what he is owed altogether does not.
fn balances(market: &Market) -> BTreeMap<String, i64> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for lived in &market.world.told {
        for entry in postings(&lived.recorded.stream, &lived.fact).unwrap() {
            for line in entry.lines() {
                let account = match line.account() {
                    Account::Seller(seller, _) | Account::Receivable(seller) => {
                        format!("position of {seller}")
                    }
                    other => other.name(),
                };
                let key = format!("{} {account} {}", entry.book(), entry.currency());
                *sums.entry(key).or_default() += line.signed();
            }
        }
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

#[test]
fn the_same_facts_of_stripes_in_any_order_and_twice_lead_to_the_same_balances() {
    let (histories, orders) = (how_many(25, 2500), 4);
    let mut facts = 0;
    for seed in 1..=histories {
        let mut first = None;
        for order in 0..orders {
            let mut market = Market::open(seed);
            market.happen_at_stripe();
            let mut pile = std::mem::take(&mut market.pile);
            // What a person decides has its own place in time.
            pile.retain(|command| {
                !matches!(command, Command::Payout(_, PayoutCommand::ConfirmBank { .. }))
            });
            facts += pile.len();
            let again = pile.clone();
            pile.extend(again);
            shuffle(&mut pile, &mut Dice::new(seed * 1000 + order));
            pile.into_iter().for_each(|command| market.world.send(command));
            let balances = balances(&market);
            let first = first.get_or_insert_with(|| balances.clone());
            let differing = first.keys().chain(balances.keys());
            let differing: Vec<_> = differing
                .filter(|key| first.get(*key) != balances.get(*key))
                .map(|key| (key, first.get(key), balances.get(key)))
                .collect();
            assert!(differing.is_empty(), "seed {seed}, order {order}: {differing:#?}");
        }
    }
    println!("{histories} histories of Stripe's in {orders} orders each, {facts} facts twice over");
}

fn shuffle<T>(pile: &mut [T], dice: &mut Dice) {
    for last in (1..pile.len()).rev() {
        let at = usize::try_from(dice.below(i64::try_from(last + 1).unwrap())).unwrap();
        pile.swap(last, at);
    }
}
