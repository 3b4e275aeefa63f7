//! A message from Stripe: kept as it came, and then applied, ignored or put aside.
//! The stream is named after Stripe's event id, so the store itself refuses a second delivery.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use commands::WebhookEventCommand;
use errors::WebhookEventError;
use events::WebhookEventEvent;

pub use state::WebhookEvent;

impl Aggregate for WebhookEvent {
    const TYPE: &'static str = "stripe_event";
    type Command = WebhookEventCommand;
    type Event = WebhookEventEvent;
    type Error = WebhookEventError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
