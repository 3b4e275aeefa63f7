//! Disputes, and captures the bank takes back: whose money it is, and what had gone already.

use std::collections::BTreeSet;

use kernel::{DisputeId, Money, PaymentId, RefundId, SellerId, Timestamp};

use super::{Decision, placed};
use crate::{
    order::{
        errors::OrderError,
        events::{DisputeShare, OrderEvent},
        sharing,
        state::{DisputePart, DisputeStage, Order, Terms},
    },
    vocabulary::{
        ChargeRef, Components, DisputeBearer, LineNo, LineShare, StripeDisputeRef, TxnRef,
    },
};

/// How a dispute ended.
pub(super) struct End {
    pub(super) stripe_dispute: StripeDisputeRef,
    pub(super) withdrawn: i64,
    pub(super) reinstated: i64,
    pub(super) lost: bool,
    pub(super) occurred_at: Timestamp,
}

/// What came back after the end.
pub(super) struct Return {
    pub(super) stripe_dispute: StripeDisputeRef,
    pub(super) txn: TxnRef,
    pub(super) reinstated: i64,
    pub(super) occurred_at: Timestamp,
}

pub(super) fn apply(
    order: &Order,
    dispute: DisputeId,
    amount: Money,
    inquiry: bool,
    now: Timestamp,
) -> Decision {
    let terms = placed(order)?;
    let known = order.disputes.get(&dispute).map(|known| known.stage);
    match (known, inquiry) {
        (None, true) => Ok(vec![applied(terms, dispute, amount, Taken::default(), true, now)]),
        (None | Some(DisputeStage::Inquiry | DisputeStage::Released), false) => {
            let taken = Taken::of(order, terms, amount);
            Ok(vec![applied(terms, dispute, amount, taken, false, now)])
        }
        // An inquiry that was closed, or has become a dispute, does not open again.
        (Some(DisputeStage::Inquiry | DisputeStage::Released), true)
        | (Some(DisputeStage::Chargeback | DisputeStage::Concluded), _) => Ok(vec![]),
    }
}

/// A refund that had been set apart did not happen, so a dispute that overlapped it now finds this
/// money in the line. Sellers for whom something is held already keep that hold as it is: a hold is
/// made once, and the difference stays with the platform.
pub(super) fn reapply(order: &Order, refund: RefundId, now: Timestamp) -> Option<OrderEvent> {
    let terms = order.terms.as_deref()?;
    let freed = &order.refunds.get(&refund)?.shares;
    let open = |part: &&DisputePart| part.stage == DisputeStage::Chargeback && part.overlap > 0;
    let (dispute, part) = order.disputes.iter().find(|(_, part)| open(part))?;
    let seller = |line: LineNo| order.line(line).map(|line| line.sold.seller);
    let held: BTreeSet<Option<SellerId>> =
        part.shares.iter().map(|(line, _)| seller(*line)).collect();
    let free: Vec<(LineNo, Components)> = freed
        .iter()
        .filter(|(line, _)| !held.contains(&seller(*line)))
        .filter_map(|(line, _)| Some((*line, order.line(*line)?.remaining())))
        .collect();
    let more = sharing::take(&free, part.overlap);
    if more.is_empty() {
        return None;
    }
    let overlap = part.overlap - sharing::cash(&more);
    let parts: Vec<_> = part.shares.iter().cloned().chain(more).collect();
    let taken = Taken { shares: order.shares(&parts), overlap, excess: part.excess };
    let amount = Money::new(part.amount, part.currency);
    Some(applied(terms, *dispute, amount, taken, false, now))
}

pub(super) fn conclude(order: &Order, dispute: DisputeId, end: End, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    let part = dispute_of(order, dispute)?;
    match part.stage {
        DisputeStage::Released | DisputeStage::Concluded => Ok(vec![]),
        DisputeStage::Inquiry if end.withdrawn == 0 => {
            Ok(vec![OrderEvent::DisputeReleased { dispute, shares: vec![], at: now }])
        }
        DisputeStage::Inquiry => {
            // It became a dispute and ended before we heard of the first.
            let amount = Money::new(end.withdrawn, part.currency);
            let mut events = apply(order, dispute, amount, false, now)?;
            let mut after = order.clone();
            events.iter().for_each(|event| after.evolve(event));
            let part = dispute_of(&after, dispute)?;
            events.push(concluded(&after, terms, dispute, part, end, now));
            Ok(events)
        }
        DisputeStage::Chargeback => Ok(vec![concluded(order, terms, dispute, part, end, now)]),
    }
}

