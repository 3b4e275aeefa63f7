//! One movement of a Stripe balance, recorded once: the only thing that moves `assets:stripe:*`.
//! The stream is named after Stripe's id, so the store itself refuses a second one.

pub mod events;

use cqrs_es::{Aggregate, event_sink::EventSink};
use kernel::{Context, emit};
use serde::{Deserialize, Serialize};

pub use events::{BalanceTransactionEvent, FeeDetail, Provenance, TransactionRecord};

/// What a balance transaction can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BalanceTransactionCommand {
    /// Record it. Recorded again with other figures, it is contradicted, visibly.
    Record(Box<TransactionRecord>),
}

/// A balance transaction never refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
pub enum BalanceTransactionError {
    /// Net is not amount less fee, so it cannot be what Stripe said.
    #[error("net {net} is not amount {amount} less fee {fee}")]
    DoesNotAdd {
        /// Minor units.
        amount: i64,
        /// Minor units.
        fee: i64,
        /// Minor units.
        net: i64,
    },
}

/// What is known of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BalanceTransaction {
    record: Option<TransactionRecord>,
    contradicted: bool,
}

impl Aggregate for BalanceTransaction {
    const TYPE: &'static str = "balance_transaction";
    type Command = BalanceTransactionCommand;
    type Event = BalanceTransactionEvent;
    type Error = BalanceTransactionError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let events = decide(self, command, context.now())?;
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        match event {
            BalanceTransactionEvent::Recorded { record, .. } => self.record = Some(record),
            BalanceTransactionEvent::Contradicted { .. } => self.contradicted = true,
        }
    }
}

fn decide(
    state: &BalanceTransaction,
    command: BalanceTransactionCommand,
    now: kernel::Timestamp,
) -> Result<Vec<BalanceTransactionEvent>, BalanceTransactionError> {
    let BalanceTransactionCommand::Record(record) = command;
    if record.amount.checked_sub(record.fee) != Some(record.net) {
        return Err(BalanceTransactionError::DoesNotAdd {
            amount: record.amount,
            fee: record.fee,
            net: record.net,
        });
    }
    Ok(match &state.record {
        None => vec![BalanceTransactionEvent::Recorded { record: *record, at: now }],
        Some(known) if known.same_figures(&record) || state.contradicted => vec![],
        Some(known) => vec![BalanceTransactionEvent::Contradicted {
            known: known.clone(),
            given: *record,
            at: now,
        }],
    })
}

#[cfg(test)]
mod tests;
