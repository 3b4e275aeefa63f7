//! What an order's decisions do to the books.

use aggregates::{
    order::events::OrderEvent,
    vocabulary::{Claim, ClaimRef, Components, LineShare},
};
use kernel::{Currency, OrderId, Timestamp};
use store::StreamId;

use super::{
    Dimensions, Entry, Nature, PostingFault,
    entry::{Draft, sum},
};
use crate::chart::{Account, Clearing, Side};

pub(super) fn postings(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    match event {
        OrderEvent::Paid { .. } => paid(stream, event),
        OrderEvent::ExternalRefundAllocated { .. } => external_refund(stream, event),
        OrderEvent::DisputeConcluded { .. } => dispute_concluded(stream, event),
        OrderEvent::DisputeConclusionRevised { .. } => dispute_revised(stream, event),
        OrderEvent::CaptureReversed { .. } => capture_reversed(stream, event),
        OrderEvent::Placed { .. }
        | OrderEvent::CheckoutStarted { .. }
        | OrderEvent::PaymentAwaited { .. }
        | OrderEvent::PaymentAttemptFailed { .. }
        | OrderEvent::Confirmed { .. }
        | OrderEvent::Conflicted { .. }
        | OrderEvent::DuplicatePaymentReceived { .. }
        | OrderEvent::LatePaymentReceived { .. }
        | OrderEvent::Revived { .. }
        | OrderEvent::Expired { .. }
        | OrderEvent::Cancelled { .. }
        | OrderEvent::FundsExpected { .. }
        | OrderEvent::PayabilitySet { .. }
        | OrderEvent::LinesShipped { .. }
        | OrderEvent::TrackingAmended { .. }
        | OrderEvent::LinesDelivered { .. }
        | OrderEvent::ShippingOverdue { .. }
        | OrderEvent::Completed { .. }
        | OrderEvent::RefundReserved { .. }
        | OrderEvent::RefundSettled { .. }
        | OrderEvent::RefundReleased { .. }
        | OrderEvent::DisputeApplied { .. }
        | OrderEvent::DisputeReleased { .. } => Ok(Vec::new()),
    }
}

fn order_of(stream: &StreamId) -> Result<OrderId, PostingFault> {
    stream.id.parse().map_err(|_| PostingFault::Stream(stream.to_string()))
}

fn draft(
    stream: &StreamId,
    kind: &'static str,
    nature: Nature,
    currency: Currency,
    effective: Timestamp,
) -> Result<Draft, PostingFault> {
    let about = Dimensions { order: Some(order_of(stream)?), ..Dimensions::default() };
    Ok(Draft::new(kind, nature, currency, effective, about))
}

/// The parts of a line's money that are not cash: to the seller (by a claim), the platform and the
/// tax office on one side, the platform's discount on the other. `side` is where the seller's part
/// goes; the commission goes to `commission` on the same side.
pub(super) fn share_lines(
    draft: &mut Draft,
    side: Side,
    (share, claim): (&LineShare, ClaimRef),
    commission: &Account,
    tax_jurisdiction: &str,
) {
    let about = draft.about().of_line(share);
    let parts: &Components = &share.components;
    draft
        .line(Account::Claim(claim), side, parts.seller_part(), about.clone())
        .line(commission.clone(), side, parts.fee, about.clone())
        .line(Account::Tax(tax_jurisdiction.to_owned()), side, parts.tax, about.clone())
        .line(Account::Discounts, side.other(), parts.discount, about);
}

