//! Refunds: who asked, who decided, and how far the money has come.

use aggregates::{
    fact::Fact,
    refund::events::{RefundEvent, RefundSource},
};
use kernel::{Currency, OrderId, PaymentId, RefundId, SellerId, TenantId, Timestamp};
use store::Value;

use crate::{
    FoldError, Occurrence, Rows, Wanted,
    projection::{key, read_model},
    words::word,
};

store::table! {
    /// A refund.
    pub struct Refund as "refunds" {
        key {
            /// Owner.
            tenant: TenantId,
            /// Ours.
            #[unhashed = "minted"]
            refund: RefundId,
        }
        /// requested, escalated, declined, withdrawn, approved, submitted, unknown, refused, pending,
        /// requires_action, succeeded, owed, canceled, paid_externally, forgone or external.
        status: String,
        /// order_line, unallocated, membership or external.
        source: String,
        /// The order.
        #[unhashed = "minted"]
        order_id: Option<OrderId>,
        /// The line, from 0.
        order_line: Option<u32>,
        /// Whose sale it was.
        seller: Option<SellerId>,
        /// The payment.
        #[unhashed = "minted"]
        payment: Option<PaymentId>,
        /// Stripe's charge.
        charge: Option<String>,
        /// What the buyer gets; minor units.
        amount: i64,
        /// The currency of that.
        currency: Currency,
        /// Why.
        reason: Option<String>,
        /// Who asked.
        #[unhashed = "minted"]
        requested_by: Option<String>,
        /// When it was asked for, or first seen.
        opened_at: Timestamp,
        /// When it is escalated.
        decide_by: Option<Timestamp>,
        /// decided, forced or automatic.
        approved_how: Option<String>,
        /// Who approved or declined.
        #[unhashed = "minted"]
        decided_by: Option<String>,
        /// When.
        decided_at: Option<Timestamp>,
        /// What was said with a refusal.
        note: Option<String>,
        /// How often it was sent to Stripe.
        attempt: u32,
        /// Stripe's refund.
        stripe_refund: Option<String>,
        /// The balance transaction that took the money.
        txn: Option<String>,
        /// Why it failed or was refused.
        failure: Option<String>,
        /// When it reached the buyer, was cancelled, or was otherwise done with.
        finished_at: Option<Timestamp>,
        /// Whether it has been pending for ten days.
        stuck: bool,
    }
    indexes [["tenant", "opened_at"], ["tenant", "order_id"], ["tenant", "seller", "opened_at"], ["tenant", "status", "opened_at"]]
}

read_model! {
    /// Every refund.
    Refunds = "refunds", version 1, [Refund]
}

fn key_of(occurrence: &Occurrence<'_>) -> Result<Vec<Value>, FoldError> {
    Ok(key![occurrence.tenant(), occurrence.subject::<RefundId>()?])
}

fn keys(occurrence: &Occurrence<'_>, wanted: &mut Wanted) {
    if let (Fact::Refund(_), Ok(key)) = (occurrence.fact, key_of(occurrence)) {
        wanted.row::<Refund>(key);
    }
}

fn fold(occurrence: &Occurrence<'_>, rows: &mut Rows) -> Result<(), FoldError> {
    let Fact::Refund(event) = occurrence.fact else { return Ok(()) };
    if let Some(row) = opened(occurrence, event)? {
        return rows.put(row);
    }
    if let Some(row) = rows.update::<Refund>(key_of(occurrence)?)? {
        decided(row, event);
        sent(row, event);
    }
    Ok(())
}

/// A refund of which nothing is known but this.
fn blank(
    tenant: TenantId,
    refund: RefundId,
    amount: kernel::Money,
    (status, opened_at): (&str, Timestamp),
) -> Refund {
    Refund {
        tenant,
        refund,
        status: status.to_owned(),
        source: "external".to_owned(),
        order_id: None,
        order_line: None,
        seller: None,
        payment: None,
        charge: None,
        amount: amount.minor(),
        currency: amount.currency(),
        reason: None,
        requested_by: None,
        opened_at,
        decide_by: None,
        approved_how: None,
        decided_by: None,
        decided_at: None,
        note: None,
        attempt: 0,
        stripe_refund: None,
        txn: None,
        failure: None,
        finished_at: None,
        stuck: false,
    }
}

