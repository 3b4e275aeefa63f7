//! How a refund remembers what has happened to it.

use super::{
    events::{RefundEvent, RefundSource},
    state::{AtStripe, Phase, Refund, Request},
};
use crate::vocabulary::StripeRefundRef;

impl Refund {
    #[expect(clippy::too_many_lines, reason = "one arm per event, so that none can be forgotten")]
    pub(super) fn evolve(&mut self, event: &RefundEvent) {
        match event {
            RefundEvent::Requested {
                refund,
                source,
                payment,
                charge,
                amount,
                decide_by,
                second_person_above,
                ..
            } => {
                self.phase = Phase::Requested;
                self.request = Some(Request {
                    refund: *refund,
                    source: source.clone(),
                    payment: *payment,
                    charge: charge.clone(),
                    amount: *amount,
                    decide_by: Some(*decide_by),
                    second_person_above: *second_person_above,
                });
            }
            RefundEvent::Withdrawn { .. } => self.phase = Phase::Withdrawn,
            RefundEvent::Declined { .. } => self.phase = Phase::Declined,
            RefundEvent::Escalated { .. } => self.phase = Phase::Escalated,
            RefundEvent::FirstApproval { by, .. } => self.first_approval = Some(by.clone()),
            RefundEvent::Approved { .. } => {
                self.phase = Phase::Approved;
                self.attempt = 1;
            }
            RefundEvent::Submitted { idempotency_key, .. } => {
                self.phase = Phase::Submitted { idempotency_key: idempotency_key.clone() };
            }
            RefundEvent::SubmitUnknown { .. } => {
                if let Some(idempotency_key) = self.idempotency_key().map(ToOwned::to_owned) {
                    self.phase = Phase::SubmitUnknown { idempotency_key };
                }
            }
            RefundEvent::SubmitRefused { .. } => self.phase = Phase::SubmitRefused,
            RefundEvent::Accepted { stripe_refund, amount, .. } => {
                self.phase = Phase::AtStripe;
                self.current = Some(stripe_refund.clone());
                self.at_stripe.insert(stripe_refund.clone(), AtStripe::new(*amount));
            }
            RefundEvent::FactMerged { stripe_refund, status, rank, .. } => {
                self.on_stripe(stripe_refund, |at| {
                    at.merged = Some((rank.clone(), status.clone()));
                });
            }
            RefundEvent::Debited { stripe_refund, txn, .. } => {
                self.on_stripe(stripe_refund, |at| {
                    at.debits.insert(txn.clone());
                });
            }
            RefundEvent::Reversed { stripe_refund, txn, .. } => {
                self.on_stripe(stripe_refund, |at| {
                    at.reversals.insert(txn.clone());
                });
            }
            RefundEvent::Pending { reason, at } => {
                let since = self.pending.as_ref().map_or(*at, |(_, since)| *since);
                self.pending = Some((reason.clone(), since));
            }
            RefundEvent::ActionRequired { .. } | RefundEvent::Succeeded { .. } => {
                self.pending = None;
            }
            RefundEvent::Failed { .. } => {
                self.phase = Phase::Failed;
                self.pending = None;
            }
            RefundEvent::Canceled { .. } => {
                // Made by somebody else at Stripe, it is owed until a person decides; ours is
                // reverted in the same step.
                let external = self.source() == Some(&RefundSource::External);
                self.phase = if external { Phase::Failed } else { Phase::Canceled };
                self.pending = None;
            }
            RefundEvent::Reverted { .. } => self.reverted = true,
            RefundEvent::Retried { attempt, .. } => {
                self.phase = Phase::Approved;
                self.attempt = *attempt;
                self.current = None;
                self.stuck = false;
                self.forgo_proposed = None;
            }
            RefundEvent::PaidExternally { .. } => self.phase = Phase::PaidExternally,
            RefundEvent::ForgoProposed { by, .. } => self.forgo_proposed = Some(by.clone()),
            RefundEvent::Forgone { .. } => self.phase = Phase::Forgone,
            RefundEvent::ExternalObserved {
                refund,
                stripe_refund,
                payment,
                charge,
                amount,
                ..
            } => {
                self.phase = Phase::AtStripe;
                self.attempt = 1;
                self.current = Some(stripe_refund.clone());
                self.at_stripe.insert(stripe_refund.clone(), AtStripe::new(*amount));
                self.request = Some(Request {
                    refund: *refund,
                    source: RefundSource::External,
                    payment: *payment,
                    charge: charge.clone(),
                    amount: *amount,
                    decide_by: None,
                    second_person_above: 0,
                });
            }
            RefundEvent::Stuck { .. } => self.stuck = true,
            RefundEvent::Converted { txn, .. } => {
                self.converted.insert(txn.clone());
            }
        }
    }

    fn on_stripe(&mut self, stripe_refund: &StripeRefundRef, change: impl FnOnce(&mut AtStripe)) {
        if let Some(at_stripe) = self.at_stripe.get_mut(stripe_refund) {
            change(at_stripe);
        }
    }
}
