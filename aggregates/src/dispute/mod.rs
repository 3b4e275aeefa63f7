//! A dispute is the issuer's process about a charge, with its own clock, and beside it our own
//! track: who answers, with which evidence, or whether it is accepted. Stripe's messages about it
//! merge by rank; its money is what its balance transactions took and gave back.

pub mod classes;
pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::DisputeCommand, errors::DisputeError, events::DisputeEvent};

pub use state::{Answer, Dispute};

impl Aggregate for Dispute {
    const TYPE: &'static str = "dispute";
    type Command = DisputeCommand;
    type Event = DisputeEvent;
    type Error = DisputeError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: DisputeCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), DisputeError> {
        let events = decide::decide(self, command, context)?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: DisputeEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod convergence;
#[cfg(test)]
mod tests;
