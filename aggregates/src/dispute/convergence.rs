//! Any order of arrival and any repetition of Stripe's messages about a dispute leads to one end.

use std::slice::from_ref;

use kernel::{Currency, DisputeId, Money, PaymentId, Timestamp};

use super::{
    Dispute, classes,
    commands::{DisputeCommand, DisputeFact, DisputeMovement},
    decide::decide,
    events::{DisputeEvent, DisputeOutcome},
};
use crate::{
    testing::{at, context, orders},
    vocabulary::FactRank,
};

/// What the books and the order learn, added up over the events of one history.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    withdrawn: i64,
    reinstated: i64,
    fee: i64,
    /// What the conclusion says was taken, and given back by then or afterwards.
    concluded_withdrawn: i64,
    concluded_reinstated: i64,
    /// Presented and settled, of each movement.
    exchanged: Vec<(i64, i64)>,
    opened: usize,
    escalated: usize,
    closed: Vec<DisputeOutcome>,
}

#[test]
fn an_inquiry_that_became_a_chargeback_and_was_partly_lost_ends_the_same_in_all_720_orders() {
    let withdrawn = movement("txn_1", -5413, 1500);
    let reinstated = movement("txn_2", 1000, 0);
    let facts = [
        fact(1, "warning_needs_response", &[]),
        fact(2, "needs_response", &[]),
        fact(3, "needs_response", from_ref(&withdrawn)),
        fact(4, "under_review", from_ref(&withdrawn)),
        fact(5, "lost", &[withdrawn.clone(), reinstated.clone()]),
        fact(6, "lost", &[withdrawn, reinstated]),
    ];
    let ends = ends_of(&facts);
    assert_eq!(ends.len(), 720);
    for (dispute, told) in &ends {
        assert_eq!(dispute, &ends[0].0);
        assert_eq!((told.withdrawn, told.reinstated, told.fee), (5413, 1000, 1500));
        assert_eq!((told.concluded_withdrawn, told.concluded_reinstated), (5413, 1000));
        assert_eq!((told.opened, &*told.closed), (1, &[DisputeOutcome::Lost][..]));
        assert!(told.escalated <= 1);
    }
    assert!(!ends[0].0.is_inquiry());
    assert_eq!(ends[0].0.reinstated(), Some(usd(1000)));
}

#[test]
fn money_that_comes_back_after_the_end_is_counted_in_every_order() {
    let withdrawn = movement("txn_1", -5413, 1500);
    let facts = [
        fact(1, "needs_response", &[]),
        fact(2, "needs_response", from_ref(&withdrawn)),
        fact(3, "under_review", from_ref(&withdrawn)),
        fact(4, "won", from_ref(&withdrawn)),
        fact(5, "won", &[withdrawn, movement("txn_2", 5413, -1500)]),
    ];
    let ends = ends_of(&facts);
    assert_eq!(ends.len(), 120);
    for (dispute, told) in &ends {
        assert_eq!(dispute, &ends[0].0);
        assert_eq!((told.withdrawn, told.reinstated, told.fee), (5413, 5413, 0));
        assert_eq!((told.concluded_withdrawn, told.concluded_reinstated), (5413, 5413));
        assert_eq!(told.closed, [DisputeOutcome::Won]);
    }
}

#[test]
fn an_inquiry_that_was_closed_and_came_back_as_a_chargeback_ends_the_same_in_every_order() {
    let withdrawn = movement("txn_1", -5413, 1500);
    let facts = [
        fact(1, "warning_needs_response", &[]),
        fact(2, "warning_closed", &[]),
        fact(3, "needs_response", from_ref(&withdrawn)),
        fact(4, "lost", from_ref(&withdrawn)),
    ];
    let ends = ends_of(&facts);
    for (dispute, told) in &ends {
        assert_eq!(dispute, &ends[0].0);
        assert_eq!((told.withdrawn, told.concluded_withdrawn), (5413, 5413));
        assert_eq!(told.closed.last(), Some(&DisputeOutcome::Lost));
    }
}

