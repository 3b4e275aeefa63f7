//! What each event leaves behind.

use super::{
    events::MembershipEvent,
    period::Schedule,
    state::{CutShort, Membership, Period, RefundEntry},
};
use crate::calendar;

impl Membership {
    #[expect(clippy::too_many_lines, reason = "one table: every event and what it leaves behind")]
    pub(super) fn evolve(&mut self, event: MembershipEvent) {
        match event {
            MembershipEvent::Started { membership, terms, .. } => {
                self.id = membership;
                self.terms = Some(terms);
            }
            MembershipEvent::PeriodPaid {
                terms,
                paid,
                charge,
                payment,
                sold_by,
                deferred,
                carried,
                commission,
                months,
                mrr,
                ..
            } => {
                let schedule = Schedule::new(deferred, terms.days());
                self.mrr = mrr;
                self.lapsed = false;
                self.periods.push(Period {
                    terms,
                    paid,
                    charge,
                    payment,
                    sold_by,
                    commission,
                    months,
                    carried,
                    billed: deferred,
                    schedule,
                    forfeited: 0,
                    carried_on: 0,
                    unrendered_back: 0,
                    refunds: std::collections::BTreeMap::new(),
                    reversed: None,
                    cut_short: None,
                    funds_known: false,
                });
            }
            // The money is the payment's again.
            MembershipEvent::PeriodRefused { .. } => {}
            MembershipEvent::FundsExpected { period, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    period.funds_known = true;
                }
            }
            MembershipEvent::RevenueRecognized { period, through, cumulative, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    let days = calendar::days_between(period.terms.start, through) + 1;
                    period.schedule.advance(days, cumulative);
                }
            }
            MembershipEvent::PeriodRefunded { period, refund, amount, given_back, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    period.unrendered_back += given_back.deferred;
                    period.schedule.take(given_back.deferred);
                    let amount = amount.minor();
                    period
                        .refunds
                        .insert(refund, RefundEntry { amount, given_back, reverted: false });
                }
            }
            MembershipEvent::RefundReverted { period, refund, .. } => {
                let period = self.period_mut(&period);
                if let Some(entry) = period.and_then(|period| period.refunds.get_mut(&refund)) {
                    entry.reverted = true;
                }
            }
            MembershipEvent::CaptureReversed { period, amount, given_back, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    period.unrendered_back += given_back.deferred;
                    period.schedule.take(given_back.deferred);
                    period.reversed = Some((amount.minor(), given_back));
                }
            }
            MembershipEvent::PeriodReplaced { period, day, carried, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    period.carried_on += carried.minor();
                    period.schedule.take(carried.minor());
                    period.cut_short = Some((day, CutShort::Replaced));
                }
            }
            MembershipEvent::PeriodCancelled { period, day, forfeited, .. } => {
                if let Some(period) = self.period_mut(&period) {
                    period.schedule.take(forfeited);
                    period.forfeited += forfeited;
                    period.cut_short = Some((day, CutShort::Cancelled));
                }
            }
            MembershipEvent::Ended { .. } => {
                self.ended = true;
                self.mrr = 0;
            }
            MembershipEvent::Lapsed { .. } => {
                self.lapsed = true;
                self.mrr = 0;
            }
        }
    }
}
