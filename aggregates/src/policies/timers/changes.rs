//! Which fact sets or clears which timer.

use kernel::{PaymentId, Timestamp};

use super::{DisputeDetail, RecognitionDetail, ReleaseDetail, Timer, TimerChange, TimerKind, key};
use crate::{
    dispute::events::DisputeEvent,
    fact::Fact,
    membership::{
        LAPSE_DAYS,
        events::{MembershipEvent, NextDay},
    },
    order::events::OrderEvent,
    payment::events::PaymentEvent,
    payout::events::PayoutEvent,
    refund::{STUCK_DAYS, events::RefundEvent},
    seller_account::events::SellerAccountEvent,
    vocabulary::{Claim, ClaimRef, PeriodRef},
    webhook_event::events::WebhookEventEvent,
};

/// Hours that captured money, or a parked webhook, waits for what it belongs to.
const PARKED_HOURS_MAX: i64 = 72;
/// Days an asynchronous payment may take before somebody looks.
const PATIENCE_DAYS: i64 = 14;
/// Days after its arrival date before a payout in transit is looked into.
const PAYOUT_STUCK_DAYS: i64 = 3;
/// Hours before a dispute's deadline at which an alarm is raised.
const DEADLINE_HOURS: [u32; 3] = [72, 24, 6];

/// What this fact does to the timers of its tenant. `stream` is the id of its stream.
#[must_use]
pub fn changes(fact: &Fact, stream: &str) -> Vec<TimerChange> {
    let mut timers = Timers { stream, changes: Vec::new() };
    match fact {
        Fact::Order(event) => timers.on_order(event),
        Fact::Payment(event) => timers.on_payment(event),
        Fact::Refund(event) => timers.on_refund(event),
        Fact::Dispute(event) => timers.on_dispute(event),
        Fact::SellerAccount(event) => timers.on_seller_account(event),
        Fact::Membership(event) => timers.on_membership(event),
        Fact::Payout(event) => timers.on_payout(event),
        Fact::WebhookEvent(event) => timers.on_webhook(event),
        Fact::Adjustment(_)
        | Fact::ApiKey(_)
        | Fact::BalanceTransaction(_)
        | Fact::Link(_)
        | Fact::Period(_)
        | Fact::Rejection(_)
        | Fact::Tenant(_)
        | Fact::Topup(_) => {}
    }
    timers.changes
}

struct Timers<'a> {
    stream: &'a str,
    changes: Vec<TimerChange>,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "most facts touch no timer")]
