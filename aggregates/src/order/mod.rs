//! A priced order: what was sold to whom at which price, whether it is paid, and where the goods are.
//! It owns the budget of what can still be refunded or disputed, so that no two claims share a cent.

pub mod commands;
pub mod errors;
pub mod events;

mod decide;
mod evolve;
mod pricing;
mod questions;
mod repricing;
mod sharing;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::OrderCommand, errors::OrderError, events::OrderEvent};

pub use self::{
    questions::{DueTimes, Fulfilment, OrderStatus, PaymentStatus},
    repricing::placed_again,
    state::{Order, PaidBy},
};

impl Aggregate for Order {
    const TYPE: &'static str = "order";
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Error = OrderError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: OrderCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), OrderError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: OrderEvent) {
        self.evolve(&event);
    }
}

#[cfg(test)]
mod tests;
