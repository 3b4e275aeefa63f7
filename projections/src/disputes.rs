//! Disputes as a queue: what is due by when, what it is about, and everything that was done.

use aggregates::{
    dispute::events::{DisputeEvent, DisputeOutcome},
    fact::Fact,
    order::events::OrderEvent,
};
use kernel::{Currency, DisputeId, OrderId, PaymentId, TenantId, Timestamp};
use store::{Position, Value};

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{add, key, read_model},
    words::{json, word},
};

store::table! {
    /// A dispute; amounts in minor units of its currency.
    pub struct Dispute as "disputes" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            dispute: DisputeId,
        }
        /// Stripe's dispute.
        stripe_dispute: String,
        /// Stripe's charge.
        charge: String,
        /// The payment.
        #[unhashed = "minted"]
        payment: PaymentId,
        /// The order, once it is known that the money is an order's.
        #[unhashed = "minted"]
        order_id: Option<OrderId>,
        /// Stripe's status.
        status: String,
        /// What we do about it: new, drafted, submitted, accepted, refunded or finished.
        track: String,
        /// What is disputed.
        amount: i64,
        /// The currency of every amount in the row.
        currency: Currency,
        /// The reason the buyer's bank gives.
        reason: String,
        /// The card network.
        network: Option<String>,
        /// Whether it is only a question so far.
        inquiry: bool,
        /// Whether the charge may still be refunded instead.
        charge_refundable: bool,
        /// Until when evidence may be sent; empty when no answer is possible or needed.
        due_by: Option<Timestamp>,
        /// Whether that passed without an answer.
        missed: bool,
        /// Taken by Stripe.
        withdrawn: i64,
        /// Given back by Stripe.
        reinstated: i64,
        /// Stripe's fees for it, less what was returned.
        fee: i64,
        /// won, lost, warning_closed or prevented.
        outcome: Option<String>,
        /// Lost, but part of the money came back.
        partial: bool,
        /// The evidence as it was drafted or sent, JSON.
        evidence: Option<String>,
        /// Why Stripe refused our last call, if it did.
        failure: Option<String>,
        /// When it was opened, by Stripe's clock.
        opened_at: Timestamp,
        /// When it ended, by Stripe's clock.
        closed_at: Option<Timestamp>,
    }
    indexes [["tenant", "due_by"], ["tenant", "opened_at"], ["tenant", "order_id"]]
}

store::table! {
    /// Something somebody did about a dispute.
    pub struct DisputeAction as "dispute_actions" {
        key {
            /// Owner.
            tenant: TenantId,
            /// The dispute.
            #[unhashed = "minted"]
            dispute: DisputeId,
            /// The event that says so.
            #[unhashed = "positions are a log's own"]
            position: Position,
        }
        /// What was done: assigned, note, evidence_drafted, evidence_submitted, accepted, ...
        action: String,
        /// More about it.
        detail: String,
        /// Who.
        #[unhashed = "minted"]
        by: String,
        /// When.
        at: Timestamp,
    }
}

read_model! {
    /// Every dispute and what was done about it.
    Disputes = "disputes", version 1, [Dispute, DisputeAction]
}