/// The row of a refund that is heard of for the first time.
fn opened(occurrence: &Occurrence<'_>, event: &RefundEvent) -> Result<Option<Refund>, FoldError> {
    let tenant = occurrence.tenant();
    if let RefundEvent::Requested {
        source,
        payment,
        charge,
        amount,
        reason,
        requested_by,
        decide_by,
        at,
        ..
    } = event
    {
        let (name, order_id, order_line, seller) = match source {
            RefundSource::OrderLine { order, share, .. } => {
                ("order_line", Some(*order), Some(u32::from(share.line.0)), Some(share.seller))
            }
            RefundSource::Unallocated => ("unallocated", None, None, None),
            RefundSource::Membership { .. } => ("membership", None, None, None),
            RefundSource::External => ("external", None, None, None),
        };
        return Ok(Some(Refund {
            source: name.to_owned(),
            order_id,
            order_line,
            seller,
            payment: Some(*payment),
            charge: Some(charge.0.clone()),
            reason: Some(reason.clone()),
            requested_by: Some(requested_by.0.clone()),
            decide_by: Some(*decide_by),
            ..blank(tenant, occurrence.subject()?, *amount, ("requested", *at))
        }));
    }
    if let RefundEvent::ExternalObserved {
        refund,
        stripe_refund,
        payment,
        charge,
        amount,
        occurred_at,
        ..
    } = event
    {
        return Ok(Some(Refund {
            payment: Some(*payment),
            charge: Some(charge.0.clone()),
            stripe_refund: Some(stripe_refund.0.clone()),
            ..blank(tenant, *refund, *amount, ("external", *occurred_at))
        }));
    }
    Ok(None)
}

fn status(row: &mut Refund, status: &str) {
    status.clone_into(&mut row.status);
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others come after the decision")]
fn decided(row: &mut Refund, event: &RefundEvent) {
    match event {
        RefundEvent::Withdrawn { at, .. } => {
            status(row, "withdrawn");
            row.finished_at = Some(*at);
        }
        RefundEvent::Declined { note, by, at, .. } => {
            status(row, "declined");
            row.note = Some(note.clone());
            row.decided_by = Some(by.0.clone());
            row.decided_at = Some(*at);
            row.finished_at = Some(*at);
        }
        RefundEvent::Escalated { .. } => status(row, "escalated"),
        RefundEvent::FirstApproval { by, .. } => {
            row.decided_by = Some(by.0.clone());
        }
        RefundEvent::Approved { how, by, at, .. } => {
            status(row, "approved");
            row.approved_how = Some(word(how));
            row.decided_by = Some(by.0.clone());
            row.decided_at = Some(*at);
        }
        RefundEvent::PaidExternally { at, .. } => {
            status(row, "paid_externally");
            row.finished_at = Some(*at);
        }
        RefundEvent::Forgone { at, .. } => {
            status(row, "forgone");
            row.finished_at = Some(*at);
        }
        RefundEvent::Retried { .. } => {
            status(row, "approved");
            row.finished_at = None;
            row.stuck = false;
        }
        _ => {}
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others come before it was sent")]
fn sent(row: &mut Refund, event: &RefundEvent) {
    match event {
        RefundEvent::Submitted { attempt, .. } => {
            status(row, "submitted");
            row.attempt = *attempt;
        }
        RefundEvent::SubmitUnknown { .. } => status(row, "unknown"),
        RefundEvent::SubmitRefused { code, message, .. } => {
            status(row, "refused");
            row.failure = Some(format!("{code}: {message}"));
        }
        RefundEvent::Accepted { stripe_refund, .. } => {
            status(row, "pending");
            row.stripe_refund = Some(stripe_refund.0.clone());
        }
        RefundEvent::Debited { txn, .. } => row.txn = Some(txn.0.clone()),
        RefundEvent::Pending { .. } => status(row, "pending"),
        RefundEvent::ActionRequired { .. } => status(row, "requires_action"),
        RefundEvent::Succeeded { occurred_at, .. } => {
            status(row, "succeeded");
            row.finished_at = Some(*occurred_at);
        }
        RefundEvent::Failed { reason, .. } => {
            status(row, "owed");
            row.failure = Some(reason.clone());
            row.finished_at = None;
        }
        RefundEvent::Canceled { occurred_at, .. } => {
            status(row, "canceled");
            row.finished_at = Some(*occurred_at);
        }
        RefundEvent::Stuck { .. } => row.stuck = true,
        _ => {}
    }
}
