//! An organisation in one mode, live or sandbox: its policy, its time zone, its Stripe account.
//! Every stream and row belongs to exactly one tenant.

pub mod accounts;
pub mod commands;
mod decide;
pub mod errors;
pub mod events;
mod policy;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use commands::TenantCommand;
use errors::TenantError;
use events::TenantEvent;

pub use policy::check as check_policy;
pub use state::{Standing, Tenant};

impl Aggregate for Tenant {
    const TYPE: &'static str = "tenant";
    type Command = TenantCommand;
    type Event = TenantEvent;
    type Error = TenantError;
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