impl Timers<'_> {
    fn set(&mut self, kind: TimerKind, due: Timestamp) {
        self.changes.push(TimerChange::Set(Timer::new(kind, self.stream, due)));
    }

    fn clear(&mut self, kind: TimerKind) {
        self.changes.push(TimerChange::Clear(key(kind, self.stream)));
    }

    fn clear_about(&mut self, kind: TimerKind, name: &str) {
        self.changes.push(TimerChange::Clear(format!("{}:{name}", key(kind, self.stream))));
    }

    fn on_order(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { expires_at, totals, .. } if totals.total > 0 => {
                self.set(TimerKind::OrderExpiry, *expires_at);
            }
            OrderEvent::PaymentAwaited { until, .. } => self.set(TimerKind::OrderExpiry, *until),
            // The order knows its own deadline; until then it answers "too early".
            OrderEvent::PaymentAttemptFailed { at, .. } => self.set(TimerKind::OrderExpiry, *at),
            OrderEvent::Expired { .. } | OrderEvent::Conflicted { .. } => {
                self.clear(TimerKind::OrderExpiry);
            }
            OrderEvent::Cancelled { whole: true, .. } => self.clear(TimerKind::OrderExpiry),
            OrderEvent::Cancelled { complete_at: Some(due), .. }
            | OrderEvent::RefundSettled { complete_at: Some(due), .. }
            | OrderEvent::ExternalRefundAllocated { complete_at: Some(due), .. } => {
                self.set(TimerKind::OrderCompletion, *due);
            }
            OrderEvent::Paid { assume_funds_at: Some(due), .. } => {
                self.set(TimerKind::AssumeFunds, *due);
            }
            OrderEvent::Confirmed { ship_by, complete_at, .. } => {
                self.clear(TimerKind::OrderExpiry);
                if let Some(due) = ship_by {
                    self.set(TimerKind::ShippingOverdue, *due);
                }
                if let Some(due) = complete_at {
                    self.set(TimerKind::OrderCompletion, *due);
                }
            }
            OrderEvent::FundsExpected { .. } => self.clear(TimerKind::AssumeFunds),
            OrderEvent::PayabilitySet { lines, payable_at, reserve_bps, reserve_days, .. } => {
                let Ok(order) = self.stream.parse() else { return };
                for (line, seller) in lines {
                    let claim = Claim::of_line(order, *line);
                    let detail = ReleaseDetail {
                        claim: claim.clone(),
                        reserve_bps: *reserve_bps,
                        reserve_days: *reserve_days,
                    };
                    let timer = Timer::new(TimerKind::Release, seller, *payable_at);
                    self.changes.push(TimerChange::Set(timer.about(&claim.0, &detail)));
                }
            }
            OrderEvent::LinesShipped { shipment, auto_deliver_at, .. } => {
                let timer = Timer::new(TimerKind::AutoDeliver, self.stream, *auto_deliver_at);
                self.changes.push(TimerChange::Set(timer.about(shipment, shipment)));
            }
            OrderEvent::LinesDelivered { shipment, complete_at, .. } => {
                self.clear_about(TimerKind::AutoDeliver, shipment);
                if let Some(due) = complete_at {
                    self.clear(TimerKind::ShippingOverdue);
                    self.set(TimerKind::OrderCompletion, *due);
                }
            }
            OrderEvent::ShippingOverdue { .. } => self.clear(TimerKind::ShippingOverdue),
            OrderEvent::Completed { .. } => {
                self.clear(TimerKind::ShippingOverdue);
                self.clear(TimerKind::OrderCompletion);
            }
            _ => {}
        }
    }

    fn on_payment(&mut self, event: &PaymentEvent) {
        match event {
            PaymentEvent::Captured { order, at, .. } => {
                self.clear(TimerKind::PaymentPatience);
                if order.is_none() {
                    let due = at.plus_seconds(PARKED_HOURS_MAX * 3600);
                    self.set(TimerKind::Unattributed, due);
                }
            }
            PaymentEvent::OrderLinked { .. } | PaymentEvent::SetAside { .. } => {
                self.clear(TimerKind::Unattributed);
            }
            PaymentEvent::Processing { at, .. } => {
                self.set(TimerKind::PaymentPatience, at.plus_days(PATIENCE_DAYS));
            }
            PaymentEvent::AttemptFailed { .. }
            | PaymentEvent::Canceled { .. }
            | PaymentEvent::PatienceExceeded { .. } => self.clear(TimerKind::PaymentPatience),
            PaymentEvent::AttributedToSellers { shares, at, .. } => {
                let Ok(payment) = self.stream.parse::<PaymentId>() else { return };
                for share in shares.iter().filter(|share| share.seller_net > 0) {
                    // A person has decided; nothing is left to wait for.
                    let claim = Claim::of_attribution(payment, share.seller);
                    let detail = ReleaseDetail {
                        claim: claim.clone(),
                        reserve_bps: kernel::Rate::ZERO,
                        reserve_days: 0,
                    };
                    let timer = Timer::new(TimerKind::Release, share.seller, *at);
                    self.changes.push(TimerChange::Set(timer.about(&claim.0, &detail)));
                }
            }
            _ => {}
        }
    }

    fn on_refund(&mut self, event: &RefundEvent) {
        match event {
            RefundEvent::Requested { decide_by, .. } => {
                self.set(TimerKind::RefundDecision, *decide_by);
            }
            RefundEvent::Approved { .. }
            | RefundEvent::Declined { .. }
            | RefundEvent::Withdrawn { .. }
            | RefundEvent::Escalated { .. } => self.clear(TimerKind::RefundDecision),
            RefundEvent::Pending { at, .. } => {
                self.set(TimerKind::RefundStuck, at.plus_days(STUCK_DAYS));
            }
            RefundEvent::Succeeded { .. }
            | RefundEvent::Failed { .. }
            | RefundEvent::Canceled { .. }
            | RefundEvent::Stuck { .. } => self.clear(TimerKind::RefundStuck),
            _ => {}
        }
    }

    fn on_dispute(&mut self, event: &DisputeEvent) {
        match event {
            DisputeEvent::Opened { due_by, .. } | DisputeEvent::StatusChanged { due_by, .. } => {
                self.clear_deadlines();
                if let Some(due_by) = due_by {
                    self.set_deadlines(*due_by);
                }
            }
            DisputeEvent::EvidenceSubmitted { .. }
            | DisputeEvent::Accepted { .. }
            | DisputeEvent::EvidenceDeadlineMissed { .. }
            | DisputeEvent::Closed { .. } => self.clear_deadlines(),
            DisputeEvent::DeadlineNear { hours, .. } => {
                self.clear_about(TimerKind::DisputeDeadlineNear, &hours.to_string());
            }
            _ => {}
        }
    }

    fn set_deadlines(&mut self, due_by: Timestamp) {
        for hours in DEADLINE_HOURS {
            let due = due_by.plus_seconds(-i64::from(hours) * 3600);
            let timer = Timer::new(TimerKind::DisputeDeadlineNear, self.stream, due);
            let timer = timer.about(&hours.to_string(), &DisputeDetail { hours });
            self.changes.push(TimerChange::Set(timer));
        }
        self.set(TimerKind::DisputeDeadlineMissed, due_by);
    }

    fn clear_deadlines(&mut self) {
        for hours in DEADLINE_HOURS {
            self.clear_about(TimerKind::DisputeDeadlineNear, &hours.to_string());
        }
        self.clear(TimerKind::DisputeDeadlineMissed);
    }

    fn on_seller_account(&mut self, event: &SellerAccountEvent) {
        match event {
            SellerAccountEvent::Released { claim, reserve_until, .. } => {
                self.clear_about(TimerKind::Release, &claim.0);
                if let Some(due) = reserve_until {
                    self.set_about_claim(TimerKind::ReserveRelease, claim, *due);
                }
            }
            SellerAccountEvent::ReserveReleased { claim, .. } => {
                self.clear_about(TimerKind::ReserveRelease, &claim.0);
            }
            SellerAccountEvent::PayoutScheduleSet { schedule, next_due, .. } => {
                // The interval travels in the timer, so that it can say when it is due next.
                self.clear(TimerKind::PayoutSchedule);
                if let Some(due) = next_due {
                    let mut timer = Timer::new(TimerKind::PayoutSchedule, self.stream, *due);
                    timer.detail = serde_json::to_string(&schedule.interval).unwrap_or_default();
                    self.changes.push(TimerChange::Set(timer));
                }
            }
            SellerAccountEvent::ScheduleRan { next_due, interval, .. } => match next_due {
                Some(due) => {
                    let mut timer = Timer::new(TimerKind::PayoutSchedule, self.stream, *due);
                    timer.detail = serde_json::to_string(interval).unwrap_or_default();
                    self.changes.push(TimerChange::Set(timer));
                }
                None => self.clear(TimerKind::PayoutSchedule),
            },
            SellerAccountEvent::RecoveryOpened { currency, at, .. } => {
                for (kind, days) in
                    [(TimerKind::RecoveryReminder, 90), (TimerKind::WriteOffProposal, 180)]
                {
                    let timer = Timer::new(kind, self.stream, at.plus_days(days));
                    let timer = timer.about(currency.code(), currency);
                    self.changes.push(TimerChange::Set(timer));
                }
            }
            SellerAccountEvent::RecoveryReminded { currency, .. } => {
                self.clear_about(TimerKind::RecoveryReminder, currency.code());
            }
            SellerAccountEvent::WriteOffProposed { currency, .. } => {
                self.clear_about(TimerKind::WriteOffProposal, currency.code());
            }
            SellerAccountEvent::RecoveryClosed { currency, .. } => {
                self.clear_about(TimerKind::RecoveryReminder, currency.code());
                self.clear_about(TimerKind::WriteOffProposal, currency.code());
            }
            _ => {}
        }
    }

    fn set_about_claim(&mut self, kind: TimerKind, claim: &ClaimRef, due: Timestamp) {
        let timer = Timer::new(kind, self.stream, due).about(&claim.0, claim);
        self.changes.push(TimerChange::Set(timer));
    }

    fn on_payout(&mut self, event: &PayoutEvent) {
        match event {
            PayoutEvent::TransferDeferred { retry_at, .. } => {
                self.set(TimerKind::PayoutRetry, *retry_at);
            }
            PayoutEvent::TransferSubmitted { .. }
            | PayoutEvent::TransferCreated { .. }
            | PayoutEvent::Rejected { .. } => self.clear(TimerKind::PayoutRetry),
            PayoutEvent::Sent { arrival: Some(arrival), .. } => {
                self.set(TimerKind::PayoutStuck, arrival.plus_days(PAYOUT_STUCK_DAYS));
            }
            PayoutEvent::Paid { .. }
            | PayoutEvent::Failed { .. }
            | PayoutEvent::Canceled { .. }
            | PayoutEvent::Stuck { .. } => self.clear(TimerKind::PayoutStuck),
            _ => {}
        }
    }

    fn on_membership(&mut self, event: &MembershipEvent) {
        match event {
            MembershipEvent::PeriodPaid { terms, next, .. } => {
                self.set_next_day(&terms.period, next.as_ref());
                if let Some(end) = terms.ends_at() {
                    self.set(TimerKind::MembershipLapse, end.plus_days(LAPSE_DAYS));
                }
            }
            MembershipEvent::RevenueRecognized { period, next, .. } => {
                self.set_next_day(period, next.as_ref());
            }
            MembershipEvent::PeriodCancelled { period, .. }
            | MembershipEvent::PeriodReplaced { period, .. } => self.set_next_day(period, None),
            MembershipEvent::FundsExpected { seller, releases, .. } => {
                for (claim, due) in releases {
                    let detail = ReleaseDetail {
                        claim: claim.clone(),
                        reserve_bps: kernel::Rate::ZERO,
                        reserve_days: 0,
                    };
                    let timer = Timer::new(TimerKind::Release, seller, *due);
                    self.changes.push(TimerChange::Set(timer.about(&claim.0, &detail)));
                }
            }
            MembershipEvent::Ended { .. } | MembershipEvent::Lapsed { .. } => {
                self.clear(TimerKind::MembershipLapse);
            }
            _ => {}
        }
    }

    fn set_next_day(&mut self, period: &PeriodRef, next: Option<&NextDay>) {
        let kind = TimerKind::MembershipRecognition;
        match next {
            Some(NextDay { day, due }) => {
                let detail = RecognitionDetail { period: period.clone(), day: *day };
                let timer = Timer::new(kind, self.stream, *due).about(period.as_str(), &detail);
                self.changes.push(TimerChange::Set(timer));
            }
            None => self.clear_about(kind, period.as_str()),
        }
    }

    fn on_webhook(&mut self, event: &WebhookEventEvent) {
        match event {
            WebhookEventEvent::Parked { at, .. } => {
                let due = at.plus_seconds(PARKED_HOURS_MAX * 3600);
                self.set(TimerKind::WebhookDeadLetter, due);
            }
            WebhookEventEvent::Applied { .. }
            | WebhookEventEvent::Ignored { .. }
            | WebhookEventEvent::Quarantined { .. }
            | WebhookEventEvent::DeadLettered { .. }
            | WebhookEventEvent::RetryRequested { .. } => {
                self.clear(TimerKind::WebhookDeadLetter);
            }
            WebhookEventEvent::Received { .. } => {}
        }
    }
}
