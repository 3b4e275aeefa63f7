//! A key to Daybook: who holds it may do what its role and its scopes say.
//! The secret is shown once and only its hash is kept; a rotated key's old secret stays good for a
//! while, so that nobody has to change it everywhere at the same moment.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use commands::ApiKeyCommand;
use errors::ApiKeyError;
use events::ApiKeyEvent;

pub use decide::SCOPES;
pub use state::{ApiKey, KeyRefusal};

impl Aggregate for ApiKey {
    const TYPE: &'static str = "api_key";
    type Command = ApiKeyCommand;
    type Event = ApiKeyEvent;
    type Error = ApiKeyError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let events = decide::decide(self, command, context.mode, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
