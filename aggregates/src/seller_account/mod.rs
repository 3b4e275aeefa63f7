//! A seller: whether he can be paid, and where his money stands in every currency.
//! Whatever gives to him or takes from him is decided here, one after the other, so that the split
//! of every debit is a recorded fact and never has to be computed again.

mod applied;
pub mod commands;
mod connection;
mod decide;
pub mod errors;
pub mod events;
mod evolve;
mod position;
mod shelf;
mod state;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};

use commands::SellerAccountCommand;
use errors::SellerAccountError;
use events::SellerAccountEvent;

pub use position::{PayoutStage, Position};
pub use state::SellerAccount;

impl Aggregate for SellerAccount {
    const TYPE: &'static str = "seller_account";
    type Command = SellerAccountCommand;
    type Event = SellerAccountEvent;
    type Error = SellerAccountError;
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
        evolve::evolve(self, event);
    }
}

#[cfg(test)]
mod tests;
