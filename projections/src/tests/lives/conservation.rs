//! What is left of each component of each line, by the facts and by the books.

use std::collections::BTreeMap;

use aggregates::{
    fact::Fact,
    order::events::OrderEvent,
    payment::events::PaymentEvent,
    refund::events::{RefundEvent, RefundSource},
    vocabulary::{ChargeRef, Components, LineShare},
};
use kernel::{OrderId, RefundId};

use super::Life;
use crate::chart::Account;

/// Fee, the seller's part, tax and discount.
type Parts = [i64; 4];

/// Paid less everything that went back, line by line: the books must say the same as the facts, and
/// nobody may give back more than there was.
pub(super) fn check(life: &Life) {
    let facts = by_facts(life);
    let books = by_books(life);
    assert_eq!(facts, books, "seed {}", life.seed);
    for (line, [fee, seller, tax, discount]) in facts {
        // Commission the platform keeps is the seller's to give back.
        let sound = fee >= 0 && tax >= 0 && discount >= 0 && seller + fee >= 0;
        assert!(sound, "seed {}: {line:?} has {fee} {seller} {tax} {discount}", life.seed);
    }
}

/// Whether more was refunded or taken back than there was, so that clearing rightly stays open.
pub(super) fn is_excused(life: &Life) -> bool {
    let mut refunds: BTreeMap<RefundId, i64> = BTreeMap::new();
    let mut charges: BTreeMap<ChargeRef, i64> = BTreeMap::new();
    let mut exceeded = false;
    for lived in &life.told {
        match &lived.fact {
            Fact::Order(OrderEvent::ExternalRefundAllocated { excess, .. }) => {
                exceeded |= *excess > 0;
            }
            Fact::Refund(RefundEvent::ExternalObserved { refund, amount, .. }) => {
                refunds.insert(*refund, amount.minor());
            }
            // An order takes all of it (or says what exceeds it), set-aside money what is there.
            Fact::Payment(PaymentEvent::RefundRouted { refund, amount, .. })
                if refunds.get(refund) == Some(&amount.minor()) =>
            {
                refunds.remove(refund);
            }
            Fact::Payment(
                PaymentEvent::Captured { charge, amount, .. }
                | PaymentEvent::SetAside { charge, amount, .. },
            ) => {
                charges.entry(charge.clone()).or_insert(amount.minor());
            }
            Fact::Payment(PaymentEvent::CaptureReversed {
                charge, amount, order: None, ..
            }) => {
                exceeded |= charges.get(charge) != Some(&amount.minor());
            }
            _ => {}
        }
    }
    exceeded || !refunds.is_empty()
}

fn parts(components: &Components) -> Parts {
    let Components { fee, tax, discount, .. } = *components;
    [fee, components.seller_part(), tax, discount]
}

fn by_facts(life: &Life) -> BTreeMap<(OrderId, u16), Parts> {
    let mut left: BTreeMap<(OrderId, u16), Parts> = BTreeMap::new();
    let mut add = |order: OrderId, share: &LineShare, sign: i64, retained: bool| {
        let components =
            if retained { share.components.commission_retained() } else { share.components };
        let line = left.entry((order, share.line.0)).or_default();
        for (sum, part) in line.iter_mut().zip(parts(&components)) {
            *sum += sign * part;
        }
    };
    for lived in &life.told {
        let stream = &lived.recorded.stream.id;
        match &lived.fact {
            Fact::Order(event) => {
                let order: OrderId = stream.parse().unwrap();
                match event {
                    OrderEvent::Paid { lines, .. } => {
                        lines.iter().for_each(|share| add(order, share, 1, false));
                    }
                    OrderEvent::ExternalRefundAllocated { shares, commission_retained, .. } => {
                        let retained = *commission_retained;
                        shares.iter().for_each(|share| add(order, share, -1, retained));
                    }
                    OrderEvent::DisputeConcluded { shares, on_sellers: true, .. } => {
                        shares.iter().for_each(|share| add(order, &share.lost, -1, false));
                    }
                    OrderEvent::DisputeConclusionRevised { shares, on_sellers: true, .. } => {
                        shares.iter().for_each(|share| add(order, share, 1, false));
                    }
                    OrderEvent::CaptureReversed { shares, .. } => {
                        shares.iter().for_each(|share| add(order, share, -1, false));
                    }
                    _ => {}
                }
            }
            Fact::Refund(
                event @ (RefundEvent::Approved {
                    source: RefundSource::OrderLine { order, share, commission_retained, .. },
                    ..
                }
                | RefundEvent::Reverted {
                    source: RefundSource::OrderLine { order, share, commission_retained, .. },
                    ..
                }),
            ) => {
                let sign = if matches!(event, RefundEvent::Approved { .. }) { -1 } else { 1 };
                add(*order, share, sign, *commission_retained);
            }
            _ => {}
        }
    }
    left
}

fn by_books(life: &Life) -> BTreeMap<(OrderId, u16), Parts> {
    let mut left: BTreeMap<(OrderId, u16), Parts> = BTreeMap::new();
    for entry in life.told.iter().flat_map(|lived| &lived.entries) {
        if !entry.kind().starts_with("order.") && !entry.kind().starts_with("refund.") {
            continue;
        }
        for line in entry.lines() {
            let about = line.dimensions();
            let (Some(order), Some(number)) = (about.order, about.line) else { continue };
            let known = left.entry((order, number.0)).or_default();
            match line.account() {
                Account::Commission | Account::CommissionRefunded => known[0] -= line.signed(),
                Account::Claim(_) => known[1] -= line.signed(),
                Account::Tax(_) => known[2] -= line.signed(),
                Account::Discounts => known[3] += line.signed(),
                _ => {}
            }
        }
    }
    left
}
