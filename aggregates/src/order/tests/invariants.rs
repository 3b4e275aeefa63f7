//! What must hold of every order at every moment, whatever has happened to it (I7).

use crate::{
    order::{
        events::OrderEvent,
        state::{DisputeStage, Order, RefundStage},
    },
    vocabulary::{Components, LineNo, LineShare},
};

/// Asserts that the captured money is exactly what the lines hold, that no component is ever
/// negative or above its original, and that lines and registers tell the same story.
pub(super) fn check(order: &Order) {
    let mut captured = 0;
    for line in &order.lines {
        let no = line.sold.line;
        let places = [line.remaining(), line.settled, line.reserved, line.held, line.lost];
        for place in places {
            assert_not_negative(&place, no);
            assert_not_negative(&line.original.minus(&place), no);
        }
        let sum = places.iter().fold(Components::default(), |sum, place| sum.plus(place));
        assert_eq!(sum, line.original, "line {no:?}");
        assert_eq!(line.settled, of_refunds(order, no, RefundStage::Settled), "settled, {no:?}");
        assert_eq!(line.reserved, of_refunds(order, no, RefundStage::Reserved), "reserved, {no:?}");
        assert_eq!(line.held, of_disputes(order, no, DisputeStage::Chargeback), "held, {no:?}");
        let disputed = of_disputes(order, no, DisputeStage::Concluded);
        let reversed = order.paid.as_ref().is_some_and(|paid| paid.reversed);
        assert!(line.lost == disputed || reversed, "lost, {no:?}");
        captured += line.original.cash();
    }
    let received = order.paid.as_ref().map_or(0, |paid| paid.amount.minor());
    assert_eq!(captured, received, "captured money is what the lines hold");
    for part in order.disputes.values() {
        assert!(part.overlap >= 0 && part.excess >= 0, "{part:?}");
    }
}

/// Asserts that an event accounts for every minor unit of its amount, or of what its command moved.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these events carry amounts to divide")]
pub(super) fn check_event(event: &OrderEvent, moved: i64) {
    match event {
        OrderEvent::Paid { amount, lines, .. } => assert_eq!(*amount, cash(lines)),
        OrderEvent::RefundReserved { amount, share, .. } => {
            assert_eq!(*amount, share.components.cash());
        }
        OrderEvent::DisputeApplied { amount, shares, overlap, excess, inquiry: false, .. } => {
            assert_eq!(*amount, cash(shares) + overlap + excess);
        }
        OrderEvent::DisputeConcluded { shares, overlap_lost, excess, .. } => {
            let lost: i64 = shares.iter().map(|share| share.lost.components.cash()).sum();
            assert_eq!(moved, lost + overlap_lost + excess);
        }
        OrderEvent::DisputeConclusionRevised { shares, overlap_returned, excess, .. } => {
            assert_eq!(moved, cash(shares) + overlap_returned + excess);
        }
        OrderEvent::ExternalRefundAllocated { shares, excess, .. } => {
            assert_eq!(moved, cash(shares) + excess);
        }
        OrderEvent::CaptureReversed { amount, shares, overlap, .. } => {
            assert_eq!(*amount, cash(shares) + overlap);
        }
        _ => {}
    }
}

fn cash(shares: &[LineShare]) -> i64 {
    shares.iter().map(|share| share.components.cash()).sum()
}

fn of_refunds(order: &Order, line: LineNo, stage: RefundStage) -> Components {
    let parts = order.refunds.values().filter(|part| part.stage == stage);
    sum(parts.flat_map(|part| &part.shares), line)
}

fn of_disputes(order: &Order, line: LineNo, stage: DisputeStage) -> Components {
    let parts = order.disputes.values().filter(|part| part.stage == stage);
    sum(parts.flat_map(|part| &part.shares), line)
}

fn sum<'a>(parts: impl Iterator<Item = &'a (LineNo, Components)>, line: LineNo) -> Components {
    parts.filter(|(of, _)| *of == line).fold(Components::default(), |sum, (_, part)| sum.plus(part))
}

fn assert_not_negative(components: &Components, line: LineNo) {
    let Components { fee, seller, shipping, tax, discount } = *components;
    for component in [fee, seller, shipping, tax, discount] {
        assert!(component >= 0, "{components:?} of {line:?}");
    }
}