/// The dispute an event is about: its own, or the one an order was told of.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about no dispute")]
fn dispute_of(occurrence: &Occurrence<'_>) -> Option<DisputeId> {
    match occurrence.fact {
        Fact::Dispute(_) => occurrence.subject().ok(),
        Fact::Order(OrderEvent::DisputeApplied { dispute, .. }) => Some(*dispute),
        _ => None,
    }
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let Some(dispute) = dispute_of(occurrence) {
        wanted.row::<Dispute>(key![occurrence.tenant(), dispute]);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Some(dispute) = dispute_of(occurrence) else {
        // Only a stream that is not named after a dispute gets here with a dispute's event.
        return if matches!(occurrence.fact, Fact::Dispute(_)) {
            Err(FoldError::Subject(occurrence.recorded.stream.to_string()))
        } else {
            Ok(())
        };
    };
    let key: Vec<Value> = key![occurrence.tenant(), dispute];
    if let Fact::Order(_) = occurrence.fact {
        let order = occurrence.subject()?;
        if let Some(row) = rows.update::<Dispute>(key)? {
            row.order_id = Some(order);
        }
        return Ok(());
    }
    let Fact::Dispute(event) = occurrence.fact else { return Ok(()) };
    if let Some(row) = opened(occurrence.tenant(), event) {
        return rows.put(row);
    }
    if let Some(row) = rows.update::<Dispute>(key)? {
        stripe_said(row, event)?;
        we_did(row, event);
    }
    if let Some((action, detail, by, at)) = action(event) {
        rows.append(&DisputeAction {
            tenant: occurrence.tenant(),
            dispute,
            position: occurrence.recorded.position,
            action: action.to_owned(),
            detail,
            by: by.to_owned(),
            at,
        });
    }
    Ok(())
}

fn opened(tenant: TenantId, event: &DisputeEvent) -> Option<Dispute> {
    let DisputeEvent::Opened {
        dispute,
        stripe_dispute,
        charge,
        payment,
        amount,
        reason,
        network,
        inquiry,
        due_by,
        charge_refundable,
        occurred_at,
        ..
    } = event
    else {
        return None;
    };
    let status = if *inquiry { "warning_needs_response" } else { "needs_response" };
    Some(Dispute {
        tenant,
        dispute: *dispute,
        stripe_dispute: stripe_dispute.0.clone(),
        charge: charge.0.clone(),
        payment: *payment,
        order_id: None,
        status: status.to_owned(),
        track: "new".to_owned(),
        amount: amount.minor(),
        currency: amount.currency(),
        reason: reason.clone(),
        network: network.clone(),
        inquiry: *inquiry,
        charge_refundable: *charge_refundable,
        due_by: *due_by,
        missed: false,
        withdrawn: 0,
        reinstated: 0,
        fee: 0,
        outcome: None,
        partial: false,
        evidence: None,
        failure: None,
        opened_at: *occurred_at,
        closed_at: None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are what we did")]
fn stripe_said(row: &mut Dispute, event: &DisputeEvent) -> Result<(), FoldError> {
    const WHAT: &str = "money of a dispute";
    match event {
        DisputeEvent::Escalated { amount, .. } => {
            row.inquiry = false;
            row.amount = amount.minor();
        }
        DisputeEvent::StatusChanged { to, due_by, .. } => {
            row.status.clone_from(to);
            row.due_by = *due_by;
        }
        DisputeEvent::FundsWithdrawn { amount, fee, .. } => {
            add(&mut row.withdrawn, amount.minor(), WHAT)?;
            add(&mut row.fee, *fee, WHAT)?;
        }
        DisputeEvent::FundsReinstated { amount, fee_returned, .. } => {
            add(&mut row.reinstated, amount.minor(), WHAT)?;
            add(&mut row.fee, -fee_returned, WHAT)?;
        }
        DisputeEvent::EvidenceDeadlineMissed { .. } => row.missed = true,
        DisputeEvent::Closed { outcome, partial, occurred_at, .. } => {
            row.outcome = Some(word(outcome));
            let status = match outcome {
                DisputeOutcome::Won => "won",
                DisputeOutcome::Lost => "lost",
                DisputeOutcome::WarningClosed => "warning_closed",
                DisputeOutcome::Prevented => "prevented",
            };
            status.clone_into(&mut row.status);
            "finished".clone_into(&mut row.track);
            row.partial = *partial;
            row.due_by = None;
            row.closed_at = Some(*occurred_at);
        }
        _ => {}
    }
    Ok(())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are what Stripe said")]
fn we_did(row: &mut Dispute, event: &DisputeEvent) {
    let mut track = |track: &str| track.clone_into(&mut row.track);
    match event {
        DisputeEvent::EvidenceDrafted { fields, .. } => {
            track("drafted");
            row.evidence = Some(json(fields));
        }
        DisputeEvent::EvidenceSubmitted { fields, .. } => {
            track("submitted");
            row.evidence = Some(json(fields));
            row.failure = None;
        }
        DisputeEvent::Accepted { .. } => {
            track("accepted");
            row.failure = None;
        }
        DisputeEvent::InquiryRefunded { .. } => track("refunded"),
        DisputeEvent::CallRefused { code, message, .. } => {
            row.failure = Some(format!("{code}: {message}"));
        }
        DisputeEvent::CallConfirmed { .. } => row.failure = None,
        _ => {}
    }
}

/// What goes into the action log.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others were nobody's action")]
fn action(event: &DisputeEvent) -> Option<(&str, String, &str, Timestamp)> {
    let names = |fields: &std::collections::BTreeMap<String, String>| {
        fields.keys().cloned().collect::<Vec<_>>().join(", ")
    };
    Some(match event {
        DisputeEvent::ActionLogged { action, detail, by, at } => {
            (action, detail.clone(), by.as_str(), *at)
        }
        DisputeEvent::EvidenceDrafted { fields, by, at } => {
            ("evidence_drafted", names(fields), by.as_str(), *at)
        }
        DisputeEvent::EvidenceSubmitted { fields, by, at, .. } => {
            ("evidence_submitted", names(fields), by.as_str(), *at)
        }
        DisputeEvent::AcceptProposed { by, at } => {
            ("accept_proposed", String::new(), by.as_str(), *at)
        }
        DisputeEvent::Accepted { by, at, .. } => ("accepted", String::new(), by.as_str(), *at),
        DisputeEvent::InquiryRefunded { by, at } => {
            ("inquiry_refunded", String::new(), by.as_str(), *at)
        }
        _ => return None,
    })
}
