//! A manual adjustment of the books: one person proposes lines, another approves them. Only the
//! approval posts, and it repeats the lines, so what it posts depends on that one fact.
//!
//! A seller's money is never adjusted directly: such a line names the seller instead of an account,
//! is posted to a claim, and the seller's account moves it from there.

pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod fitting;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::AdjustmentCommand, errors::AdjustmentError, events::AdjustmentEvent};

pub use state::{Adjustment, Status};

impl Aggregate for Adjustment {
    const TYPE: &'static str = "adjustment";
    type Command = AdjustmentCommand;
    type Event = AdjustmentEvent;
    type Error = AdjustmentError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: AdjustmentCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), AdjustmentError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: AdjustmentEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod tests;
