//! What a payment's decisions about money that pays no order do to the books, and application fees.

use aggregates::{
    payment::events::{Destination, PaymentEvent},
    vocabulary::{ChargeRef, Claim},
};
use kernel::{Money, PaymentId, Timestamp};
use store::StreamId;

use super::{
    Dimensions, Entry, Nature, PostingFault,
    conversion::{self, Exchange},
    entry::{Draft, sum},
};
use crate::chart::{Account, Clearing, Side};

#[expect(clippy::too_many_lines, reason = "every event is named, also those that post nothing")]
pub(super) fn postings(
    stream: &StreamId,
    event: &PaymentEvent,
) -> Result<Vec<Entry>, PostingFault> {
    match event {
        PaymentEvent::SetAside { charge, amount, occurred_at, .. } => {
            draft(stream, "payment.set_aside", Some(charge), *amount, *occurred_at)?.moved(
                clearing(charge),
                unallocated(charge),
                *amount,
            )
        }
        PaymentEvent::AttributedToOrder { charge, amount, order, at, .. } => {
            let draft = draft(stream, "payment.attributed_to_order", Some(charge), *amount, *at)?;
            let about = Dimensions { order: Some(*order), ..draft.about().clone() };
            draft.with(about).moved(unallocated(charge), clearing(charge), *amount)
        }
        PaymentEvent::AttributedToMembership { charge, amount, at, .. } => {
            draft(stream, "payment.attributed_to_membership", Some(charge), *amount, *at)?.moved(
                unallocated(charge),
                clearing(charge),
                *amount,
            )
        }
        PaymentEvent::AttributedToSellers { .. } => attributed_to_sellers(stream, event),
        PaymentEvent::RefundRouted {
            refund,
            stripe_refund,
            charge,
            amount,
            to: Destination::Unallocated,
            occurred_at,
            ..
        } => {
            let kind = "payment.refund_routed";
            let draft = draft(stream, kind, Some(charge), *amount, *occurred_at)?;
            let about = Dimensions { refund: Some(*refund), ..draft.about().clone() };
            let to = Account::Clearing(Clearing::Refund, stripe_refund.0.clone());
            draft.with(about).moved(unallocated(charge), to, *amount)
        }
        PaymentEvent::UnallocatedDisputeConcluded { .. } => dispute_concluded(stream, event),
        PaymentEvent::UnallocatedDisputeRevised { .. } => dispute_revised(stream, event),
        PaymentEvent::CaptureReversed { charge, amount, order: None, occurred_at, .. } => {
            draft(stream, "payment.capture_reversed", Some(charge), *amount, *occurred_at)?.moved(
                unallocated(charge),
                clearing(charge),
                *amount,
            )
        }
        PaymentEvent::Converted { charge, txn, presented, settled, order, occurred_at, .. } => {
            let about = Dimensions {
                payment: Some(payment_of(stream)?),
                charge: Some(charge.clone()),
                order: *order,
                ..Dimensions::default()
            };
            let exchange = Exchange {
                kind: "payment.converted",
                clearing: clearing(charge),
                txn,
                presented: *presented,
                settled: *settled,
                effective: *occurred_at,
            };
            conversion::postings(exchange, about)
        }
        PaymentEvent::ApplicationFeeEarned { fee, charge, amount, occurred_at, .. } => {
            let kind = "payment.application_fee_earned";
            let from = Account::Clearing(Clearing::ApplicationFee, fee.0.clone());
            draft(stream, kind, Some(charge), *amount, *occurred_at)?.moved(
                from,
                Account::Commission,
                *amount,
            )
        }
        PaymentEvent::ApplicationFeeRefunded { refund, amount, occurred_at, .. } => {
            let kind = "payment.application_fee_refunded";
            let to = Account::Clearing(Clearing::ApplicationFeeRefund, refund.0.clone());
            draft(stream, kind, None, *amount, *occurred_at)?.moved(
                Account::CommissionRefunded,
                to,
                *amount,
            )
        }
        // The order posts what is its own.
        PaymentEvent::RefundRouted { to: Destination::Order(_), .. }
        | PaymentEvent::CaptureReversed { order: Some(_), .. }
        | PaymentEvent::Requested { .. }
        | PaymentEvent::RequestUnknown { .. }
        | PaymentEvent::RequestRefused { .. }
        | PaymentEvent::SessionOpened { .. }
        | PaymentEvent::FactMerged { .. }
        | PaymentEvent::OrderLinked { .. }
        | PaymentEvent::Processing { .. }
        | PaymentEvent::Authorized { .. }
        | PaymentEvent::Captured { .. }
        | PaymentEvent::AttemptFailed { .. }
        | PaymentEvent::Canceled { .. }
        | PaymentEvent::SessionExpired { .. }
        | PaymentEvent::FeeRecorded { .. }
        | PaymentEvent::RiskFlagged { .. }
        | PaymentEvent::RefundHeld { .. }
        | PaymentEvent::UnallocatedRefundReserved { .. }
        | PaymentEvent::UnallocatedRefundReleased { .. }
        | PaymentEvent::DisputeRouted { .. }
        | PaymentEvent::DisputeHeld { .. }
        | PaymentEvent::DisputeConclusionRouted { .. }
        | PaymentEvent::DisputeConclusionHeld { .. }
        | PaymentEvent::DisputeRevisionRouted { .. }
        // The membership posts what is its own.
        | PaymentEvent::MembershipFunded { .. }
        | PaymentEvent::MembershipCaptureReversed { .. }
        | PaymentEvent::PatienceExceeded { .. } => Ok(Vec::new()),
    }
}

