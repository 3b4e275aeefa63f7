//! The rules of a top-up: its transaction credits it once, its end reverses what was credited.

use kernel::Timestamp;

use super::{commands::TopupCommand, events::TopupEvent, state::Topup};

/// A transaction counts even when the fact that carries it is outranked; a credit that is learned
/// of after the end is followed by its reversal at once.
pub(super) fn decide(topup: &Topup, command: TopupCommand, now: Timestamp) -> Vec<TopupEvent> {
    let TopupCommand::MergeFact { topup: id, amount, status, rank, txn, occurred_at } = command;
    let mut after = topup.clone();
    let mut events = Vec::new();
    let mut record = |after: &mut Topup, event: TopupEvent| {
        after.evolve(event.clone());
        events.push(event);
    };
    match &topup.rank {
        None => {
            let (topup, status) = (id.clone(), status.clone());
            record(&mut after, TopupEvent::Observed { topup, amount, status, rank, at: now });
        }
        Some(known) if rank > *known => {
            let status = status.clone();
            record(&mut after, TopupEvent::FactMerged { status, rank, at: now });
        }
        Some(_) => {}
    }
    if let Some(txn) = txn.filter(|_| topup.credited.is_none()) {
        let topup = id.clone();
        record(&mut after, TopupEvent::Credited { topup, txn, amount, occurred_at, at: now });
    }
    if after.has_ended() && after.credited.is_some() && !after.reversed {
        let topup = id.clone();
        record(&mut after, TopupEvent::Reversed { topup, amount, occurred_at, at: now });
    } else if after.has_ended() && !topup.has_ended() && after.credited.is_none() {
        record(&mut after, TopupEvent::Failed { topup: id, status, at: now });
    }
    events
}
