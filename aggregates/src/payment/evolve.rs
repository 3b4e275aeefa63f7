//! Remembering what has happened to a payment: a stored fact cannot be refused.

use kernel::{DisputeId, Money};

use super::{
    events::{CapturedMoney, Destination, FactObject, PaymentEvent},
    state::{
        Capture, Conclusion, DisputeEntry, ExternalRefund, FeeRecord, Known, Payment, Pot, Request,
        RequestState, Reservation,
    },
};
use crate::vocabulary::{ChargeRef, SetAsideReason};

impl Payment {
    #[expect(clippy::too_many_lines, reason = "one table: every event and what it changes")]
    pub(super) fn evolve(&mut self, event: PaymentEvent) {
        match event {
            PaymentEvent::Requested { order, expires_at, idempotency_key, .. } => {
                self.order.get_or_insert(order);
                let state = RequestState::Sent;
                self.request = Some(Request { idempotency_key, expires_at, state });
            }
            PaymentEvent::RequestUnknown { .. } => self.set_request(RequestState::Unknown),
            PaymentEvent::RequestRefused { .. } => self.set_request(RequestState::Refused),
            PaymentEvent::SessionOpened { session, .. } => {
                self.sessions.insert(session.clone());
                self.set_request(RequestState::Open(session));
            }
            PaymentEvent::FactMerged { object, id, status, rank, .. } => {
                match object {
                    FactObject::Session => {
                        self.sessions.insert(id.as_str().into());
                    }
                    FactObject::Intent => {
                        self.intents.insert(id.as_str().into());
                    }
                    FactObject::Charge => {}
                }
                self.objects.insert(id, Known { object, status, rank });
            }
            PaymentEvent::OrderLinked { order, .. } => {
                self.order.get_or_insert(order);
            }
            PaymentEvent::Processing { .. } | PaymentEvent::AttemptFailed { .. } => {
                self.patience_exceeded = false;
            }
            PaymentEvent::Authorized { intent, .. } => {
                self.intents.insert(intent);
            }
            PaymentEvent::Captured { charge, intent, amount, occurred_at, at, .. } => {
                self.intents.extend(intent);
                self.patience_exceeded = false;
                self.came.entry(charge.clone()).or_insert(amount);
                let money = CapturedMoney { charge, amount, occurred_at };
                self.capture = Some(Capture { money, at });
            }
            PaymentEvent::Canceled { .. } => {}
            PaymentEvent::SessionExpired { session, .. } => {
                self.sessions.insert(session);
            }
            PaymentEvent::FeeRecorded { charge, txn, fee, net, available_on, .. } => {
                let record = FeeRecord { charge: charge.clone(), txn, fee, net, available_on };
                self.fees.insert(charge, record);
            }
            // The fee was recorded; this is for the membership.
            PaymentEvent::MembershipFunded { .. } => {}
            PaymentEvent::RiskFlagged { risk, .. } => self.risks.push(risk),
            PaymentEvent::CaptureReversed { charge, txn, amount, order, .. } => {
                self.reversals.insert(txn, (charge.clone(), amount));
                if order.is_none() {
                    self.take(&charge, amount.minor());
                }
                self.reversed.insert(charge);
            }
            PaymentEvent::SetAside { charge, amount, reason, .. } => {
                self.came.entry(charge.clone()).or_insert(amount);
                self.put_aside(charge, amount, reason);
            }
            PaymentEvent::AttributedToOrder { charge, amount, order, .. } => {
                self.order.get_or_insert(order);
                self.take(&charge, amount.minor());
                if let Some(pot) = self.pot_mut(&charge) {
                    pot.attributed = Some((order, amount.minor()));
                }
            }
            PaymentEvent::AttributedToSellers { charge, shares, .. } => {
                let sum = shares.iter().map(|share| share.seller_net.saturating_add(share.fee));
                self.take(&charge, sum.fold(0, i64::saturating_add));
                if let Some(pot) = self.pot_mut(&charge) {
                    pot.shares = shares;
                }
            }
            PaymentEvent::AttributedToMembership { charge, amount, membership, terms, .. } => {
                self.take(&charge, amount.minor());
                if let Some(pot) = self.pot_mut(&charge) {
                    pot.membership = Some((membership, terms.period, amount.minor()));
                }
            }
            PaymentEvent::MembershipCaptureReversed { charge, txn, amount, .. } => {
                self.reversals.insert(txn, (charge.clone(), amount));
                self.reversed.insert(charge);
            }
            PaymentEvent::RefundRouted {
                refund,
                stripe_refund,
                charge,
                amount,
                to,
                occurred_at,
                ..
            } => {
                if to == Destination::Unallocated {
                    self.take(&charge, amount.minor());
                }
                let entry = ExternalRefund { stripe_refund, amount, occurred_at, to: Some(to) };
                self.refunds.entry(refund).or_insert(entry).to = Some(to);
            }
            PaymentEvent::RefundHeld { refund, stripe_refund, amount, occurred_at, .. } => {
                let entry = ExternalRefund { stripe_refund, amount, occurred_at, to: None };
                self.refunds.insert(refund, entry);
            }
            PaymentEvent::UnallocatedRefundReserved { refund, charge, amount, .. } => {
                self.take(&charge, amount.minor());
                let reservation = Reservation { charge, amount, released: false };
                self.reservations.insert(refund, reservation);
            }
            PaymentEvent::UnallocatedRefundReleased { refund, amount, .. } => {
                if let Some(reservation) = self.reservations.get_mut(&refund) {
                    reservation.released = true;
                    let charge = reservation.charge.clone();
                    self.give(&charge, amount.minor());
                }
            }
            PaymentEvent::DisputeRouted { dispute, amount, inquiry, to, .. } => {
                self.place_dispute(dispute, amount, inquiry, Some(to));
            }
            PaymentEvent::DisputeHeld { dispute, amount, inquiry, .. } => {
                self.place_dispute(dispute, amount, inquiry, None);
            }
            PaymentEvent::DisputeConclusionHeld {
                dispute,
                stripe_dispute,
                withdrawn,
                reinstated,
                lost,
                revised_by,
                occurred_at,
                ..
            } => {
                if let Some(entry) = self.disputes.get_mut(&dispute) {
                    entry.revised.extend(revised_by);
                    entry.concluded = true;
                    entry.held = Some(Conclusion {
                        stripe_dispute,
                        withdrawn,
                        reinstated,
                        lost,
                        occurred_at,
                    });
                }
            }
            PaymentEvent::DisputeConclusionRouted { dispute, .. } => {
                self.conclude_dispute(dispute, 0, 0);
            }
            PaymentEvent::DisputeRevisionRouted { dispute, txn, .. } => {
                if let Some(entry) = self.disputes.get_mut(&dispute) {
                    entry.revised.insert(txn);
                }
            }
            PaymentEvent::UnallocatedDisputeRevised {
                dispute,
                charge,
                txn,
                returned,
                excess_returned,
                ..
            } => {
                self.give(&charge, returned);
                if let Some(entry) = self.disputes.get_mut(&dispute) {
                    entry.lost -= returned;
                    entry.excess_lost -= excess_returned;
                    entry.revised.insert(txn);
                }
            }
            PaymentEvent::UnallocatedDisputeConcluded {
                dispute,
                charge,
                lost,
                excess_lost,
                ..
            } => {
                self.take(&charge, lost);
                self.conclude_dispute(dispute, lost, excess_lost);
            }
            PaymentEvent::ApplicationFeeEarned { fee, .. } => {
                self.application_fees.insert(fee);
            }
            PaymentEvent::ApplicationFeeRefunded { refund, .. } => {
                self.application_fees.insert(refund);
            }
            PaymentEvent::PatienceExceeded { .. } => self.patience_exceeded = true,
            PaymentEvent::Converted { txn, .. } => {
                self.converted.insert(txn);
            }
        }
    }

