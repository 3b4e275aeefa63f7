//! Money on its way back to a buyer: asked for, decided, sent through Stripe, and followed until it
//! has arrived. If it fails it is still owed, until it is sent again, paid otherwise or forgone.

pub mod commands;
pub mod errors;
pub mod events;

mod decide;
mod evolve;
mod merge;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::RefundCommand, errors::RefundError, events::RefundEvent};

pub use self::state::{Refund, RefundStatus, STUCK_DAYS};

impl Aggregate for Refund {
    const TYPE: &'static str = "refund";
    type Command = RefundCommand;
    type Event = RefundEvent;
    type Error = RefundError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: RefundCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), RefundError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: RefundEvent) {
        self.evolve(&event);
    }
}

#[cfg(test)]
mod tests;
