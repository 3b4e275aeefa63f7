//! How an order remembers what has happened to it.

use kernel::{DisputeId, PaymentId, RefundId, Timestamp};

use super::{
    events::{DisputeShare, OrderEvent, ShippedLine},
    state::{
        Checkout, DisputePart, DisputeStage, Lifecycle, LineState, Order, PaidBy, RefundPart,
        RefundStage, Shipment, Terms,
    },
};
use crate::vocabulary::{Components, LineNo, LineShare, money};

impl Order {
    #[expect(clippy::too_many_lines, reason = "one arm per event, so that none can be forgotten")]
    pub(super) fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed {
                order,
                reference,
                buyer,
                currency,
                origin,
                lines,
                discount,
                tax_jurisdiction,
                ship_to,
                totals,
                policy,
                expires_at,
                at,
            } => {
                self.lifecycle = Lifecycle::Placed;
                self.lines = lines.iter().cloned().map(LineState::placed).collect();
                self.terms = Some(Box::new(Terms {
                    order: *order,
                    reference: reference.clone(),
                    buyer: buyer.clone(),
                    currency: *currency,
                    origin: *origin,
                    discount: discount.clone(),
                    tax_jurisdiction: tax_jurisdiction.clone(),
                    ship_to: *ship_to,
                    totals: *totals,
                    policy: policy.clone(),
                    expires_at: *expires_at,
                    placed_at: *at,
                }));
            }
            OrderEvent::CheckoutStarted { payment, session, session_expires_at, .. } => {
                self.checkout = Some(Checkout {
                    payment: *payment,
                    session: session.clone(),
                    until: *session_expires_at,
                });
            }
            OrderEvent::PaymentAwaited { payment, until, .. } => {
                self.awaiting.insert(*payment, *until);
            }
            OrderEvent::PaymentAttemptFailed { payment, code, at } => {
                self.remember_failure(*payment, code, *at);
            }
            OrderEvent::Paid {
                payment,
                charge,
                currency,
                amount,
                lines,
                assume_funds_at,
                occurred_at,
                ..
            } => {
                self.assume_funds_at = *assume_funds_at;
                self.remember_payment(
                    PaidBy {
                        payment: *payment,
                        charge: charge.clone(),
                        amount: money(*amount, *currency),
                        occurred_at: *occurred_at,
                        reversed: false,
                    },
                    lines,
                );
            }
            OrderEvent::Confirmed { ship_by, at, .. } => {
                self.lifecycle = Lifecycle::Confirmed;
                self.confirmed_at = Some(*at);
                self.ship_by = *ship_by;
            }
            OrderEvent::Conflicted { payment, .. } => {
                self.lifecycle = Lifecycle::Conflicted;
                self.received.insert(*payment);
                self.awaiting.remove(payment);
            }
            OrderEvent::DuplicatePaymentReceived { payment, .. }
            | OrderEvent::LatePaymentReceived { payment, .. } => {
                self.received.insert(*payment);
            }
            OrderEvent::Revived { .. } => self.lifecycle = Lifecycle::Placed,
            OrderEvent::Expired { .. } => self.lifecycle = Lifecycle::Expired,
            OrderEvent::Cancelled { lines, whole, refunds, at, .. } => {
                self.cancel(lines, *whole, refunds, *at);
            }
            OrderEvent::FundsExpected { charge, available_on, .. } => {
                self.funds.insert(charge.clone(), *available_on);
            }
            OrderEvent::PayabilitySet { lines, .. } => {
                for (line, _) in lines {
                    self.on_line(*line, |line| line.payable = true);
                }
            }
            OrderEvent::LinesShipped {
                shipment,
                lines,
                carrier,
                tracking,
                auto_deliver_at,
                at,
            } => self.ship(
                shipment,
                Shipment {
                    lines: lines.clone(),
                    carrier: carrier.clone(),
                    tracking: tracking.clone(),
                    amended: None,
                    auto_deliver_at: *auto_deliver_at,
                    delivered: false,
                },
                *at,
            ),
            OrderEvent::TrackingAmended { shipment, carrier, tracking, .. } => {
                if let Some(shipment) = self.shipments.get_mut(shipment) {
                    shipment.amended = Some((carrier.clone(), tracking.clone()));
                }
            }
            OrderEvent::LinesDelivered { shipment, lines, at, .. } => {
                self.deliver(shipment, lines, *at);
            }
            OrderEvent::ShippingOverdue { .. } => self.overdue_noted = true,
            OrderEvent::Completed { at } => {
                self.lifecycle = Lifecycle::Completed;
                self.completed_at = Some(*at);
            }
            OrderEvent::RefundReserved { refund, share, amount, .. } => {
                self.reserve(*refund, share, *amount);
            }
            OrderEvent::RefundSettled { refund, at, .. } => self.settle(*refund, *at),
            OrderEvent::RefundReleased { refund, .. } => self.release(*refund),
            OrderEvent::ExternalRefundAllocated { refund, shares, at, .. } => {
                self.allocate(*refund, shares, *at);
            }
            OrderEvent::DisputeApplied {
                dispute,
                currency,
                amount,
                shares,
                overlap,
                excess,
                on_sellers,
                fee_on_sellers,
                inquiry,
                ..
            } => {
                let stage = if *inquiry { DisputeStage::Inquiry } else { DisputeStage::Chargeback };
                self.hold(
                    *dispute,
                    DisputePart {
                        currency: *currency,
                        amount: *amount,
                        stage,
                        on_sellers: *on_sellers,
                        fee_on_sellers: *fee_on_sellers,
                        shares: parts(shares),
                        overlap: *overlap,
                        excess: *excess,
                        revisions: Default::default(),
                    },
                );
            }
            OrderEvent::DisputeReleased { dispute, .. } => self.let_go(*dispute),
            OrderEvent::DisputeConcluded { dispute, shares, overlap_lost, excess, .. } => {
                self.lose(*dispute, shares);
                if let Some(part) = self.disputes.get_mut(dispute) {
                    part.overlap = *overlap_lost;
                    part.excess = *excess;
                }
            }
            OrderEvent::DisputeConclusionRevised {
                dispute,
                txn,
                shares,
                overlap_returned,
                excess,
                ..
            } => {
                self.regain(*dispute, shares);
                if let Some(part) = self.disputes.get_mut(dispute) {
                    part.overlap -= overlap_returned;
                    part.excess = (part.excess - excess).max(0);
                    part.revisions.insert(txn.clone());
                }
            }
            OrderEvent::CaptureReversed { shares, .. } => {
                self.lifecycle = Lifecycle::Cancelled;
                if let Some(paid) = &mut self.paid {
                    paid.reversed = true;
                }
                for share in shares {
                    self.on_line(share.line, |line| line.lost = line.lost.plus(&share.components));
                }
            }
        }
    }

    fn on_line(&mut self, line: LineNo, change: impl FnOnce(&mut LineState)) {
        if let Some(line) = self.lines.get_mut(usize::from(line.0)) {
            change(line);
        }
    }

    fn remember_failure(&mut self, payment: PaymentId, code: &str, at: Timestamp) {
        self.last_failure = Some((payment, code.to_owned()));
        if self.awaiting.remove(&payment).is_some() {
            // An asynchronous payment fails after its session is over: another may be opened.
            self.waited_until = Some(at);
            self.checkout.take_if(|checkout| checkout.payment == payment);
        }
    }

    fn remember_payment(&mut self, paid: PaidBy, lines: &[LineShare]) {
        self.received.insert(paid.payment);
        self.awaiting.clear();
        self.checkout = None;
        self.paid = Some(paid);
        for share in lines {
            self.on_line(share.line, |line| line.original = share.components);
        }
    }

    fn cancel(&mut self, lines: &[LineNo], whole: bool, refunds: &[(LineNo, i64)], at: Timestamp) {
        for line in lines {
            self.on_line(*line, |line| line.cancelled_at = Some(at));
        }
        for (line, due) in refunds {
            self.on_line(*line, |line| line.cancellation_due = *due);
        }
        if whole || self.lines.iter().all(|line| line.cancelled_at.is_some()) {
            self.lifecycle = Lifecycle::Cancelled;
        }
    }

    fn ship(&mut self, name: &str, shipment: Shipment, at: Timestamp) {
        for shipped in &shipment.lines {
            self.on_line(shipped.line, |line| {
                line.shipped = line.shipped.saturating_add(shipped.quantity);
                if line.shipped >= line.sold.quantity {
                    line.shipped_at = Some(at);
                }
            });
        }
        self.shipments.insert(name.to_owned(), shipment);
    }

    fn deliver(&mut self, shipment: &str, lines: &[ShippedLine], at: Timestamp) {
        for delivered in lines {
            self.on_line(delivered.line, |line| {
                line.delivered = line.delivered.saturating_add(delivered.quantity);
                if line.delivered >= line.sold.quantity {
                    line.delivered_at = Some(at);
                }
            });
        }
        if let Some(shipment) = self.shipments.get_mut(shipment) {
            shipment.delivered = true;
        }
    }

    fn reserve(&mut self, refund: RefundId, share: &LineShare, amount: i64) {
        self.on_line(share.line, |line| {
            line.reserved = line.reserved.plus(&share.components);
            line.cancellation_due = (line.cancellation_due - amount).max(0);
        });
        let shares = vec![(share.line, share.components)];
        self.refunds.insert(refund, RefundPart { shares, stage: RefundStage::Reserved });
    }

    fn settle(&mut self, refund: RefundId, at: Timestamp) {
        for (line, part) in self.move_refund(refund, RefundStage::Settled).1 {
            self.on_line(line, |line| {
                line.reserved = line.reserved.minus(&part);
                line.settled = line.settled.plus(&part);
                line.refunded_at = Some(at);
            });
        }
    }

    fn release(&mut self, refund: RefundId) {
        let (was, shares) = self.move_refund(refund, RefundStage::Released);
        for (line, part) in shares {
            self.on_line(line, |line| match was {
                RefundStage::Reserved => line.reserved = line.reserved.minus(&part),
                RefundStage::Settled => line.settled = line.settled.minus(&part),
                RefundStage::Released => {}
            });
        }
    }

    fn move_refund(
        &mut self,
        refund: RefundId,
        to: RefundStage,
    ) -> (RefundStage, Vec<(LineNo, Components)>) {
        match self.refunds.get_mut(&refund) {
            Some(part) => (std::mem::replace(&mut part.stage, to), part.shares.clone()),
            None => (to, Vec::new()),
        }
    }

    fn allocate(&mut self, refund: RefundId, shares: &[LineShare], at: Timestamp) {
        for share in shares {
            self.on_line(share.line, |line| {
                line.settled = line.settled.plus(&share.components);
                line.refunded_at = Some(at);
            });
        }
        let part = RefundPart { shares: parts(shares), stage: RefundStage::Settled };
        self.refunds.insert(refund, part);
    }

    /// Applied again, a dispute replaces what it held before.
    fn hold(&mut self, dispute: DisputeId, part: DisputePart) {
        self.let_go(dispute);
        for (line, share) in &part.shares {
            self.on_line(*line, |line| line.held = line.held.plus(share));
        }
        self.disputes.insert(dispute, part);
    }

    fn let_go(&mut self, dispute: DisputeId) {
        let Some(part) = self.disputes.get_mut(&dispute) else { return };
        if part.stage == DisputeStage::Concluded {
            return;
        }
        part.stage = DisputeStage::Released;
        for (line, share) in std::mem::take(&mut part.shares) {
            self.on_line(line, |line| line.held = line.held.minus(&share));
        }
    }

    fn lose(&mut self, dispute: DisputeId, shares: &[DisputeShare]) {
        for share in shares {
            self.on_line(share.lost.line, |line| {
                line.held = line.held.minus(&share.held);
                line.lost = line.lost.plus(&share.lost.components);
            });
        }
        if let Some(part) = self.disputes.get_mut(&dispute) {
            part.stage = DisputeStage::Concluded;
            part.shares =
                shares.iter().map(|share| (share.lost.line, share.lost.components)).collect();
        }
    }

    fn regain(&mut self, dispute: DisputeId, shares: &[LineShare]) {
        for share in shares {
            self.on_line(share.line, |line| line.lost = line.lost.minus(&share.components));
        }
        let Some(part) = self.disputes.get_mut(&dispute) else { return };
        for (line, lost) in &mut part.shares {
            for share in shares.iter().filter(|share| share.line == *line) {
                *lost = lost.minus(&share.components);
            }
        }
    }
}

fn parts(shares: &[LineShare]) -> Vec<(LineNo, Components)> {
    shares.iter().map(|share| (share.line, share.components)).collect()
}