fn concluded(
    order: &Order,
    terms: &Terms,
    dispute: DisputeId,
    part: &DisputePart,
    end: End,
    now: Timestamp,
) -> OrderEvent {
    // What came back has cleared the overlap first, then the excess: so what stayed away is the
    // lines' first, then the excess, then the overlap. Beyond all three it is excess.
    let gone = end.withdrawn.saturating_sub(end.reinstated).max(0);
    let of_lines = if end.lost { gone.min(sharing::cash(&part.shares)) } else { 0 };
    let rest = gone - of_lines;
    let overlap_lost = if end.lost { (rest - part.excess.min(rest)).min(part.overlap) } else { 0 };
    let lost = sharing::take(&part.shares, of_lines);
    let lost_of = |line: LineNo| {
        lost.iter().find(|(of, _)| *of == line).map(|(_, lost)| *lost).unwrap_or_default()
    };
    let shares = part.shares.iter().filter_map(|(line, held)| {
        let lost = order.line(*line)?.share(lost_of(*line));
        Some(DisputeShare { lost, held: *held })
    });
    OrderEvent::DisputeConcluded {
        dispute,
        stripe_dispute: end.stripe_dispute,
        currency: part.currency,
        tax_jurisdiction: terms.tax_jurisdiction.clone(),
        shares: shares.collect(),
        on_sellers: part.on_sellers,
        fee_on_sellers: part.fee_on_sellers,
        policy_version: Some(terms.policy.version),
        overlap_lost,
        excess: rest - overlap_lost,
        occurred_at: end.occurred_at,
        at: now,
    }
}

pub(super) fn revise(order: &Order, dispute: DisputeId, back: Return, now: Timestamp) -> Decision {
    let terms = placed(order)?;
    let part = dispute_of(order, dispute)?;
    if part.stage != DisputeStage::Concluded || part.revisions.contains(&back.txn) {
        // What comes back before the end is part of how it ends.
        return Ok(vec![]);
    }
    let overlap_returned = back.reinstated.min(part.overlap).max(0);
    let rest = back.reinstated - overlap_returned;
    let of_excess = rest.min(part.excess).max(0);
    let returned = sharing::take(&part.shares, rest - of_excess);
    Ok(vec![OrderEvent::DisputeConclusionRevised {
        dispute,
        stripe_dispute: back.stripe_dispute,
        txn: back.txn,
        currency: part.currency,
        tax_jurisdiction: terms.tax_jurisdiction.clone(),
        excess: rest - sharing::cash(&returned),
        shares: order.shares(&returned),
        on_sellers: part.on_sellers,
        policy_version: Some(terms.policy.version),
        overlap_returned,
        occurred_at: back.occurred_at,
        at: now,
    }])
}

pub(super) fn reverse_capture(
    order: &Order,
    payment: PaymentId,
    charge: ChargeRef,
    amount: Money,
    occurred_at: Timestamp,
    now: Timestamp,
) -> Decision {
    let terms = placed(order)?;
    let ours = order.standing_payment().is_some_and(|paid| paid.payment == payment);
    if !ours {
        return Ok(vec![]);
    }
    let left = order.remainders();
    let whole = amount.minor() >= sharing::cash(&left);
    // Taken back as a whole, it takes also what a line without any cash consists of.
    let parts = if whole { left } else { sharing::take(&left, amount.minor()) };
    let parts: Vec<_> = parts.into_iter().filter(|(_, part)| !part.is_zero()).collect();
    Ok(vec![OrderEvent::CaptureReversed {
        payment,
        charge,
        currency: terms.currency,
        amount: amount.minor(),
        tax_jurisdiction: terms.tax_jurisdiction.clone(),
        overlap: amount.minor() - sharing::cash(&parts),
        shares: order.shares(&parts),
        occurred_at,
        at: now,
    }])
}

/// What a dispute takes: of the lines what remains, then what had been refunded, then beyond.
#[derive(Default)]
struct Taken {
    shares: Vec<LineShare>,
    overlap: i64,
    excess: i64,
}

impl Taken {
    fn of(order: &Order, terms: &Terms, amount: Money) -> Self {
        // Money in another currency cannot be any line's: all of it is excess.
        let ours = if amount.currency() == terms.currency { amount.minor().max(0) } else { 0 };
        let parts = sharing::take(&order.remainders(), ours);
        let taken = sharing::cash(&parts);
        let overlap = (ours - taken).min(refunded_before(order));
        Self { shares: order.shares(&parts), overlap, excess: amount.minor() - taken - overlap }
    }
}

/// What had gone back to the buyer and is not already the overlap of another dispute.
fn refunded_before(order: &Order) -> i64 {
    let refunded: i64 =
        order.lines.iter().map(|line| line.settled.plus(&line.reserved).cash()).sum();
    let disputed: i64 = order.disputes.values().map(|part| part.overlap).sum();
    (refunded - disputed).max(0)
}

fn applied(
    terms: &Terms,
    dispute: DisputeId,
    amount: Money,
    taken: Taken,
    inquiry: bool,
    now: Timestamp,
) -> OrderEvent {
    OrderEvent::DisputeApplied {
        dispute,
        currency: amount.currency(),
        amount: amount.minor(),
        shares: taken.shares,
        overlap: taken.overlap,
        excess: taken.excess,
        on_sellers: terms.policy.disputes_borne_by == DisputeBearer::Sellers,
        fee_on_sellers: terms.policy.dispute_fee_on_sellers,
        inquiry,
        at: now,
    }
}

fn dispute_of(order: &Order, dispute: DisputeId) -> Result<&DisputePart, OrderError> {
    let unknown = || OrderError::DisputeUnknown { dispute: dispute.to_string() };
    order.disputes.get(&dispute).ok_or_else(unknown)
}
