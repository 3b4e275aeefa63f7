//! A membership is a person's right to something over time, sold in paid periods: by the platform
//! itself, or by a seller whose agent it is. What is paid in advance is owed until its days are
//! rendered.
//!
//! What a subscription goes through at Stripe (trials, failed renewals, seats, access) is not here
//! yet. It adds events of its own beside these; what a period is, and what it does to the books,
//! stays.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod evolve;
mod period;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, Timestamp, emit};

use self::{
    commands::{MembershipCommand, PaidPeriod},
    errors::MembershipError,
    events::MembershipEvent,
};

pub use decide::LAPSE_DAYS;
pub use state::{Membership, MembershipStatus, Period};

impl Membership {
    /// Whether a period could be sold as told, for those who want to know before they move money.
    ///
    /// # Errors
    /// What it would be refused for.
    pub fn check(&self, period: &PaidPeriod, now: Timestamp) -> Result<(), MembershipError> {
        decide::check(self, period, now)
    }
}

impl Aggregate for Membership {
    const TYPE: &'static str = "membership";
    type Command = MembershipCommand;
    type Event = MembershipEvent;
    type Error = MembershipError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: MembershipCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), MembershipError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: MembershipEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
