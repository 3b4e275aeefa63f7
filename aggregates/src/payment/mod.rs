//! A payment gathers what Stripe says, in any order and any number of times, about being paid for
//! one thing, and shields the order from that order of arrival. It says once what has happened, and
//! where money, refunds and disputes belong: to an order, or set aside until somebody decides.

pub mod classes;
pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod evolve;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use self::{commands::PaymentCommand, errors::PaymentError, events::PaymentEvent};

pub use state::{FeeRecord, Payment, PaymentStatus};

impl Aggregate for Payment {
    const TYPE: &'static str = "payment";
    type Command = PaymentCommand;
    type Event = PaymentEvent;
    type Error = PaymentError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: PaymentCommand,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), PaymentError> {
        let events = decide::decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: PaymentEvent) {
        self.evolve(event);
    }
}

#[cfg(test)]
mod convergence;
#[cfg(test)]
mod tests;