fn paid(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    let OrderEvent::Paid {
        payment,
        charge,
        currency,
        amount,
        tax_jurisdiction,
        lines,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let order = order_of(stream)?;
    let about = Dimensions {
        order: Some(order),
        payment: Some(*payment),
        charge: Some(charge.clone()),
        ..Dimensions::default()
    };
    let mut draft = Draft::new("order.paid", Nature::Sale, *currency, *occurred_at, about);
    draft.debit(Account::Clearing(Clearing::Charge, charge.0.clone()), *amount);
    for share in lines {
        let claim = Claim::of_line(order, share.line);
        share_lines(
            &mut draft,
            Side::Credit,
            (share, claim),
            &Account::Commission,
            tax_jurisdiction,
        );
    }
    draft.alone()
}

fn external_refund(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "order.external_refund_allocated";
    let OrderEvent::ExternalRefundAllocated {
        refund,
        stripe_refund,
        currency,
        tax_jurisdiction,
        shares,
        commission_retained,
        policy_version,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        order: Some(order_of(stream)?),
        refund: Some(*refund),
        ..Dimensions::default()
    };
    let draft = Draft::new(KIND, Nature::Refund, *currency, *occurred_at, about);
    let mut draft = draft.decided_by(*policy_version);
    for share in shares {
        let share = after_retention(share, *commission_retained);
        let claim = Claim::of_refund(*refund, share.seller);
        share_lines(
            &mut draft,
            Side::Debit,
            (&share, claim),
            &Account::CommissionRefunded,
            tax_jurisdiction,
        );
    }
    // What exceeds the order stays in clearing and is a work item.
    let cash = sum(KIND, shares.iter().map(|share| share.components.cash()))?;
    draft.credit(Account::Clearing(Clearing::Refund, stripe_refund.0.clone()), cash);
    draft.alone()
}

/// The share with its commission booked to the seller, if the platform keeps it.
pub(super) fn after_retention(share: &LineShare, commission_retained: bool) -> LineShare {
    let components =
        if commission_retained { share.components.commission_retained() } else { share.components };
    LineShare { components, ..share.clone() }
}

fn dispute_concluded(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "order.dispute_concluded";
    let OrderEvent::DisputeConcluded {
        dispute,
        stripe_dispute,
        currency,
        tax_jurisdiction,
        shares,
        on_sellers,
        overlap_lost,
        policy_version,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let mut draft = draft(stream, KIND, Nature::Chargeback, *currency, *occurred_at)?;
    let open = Account::DisputesOpen(stripe_dispute.clone());
    let about = Dimensions { dispute: Some(*dispute), ..draft.about().clone() };
    draft = draft.with(about).decided_by(*policy_version);
    for share in shares.iter().map(|share| &share.lost) {
        if *on_sellers {
            let claim = Claim::of_dispute(*dispute, share.seller);
            share_lines(
                &mut draft,
                Side::Debit,
                (share, claim),
                &Account::CommissionRefunded,
                tax_jurisdiction,
            );
        } else {
            let about = draft.about().of_line(share);
            draft.line(Account::ChargebackLoss, Side::Debit, share.components.cash(), about);
        }
    }
    let cash = sum(KIND, shares.iter().map(|share| share.lost.components.cash()))?;
    draft
        .credit(open.clone(), cash)
        .debit(Account::ChargebackLoss, *overlap_lost)
        .credit(open, *overlap_lost);
    draft.alone()
}

fn dispute_revised(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "order.dispute_conclusion_revised";
    let OrderEvent::DisputeConclusionRevised {
        dispute,
        stripe_dispute,
        txn,
        currency,
        tax_jurisdiction,
        shares,
        on_sellers,
        overlap_returned,
        policy_version,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let mut draft = draft(stream, KIND, Nature::Chargeback, *currency, *occurred_at)?;
    let open = Account::DisputesOpen(stripe_dispute.clone());
    let about =
        Dimensions { dispute: Some(*dispute), txn: Some(txn.clone()), ..draft.about().clone() };
    draft = draft.with(about).decided_by(*policy_version);
    let cash = sum(KIND, shares.iter().map(|share| share.components.cash()))?;
    draft.debit(open.clone(), cash);
    for share in shares {
        if *on_sellers {
            let claim = Claim::of_late_reinstatement(txn, share.seller);
            share_lines(
                &mut draft,
                Side::Credit,
                (share, claim),
                &Account::CommissionRefunded,
                tax_jurisdiction,
            );
        } else {
            let about = draft.about().of_line(share);
            draft.line(Account::ChargebackLoss, Side::Credit, share.components.cash(), about);
        }
    }
    draft.debit(open, *overlap_returned).credit(Account::ChargebackLoss, *overlap_returned);
    draft.alone()
}

fn capture_reversed(stream: &StreamId, event: &OrderEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "order.capture_reversed";
    let OrderEvent::CaptureReversed {
        payment,
        charge,
        currency,
        tax_jurisdiction,
        shares,
        overlap,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        order: Some(order_of(stream)?),
        payment: Some(*payment),
        charge: Some(charge.clone()),
        ..Dimensions::default()
    };
    let mut draft = Draft::new(KIND, Nature::Chargeback, *currency, *occurred_at, about);
    let clearing = Account::Clearing(Clearing::Charge, charge.0.clone());
    for share in shares {
        let claim = Claim::of_reversed_capture(charge, share.seller);
        share_lines(
            &mut draft,
            Side::Debit,
            (share, claim),
            &Account::Commission,
            tax_jurisdiction,
        );
    }
    let cash = sum(KIND, shares.iter().map(|share| share.components.cash()))?;
    draft
        .credit(clearing.clone(), cash)
        .debit(Account::ChargebackLoss, *overlap)
        .credit(clearing, *overlap);
    draft.alone()
}
