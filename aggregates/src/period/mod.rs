//! The accounting periods of a tenant, one stream: which days are closed. What takes effect in a
//! closed period after it was closed is dated into the open one (see decision 14), so a report of a
//! closed period never changes.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod revalue;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::PeriodCommand, errors::PeriodError, events::PeriodEvent};

pub use state::Period;

/// The id of a tenant's one stream of periods.
pub const STREAM: &str = "books";

impl Aggregate for Period {
    const TYPE: &'static str = "period";
    type Command = PeriodCommand;
    type Event = PeriodEvent;
    type Error = PeriodError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: PeriodCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), PeriodError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: PeriodEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
