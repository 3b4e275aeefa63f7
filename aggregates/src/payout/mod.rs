//! Money on its way to a seller: a transfer to his connected account, then a payout from there to
//! his bank.
//! Stripe's facts may come late, twice and in any order, and leave the same payout behind; payouts
//! that Stripe makes on its own schedule are observed here too.

mod bank_leg;
pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod evolve;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use commands::PayoutCommand;
use errors::PayoutError;
use events::PayoutEvent;

pub use state::Payout;

impl Aggregate for Payout {
    const TYPE: &'static str = "payout";
    type Command = PayoutCommand;
    type Event = PayoutEvent;
    type Error = PayoutError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let events = decide::decide(self, command, context.tenant, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        evolve::evolve(self, event);
    }
}

#[cfg(test)]
mod tests;
