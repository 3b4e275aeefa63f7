//! A refusal of a command, kept because an audit asks what was *not* done as well. One stream per
//! rejected request; no command body.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use kernel::{Context, Timestamp, emit};
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, VariantNames};

/// What has happened to a rejection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsRefStr, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RejectionEvent {
    /// A command was refused.
    Recorded {
        /// Which command, such as `order.place`.
        command: String,
        /// Whose: the stream it was meant for.
        target: String,
        /// Stable code of the refusal, such as `order.already_paid`.
        code: String,
        /// The refusal in words.
        message: String,
        /// When.
        at: Timestamp,
    },
}

impl DomainEvent for RejectionEvent {
    fn event_type(&self) -> String {
        format!("rejection.{}", self.as_ref())
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

/// What a rejection can be asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RejectionCommand {
    /// Record it, once.
    Record {
        /// Which command, such as `order.place`.
        command: String,
        /// The stream it was meant for.
        target: String,
        /// Stable code of the refusal.
        code: String,
        /// The refusal in words.
        message: String,
    },
}

/// Recording a refusal is never refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, strum::AsRefStr)]
pub enum RejectionError {}

/// Whether the refusal of this request is recorded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rejection {
    recorded: bool,
}

impl Aggregate for Rejection {
    const TYPE: &'static str = "rejection";
    type Command = RejectionCommand;
    type Event = RejectionEvent;
    type Error = RejectionError;
    type Services = Context;

    async fn handle(
        &mut self,
        command: Self::Command,
        context: &Context,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        let RejectionCommand::Record { command, target, code, message } = command;
        let at = context.now();
        let events = if self.recorded {
            vec![]
        } else {
            vec![RejectionEvent::Recorded { command, target, code, message, at }]
        };
        emit(self, events, sink).await;
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        let RejectionEvent::Recorded { .. } = event;
        self.recorded = true;
    }
}

#[cfg(test)]
mod tests;