fn clearing(charge: &ChargeRef) -> Account {
    Account::Clearing(Clearing::Charge, charge.0.clone())
}

fn unallocated(charge: &ChargeRef) -> Account {
    Account::Unallocated(charge.0.clone())
}

fn payment_of(stream: &StreamId) -> Result<PaymentId, PostingFault> {
    stream.id.parse().map_err(|_| PostingFault::Stream(stream.to_string()))
}

fn draft(
    stream: &StreamId,
    kind: &'static str,
    charge: Option<&ChargeRef>,
    amount: Money,
    effective: Timestamp,
) -> Result<Draft, PostingFault> {
    let about = Dimensions {
        payment: Some(payment_of(stream)?),
        charge: charge.cloned(),
        ..Dimensions::default()
    };
    Ok(Draft::new(kind, Nature::Unallocated, amount.currency(), effective, about))
}

fn attributed_to_sellers(
    stream: &StreamId,
    event: &PaymentEvent,
) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "payment.attributed_to_sellers";
    let PaymentEvent::AttributedToSellers { charge, currency, shares, at, .. } = event else {
        return Ok(Vec::new());
    };
    let payment = payment_of(stream)?;
    let about = Dimensions {
        payment: Some(payment),
        charge: Some(charge.clone()),
        ..Dimensions::default()
    };
    let mut draft = Draft::new(KIND, Nature::Sale, *currency, *at, about);
    let total = sum(KIND, shares.iter().flat_map(|share| [share.seller_net, share.fee]))?;
    draft.debit(unallocated(charge), total);
    for share in shares {
        let about = draft.about().of_seller(share.seller, &share.organizer);
        let claim = Account::Claim(Claim::of_attribution(payment, share.seller));
        draft.line(claim, Side::Credit, share.seller_net, about.clone()).line(
            Account::Commission,
            Side::Credit,
            share.fee,
            about,
        );
    }
    draft.alone()
}

fn dispute_concluded(stream: &StreamId, event: &PaymentEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "payment.unallocated_dispute_concluded";
    let PaymentEvent::UnallocatedDisputeConcluded {
        dispute,
        stripe_dispute,
        charge,
        currency,
        lost,
        excess_lost,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        payment: Some(payment_of(stream)?),
        charge: Some(charge.clone()),
        dispute: Some(*dispute),
        ..Dimensions::default()
    };
    let mut draft = Draft::new(KIND, Nature::Chargeback, *currency, *occurred_at, about);
    let whole = sum(KIND, [*lost, *excess_lost])?;
    draft
        .debit(unallocated(charge), *lost)
        .debit(Account::ChargebackLoss, *excess_lost)
        .credit(Account::DisputesOpen(stripe_dispute.clone()), whole);
    draft.alone()
}

/// The mirror image of the conclusion, for what came back.
fn dispute_revised(stream: &StreamId, event: &PaymentEvent) -> Result<Vec<Entry>, PostingFault> {
    const KIND: &str = "payment.unallocated_dispute_revised";
    let PaymentEvent::UnallocatedDisputeRevised {
        dispute,
        stripe_dispute,
        charge,
        currency,
        txn,
        returned,
        excess_returned,
        occurred_at,
        ..
    } = event
    else {
        return Ok(Vec::new());
    };
    let about = Dimensions {
        payment: Some(payment_of(stream)?),
        charge: Some(charge.clone()),
        dispute: Some(*dispute),
        txn: Some(txn.clone()),
        ..Dimensions::default()
    };
    let mut draft = Draft::new(KIND, Nature::Chargeback, *currency, *occurred_at, about);
    let whole = sum(KIND, [*returned, *excess_returned])?;
    draft
        .debit(Account::DisputesOpen(stripe_dispute.clone()), whole)
        .credit(unallocated(charge), *returned)
        .credit(Account::ChargebackLoss, *excess_returned);
    draft.alone()
}
