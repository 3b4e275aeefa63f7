//! The rules of a membership: what each command leads to.

mod ending;
mod rendering;
mod returning;
mod selling;

use chrono::NaiveDate;
use kernel::Timestamp;

use super::{
    commands::{MembershipCommand, PaidPeriod},
    errors::MembershipError,
    events::{MembershipEvent, MembershipTerms},
    state::{Membership, Period},
};
use crate::{
    calendar,
    vocabulary::{MembershipRef, PeriodRef},
};

/// Days after the last period's end after which a membership counts as lapsed. A payment that nobody
/// claims is set aside after three days, so a person has a week and a half to see to it.
pub const LAPSE_DAYS: i64 = 14;

type Decided = Result<Vec<MembershipEvent>, MembershipError>;

/// A membership that remembers each event as it is decided, for commands from which several follow.
struct Decision {
    membership: Membership,
    events: Vec<MembershipEvent>,
    now: Timestamp,
}

impl Decision {
    fn new(membership: &Membership, now: Timestamp) -> Self {
        Self { membership: membership.clone(), events: Vec::new(), now }
    }

    fn record(&mut self, event: MembershipEvent) {
        self.membership.evolve(event.clone());
        self.events.push(event);
    }

    /// The period of this name, as the events so far have left it.
    fn period(&self, name: &PeriodRef) -> Result<Period, MembershipError> {
        self.membership.period(name).cloned().ok_or_else(|| unknown_period(name))
    }

    /// The version of the policy the membership was started under.
    fn policy(&self) -> u32 {
        self.membership.terms.as_ref().map_or(0, |terms| terms.policy)
    }
}

fn unknown_period(name: &PeriodRef) -> MembershipError {
    MembershipError::PeriodUnknown { period: name.to_string() }
}

/// The day it is where this period's days are counted.
fn today(period: &Period, now: Timestamp) -> NaiveDate {
    calendar::day_of(now, period.terms.zone)
}

pub(super) fn check(
    membership: &Membership,
    period: &PaidPeriod,
    now: Timestamp,
) -> Result<(), MembershipError> {
    selling::check(membership, period, now)
}

pub(super) fn decide(
    membership: &Membership,
    command: MembershipCommand,
    now: Timestamp,
) -> Decided {
    match command {
        MembershipCommand::Start { membership: id, terms } => start(membership, id, *terms, now),
        MembershipCommand::RecordPaidPeriod(period) => selling::record(membership, *period, now),
        MembershipCommand::NoteFunds { period, available_on } => {
            selling::note_funds(membership, &period, available_on, now)
        }
        MembershipCommand::RecogniseThrough { period, day } => {
            rendering::recognise(membership, &period, day, now)
        }
        MembershipCommand::RefundPeriod { refund, period, amount, reason, by } => {
            returning::refund(membership, refund, &period, amount, (reason, by), now)
        }
        MembershipCommand::RevertRefund { refund } => returning::revert(membership, refund, now),
        MembershipCommand::ReverseCapture { charge, amount, occurred_at } => {
            returning::reverse(membership, &charge, amount, occurred_at, now)
        }
        MembershipCommand::Cancel { period, refund, reason, by } => {
            ending::cancel(membership, period.as_ref(), refund, (reason, by), now)
        }
        MembershipCommand::End { reason, by } => ending::end(membership, reason, by, now),
        MembershipCommand::Lapse => ending::lapse(membership, now),
    }
}

fn start(
    membership: &Membership,
    id: MembershipRef,
    terms: MembershipTerms,
    now: Timestamp,
) -> Decided {
    match &membership.terms {
        Some(known) if *known == terms => return Ok(vec![]),
        Some(_) => return Err(MembershipError::AlreadyStarted),
        None => {}
    }
    selling::check_product(&terms.product)?;
    if terms.price.minor() < 0 {
        return Err(MembershipError::AmountNotPositive);
    }
    Ok(vec![MembershipEvent::Started { membership: id, terms, at: now }])
}
