//! What is known of a membership: its periods, and of each what is billed, rendered and given back.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::{Currency, Money, PaymentId, RefundId};
use serde::{Deserialize, Serialize};

use super::{
    events::{AgentFor, GivenBack, MembershipTerms, ServiceMonth, SoldBy},
    period::Schedule,
};
use crate::vocabulary::{ChargeRef, MembershipRef, PeriodRef, PeriodTerms};

/// In one word, where a membership is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MembershipStatus {
    /// There is none.
    Unknown,
    /// Started, and nothing is paid yet.
    Pending,
    /// A period is paid.
    Active,
    /// The last period has long been over.
    Lapsed,
    /// No further period follows.
    Ended,
}

/// How a period is over before its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CutShort {
    Cancelled,
    Replaced,
}

/// A refund of a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefundEntry {
    pub(super) amount: i64,
    pub(super) given_back: GivenBack,
    pub(super) reverted: bool,
}

/// A paid period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub(super) terms: PeriodTerms,
    pub(super) paid: Money,
    pub(super) charge: Option<ChargeRef>,
    pub(super) payment: Option<PaymentId>,
    pub(super) sold_by: SoldBy,
    pub(super) commission: i64,
    pub(super) months: Vec<ServiceMonth>,
    pub(super) carried: i64,
    /// What is recognised day by day in all: the billed amount of invariant I8.
    pub(super) billed: i64,
    pub(super) schedule: Schedule,
    pub(super) forfeited: i64,
    pub(super) carried_on: i64,
    /// What of `billed` was given back before it was rendered.
    pub(super) unrendered_back: i64,
    pub(super) refunds: BTreeMap<RefundId, RefundEntry>,
    /// What the bank took back.
    pub(super) reversed: Option<(i64, GivenBack)>,
    pub(super) cut_short: Option<(NaiveDate, CutShort)>,
    pub(super) funds_known: bool,
}

impl Period {
    /// What was sold.
    #[must_use]
    pub const fn terms(&self) -> &PeriodTerms {
        &self.terms
    }

    /// What is recognised in all unless some of it goes back: minor units.
    #[must_use]
    pub const fn billed(&self) -> i64 {
        self.billed
    }

    /// What has become income by its days, or was forfeited when it was cut short.
    #[must_use]
    pub const fn recognized(&self) -> i64 {
        self.schedule.recognized().saturating_add(self.forfeited)
    }

    /// What went back, or over to the period that replaced it, before it was rendered.
    #[must_use]
    pub const fn taken_out(&self) -> i64 {
        self.unrendered_back.saturating_add(self.carried_on)
    }

    /// What is paid and neither rendered nor taken out: never below zero.
    #[must_use]
    pub const fn deferred(&self) -> i64 {
        self.billed - self.recognized() - self.taken_out()
    }

    /// Whether it runs, or ran, to its last day.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.cut_short.is_none()
    }

    /// Whether it is open and not over on this day.
    pub(super) fn is_running(&self, today: NaiveDate) -> bool {
        self.is_open() && today < self.terms.end
    }

    /// The day from which on it is over.
    pub(super) fn over_on(&self) -> NaiveDate {
        self.cut_short.map_or(self.terms.end, |(day, _)| day.max(self.terms.start))
    }

    /// The cash that went back, minor units.
    #[must_use]
    pub fn given_back(&self) -> i64 {
        let refunds = self.refunds.values().filter(|entry| !entry.reverted);
        let refunds = refunds.fold(0_i64, |sum, entry| sum.saturating_add(entry.amount));
        refunds.saturating_add(self.reversed.map_or(0, |(amount, _)| amount))
    }

    /// The parts of what went back.
    pub(super) fn parts_back(&self) -> GivenBack {
        let refunds = self.refunds.values().filter(|entry| !entry.reverted);
        let all = refunds
            .map(|entry| entry.given_back)
            .chain(self.reversed.map(|(_, given_back)| given_back));
        all.fold(GivenBack::default(), |sum, part| GivenBack {
            tax: sum.tax.saturating_add(part.tax),
            deferred: sum.deferred.saturating_add(part.deferred),
            income: sum.income.saturating_add(part.income),
            seller: sum.seller.saturating_add(part.seller),
        })
    }

    /// The cash that could still go back.
    #[must_use]
    pub fn refundable(&self) -> i64 {
        self.paid.minor().saturating_sub(self.given_back()).max(0)
    }

    /// The seller, if the platform is his agent.
    pub(super) fn agent(&self) -> Option<AgentFor> {
        match &self.sold_by {
            SoldBy::Platform => None,
            SoldBy::Agent { seller, organizer, .. } => {
                Some(AgentFor { seller: *seller, organizer: organizer.clone() })
            }
        }
    }
}

/// One person's right to a product over time, by the periods that were paid for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Membership {
    pub(super) id: MembershipRef,
    pub(super) terms: Option<MembershipTerms>,
    pub(super) periods: Vec<Period>,
    pub(super) mrr: i64,
    pub(super) lapsed: bool,
    pub(super) ended: bool,
}

impl Membership {
    /// What it was started with.
    #[must_use]
    pub const fn terms(&self) -> Option<&MembershipTerms> {
        self.terms.as_ref()
    }

    /// Its one currency.
    #[must_use]
    pub fn currency(&self) -> Option<Currency> {
        self.terms.as_ref().map(|terms| terms.price.currency())
    }

    /// Its periods, in the order in which they were paid.
    #[must_use]
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// The platform's monthly recurring revenue from it, minor units.
    #[must_use]
    pub const fn mrr(&self) -> i64 {
        self.mrr
    }

    /// In one word, where it is.
    #[must_use]
    pub const fn status(&self) -> MembershipStatus {
        if self.terms.is_none() {
            MembershipStatus::Unknown
        } else if self.ended {
            MembershipStatus::Ended
        } else if self.lapsed {
            MembershipStatus::Lapsed
        } else if self.periods.is_empty() {
            MembershipStatus::Pending
        } else {
            MembershipStatus::Active
        }
    }

    /// The period of this name.
    #[must_use]
    pub fn period(&self, name: &PeriodRef) -> Option<&Period> {
        self.periods.iter().find(|period| period.terms.period == *name)
    }

    pub(super) fn period_mut(&mut self, name: &PeriodRef) -> Option<&mut Period> {
        self.periods.iter_mut().find(|period| period.terms.period == *name)
    }

    /// The period that a charge brought the money for.
    pub(super) fn period_of(&self, charge: &ChargeRef) -> Option<&Period> {
        self.periods.iter().find(|period| period.charge.as_ref() == Some(charge))
    }

    /// The period that was given this refund.
    pub(super) fn refunded(&self, refund: RefundId) -> Option<(&Period, &RefundEntry)> {
        self.periods
            .iter()
            .find_map(|period| period.refunds.get(&refund).map(|entry| (period, entry)))
    }

    /// The product it is of now: of the period that was paid last, or of the start.
    pub(super) fn product(&self) -> String {
        let last = self.periods.last().map(|period| &period.terms.product);
        last.or(self.terms.as_ref().map(|terms| &terms.product)).cloned().unwrap_or_default()
    }

    /// The period that ends last among those with days to come after this one.
    pub(super) fn last_running(&self, today: NaiveDate) -> Option<&Period> {
        let running = self.periods.iter().filter(|period| period.is_running(today));
        running.max_by_key(|period| period.terms.end)
    }

    /// The period that is over last.
    pub(super) fn last(&self) -> Option<&Period> {
        self.periods.iter().max_by_key(|period| period.over_on())
    }
}