#[test]
fn a_dispute_in_another_currency_is_told_in_the_buyers_and_ends_the_same_in_every_order() {
    let withdrawn = in_euros("txn_1", -5000, 1400);
    let reinstated = in_euros("txn_2", 924, 0);
    let facts = [
        fact(1, "needs_response", &[]),
        fact(2, "needs_response", from_ref(&withdrawn)),
        fact(3, "under_review", from_ref(&withdrawn)),
        fact(4, "lost", from_ref(&withdrawn)),
        fact(5, "lost", &[reinstated, withdrawn]),
    ];
    for (dispute, told) in &ends_of(&facts) {
        // 5413 * 924 / 5000 = 1000.32
        assert_eq!((told.withdrawn, told.reinstated), (5413, 1000));
        assert_eq!((told.concluded_withdrawn, told.concluded_reinstated), (5413, 1000));
        assert_eq!(told.exchanged, [(-5413, -5000), (1000, 924)]);
        assert_eq!(dispute.withdrawn(), Some(usd(5413)));
        assert_eq!(dispute.fee(), Some(Money::new(1400, Currency::EUR)));
    }
}

#[test]
fn a_won_dispute_leaves_nothing_open_whatever_the_rate_was_by_then() {
    let withdrawn = in_euros("txn_1", -5000, 0);
    let facts = [fact(1, "won", &[withdrawn, in_euros("txn_2", 4900, 0)])];
    for (dispute, told) in &ends_of(&facts) {
        assert_eq!(told.exchanged, [(-5413, -5000), (5413, 4900)]);
        assert_eq!(dispute.withdrawn(), dispute.reinstated());
    }
}

/// Every order of arrival, each message delivered twice in a row and the whole once more.
fn ends_of(facts: &[DisputeFact]) -> Vec<(Dispute, Told)> {
    let histories = orders(facts.len()).into_iter().map(|order| {
        let mut dispute = Dispute::default();
        let mut told = Told::default();
        for index in order.iter().flat_map(|index| [*index, *index]).chain(order.clone()) {
            let command = DisputeCommand::MergeFact {
                dispute: DisputeId::derived(&["dp_1"]),
                payment: PaymentId::derived(&["ch_1"]),
                fact: Box::new(facts[index].clone()),
            };
            for event in decide(&dispute, command, &context(at(100))).unwrap() {
                told.hear(&event);
                dispute.evolve(event);
            }
        }
        (dispute, told)
    });
    histories.collect()
}

impl Told {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only facts of Stripe's are merged here")]
    fn hear(&mut self, event: &DisputeEvent) {
        match event {
            DisputeEvent::Opened { .. } => self.opened += 1,
            DisputeEvent::Escalated { .. } => self.escalated += 1,
            DisputeEvent::FundsWithdrawn { amount, fee, .. } => {
                self.withdrawn += amount.minor();
                self.fee += fee;
            }
            DisputeEvent::FundsReinstated { amount, fee_returned, after_close, .. } => {
                self.reinstated += amount.minor();
                self.fee -= fee_returned;
                if *after_close {
                    self.concluded_reinstated += amount.minor();
                }
            }
            DisputeEvent::Closed { outcome, withdrawn, reinstated, .. } => {
                self.closed.push(*outcome);
                self.concluded_withdrawn = withdrawn.minor();
                self.concluded_reinstated = reinstated.minor();
            }
            DisputeEvent::Converted { presented, settled, .. } => {
                self.exchanged.push((presented.minor(), settled.minor()));
            }
            DisputeEvent::StatusChanged { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn movement(txn: &str, minor: i64, fee: i64) -> DisputeMovement {
    DisputeMovement { txn: txn.into(), amount: usd(minor), fee, occurred_at: at(3) }
}

fn in_euros(txn: &str, minor: i64, fee: i64) -> DisputeMovement {
    let amount = Money::new(minor, Currency::EUR);
    DisputeMovement { amount, ..movement(txn, minor, fee) }
}

fn fact(created: i64, status: &str, movements: &[DisputeMovement]) -> DisputeFact {
    let class = classes::class(status);
    let due_by: Option<Timestamp> = (class < 3 && class != 1).then(|| at(86_400 + created));
    DisputeFact {
        stripe_dispute: "dp_1".into(),
        charge: "ch_1".into(),
        rank: FactRank { class, created, event: format!("evt_{created}").into() },
        status: status.to_owned(),
        amount: usd(5413),
        reason: "fraudulent".to_owned(),
        network: Some("visa".to_owned()),
        due_by,
        charge_refundable: class == 0,
        movements: movements.to_vec(),
        occurred_at: at(0),
    }
}
