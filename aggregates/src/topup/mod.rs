//! A top-up is money the platform moves from its bank into its Stripe balance. Stripe's messages
//! about it merge by rank; what moved the money is its balance transaction.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::TopupCommand, errors::TopupError, events::TopupEvent};

pub use state::{Topup, class};

impl Aggregate for Topup {
    const TYPE: &'static str = "topup";
    type Command = TopupCommand;
    type Event = TopupEvent;
    type Error = TopupError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: TopupCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), TopupError> {
        let events = decide::decide(self, command, context.now());
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: TopupEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