    fn set_request(&mut self, state: RequestState) {
        if let Some(request) = &mut self.request {
            request.state = state;
        }
    }

    fn take(&mut self, charge: &ChargeRef, minor: i64) {
        if let Some(pot) = self.pot_mut(charge) {
            pot.free = pot.free.saturating_sub(minor).max(0);
        }
    }

    fn give(&mut self, charge: &ChargeRef, minor: i64) {
        if let Some(pot) = self.pot_mut(charge) {
            pot.free = pot.free.saturating_add(minor);
        }
    }

    fn put_aside(&mut self, charge: ChargeRef, amount: Money, reason: SetAsideReason) {
        let first_offered_to = self.order.filter(|_| reason != SetAsideReason::Unattributed);
        if let Some(pot) = self.pot_mut(&charge) {
            pot.refused_by.extend(pot.attributed.take().map(|(order, _)| order));
            pot.membership = None;
            pot.reason = reason;
            pot.free = pot.free.saturating_add(amount.minor());
        } else {
            self.pots.push(Pot {
                charge,
                currency: amount.currency(),
                reason,
                free: amount.minor(),
                attributed: None,
                shares: Vec::new(),
                refused_by: first_offered_to.into_iter().collect(),
                membership: None,
            });
        }
    }

    fn place_dispute(
        &mut self,
        dispute: DisputeId,
        amount: Money,
        inquiry: bool,
        to: Option<Destination>,
    ) {
        let previous = self.disputes.remove(&dispute);
        let (revised, held) = previous.map(|entry| (entry.revised, entry.held)).unwrap_or_default();
        // A conclusion that waited belongs to what waited; an escalation starts afresh.
        let held = held.filter(|_| to.is_some());
        let entry = DisputeEntry {
            amount,
            inquiry,
            to,
            concluded: false,
            lost: 0,
            excess_lost: 0,
            held,
            revised,
        };
        self.disputes.insert(dispute, entry);
    }

    fn conclude_dispute(&mut self, dispute: DisputeId, lost: i64, excess_lost: i64) {
        if let Some(entry) = self.disputes.get_mut(&dispute) {
            entry.concluded = true;
            entry.held = None;
            entry.lost = lost;
            entry.excess_lost = excess_lost;
        }
    }
}
